"""Handing over the role of enterprise admin: the admin asks another member, who accepts or declines. Only then does the role
move, all of it in one transaction: there is an admin at every moment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.actor import Actor
from domain.audit import record
from domain.exceptions import MemberRefused, MemberUnknown, OfferGone
from domain.member_fields import order_roles
from domain.members import ADMIN, CLOSE_OFFERS, LOCK_MEMBERS, load_membership, lock_members
from domain.models import AdminOffer

FIND_OFFER = {
    side: text(f"""
        SELECT o.id, coalesce(nullif(giver.display_name, ''), giving.name) AS from_name, o.to_id,
            coalesce(nullif(taker.display_name, ''), taking.name) AS to_name, taking.id AS to_person_id,
            e.name AS enterprise_name, o.kept_roles, o.offered_at
        FROM admin_offer o
        JOIN membership giver ON giver.id = o.from_id JOIN person giving ON giving.id = giver.person_id
        JOIN membership taker ON taker.id = o.to_id JOIN person taking ON taking.id = taker.person_id
        JOIN enterprise e ON e.id = giver.enterprise_id
        WHERE o.outcome IS NULL AND o.{side} = :id ORDER BY o.offered_at DESC LIMIT 1
    """)
    for side in ("from_id", "to_id")
}


@dataclass(frozen=True)
class Offer:
    """An open offer, with the names both sides have in the enterprise."""

    id: UUID
    from_name: str
    to_id: UUID
    to_name: str
    to_person_id: UUID
    enterprise_name: str
    kept_roles: list[str]
    offered_at: datetime


async def offer_admin(
    session: AsyncSession, actor: Actor, to_id: UUID, kept_roles: Collection[str], now: datetime
) -> Offer:
    """Ask this member to be the admin; I keep these roles afterwards (at least one). An earlier open offer is replaced.

    Raises MemberRefused, MemberUnknown, NotAdmin.
    """
    enterprise_id = await lock_members(session, actor)
    asked = await load_membership(session, enterprise_id, to_id)
    kept = order_roles(kept_roles)
    errors: dict[str, str] = {}
    if not asked.active or asked.id == actor.membership_id or ADMIN in asked.roles:
        errors["to"] = "请选择一位在用的、还不是管理员的用户。"
    if not kept:
        errors["roles"] = "请选择移交后您保留的身份：企业高管、关务人员，可以都选。"
    if errors or actor.membership_id is None:
        raise MemberRefused(errors)
    await session.execute(CLOSE_OFFERS, {"id": actor.membership_id, "now": now})
    offer = AdminOffer(from_id=actor.membership_id, to_id=to_id, kept_roles=list(kept), offered_at=now)
    session.add(offer)
    await session.flush()
    about = {"from": offer.from_id, "to": offer.to_id, "kept_roles": list(kept)}
    await _record(session, "offer_admin", actor, offer.id, None, about, now)
    found = await find_offer_from(session, actor)
    assert found is not None, "it was written a moment ago"
    return found


async def cancel_offer(session: AsyncSession, actor: Actor, now: datetime) -> None:
    """Take my open offer back. Raises OfferGone when there is none, NotAdmin."""
    await lock_members(session, actor)
    offer = await session.scalar(_open().where(col(AdminOffer.from_id) == actor.membership_id))
    if offer is None:
        raise OfferGone
    await _close(session, actor, offer, "cancelled", "cancel_offer", now)


async def decline_offer(session: AsyncSession, actor: Actor, offer_id: UUID, now: datetime) -> None:
    """I do not want to be the admin. Raises OfferGone."""
    offer = await _lock_mine(session, actor, offer_id)
    await _close(session, actor, offer, "declined", "decline_offer", now)


async def accept_offer(session: AsyncSession, actor: Actor, offer_id: UUID, now: datetime) -> UUID:
    """I am the admin from now on, and whoever asked is not: that person. Raises OfferGone."""
    offer = await _lock_mine(session, actor, offer_id)
    assert actor.enterprise_id is not None
    giver = await load_membership(session, actor.enterprise_id, offer.from_id)
    taker = await load_membership(session, actor.enterprise_id, offer.to_id)
    if not (giver.active and taker.active and ADMIN in giver.roles):
        raise OfferGone
    before = {"from_roles": list(giver.roles), "to_roles": list(taker.roles)}
    giver.roles = list(offer.kept_roles)
    taker.roles = [ADMIN, *(role for role in taker.roles if role != ADMIN)]
    await session.flush()
    after = {"from_roles": list(giver.roles), "to_roles": list(taker.roles)}
    await _close(session, actor, offer, "accepted", "accept_offer", now, before, after)
    return giver.person_id


async def find_offer_from(session: AsyncSession, actor: Actor) -> Offer | None:
    """The offer I have made and nobody has answered yet."""
    return await _find(session, "from_id", actor.membership_id)


async def find_offer_to(session: AsyncSession, actor: Actor) -> Offer | None:
    """The offer that waits for my answer."""
    return await _find(session, "to_id", actor.membership_id)


async def _lock_mine(session: AsyncSession, actor: Actor, offer_id: UUID) -> AdminOffer:
    """Locks as the admin's commands do, without being an admin yet."""
    if actor.enterprise_id is None:
        raise MemberUnknown
    await session.execute(LOCK_MEMBERS, {"id": actor.enterprise_id})
    offer = await session.scalar(
        _open().where(col(AdminOffer.id) == offer_id, col(AdminOffer.to_id) == actor.membership_id)
    )
    if offer is None:
        raise OfferGone
    return offer


def _open() -> Any:
    return (
        select(AdminOffer).where(col(AdminOffer.outcome).is_(None)).execution_options(populate_existing=True)
    )


async def _close(
    session: AsyncSession,
    actor: Actor,
    offer: AdminOffer,
    outcome: str,
    action: str,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    offer.outcome, offer.decided_at = outcome, now
    await session.flush()
    await _record(session, action, actor, offer.id, before, after, now)


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    offer_id: UUID,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    now: datetime,
) -> None:
    await record(
        session,
        action,
        actor=actor,
        about="admin_offer",
        about_id=offer_id,
        before=before,
        after=after,
        now=now,
    )


async def _find(session: AsyncSession, side: str, membership_id: UUID | None) -> Offer | None:
    row = (await session.execute(FIND_OFFER[side], {"id": membership_id})).one_or_none()
    return Offer(**row._asdict()) if row else None
