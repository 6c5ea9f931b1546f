"""Handing the admin's role over: the admin asks a colleague; the colleague reads what it means, and accepts or declines."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep, frame_of
from api.pages.member_forms import heir_field, roles_field
from api.pages.members import ADMIN, enterprise_of, read_id
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.wording import ROLE_NAMES
from domain.actor import Actor
from domain.admin_offers import cancel_offer, decline_offer, find_offer_to
from domain.exceptions import MemberRefused, MemberUnknown, OfferGone
from domain.member_fields import GIVEN_ROLES
from domain.members import list_members
from tasks.admin_offers import accept_offer, offer_admin

router = page_router()
STAFF = ("enterprise_admin", "executive", "customs_affairs")


@router.get("/members/hand-over", dependencies=[allow(ADMIN, to_change=True)])
async def show_form(request: Request, session: SessionDep, actor: ActorDep) -> Response:
    """To whom, and what I am afterwards."""
    return await _draw(request, session, actor, {"roles": sorted(actor.roles & set(GIVEN_ROLES))}, {})


@router.post("/members/hand-over", dependencies=[allow(ADMIN)])
async def send_form(request: Request, session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """Ask the one who was chosen."""
    form = await request.form()
    values: dict[str, Any] = {
        "to": str(form.get("to") or ""),
        "roles": [role for role in form.getlist("roles") if isinstance(role, str) and role],
    }
    try:
        offer = await offer_admin(session, actor, read_id(values["to"]) or UUID(int=0), values["roles"], now)
    except MemberRefused as refusal:
        await session.rollback()
        return await _draw(request, session, actor, values, refusal.errors)
    except MemberUnknown:
        await session.rollback()
        errors = {"to": "请选择由谁接任企业管理员。"}
        if not values["roles"]:
            errors["roles"] = "请选择移交后您保留的身份：企业高管、关务人员，可以都选。"
        return await _draw(request, session, actor, values, errors)
    return go_to(f"/members?said=offered&member={offer.to_id}")


@router.post("/members/hand-over/cancel", dependencies=[allow(ADMIN)])
async def send_cancel(session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """Take it back."""
    await cancel_offer(session, actor, now)
    return go_to("/members?said=kept")


@router.get("/admin-offer", dependencies=[allow(*STAFF, to_change=True)])
async def show_offer(request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep) -> Response:
    """What I am asked, and what it means."""
    offer = await find_offer_to(session, actor)
    if offer is None:
        raise OfferGone
    kept = [ROLE_NAMES[role] for role in GIVEN_ROLES if role in offer.kept_roles]
    return draw(request, "admin_offer.html", frame=replace(frame, offer=None), offer=offer, kept=kept)


@router.post("/admin-offer/{offer_id}", dependencies=[allow(*STAFF)])
async def send_answer(
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    offer_id: UUID,
    act: Annotated[str, Form(max_length=10)],
) -> Response:
    """Accept and go on to the members, or decline."""
    if act == "accept":
        await accept_offer(session, engine, actor, offer_id, now)
        return go_to("/members")
    await decline_offer(session, actor, offer_id, now)
    return go_to("/")


async def _draw(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
) -> Response:
    candidates = [
        one
        for one in await list_members(session, enterprise_of(actor))
        if one.state == "active" and not one.is_admin
    ]
    fields = [
        heir_field(
            "to",
            "由谁接任",
            "对方会收到短信，登录后可以接受或谢绝。",
            candidates,
            values.get("to", ""),
            required=True,
        ),
        roles_field(
            values.get("roles", ()),
            required=True,
            label="移交后您的身份",
            hint="移交以后您不再是企业管理员，请选择保留哪些身份。可以都选。",
        ),
    ]
    return draw(
        request,
        "admin_hand_over.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        fields=fields,
        labels=[one.key for one in fields],
        errors=errors,
        candidates=candidates,
    )
