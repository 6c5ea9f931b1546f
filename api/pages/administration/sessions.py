"""安全管理 · 在线会话: whose sessions are alive, and ending them."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.administration.shell import SECURITY, draw_section
from api.pages.frame import FrameDep
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.typed_text import SearchWords
from domain import sign_ins

router = page_router()
MINE = [allow(SECURITY)]
HOME = "/security/sessions"


@router.get(HOME, dependencies=MINE)
async def list_all(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    q: SearchWords = "",
) -> Response:
    """The last used first."""
    found = await sign_ins.list_live_sessions(session, now, wired.session_limits, words=q)
    return draw_section(
        request,
        "sessions.html",
        frame,
        SECURITY,
        sessions=found,
        wanted={"q": q},
        mine=actor.session_id,
        is_full=len(found) == sign_ins.PAGE,
    )


@router.post(f"{HOME}/{{session_id}}/end", dependencies=MINE)
async def end_one(session: SessionDep, actor: ActorDep, now: NowDep, session_id: UUID) -> Response:
    """End this one."""
    await sign_ins.end_other_session(session, actor, session_id, now)
    return go_to(f"{HOME}?done=ended")


@router.post(f"{HOME}/{{session_id}}/end-all", dependencies=MINE)
async def end_all(session: SessionDep, actor: ActorDep, now: NowDep, session_id: UUID) -> Response:
    """End every session of the same person."""
    count = await sign_ins.end_persons_sessions(session, actor, session_id, now)
    return go_to(f"{HOME}?done=ended&ended={count}")
