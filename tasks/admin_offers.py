"""Handing over the admin's role where it touches open work and telling people: the one who is asked gets a message, and who
gives the role up may not drop being an executive while reviews lie with them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import admin_offers
from domain.actor import Actor
from domain.admin_offers import Offer
from domain.exceptions import MemberRefused
from domain.members import get_member, lock_members
from engine.instances import Engine
from messages.outbox import NewMessage, enqueue
from messages.texts import Text, render
from messages.topics import WORK
from tasks.applications import pass_application
from tasks.leavers import EXECUTIVE, list_work

TEXTS = {
    "admin_offered": Text(
        "请您接任企业管理员",
        "{name}请您接任{enterprise}的企业管理员。请登录企业问题清零平台，选择接受或谢绝。",
        sms="有人请您接任企业管理员，请登录企业问题清零平台，选择接受或谢绝。",
        topic=WORK,
    )
}


async def accept_offer(
    session: AsyncSession, engine: Engine, actor: Actor, offer_id: UUID, now: datetime
) -> None:
    """I am the admin from now on, and whoever asked is not; an open application for registration is mine, too. OfferGone."""
    giver = await admin_offers.accept_offer(session, actor, offer_id, now)
    assert actor.enterprise_id is not None
    await pass_application(
        session, engine, actor.enterprise_id, giver, actor.person_id, actor_id=actor.person_id, now=now
    )


async def offer_admin(
    session: AsyncSession, actor: Actor, to_id: UUID, kept_roles: Collection[str], now: datetime
) -> Offer:
    """As in the domain, and the one who is asked is told. Raises MemberRefused for dropped reviews, too."""
    enterprise_id = await lock_members(session, actor)
    assert actor.membership_id is not None
    me = await get_member(session, enterprise_id, actor.membership_id)
    if EXECUTIVE in me.roles and EXECUTIVE not in kept_roles:
        reviews = [item for item in await list_work(session, me, enterprise_id) if item.is_review]
        if reviews:
            sentence = f"您作为企业高管还有 {len(reviews)} 件问题没有办结，请保留“企业高管”，或者先修改自己的身份并选择由谁接手。"
            raise MemberRefused({"roles": sentence})
    offer = await admin_offers.offer_admin(session, actor, to_id, kept_roles, now)
    params = {"name": offer.from_name, "enterprise": offer.enterprise_name}
    text = render(TEXTS, "admin_offered", params)
    message = NewMessage(
        template="admin_offered",
        text=text,
        person_id=offer.to_person_id,
        params=params,
        created_at=now,
    )
    await enqueue(session, [message])
    return offer
