"""我的微信: since when one's WeChat signs one in, and ending that."""

from fastapi import Request
from starlette.responses import Response

from api.deps import ENTERPRISE, ActorDep, NowDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import wechat_way
from api.phone import PREFIX
from api.security import note_signed_out, session_token, take_session
from domain.sessions import load_actor
from domain.wechat_bindings import read_binding, unbind_wechat

router = page_router()
ADDRESS = f"{PREFIX}/me/wechat"


@router.get(ADDRESS, dependencies=[allow(*ENTERPRISE)])
async def show_binding(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    unbound: bool = False,
) -> Response:
    """Bound since, or how to bind."""
    return draw(
        request,
        "my_wechat.html",
        frame=frame,
        binding=await read_binding(session, actor.person_id),
        bind=wechat_way(request, ADDRESS),
        unbound=unbound,
        now=now,
    )


@router.post(f"{ADDRESS}/unbind", dependencies=[allow(*ENTERPRISE, while_suspended=True)])
async def unbind(request: Request, session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """No longer; whoever is signed in here by it is signed out, and not signed in again before they ask for it."""
    await unbind_wechat(session, actor.person_id, now, actor=actor)
    token = session_token(request)
    if token is not None and await load_actor(session, token, now) is not None:
        return go_to(f"{ADDRESS}?unbound=true")
    response = go_to(f"{PREFIX}/sign-in")
    take_session(request, response)
    note_signed_out(request, response)
    return response
