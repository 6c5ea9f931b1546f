"""The audit log's entrance: every command that changes people, roles, places, lists or sessions records itself here.

A record is one statement in the caller's transaction and waits for nobody: it is chained later, by a job
(`domain.audit_chain`). Personal values are put apart with a salt each; the record keeps their digests, so that a value
can be erased (`domain.audit_erasure`) and the chain stays what it was.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from db.ids import uuid7
from domain.actor import Actor

PERSONAL = frozenset(
    {
        "address",
        "card_number",
        "contact",
        "contact_name",
        "contact_phone",
        "display_name",
        "email",
        "holder",
        "id_number",
        "ip",
        "legal_person",
        "name",
        "phone",
        "user_agent",
    }
)
SALT_BYTES = 16

# Whose the values are: a person named in the record, or the one behind what it is about; the address is the actor's.
RECORD = text("""
WITH record AS (
    INSERT INTO audit_record (id, at, action, actor_id, membership_id, officer_id, session_id, about, about_id,
        before, after, personal)
    VALUES (:id, CAST(:now AS timestamptz), :action, CAST(:actor_id AS uuid), CAST(:membership_id AS uuid),
        CAST(:officer_id AS uuid), CAST(:session_id AS uuid), :about, CAST(:about_id AS text),
        CAST(:before AS jsonb), CAST(:after AS jsonb), CAST(:personal AS jsonb))
)
INSERT INTO audit_personal (record_id, path, person_id, salt, value)
SELECT :id, r.path,
    CASE WHEN r.path = 'from/ip' THEN CAST(:actor_id AS uuid) ELSE coalesce(r.person, CAST(:person_id AS uuid), CASE :about
        WHEN 'membership' THEN (SELECT person_id FROM membership WHERE id = CAST(:row_id AS uuid))
        WHEN 'officer' THEN (SELECT person_id FROM officer WHERE id = CAST(:row_id AS uuid))
    END) END,
    decode(r.salt, 'hex'), r.value
FROM jsonb_to_recordset(CAST(:values AS jsonb)) AS r(path text, salt text, value text, person uuid)
""")


@dataclass
class Apart:
    """The personal values of one record, taken out of it: digests to keep, and rows to store elsewhere."""

    digests: dict[str, str] = field(default_factory=dict[str, str])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def put(self, path: str, value: Any, person_id: object = None) -> None:
        """Keep this value under this path."""
        salt = secrets.token_bytes(SALT_BYTES)
        written = value if isinstance(value, str) else _dump(value)
        self.digests[path] = digest_value(salt, written).hex()
        self.rows.append({"path": path, "salt": salt.hex(), "value": written, "person": _as_id(person_id)})

    def take_out(self, value: Any, path: str, person_id: object = None) -> Any:
        """`value` without what is personal in it; at those places stands None. A `person_id` counts for what is below it."""
        if isinstance(value, Mapping):
            whose = value.get("person_id") or person_id
            return {
                str(key): self._part(str(key), part, f"{path}/{key}", whose) for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.take_out(part, f"{path}/{place}", person_id) for place, part in enumerate(value)]
        return value

    def _part(self, key: str, value: Any, path: str, person_id: object) -> Any:
        if key in PERSONAL and value not in (None, ""):
            self.put(path, value, person_id)
            return None
        return self.take_out(value, path, person_id)


async def record(
    session: AsyncSession,
    action: str,
    *,
    actor: Actor | None,
    about: str,
    about_id: object,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Write down that this was done, in the caller's transaction: one statement.

    `action` is verb_object (`add_member`), `about` a table's noun (`membership`). `actor` is None where nobody has signed
    in or the machine acts. Values under the keys in PERSONAL are put apart, at any depth; a `person_id` in `after`
    or `before`, or beside them, says whose they are, else the row that the record is about.
    """
    apart = Apart()
    before = apart.take_out(before, "before")
    after = apart.take_out(after, "after")
    if actor and actor.ip:
        apart.put("from/ip", actor.ip)
    await execute(
        session,
        RECORD,
        {
            "id": uuid7(),
            "now": now,
            "action": action,
            "actor_id": actor and actor.person_id,
            "membership_id": actor and actor.membership_id,
            "officer_id": actor and actor.officer_id,
            "session_id": actor and actor.session_id,
            "about": about,
            "about_id": None if about_id is None else str(about_id),
            "row_id": _as_id(about_id),
            "person_id": _whose(about, about_id, before, after),
            "before": None if before is None else _dump(before),
            "after": None if after is None else _dump(after),
            "personal": _dump(apart.digests),
            "values": _dump(apart.rows),
        },
    )


def digest_value(salt: bytes, value: str) -> bytes:
    """What a record keeps of a personal value. Without the salt it tells nothing, not even of a phone number."""
    return hashlib.sha256(salt + value.encode()).digest()


def _whose(
    about: str, about_id: object, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> UUID | None:
    named = (after or {}).get("person_id") or (before or {}).get("person_id")
    return _as_id(named or (about_id if about == "person" else None))


def _as_id(value: object) -> UUID | None:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
