"""消息: what somebody was told, whatever channel it went over. Opening what a notice is about marks it; the rest is done here."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.wording import capped
from messages import notices
from tasks.my_notices import MyNotice, list_my_notices

router = page_router()
WAYS = {"issue": ("/issues/", "看这个问题"), "registration": ("/registrations/", "看注册申请")}


@router.get("/notices", dependencies=[allow()])
async def show_notices(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    unread: Annotated[bool, Query()] = False,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """A page of them."""
    found, following = await list_my_notices(session, actor, only_unread=unread, after=after)
    tabs = [
        {"name": "全部", "address": address(), "count": None, "current": not unread},
        {"name": "未读", "address": address(unread=True), "count": frame.unread_notices, "current": unread},
    ]
    return draw(
        request,
        "notices.html",
        frame=frame,
        lines=[(one.notice, way_to(one)) for one in found],
        unread=unread,
        tab_items=tabs,
        newest=found[0].notice.id if found and after is None else None,
        first=address(unread=unread) if after else None,
        next=address(unread=unread, after=following) if following else None,
        told=capped(frame.unread_notices),
        now=now,
    )


@router.post("/notices/read", dependencies=[allow(while_suspended=True)])
async def mark_read(
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    newest: Annotated[UUID | None, Form()] = None,
    notice: Annotated[UUID | None, Form()] = None,
) -> Response:
    """One, or all up to the newest that was on the page: what came meanwhile stays unread."""
    if notice is not None:
        await notices.mark_read(session, actor.person_id, [notice], now)
    elif newest is not None:
        await notices.mark_all_read(session, actor.person_id, newest, now)
    return go_to("/notices")


def address(*, unread: bool = False, after: UUID | None = None) -> str:
    """The list: to be kept, bookmarked."""
    query = ({"unread": "true"} if unread else {}) | ({"after": str(after)} if after else {})
    return f"/notices?{urlencode(query)}" if query else "/notices"


def way_to(one: MyNotice) -> tuple[str, str] | None:
    """Where what it is about is opened, and what that is called; None where they may not (any more)."""
    if one.about is None:
        return None
    start, name = WAYS[one.about]
    return f"{start}{one.notice.instance_id}", name
