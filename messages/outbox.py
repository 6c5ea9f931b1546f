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
from messages.jobs import URGENT, deliver_codes, deliver_messages
from messages.texts import Text

OFFICE = "office"

# All messages of a step as one JSON parameter, and the job that delivers them: one statement, however many there are.
INSERT_MESSAGES: TextClause = text(f"""
WITH new_message AS (
    INSERT INTO message (id, person_id, to_phone, to_mail, template, params, title, text, sms_text, secret, is_code,
        topic, channels, state, tries, process, instance_id, element_id, created_at, due_at, waits_for, expires_at)
    SELECT id, person_id, to_phone, to_mail, template, params, title, text, sms_text, secret, is_code, topic, channels,
        state, tries, process, instance_id, element_id, created_at, due_at, waits_for, expires_at
    FROM jsonb_populate_recordset(NULL::message, CAST(:rows AS jsonb))
) {DEFER}
""")


@dataclass(frozen=True)
class NewMessage:
    """A message to be: to a person, or to a phone or a mail address that is nobody's yet. `sealed`: a secret (messages.sealing).

    `process` is the one whose texts the template is of. A `dead` message is recorded as expired and never sent (a code for a
    phone that nobody has). `office_opens_at`: nothing is sent before; it stands among the person's notices at once.
    """

    template: str
    text: Text
    created_at: datetime
    person_id: UUID | None = None
    to_phone: str | None = None
    to_mail: str | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    sealed: bytes | None = field(default=None, repr=False)
    process: str | None = None
    instance_id: UUID | None = None
    element_id: str | None = None
    expires_at: datetime | None = None
    office_opens_at: datetime | None = None
    is_code: bool = False
    dead: bool = False
    id: UUID = field(default_factory=uuid7)


async def enqueue(session: AsyncSession, messages: list[NewMessage]) -> None:
    """Write the messages and enqueue one job that delivers them: one statement, however many there are; one more for those that
    wait till offices open."""
    by_moment: dict[datetime | None, list[NewMessage]] = {}
    for message in messages:
        by_moment.setdefault(message.office_opens_at, []).append(message)
    for moment, several in by_moment.items():
        await _enqueue(session, several, moment)


async def _enqueue(session: AsyncSession, messages: list[NewMessage], at: datetime | None) -> None:
    rows = orjson.dumps([_as_row(message) for message in messages]).decode()
    ids = [str(message.id) for message in messages]
    if any(message.is_code for message in messages):
        job = job_parameters(deliver_codes, priority=URGENT, ids=ids)
    else:
        job = job_parameters(deliver_messages, at=at, ids=ids)
    await execute(session, INSERT_MESSAGES, {"rows": rows, **job})


def _as_row(message: NewMessage) -> dict[str, Any]:
    text = message.text
    return {
        "id": message.id,
        "person_id": message.person_id,
        "to_phone": message.to_phone,
        "to_mail": message.to_mail,
        "template": message.template,
        "params": message.params,
        "title": text.title,
        "text": text.text,
        "sms_text": text.sms,
        "secret": f"\\x{message.sealed.hex()}" if message.sealed is not None else None,
        "is_code": message.is_code,
        "topic": text.topic,
        "channels": text.channels,
        "state": _first_state(message),
        "tries": 0,
        "process": message.process,
        "instance_id": message.instance_id,
        "element_id": message.element_id,
        "created_at": message.created_at,
        "due_at": message.office_opens_at or message.created_at,
        "waits_for": OFFICE if message.office_opens_at else None,
        "expires_at": message.expires_at,
    }


def _first_state(message: NewMessage) -> str:
    if message.dead:
        return "expired"
    return "queued" if message.text.channels else "kept"
