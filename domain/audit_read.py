"""The audit log for the auditor: records by who, what, on what and when, the newest first; and the state of the seal.

Reading changes nothing. A personal value stands in its place again, or that it has been erased.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.audit_chain import Source, sign_head
from domain.models import AuditPersonal, AuditRecord, Membership, Person
from domain.people import find_names, normalise_phone
from domain.working_days import BEIJING

ERASED = "（已依法删除）"


@dataclass(frozen=True)
class AuditFilter:
    """What the auditor looks for. `who` and `what` are a name, a phone number or an id, whole; days are Beijing's."""

    who: str = ""
    action: str = ""
    about: str = ""
    what: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class AuditLine:
    """One record with its personal values in place. `ip` is where it came from, `sealed_in` its batch."""

    id: UUID
    at: datetime
    action: str
    actor_id: UUID | None
    actor_name: str | None
    as_officer: bool
    session_id: UUID | None
    ip: str | None
    about: str
    about_id: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sealed_in: int | None


@dataclass(frozen=True)
class Page:
    """Some lines, and where the next page begins."""

    items: Sequence[AuditLine]
    next: tuple[datetime, UUID] | None


@dataclass(frozen=True)
class SealState:
    """Where the chain ends, whether that end is signed, and what is in no batch yet."""

    number: int
    digest: bytes
    sealed_at: datetime | None
    is_signed: bool
    unsealed: int
    unsealed_since: datetime | None


async def list_records(
    session: AsyncSession,
    wanted: AuditFilter,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """One page of what the filter finds."""
    statement = (
        _find(wanted).order_by(col(AuditRecord.at).desc(), col(AuditRecord.id).desc()).limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(tuple_(col(AuditRecord.at), col(AuditRecord.id)) < tuple_(*after))
    rows: list[AuditRecord] = list(await session.scalars(statement))
    lines = await _complete(session, rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(lines, (last.at, last.id) if last else None)


async def list_actions(session: AsyncSession) -> tuple[list[str], list[str]]:
    """The actions and the kinds of things that occur in the log; steps through an index, not through the log."""
    found: list[list[str]] = []
    for column in ("action", "about"):
        rows = await session.execute(text(_DISTINCT.format(column=column)))
        found.append(list(rows.scalars()))
    return found[0], found[1]


_DISTINCT = """
    WITH RECURSIVE step AS (
        (SELECT {column} AS value FROM audit_record ORDER BY {column} LIMIT 1)
        UNION ALL
        SELECT (SELECT {column} FROM audit_record WHERE {column} > step.value ORDER BY {column} LIMIT 1)
        FROM step WHERE step.value IS NOT NULL
    )
    SELECT value FROM step WHERE value IS NOT NULL ORDER BY value
"""

_END = text("""
    SELECT h.number, h.digest, h.signature, b.number AS last, b.digest AS last_digest, b.sealed_at
    FROM (SELECT) AS always
    LEFT JOIN audit_head h ON true
    LEFT JOIN (SELECT number, digest, sealed_at FROM audit_batch ORDER BY number DESC LIMIT 1) AS b ON true
""")


async def read_seal(session: AsyncSession, sources: Sequence[Source], key: bytes) -> SealState:
    """The state of the seal; a few look-ups, whatever the log's size."""
    end = (await session.execute(_END)).one()
    is_signed = end.number is None and end.last is None
    if end.number is not None and (end.number, end.digest) == (end.last, end.last_digest):
        is_signed = hmac.compare_digest(sign_head(key, end.number, end.digest), end.signature)
    unsealed, since = 0, None
    for source in sources:
        tail = text(f"SELECT count(*), min(at) FROM {source.table} WHERE sealed_in IS NULL")
        count, oldest = (await session.execute(tail)).one()
        unsealed += count
        since = min(filter(None, (since, oldest)), default=None)
    return SealState(end.last or 0, end.last_digest or b"", end.sealed_at, is_signed, unsealed, since)


def _find(wanted: AuditFilter) -> Select[Any]:
    statement = select(AuditRecord)
    rules: list[ColumnElement[bool]] = []
    if wanted.who:
        rules.append(or_(*_by_person(wanted.who)))
    if wanted.action:
        rules.append(col(AuditRecord.action) == wanted.action)
    if wanted.about:
        rules.append(col(AuditRecord.about) == wanted.about)
    if wanted.what:
        rules.append(or_(*_by_subject(wanted.what)))
    if wanted.since:
        rules.append(col(AuditRecord.at) >= _start_of(wanted.since))
    if wanted.until:
        rules.append(col(AuditRecord.at) < _start_of(wanted.until + timedelta(days=1)))
    return statement.where(*rules)


def _by_person(words: str) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if id_ := _as_id(words):
        rules.append(col(AuditRecord.actor_id) == id_)
        rules.append(col(AuditRecord.session_id) == id_)
    phone = normalise_phone(words) or words
    named = select(col(Person.id)).where(or_(col(Person.name) == words, col(Person.phone) == phone))
    shown = select(col(Membership.person_id)).where(col(Membership.display_name) == words)
    rules.append(col(AuditRecord.actor_id).in_(named.union(shown)))
    return rules


def _by_subject(words: str) -> list[ColumnElement[bool]]:
    value = normalise_phone(words) or words
    holding = select(col(AuditPersonal.record_id)).where(
        func.md5(col(AuditPersonal.value)) == func.md5(value), col(AuditPersonal.value) == value
    )
    return [col(AuditRecord.about_id) == words, col(AuditRecord.id).in_(holding)]


async def _complete(session: AsyncSession, rows: Sequence[AuditRecord]) -> list[AuditLine]:
    names = await find_names(session, {row.actor_id for row in rows if row.actor_id})
    values: dict[UUID, dict[str, str | None]] = {row.id: {} for row in rows}
    found = await session.scalars(select(AuditPersonal).where(col(AuditPersonal.record_id).in_(list(values))))
    for one in found:
        values[one.record_id][one.path] = one.value
    return [_line(row, values[row.id], names) for row in rows]


def _line(row: AuditRecord, values: Mapping[str, str | None], names: Mapping[UUID, str]) -> AuditLine:
    before, after = dict(row.before or {}), dict(row.after or {})
    whole = {"before": before, "after": after, "from": {}}
    for path in row.personal:
        _put_back(whole, path.split("/"), values.get(path) or ERASED)
    return AuditLine(
        id=row.id,
        at=row.at,
        action=row.action,
        actor_id=row.actor_id,
        actor_name=names.get(row.actor_id) if row.actor_id else None,
        as_officer=row.officer_id is not None,
        session_id=row.session_id,
        ip=whole["from"].get("ip") or after.pop("ip", None),
        about=row.about,
        about_id=row.about_id,
        before=before,
        after=after,
        sealed_in=row.sealed_in,
    )


def _put_back(whole: Any, path: Sequence[str], value: str) -> None:
    for step in path[:-1]:
        whole = whole[int(step)] if isinstance(whole, list) else whole.setdefault(step, {})
    whole[path[-1]] = value


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


def _as_id(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None
