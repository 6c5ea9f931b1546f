"""An enterprise suspended by a security administrator: its people read on, and neither raise nor do anything until it is
lifted. Who may act is asked of `Actor.enterprise_status` at every request, so it takes effect at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_code, clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.exceptions import ChangeRefused, EnterpriseSuspended, FormRefused, RecordUnknown
from domain.models import Enterprise

KEEPER = "security_admin"
SUSPENDED = "suspended"
LONGEST_REASON = 200
PAGE = 50


@dataclass(frozen=True)
class EnterpriseLine:
    """One registered enterprise."""

    id: UUID
    name: str
    uscc: str
    customs_code: str | None
    status: str
    suspended_for: str


def require_acting(actor: Actor) -> None:
    """EnterpriseSuspended for whoever acts for an enterprise that may only read."""
    if not actor.may_act:
        raise EnterpriseSuspended


async def find_reason(session: AsyncSession, actor: Actor) -> str | None:
    """Why the enterprise this person acts for is suspended; None when it is not."""
    if actor.may_act:
        return None
    reason = select(col(Enterprise.suspended_for)).where(col(Enterprise.id) == actor.enterprise_id)
    return await session.scalar(reason)


async def list_enterprises(
    session: AsyncSession, *, words: str = "", only_suspended: bool = False, limit: int = PAGE
) -> list[EnterpriseLine]:
    """Registered enterprises by name, the suspended ones first; `words` are a part of the name, or of a code's start."""
    statement = _lines().where(col(Enterprise.status).in_(("approved", SUSPENDED)))
    if words := clean_name(words):
        code = clean_code(words) or words
        statement = statement.where(
            or_(
                col(Enterprise.name).contains(words, autoescape=True),
                col(Enterprise.uscc).startswith(code, autoescape=True),
                col(Enterprise.customs_code).startswith(code, autoescape=True),
            )
        )
    if only_suspended:
        statement = statement.where(col(Enterprise.status) == SUSPENDED)
    order = ((col(Enterprise.status) != SUSPENDED), col(Enterprise.name), col(Enterprise.id))
    return [EnterpriseLine(*row) for row in await session.execute(statement.order_by(*order).limit(limit))]


async def find_enterprise(session: AsyncSession, enterprise_id: UUID) -> EnterpriseLine:
    """One registered enterprise; RecordUnknown for none."""
    row = (await session.execute(_lines().where(col(Enterprise.id) == enterprise_id))).one_or_none()
    if row is None or row.status not in ("approved", SUSPENDED):
        raise RecordUnknown
    return EnterpriseLine(*row)


async def suspend_enterprise(
    session: AsyncSession, actor: Actor, enterprise_id: UUID, reason: str, now: datetime
) -> None:
    """Its people only read from now on, and are shown the reason. Raises RecordUnknown, FormRefused, ChangeRefused."""
    await begin(session, actor, KEEPER)
    reason = clean_name(reason)
    if mistake := find_mistake("暂停原因", reason, LONGEST_REASON):
        raise FormRefused({"reason": mistake})
    enterprise = await _lock(session, enterprise_id)
    if enterprise.status != "approved":
        raise ChangeRefused("这家企业已经暂停使用，或者还没有通过注册审核。")
    enterprise.status, enterprise.suspended_for = SUSPENDED, reason
    await session.flush()
    await _record(session, "suspend_enterprise", actor, enterprise, {"status": "approved"}, now)


async def lift_suspension(session: AsyncSession, actor: Actor, enterprise_id: UUID, now: datetime) -> None:
    """Its people act again, nobody has to sign in anew. Raises RecordUnknown, ChangeRefused."""
    await begin(session, actor, KEEPER)
    enterprise = await _lock(session, enterprise_id)
    if enterprise.status != SUSPENDED:
        raise ChangeRefused("这家企业没有被暂停使用。")
    before = {"status": SUSPENDED, "reason": enterprise.suspended_for}
    enterprise.status, enterprise.suspended_for = "approved", ""
    await session.flush()
    await _record(session, "lift_suspension", actor, enterprise, before, now)


async def _lock(session: AsyncSession, enterprise_id: UUID) -> Enterprise:
    found = await session.scalars(
        select(Enterprise)
        .where(col(Enterprise.id) == enterprise_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    enterprise = found.one_or_none()
    if enterprise is None:
        raise RecordUnknown
    return enterprise


def _lines() -> Select[*tuple[Any, ...]]:
    return select(
        col(Enterprise.id),
        col(Enterprise.name),
        col(Enterprise.uscc),
        col(Enterprise.customs_code),
        col(Enterprise.status),
        col(Enterprise.suspended_for),
    )


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    enterprise: Enterprise,
    before: dict[str, str],
    now: datetime,
) -> None:
    after = {"status": enterprise.status, "reason": enterprise.suspended_for}
    await audit.record(
        session,
        action,
        actor=actor,
        about="enterprise",
        about_id=enterprise.id,
        before=before,
        after=after,
        now=now,
    )
