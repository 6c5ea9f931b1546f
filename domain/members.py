"""用户管理: the members of an enterprise as its admin keeps them. Add, edit, suspend, resume, remove; the last admin stays.

Every command first takes the enterprise's lock for members, then asks again whether the actor is an admin there: two
admins cannot remove each other. It stands before any lock on an instance (`tasks.leavers` moves a leaver's work in the
same transaction), and nothing that holds an instance ever asks for it. A phone that is known already becomes a
member like any other: nothing here tells what else its owner does.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, any_, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.ids import uuid7
from domain.actor import Actor
from domain.audit import record
from domain.exceptions import LastAdmin, MemberExists, MemberRefused, MemberUnknown, NotAdmin
from domain.member_fields import GIVEN_ROLES, MemberFields, check_changes
from domain.models import Membership, Person
from domain.sessions import leave_membership

ADMIN = "enterprise_admin"
MOST_MEMBERS = 500
LOCK_MEMBERS = text("SELECT pg_advisory_xact_lock(hashtextextended('members:' || CAST(:id AS text), 0))")
ADD_PERSON = text("""
    INSERT INTO person (id, name, phone, active, created_at) VALUES (:id, :name, :phone, true, :now)
    ON CONFLICT (phone) DO NOTHING
""")
CLOSE_OFFERS = text("""
    UPDATE admin_offer SET outcome = 'cancelled', decided_at = :now
    WHERE outcome IS NULL AND (from_id = :id OR to_id = :id)
""")


@dataclass(frozen=True)
class Member:
    """One member in a list; `state` is active, suspended or removed."""

    id: UUID
    person_id: UUID
    name: str
    phone: str
    position: str
    roles: tuple[str, ...]
    state: str
    created_at: datetime
    suspended_at: datetime | None
    removed_at: datetime | None

    @property
    def is_admin(self) -> bool:
        """Whether this is an admin of the enterprise, suspended or not."""
        return ADMIN in self.roles

    @property
    def given_roles(self) -> tuple[str, ...]:
        """The roles an admin gives and takes."""
        return tuple(role for role in GIVEN_ROLES if role in self.roles)


async def list_members(session: AsyncSession, enterprise_id: UUID) -> list[Member]:
    """Everybody who is a member, suspended ones included, in the order they joined."""
    rows = await session.execute(
        _members(enterprise_id)
        .where(col(Membership.removed_at).is_(None))
        .order_by(col(Membership.created_at), col(Membership.id))
    )
    return [_read(row) for row in rows]


async def get_member(session: AsyncSession, enterprise_id: UUID, member_id: UUID) -> Member:
    """One member of this enterprise, removed ones included. Raises MemberUnknown."""
    row = (
        await session.execute(_members(enterprise_id).where(col(Membership.id) == member_id))
    ).one_or_none()
    if row is None:
        raise MemberUnknown
    return _read(row)


async def lock_members(session: AsyncSession, actor: Actor) -> UUID:
    """Keep every other change of this enterprise's members out until the transaction ends; the enterprise.

    Raises NotAdmin for whoever is no admin there any more.
    """
    if actor.enterprise_id is None:
        raise NotAdmin
    await session.execute(LOCK_MEMBERS, {"id": actor.enterprise_id})
    acting = await session.execute(
        select(col(Membership.id)).where(
            col(Membership.id) == actor.membership_id,
            col(Membership.enterprise_id) == actor.enterprise_id,
            col(Membership.active),
            literal(ADMIN) == any_(col(Membership.roles)),
        )
    )
    if acting.first() is None:
        raise NotAdmin
    return actor.enterprise_id


async def add_member(session: AsyncSession, actor: Actor, fields: MemberFields, now: datetime) -> Member:
    """A new member, usable at once; one who was removed comes back. Raises MemberExists, MemberRefused, NotAdmin."""
    enterprise_id = await lock_members(session, actor)
    found = await add_locked(session, actor, enterprise_id, fields, now)
    return await get_member(session, enterprise_id, found)


async def add_locked(
    session: AsyncSession, actor: Actor, enterprise_id: UUID, fields: MemberFields, now: datetime
) -> UUID:
    """The same for a caller who holds the lock already and adds several; the membership's id."""
    person_id = await _person_of(session, fields, now)
    membership = await session.scalar(
        select(Membership).where(
            col(Membership.person_id) == person_id, col(Membership.enterprise_id) == enterprise_id
        ),
        execution_options={"populate_existing": True},
    )
    before = None if membership is None else _facts(membership)
    if membership is None:
        await _require_room(session, enterprise_id)
        membership = Membership(person_id=person_id, enterprise_id=enterprise_id, created_at=now)
    elif membership.removed_at is None:
        raise MemberExists(is_suspended=membership.suspended_at is not None)
    membership.display_name, membership.position = fields.name, fields.position
    membership.roles = list(fields.roles)
    _activate(membership)
    session.add(membership)
    await session.flush()
    after = _facts(membership) | {"phone": fields.phone}
    await _record(session, "add_member", actor, membership.id, before, after, now)
    return membership.id


async def edit_member(
    session: AsyncSession,
    actor: Actor,
    member_id: UUID,
    *,
    name: str | None = None,
    position: str | None = None,
    roles: tuple[str, ...] | None = None,
    now: datetime,
) -> Member:
    """Change the display name, position and given roles; None leaves as it is. The admin's role stays. MemberUnknown."""
    enterprise_id = await lock_members(session, actor)
    membership = await load_membership(session, enterprise_id, member_id)
    if membership.removed_at is not None:
        raise MemberUnknown
    before = _facts(membership)
    is_admin = ADMIN in membership.roles
    name, position, given = check_changes(name, position, roles, is_admin=is_admin)
    if name is not None:
        membership.display_name = name
    if position is not None:
        membership.position = position
    if given is not None:
        membership.roles = [*([ADMIN] if is_admin else []), *given]
    await session.flush()
    if (after := _facts(membership)) != before:
        await _record(session, "edit_member", actor, member_id, before, after, now)
    return await get_member(session, enterprise_id, member_id)


