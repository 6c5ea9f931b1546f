"""Officers' accounts, as a system administrator keeps them: added with a first password, disabled and enabled again. What
they may do is given by somebody else (`domain.roles`)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_identifier, clean_line, clean_name
from db.ids import uuid7
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.exceptions import ChangeRefused, FormRefused, OwnRights, RecordUnknown
from domain.models import CustomsOffice, Officer, OfficerRole, Person
from domain.passwords import make_initial_password, set_password
from domain.people import normalise_phone
from domain.roles import lock_officer, require_others_left
from domain.sessions import end_all_sessions

KEEPER = "system_admin"
LONGEST_NAME = 30
PAGE = 50


@dataclass(frozen=True)
class OfficerLine:
    """One officer in a list; `groups` are the roles as `role:office`."""

    id: UUID
    person_id: UUID
    name: str
    phone: str
    office: str | None
    office_name: str | None
    active: bool
    must_change_password: bool
    created_at: datetime
    groups: tuple[str, ...]


@dataclass(frozen=True)
class NewOfficer:
    """An officer just added, or given a new password: shown once, kept nowhere."""

    officer_id: UUID
    password: str


async def list_officers(
    session: AsyncSession,
    *,
    words: str = "",
    office: str = "",
    role: str = "",
    after: tuple[str, UUID] | None = None,
    limit: int = PAGE,
) -> list[OfficerLine]:
    """Officers by name, one page and one more; `words` are a part of the name or of the phone."""
    roles = select(OfficerRole).where(col(OfficerRole.officer_id) == col(Officer.id))
    statement = _lines().order_by(col(Person.name), col(Officer.id)).limit(limit + 1)
    if words := clean_name(words):
        digits = "".join(letter for letter in clean_identifier(words) if letter.isdigit())
        found = col(Person.name).contains(words, autoescape=True)
        statement = statement.where(
            or_(found, col(Person.phone).contains(digits, autoescape=True)) if len(digits) >= 4 else found
        )
    if office:
        at = roles.where(col(OfficerRole.office) == office).exists()
        statement = statement.where(or_(col(Officer.office) == office, at))
    if role:
        statement = statement.where(roles.where(col(OfficerRole.role) == role).exists())
    if after:
        name, id_ = after
        statement = statement.where(
            or_(col(Person.name) > name, (col(Person.name) == name) & (col(Officer.id) > id_))
        )
    return await _read(session, statement)


async def find_officer(session: AsyncSession, officer_id: UUID) -> OfficerLine:
    """One officer; RecordUnknown for none."""
    lines = await _read(session, _lines().where(col(Officer.id) == officer_id))
    if not lines:
        raise RecordUnknown
    return lines[0]


async def add_officer(
    session: AsyncSession, actor: Actor | None, *, name: str, phone: str, office: str, now: datetime
) -> NewOfficer:
    """A new account without any role, and its first password. Raises FormRefused."""
    await begin(session, actor, KEEPER)
    name, normal = clean_name(name), normalise_phone(phone)
    errors: dict[str, str] = {}
    if mistake := find_mistake("姓名", name, LONGEST_NAME):
        errors["name"] = mistake
    if normal is None:
        errors["phone"] = "请填写 11 位手机号码。" if clean_line(phone) else "请填写“手机号码”。"
    place = await session.get(CustomsOffice, office)
    if place is None or not place.active:
        errors["office"] = "请选择“所属单位”。"
    if errors or normal is None:
        raise FormRefused(errors)
    person_id = await _add_person(session, name, normal, now)
    officer = Officer(id=uuid7(), person_id=person_id, office=office, password_hash="", created_at=now)
    session.add(officer)
    await session.flush()
    new = await set_first_password(session, actor, officer, now)
    await audit.record(
        session,
        "add_officer",
        actor=actor,
        about="officer",
        about_id=officer.id,
        after={"name": name, "phone": normal, "office": office},
        now=now,
    )
    return new


async def edit_officer(
    session: AsyncSession, actor: Actor, officer_id: UUID, *, name: str, office: str, now: datetime
) -> None:
    """Another name or office; the phone is the person's own to change. Raises RecordUnknown, FormRefused."""
    await begin(session, actor, KEEPER)
    before = await find_officer(session, officer_id)
    name, errors = clean_name(name), dict[str, str]()
    if mistake := find_mistake("姓名", name, LONGEST_NAME):
        errors["name"] = mistake
    place = await session.get(CustomsOffice, office)
    if place is None or not (place.active or office == before.office):
        errors["office"] = "请选择“所属单位”。"
    if errors:
        raise FormRefused(errors)
    if (name, office) == (before.name, before.office):
        return
    officer = await lock_officer(session, officer_id)
    person = await session.get_one(Person, officer.person_id)
    officer.office, person.name = office, name
    await session.flush()
    await audit.record(
        session,
        "edit_officer",
        actor=actor,
        about="officer",
        about_id=officer_id,
        before={"name": before.name, "office": before.office},
        after={"name": name, "office": office},
        now=now,
    )


