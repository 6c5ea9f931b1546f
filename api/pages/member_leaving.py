"""Suspending and removing a member: what is open and to whom it goes, then the deed; and giving away what a suspended one has."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.pages.frame import frame_of
from api.pages.member_forms import heir_field
from api.pages.members import ADMIN, TABS, enterprise_of, read_id
from api.pages.render import draw, go_to
from api.pages.route import page_router
from domain.actor import Actor
from domain.exceptions import LastAdmin, MemberUnknown
from domain.members import Member, get_member, list_members
from tasks import leavers
from tasks.exceptions import WorkNotPlaced

router = page_router()
WAYS = {"suspend": "停用", "remove": "移除", "move": "移交"}
DONE = {"suspend": "suspended", "remove": "removed", "move": "moved"}
Text = Annotated[str, Form(max_length=64)]


@router.get("/members/{member_id}/leave", dependencies=[allow(ADMIN, to_change=True)])
async def show_leaving(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    member_id: UUID,
    how: Annotated[str, Query(max_length=10)] = "suspend",
) -> Response:
    """What will happen, and the question to whom what is open goes."""
    member = await get_member(session, enterprise_of(actor), member_id)
    return await _draw(request, session, actor, member, _way(how, member), {}, {})


@router.post("/members/{member_id}/leave", dependencies=[allow(ADMIN)])
async def send_leaving(
    request: Request,
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    member_id: UUID,
    how: Text = "suspend",
    work_to: Text = "",
    reviews_to: Text = "",
) -> Response:
    """Do it. Sent twice it is done once."""
    member = await get_member(session, enterprise_of(actor), member_id)
    way = _way(how, member)
    removes = way == "remove" or member.state == "removed"
    leave = leavers.remove_member if removes else leavers.suspend_member
    try:
        moved = await leave(
            session,
            engine,
            actor,
            member_id,
            work_to=read_id(work_to),
            reviews_to=read_id(reviews_to),
            now=now,
        )
    except (WorkNotPlaced, LastAdmin) as refusal:
        await session.rollback()
        errors = refusal.errors if isinstance(refusal, WorkNotPlaced) else {"form": refusal.message}
        chosen = {"work_to": work_to, "reviews_to": reviews_to}
        return await _draw(request, session, actor, member, way, chosen, errors)
    if member_id == actor.membership_id:
        return go_to("/")
    tab = next((role for role in TABS if role in member.roles), TABS[0])
    return go_to(f"/members?tab={tab}&said={DONE[way]}&member={member_id}&issues={moved}")


def _way(how: str, member: Member) -> str:
    """What is asked for, as far as it makes sense for this member."""
    if how not in WAYS or (how == "move" and member.state == "active"):
        raise MemberUnknown
    return "move" if member.state == "removed" or (how == "suspend" and member.state == "suspended") else how


async def _draw(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    member: Member,
    way: str,
    chosen: Mapping[str, str],
    errors: Mapping[str, str],
) -> Response:
    enterprise_id = enterprise_of(actor)
    items = await leavers.list_work(session, member, enterprise_id)
    own, reviews = (
        [item for item in items if not item.is_review],
        [item for item in items if item.is_review],
    )
    others = [
        one
        for one in await list_members(session, enterprise_id)
        if one.state == "active" and one.id != member.id
    ]
    executives = [one for one in others if "executive" in one.roles]
    must = way == "remove" or member.state == "removed"
    stays = "" if must else "不选择的，留在这位用户名下，恢复以后由本人继续办理。"
    groups = [
        (
            f"经办的问题（{len(own)} 件）",
            own,
            heir_field(
                "work_to",
                "由谁接手",
                f"接手的人成为这些问题的经办人。{stays}",
                others,
                chosen.get("work_to", ""),
                required=must,
            ),
        ),
        (
            f"审核的问题（{len(reviews)} 件）",
            reviews,
            heir_field(
                "reviews_to",
                "由哪位企业高管接手",
                f"接手的高管继续审核，并在海关答复后评价。{stays}",
                executives,
                chosen.get("reviews_to", ""),
                required=must,
            ),
        ),
    ]
    is_last_admin = member.is_admin and member.state == "active" and not any(one.is_admin for one in others)
    return draw(
        request,
        "member_leave.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        member=member,
        way=way,
        verb=WAYS[way],
        groups=[group for group in groups if group[1]],
        no_executive=bool(reviews) and not executives,
        is_last_admin=is_last_admin,
        is_me=member.id == actor.membership_id,
        errors=errors,
        labels=["work_to", "reviews_to"],
    )
