"""消息: what somebody was told, whatever channel it went over. Opening what a notice is about marks it; the rest is done here."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from messages import notices
from messages.notices import Notice
from tasks.my_notices import find_subjects

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
    page = await notices.list_notices(session, actor.person_id, only_unread=unread, after=after)
    subjects = await find_subjects(session, actor, page.items)
    tabs = [
        {"name": "全部", "address": address(), "count": None, "current": not unread},
        {"name": "未读", "address": address(unread=True), "count": frame.unread_notices, "current": unread},
    ]
    return draw(
        request,
        "notices.html",
        frame=frame,
        lines=[(one, way_to(one, subjects)) for one in page.items],
        unread=unread,
        after=after,
        tab_items=tabs,
        seen=page.seen,
        first=address(unread=unread) if after else None,
        next=address(unread=unread, after=page.next) if page.next else None,
        now=now,
    )


@router.post("/notices/read", dependencies=[allow(while_suspended=True)])
async def mark_read(
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    seen: Annotated[str, Form(max_length=3000)] = "",
    notice: Annotated[UUID | None, Form()] = None,
    unread: Annotated[bool, Form()] = False,
    after: Annotated[UUID | None, Form()] = None,
) -> Response:
    """One, or all that could be seen with the page; back to the page."""
    if notice is not None:
        await notices.mark_read(session, actor.person_id, [notice], now)
    elif seen:
        await notices.mark_all_read(session, actor.person_id, seen, now)
    return go_to(address(unread=unread, after=after))


def address(*, unread: bool = False, after: UUID | None = None) -> str:
    """The list: to be kept, bookmarked."""
    query = ({"unread": "true"} if unread else {}) | ({"after": str(after)} if after else {})
    return f"/notices?{urlencode(query)}" if query else "/notices"


def way_to(one: Notice, subjects: Mapping[UUID, str]) -> tuple[str, str] | None:
    """Where what it is about is opened, and what that is called; None where they may not (any more)."""
    if one.instance_id is None or one.instance_id not in subjects:
        return None
    start, name = WAYS[subjects[one.instance_id]]
    return f"{start}{one.instance_id}", name
