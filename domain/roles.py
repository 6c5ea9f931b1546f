"""Officers' roles: a security administrator gives and takes them, one officer × role × office at a time.

Separated as GB/T 22239-2019 wants (§8.1.5: system, audit and security management): system_admin, security_admin and
auditor are three people, held apart by a unique index beside the rule here. They hold their role at the top office. Nobody
changes their own roles, and a system administrator and a security administrator always remain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import FormRefused, LastAdministrator, OwnRights, RecordUnknown, RolesApart
from domain.models import CustomsOffice, Officer, OfficerRole, Person
from domain.models.people import ADMINISTRATORS, OFFICER_ROLES
from domain.offices import find_top_office

KEEPER = "security_admin"
ALWAYS_LEFT = frozenset({"system_admin", "security_admin"})


@dataclass(frozen=True)
class HeldRole:
    """One role of an officer."""

    role: str
    office: str
    office_name: str
    office_active: bool


# Whoever claims a task holds this row by FOR KEY SHARE until it is claimed: roles are taken before it or after it.
LOCK_OFFICER = text("SELECT id FROM officer WHERE id = CAST(:officer_id AS uuid) FOR UPDATE")
HOLD_OFFICER = text("""
SELECT f.id FROM officer f JOIN person p ON p.id = f.person_id
WHERE f.person_id = CAST(:person_id AS uuid) AND f.active AND p.active FOR KEY SHARE OF f
""")
OTHERS_LEFT = text("""
SELECT EXISTS (SELECT FROM officer_role r JOIN officer f ON f.id = r.officer_id JOIN person p ON p.id = f.person_id
    WHERE r.role = :role AND r.officer_id <> CAST(:officer_id AS uuid) AND f.active AND p.active)
""")


async def list_roles(session: AsyncSession, officer_id: UUID) -> list[HeldRole]:
    """The roles of an officer, in the glossary's order, then by office."""
    rows = await session.execute(
        select(
            col(OfficerRole.role),
            col(OfficerRole.office),
            col(CustomsOffice.name),
            col(CustomsOffice.active),
        )
        .join(CustomsOffice, col(CustomsOffice.code) == col(OfficerRole.office))
        .where(col(OfficerRole.officer_id) == officer_id)
    )
    held = [HeldRole(*row) for row in rows]
    return sorted(held, key=lambda one: (OFFICER_ROLES.index(one.role), one.office))


async def give_role(
    session: AsyncSession, actor: Actor, officer_id: UUID, role: str, office: str, now: datetime
) -> None:
    """Let an officer act in this role at this office; an administrator's role is held at the top office. Nothing happens
    when they do already. Raises RecordUnknown, OwnRights, FormRefused, RolesApart."""
    await begin(session, actor, KEEPER)
    officer = await lock_officer(session, officer_id)
    _require_other(actor, officer)
    office = await _check_place(session, role, office)
    if not officer.active:
        raise FormRefused({"role": "这位关员的账号已停用，请先由系统管理员恢复。"})
    held = await list_roles(session, officer_id)
    if any(one.role == role and one.office == office for one in held):
        return
    await add_role(session, officer_id, role, office)
    await record_role(session, "give_role", actor, officer_id, role, office, now)


async def add_role(session: AsyncSession, officer_id: UUID, role: str, office: str) -> None:
    """Write a role down; RolesApart when the database keeps three administrators apart."""
    try:
        async with session.begin_nested():
            session.add(OfficerRole(officer_id=officer_id, role=role, office=office))
            await session.flush()
    except IntegrityError as error:
        if "officer_role_one_administration" in str(error.orig):
            raise RolesApart from error
        raise


async def take_role(
    session: AsyncSession, actor: Actor, officer_id: UUID, role: str, office: str, now: datetime
) -> Officer:
    """This officer no longer acts in this role at this office. What they had claimed there is the caller's to give back
    (`tasks.administration`). Raises RecordUnknown, OwnRights, LastAdministrator."""
    await begin(session, actor, KEEPER)
    officer = await lock_officer(session, officer_id)
    _require_other(actor, officer)
    held = await session.get(OfficerRole, (officer_id, role, office))
    if held is None:
        raise RecordUnknown
    await require_others_left(session, officer_id, {role})
    await session.delete(held)
    await session.flush()
    await record_role(session, "take_role", actor, officer_id, role, office, now)
    return officer


async def hold_groups(session: AsyncSession, person_id: UUID) -> tuple[str, ...]:
    """The groups (`role:office`) of an active officer, which nobody takes away before this transaction ends; () for
    whoever is none. To be called before an instance is locked."""
    officer_id = await session.scalar(HOLD_OFFICER, {"person_id": person_id})
    if officer_id is None:
        return ()
    rows = await session.execute(  # a statement of its own: it sees what the lock waited for
        select(col(OfficerRole.role), col(OfficerRole.office))
        .where(col(OfficerRole.officer_id) == officer_id)
        .order_by(col(OfficerRole.role), col(OfficerRole.office))
    )
    return tuple(f"{role}:{office}" for role, office in rows)


async def require_others_left(session: AsyncSession, officer_id: UUID, roles: set[str]) -> None:
    """LastAdministrator unless somebody else is there for each of these roles that must never be without."""
    for role in sorted(ALWAYS_LEFT & roles):
        parameters = {"role": role, "officer_id": officer_id}
        if not await session.scalar(OTHERS_LEFT, parameters):
            raise LastAdministrator


async def lock_officer(session: AsyncSession, officer_id: UUID) -> Officer:
    """The officer's row, locked before any instance; RecordUnknown for none."""
    await session.execute(LOCK_OFFICER, {"officer_id": officer_id})
    officer = await session.get(Officer, officer_id, populate_existing=True)
    if officer is None:
        raise RecordUnknown
    return officer


async def find_administrators(session: AsyncSession, role: str) -> list[tuple[Officer, Person]]:
    """Who is active in this role, at whatever office."""
    rows = await session.execute(
        select(Officer, Person)
        .join(Person, col(Person.id) == col(Officer.person_id))
        .where(
            col(Officer.active),
            col(Person.active),
            select(OfficerRole)
            .where(col(OfficerRole.officer_id) == col(Officer.id), col(OfficerRole.role) == role)
            .exists(),
        )
        .order_by(col(Officer.created_at))
    )
    return [(officer, person) for officer, person in rows]


async def _check_place(session: AsyncSession, role: str, office: str) -> str:
    errors: dict[str, str] = {}
    if role not in OFFICER_ROLES:
        errors["role"] = "请选择“角色”。"
    if role in ADMINISTRATORS:
        office = (await find_top_office(session)).code
    elif (found := await session.get(CustomsOffice, office)) is None:
        errors["office"] = "请选择“海关单位”。"
    elif not found.active:
        errors["office"] = f"{found.name}已停用，不能再授予那里的角色。"
    if errors:
        raise FormRefused(errors)
    return office


def _require_other(actor: Actor, officer: Officer) -> None:
    if actor.person_id == officer.person_id:
        raise OwnRights


async def record_role(
    session: AsyncSession,
    action: str,
    actor: Actor | None,
    officer_id: UUID,
    role: str,
    office: str,
    now: datetime,
) -> None:
    """A role given or taken, in the audit log."""
    what: Mapping[str, Any] = {"role": role, "office": office}
    given = action == "give_role"
    await audit.record(
        session,
        action,
        actor=actor,
        about="officer",
        about_id=officer_id,
        before=None if given else what,
        after=what if given else None,
        now=now,
    )
