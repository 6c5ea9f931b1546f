"""What stands around every page of somebody who has signed in: who I am, for whom I act, what waits for me."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.deps import ActorDep, SessionDep
from api.pages.entry_names import read_renamed
from api.pages.registration_notice import RegistrationNotice, tell_registration
from api.pages.wording import masked, role_names
from api.phone import is_phone
from domain.actor import Actor
from domain.admin_offers import Offer, find_offer_to
from domain.models import CustomsOffice
from domain.models.people import ENTERPRISE_ROLES
from domain.people import list_memberships
from domain.suspension import find_reason
from messages.notices import count_unread
from tasks import inbox
from tasks.exceptions import NotAllowed


class NoPart(NotAllowed):
    """请先选择代表哪一家企业。"""


class OnlyAtDesk(NotAllowed):
    """微信版只供企业用户使用。海关关员请在电脑上打开网页版。"""


@dataclass(frozen=True)
class Other:
    """Another enterprise this person may act for."""

    id: str
    name: str


@dataclass(frozen=True)
class Frame:
    """The masthead's content. `held` are the roles that decide the menu, `open` counts what is mine and what I may claim.

    `suspended_for` says why the enterprise only reads; None while it acts.
    """

    name: str
    acting_for: str
    roles: str
    held: frozenset[str]
    phone: str
    is_officer: bool
    may_raise: bool
    mine: int
    claimable: int
    unread_notices: int = 0
    suspended_for: str | None = None
    others: tuple[Other, ...] = ()
    offer: Offer | None = None
    notice: RegistrationNotice | None = None

    def after_reading(self, count: int) -> "Frame":
        """When so many of the unread notices have been read with this page."""
        return replace(self, unread_notices=max(0, self.unread_notices - count))

    @property
    def may_act(self) -> bool:
        """Whether buttons that change something are of any use."""
        return self.suspended_for is None

    @property
    def holds_cards(self) -> bool:
        """Whether this person may bind cards: an enterprise's admin, an officer."""
        return self.is_officer or "enterprise_admin" in self.held

    @property
    def open(self) -> int:
        """Everything that waits for me or my office."""
        return self.mine + self.claimable


async def load_frame(request: Request, session: SessionDep, actor: ActorDep) -> Frame:
    """The frame of this request's page. Raises OnlyAtDesk for an officer on a page for phones."""
    if is_phone(request) and actor.officer_id is not None:
        raise OnlyAtDesk
    return await frame_of(session, actor)


async def frame_of(session: AsyncSession, actor: Actor) -> Frame:
    """The frame for this person. Raises NoPart for whoever acts for no enterprise any more, or has not chosen one yet."""
    if not actor.membership_id and not actor.officer_id:
        raise NoPart
    counts = await inbox.count_tasks(session, actor)
    await read_renamed(session)
    memberships = await list_memberships(session, actor.person_id)
    others = tuple(Other(str(one.id), one.enterprise) for one in memberships if one.id != actor.membership_id)
    return Frame(
        name=actor.name,
        acting_for=await _place(session, actor),
        roles=role_names(actor.roles),
        held=actor.roles,
        phone=masked(actor.phone),
        is_officer=actor.officer_id is not None,
        may_raise=bool(actor.roles & set(ENTERPRISE_ROLES)) and actor.may_act,
        suspended_for=await find_reason(session, actor),
        mine=counts["mine"],
        claimable=counts["claimable"],
        unread_notices=await count_unread(session, actor.person_id),
        others=others,
        offer=await find_offer_to(session, actor) if actor.membership_id else None,
        notice=await tell_registration(session, actor),
    )


async def _place(session: AsyncSession, actor: Actor) -> str:
    if actor.officer_id is None:
        return actor.enterprise_name or "尚未选择企业"
    rows = await session.execute(
        select(col(CustomsOffice.name))
        .where(col(CustomsOffice.code).in_(actor.offices))
        .order_by(col(CustomsOffice.code))
    )
    return "、".join(rows.scalars()) or "南京海关"


FrameDep = Annotated[Frame, Depends(load_frame)]