async def suspend_member(session: AsyncSession, actor: Actor, member_id: UUID, now: datetime) -> Member:
    """Out at once, until resumed; suspending again changes nothing. Raises LastAdmin, MemberUnknown."""
    enterprise_id = await lock_members(session, actor)
    membership = await load_membership(session, enterprise_id, member_id)
    if membership.removed_at is not None:
        raise MemberUnknown
    if membership.suspended_at is None:
        await _require_other_admin(session, membership)
        membership.suspended_at = now
        await _put_out(session, actor, membership, "suspend_member", now)
    return await get_member(session, enterprise_id, member_id)


async def remove_member(session: AsyncSession, actor: Actor, member_id: UUID, now: datetime) -> Member:
    """Gone from the enterprise; removing again changes nothing. Raises LastAdmin, MemberUnknown."""
    enterprise_id = await lock_members(session, actor)
    membership = await load_membership(session, enterprise_id, member_id)
    if membership.removed_at is None:
        if membership.active:
            await _require_other_admin(session, membership)
        membership.removed_at = now
        await _put_out(session, actor, membership, "remove_member", now)
    return await get_member(session, enterprise_id, member_id)


async def resume_member(session: AsyncSession, actor: Actor, member_id: UUID, now: datetime) -> Member:
    """A suspended member may act again. Raises MemberUnknown, also for one who was removed: add them again."""
    enterprise_id = await lock_members(session, actor)
    membership = await load_membership(session, enterprise_id, member_id)
    if membership.removed_at is not None:
        raise MemberUnknown
    if membership.suspended_at is not None:
        before = _facts(membership)
        _activate(membership)
        await session.flush()
        await _record(session, "resume_member", actor, member_id, before, _facts(membership), now)
    return await get_member(session, enterprise_id, member_id)


async def load_membership(session: AsyncSession, enterprise_id: UUID, member_id: UUID) -> Membership:
    """The row as it is now, for whoever holds the lock. Raises MemberUnknown."""
    found = await session.get(Membership, member_id, populate_existing=True)
    if found is None or found.enterprise_id != enterprise_id:
        raise MemberUnknown
    return found


async def _person_of(session: AsyncSession, fields: MemberFields, now: datetime) -> UUID:
    """Whose phone this is; a new person where it is nobody's. One who exists keeps their own name."""
    new = {"id": uuid7(), "name": fields.name, "phone": fields.phone, "now": now}
    await session.execute(ADD_PERSON, new)
    person_id = await session.scalar(select(col(Person.id)).where(col(Person.phone) == fields.phone))
    assert person_id is not None, "the statement before has seen to it"
    return person_id


async def _require_room(session: AsyncSession, enterprise_id: UUID) -> None:
    count = await session.scalar(
        select(func.count()).where(
            col(Membership.enterprise_id) == enterprise_id, col(Membership.removed_at).is_(None)
        )
    )
    if (count or 0) >= MOST_MEMBERS:
        raise MemberRefused({}, f"每家企业最多 {MOST_MEMBERS} 位用户，请先移除不再需要的用户。")


async def _require_other_admin(session: AsyncSession, membership: Membership) -> None:
    if ADMIN not in membership.roles:
        return
    other = await session.execute(
        select(col(Membership.id))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(
            col(Membership.enterprise_id) == membership.enterprise_id,
            col(Membership.id) != membership.id,
            col(Membership.active),
            col(Person.active),
            literal(ADMIN) == any_(col(Membership.roles)),
        )
    )
    if other.first() is None:
        raise LastAdmin


async def _put_out(
    session: AsyncSession, actor: Actor, membership: Membership, action: str, now: datetime
) -> None:
    before = _facts(membership)
    membership.active = False
    membership.work_to = membership.reviews_to = None
    await session.flush()
    await leave_membership(session, membership.id, now)
    await session.execute(CLOSE_OFFERS, {"id": membership.id, "now": now})
    await _record(session, action, actor, membership.id, before, _facts(membership), now)


def _activate(membership: Membership) -> None:
    membership.active = True
    membership.suspended_at = membership.removed_at = None
    membership.work_to = membership.reviews_to = None


def _facts(membership: Membership) -> dict[str, Any]:
    """What the audit log keeps of a membership."""
    return {
        "name": membership.display_name,
        "position": membership.position,
        "roles": list(membership.roles),
        "active": membership.active,
    }


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    member_id: UUID,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    now: datetime,
) -> None:
    await record(
        session,
        action,
        actor=actor,
        about="membership",
        about_id=member_id,
        before=before,
        after=after,
        now=now,
    )


def _members(enterprise_id: UUID) -> Any:
    columns = (
        Membership.id,
        Membership.person_id,
        Membership.display_name,
        Person.name,
        Person.phone,
        Membership.position,
        Membership.roles,
        Membership.active,
        Membership.created_at,
        Membership.suspended_at,
        Membership.removed_at,
    )
    return (
        select(*(col(column) for column in columns))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(col(Membership.enterprise_id) == enterprise_id)
    )


def _read(row: Row[Any]) -> Member:
    state = "removed" if row.removed_at else "active" if row.active else "suspended"
    return Member(
        id=row.id,
        person_id=row.person_id,
        name=row.display_name or row.name,
        phone=row.phone.removeprefix("+86"),
        position=row.position,
        roles=tuple(row.roles),
        state=state,
        created_at=row.created_at,
        suspended_at=row.suspended_at,
        removed_at=row.removed_at,
    )
