"""The outbox: messages written, and their delivery enqueued, in the transaction of the step that causes them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from db.ids import uuid7
from db.jobs import DEFER, job_parameters
from messages.jobs import deliver_messages

# All messages of a step as one JSON parameter, and the job that delivers them: one statement, however many there are.
INSERT_MESSAGES: TextClause = text(f"""
WITH new_message AS (
    INSERT INTO message (id, person_id, to_phone, template, params, text, secret, state, tries, instance_id,
        element_id, created_at, expires_at)
    SELECT id, person_id, to_phone, template, params, text, secret, state, tries, instance_id, element_id,
        created_at, expires_at
    FROM jsonb_populate_recordset(NULL::message, CAST(:rows AS jsonb))
) {DEFER}
""")
URGENT = 10  # a person waits for it at the screen


@dataclass(frozen=True)
class NewMessage:
    """A message to be: to a person, or to a phone when there is no person yet. `sealed` is a secret, see messages.sealing.

    A `dead` message is recorded as expired and never sent (a code for a phone that nobody has).
    """

    template: str
    text: str
    created_at: datetime
    person_id: UUID | None = None
    to_phone: str | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    sealed: bytes | None = field(default=None, repr=False)
    instance_id: UUID | None = None
    element_id: str | None = None
    expires_at: datetime | None = None
    dead: bool = False
    id: UUID = field(default_factory=uuid7)


async def enqueue(session: AsyncSession, messages: list[NewMessage]) -> None:
    """Write the messages and enqueue one job that delivers them: one statement, however many there are."""
    if not messages:
        return
    rows = orjson.dumps([_as_row(message) for message in messages]).decode()
    urgent = any(message.expires_at is not None for message in messages)
    ids = [str(message.id) for message in messages]
    job = job_parameters(deliver_messages, priority=URGENT if urgent else 0, ids=ids)
    await execute(session, INSERT_MESSAGES, {"rows": rows, **job})


def _as_row(message: NewMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "person_id": message.person_id,
        "to_phone": message.to_phone,
        "template": message.template,
        "params": message.params,
        "text": message.text,
        "secret": f"\\x{message.sealed.hex()}" if message.sealed is not None else None,
        "state": "expired" if message.dead else "queued",
        "tries": 0,
        "instance_id": message.instance_id,
        "element_id": message.element_id,
        "created_at": message.created_at,
        "expires_at": message.expires_at,
    }