async def reset_password(session: AsyncSession, actor: Actor, officer_id: UUID, now: datetime) -> NewOfficer:
    """A new first password, to be changed at the next sign-in; all sessions end. Raises RecordUnknown, OwnRights."""
    await begin(session, actor, KEEPER)
    officer = await lock_officer(session, officer_id)
    _require_other(actor, officer)
    if not officer.active:
        raise ChangeRefused("这位关员的账号已停用，请先恢复。")
    return await set_first_password(session, actor, officer, now)


async def set_first_password(
    session: AsyncSession, actor: Actor | None, officer: Officer, now: datetime
) -> NewOfficer:
    """A password to be told and to be changed; it records itself. Who may is left to the caller."""
    password = make_initial_password()
    await set_password(session, officer, password, must_change=True, now=now, actor=actor)
    return NewOfficer(officer.id, password)


async def disable_officer(
    session: AsyncSession, actor: Actor | None, officer_id: UUID, now: datetime
) -> Officer:
    """Out at once: sessions end, no sign-in, no tasks. Roles stay for the day they come back; claimed tasks are the
    caller's to give back (`tasks.returns`). Raises RecordUnknown, OwnRights, LastAdministrator."""
    await begin(session, actor, KEEPER)
    officer = await lock_officer(session, officer_id)
    _require_other(actor, officer)
    if not officer.active:
        return officer
    roles = await session.scalars(
        select(col(OfficerRole.role)).where(col(OfficerRole.officer_id) == officer_id)
    )
    if actor is not None:
        await require_others_left(session, officer_id, set(roles))
    officer.active = False
    await session.flush()
    await _end_and_record(session, "disable_officer", actor, officer, now)
    return officer


async def enable_officer(session: AsyncSession, actor: Actor, officer_id: UUID, now: datetime) -> None:
    """They may sign in again, with the password and the roles they had. Raises RecordUnknown, OwnRights."""
    await begin(session, actor, KEEPER)
    officer = await lock_officer(session, officer_id)
    _require_other(actor, officer)
    if officer.active:
        return
    officer.active = True
    await session.flush()
    # A sign-in that began before they were disabled may have left a session: it must not come alive now.
    await _end_and_record(session, "enable_officer", actor, officer, now)


async def _end_and_record(
    session: AsyncSession, action: str, actor: Actor | None, officer: Officer, now: datetime
) -> None:
    await end_all_sessions(session, officer.person_id, now, actor=actor)
    await audit.record(
        session,
        action,
        actor=actor,
        about="officer",
        about_id=officer.id,
        before={"active": not officer.active},
        after={"active": officer.active},
        now=now,
    )


async def _add_person(session: AsyncSession, name: str, phone: str, now: datetime) -> UUID:
    """A new person: a phone that somebody has cannot become an officer's, an enterprise's people least of all."""
    row = {"id": uuid7(), "name": name, "phone": phone, "active": True, "created_at": now}
    added = await session.scalar(
        insert(Person).values(row).on_conflict_do_nothing().returning(col(Person.id))
    )
    if added is not None:
        return added
    is_officer = await session.scalar(
        select(col(Officer.id))
        .join(Person, col(Person.id) == col(Officer.person_id))
        .where(col(Person.phone) == phone)
    )
    who = "关员" if is_officer else "用户"
    raise FormRefused({"phone": f"这个手机号码已经是本系统的{who}，不能重复登记。"})


async def find_taken(session: AsyncSession, phones: Collection[str]) -> set[str]:
    """Which of these numbers (`+86…`) somebody has, officer or not."""
    return set(await session.scalars(select(col(Person.phone)).where(col(Person.phone).in_(phones))))


def _require_other(actor: Actor | None, officer: Officer) -> None:
    if actor is not None and actor.person_id == officer.person_id:
        raise OwnRights


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Officer.id),
            col(Officer.person_id),
            col(Person.name),
            col(Person.phone),
            col(Officer.office),
            col(CustomsOffice.name).label("office_name"),
            (col(Officer.active) & col(Person.active)).label("active"),
            col(Officer.must_change_password),
            col(Officer.created_at),
        )
        .join(Person, col(Person.id) == col(Officer.person_id))
        .outerjoin(CustomsOffice, col(CustomsOffice.code) == col(Officer.office))
    )


async def _read(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> list[OfficerLine]:
    rows = (await session.execute(statement)).all()
    groups = await _groups_of(session, [row.id for row in rows])
    return [OfficerLine(*row, groups=groups.get(row.id, ())) for row in rows]


async def _groups_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    rows = await session.execute(
        select(col(OfficerRole.officer_id), col(OfficerRole.role), col(OfficerRole.office))
        .where(col(OfficerRole.officer_id).in_(ids))
        .order_by(col(OfficerRole.role), col(OfficerRole.office))
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for id_, role, office in rows:
        found[id_] = (*found.get(id_, ()), f"{role}:{office}")
    return found
