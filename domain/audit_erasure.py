"""Erasing a person's values from the audit log (PIPL Art. 47): the values and their salts go, the records and the chain stay.

The log itself has to be kept for six months (Cybersecurity Law Art. 21): younger values stay until they are old enough.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from domain import audit
from domain.actor import Actor

# A person's values: those known to be theirs; those stored beside one of their phones where nobody was known (a failed
# sign-in, a line of an imported list): the values of that place only, not of the other lines.
_THEIRS = """
    phones AS (
        SELECT phone FROM person WHERE id = CAST(:person_id AS uuid)
        UNION SELECT CAST(:phone AS varchar) WHERE CAST(:phone AS varchar) IS NOT NULL
        UNION SELECT value FROM audit_personal
            WHERE person_id = CAST(:person_id AS uuid) AND value IS NOT NULL AND path ~ '(^|/)phone$'
    ), places AS (
        SELECT p.record_id, regexp_replace(p.path, '[^/]+$', '') AS place
        FROM phones f JOIN audit_personal p ON md5(p.value) = md5(f.phone) AND p.value = f.phone
    ), theirs AS (
        SELECT p.record_id, p.path, r.at FROM audit_personal p JOIN audit_record r ON r.id = p.record_id
        WHERE p.value IS NOT NULL AND p.person_id = CAST(:person_id AS uuid)
        UNION
        SELECT p.record_id, p.path, r.at
        FROM places x JOIN audit_personal p ON p.record_id = x.record_id JOIN audit_record r ON r.id = p.record_id
        WHERE p.value IS NOT NULL AND p.person_id IS NULL AND regexp_replace(p.path, '[^/]+$', '') = x.place
    )"""

ERASE = text(f"""
    WITH {_THEIRS}, erased AS (
        UPDATE audit_personal p SET value = NULL, salt = NULL, erased_at = CAST(:now AS timestamptz)
        FROM theirs t
        WHERE p.record_id = t.record_id AND p.path = t.path AND t.at < CAST(:before AS timestamptz)
        RETURNING p.record_id
    )
    SELECT (SELECT count(*) FROM erased) AS erased, count(*) AS kept, max(at) AS newest
    FROM theirs WHERE at >= CAST(:before AS timestamptz)
""")


@dataclass(frozen=True)
class Erasure:
    """How many values went, how many have to stay for now, and until when the last of them."""

    erased: int
    kept: int
    kept_until: datetime | None


async def erase_personal(
    session: AsyncSession,
    *,
    person_id: UUID | None,
    phone: str | None = None,
    actor: Actor | None,
    keep: timedelta,
    now: datetime,
) -> Erasure:
    """Erase what is older than `keep` of this person, or of this phone (`+86…`) where nobody has it; recorded itself."""
    parameters = {"person_id": person_id, "phone": phone, "now": now, "before": now - keep}
    found = (await execute(session, ERASE, parameters)).one_or_none()
    if found.erased:
        await audit.record(
            session,
            "erase_personal",
            actor=actor,
            about="person",
            about_id=person_id,
            after={"values": found.erased},
            now=now,
        )
    return Erasure(found.erased, found.kept, found.newest + keep if found.newest else None)
