"""我的登录: where somebody is signed in, and signing out there."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.devices import name_device
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.security import take_session
from domain.sessions import end_all_sessions, end_session, list_sessions
from domain.wechat_bindings import bound_at

router = page_router()


@router.get("/account/sessions", dependencies=[allow()])
async def show_sessions(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    wired: WiredDep,
    now: NowDep,
    ended: int | None = None,
) -> Response:
    """All of this person's, this one first."""
    found = await list_sessions(session, actor.person_id, now, wired.session_limits)
    found.sort(key=lambda one: one.id != actor.session_id)
    lines = [{"row": one, "device": name_device(one.user_agent)} for one in found]
    return draw(
        request,
        "my_sessions.html",
        frame=frame,
        lines=lines,
        current=actor.session_id,
        by_wechat=await bound_at(session, actor.person_id) is not None,
        ended=ended,
        now=now,
    )


@router.post("/account/sessions/end", dependencies=[allow(while_suspended=True)])
async def end_one(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    session_id: Annotated[UUID, Form()],
) -> Response:
    """One of one's own; ended already is as good."""
    ended = await end_session(session, session_id, actor.person_id, now, actor=actor)
    if session_id == actor.session_id:
        response = go_to("/sign-in")
        take_session(request, response)
        return response
    return go_to(f"/account/sessions?ended={int(ended)}")


@router.post("/account/sessions/end-others", dependencies=[allow(while_suspended=True)])
async def end_others(session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """All but this one."""
    count = await end_all_sessions(session, actor.person_id, now, actor=actor, but=actor.session_id)
    return go_to(f"/account/sessions?ended={count}")
