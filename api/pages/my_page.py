"""我的: who I am in the WeChat version and for whom I act, and everything about my account. At the desk this is a menu."""

from fastapi import Request
from starlette.responses import Response

from api.deps import ENTERPRISE, ActorDep, SessionDep, allow
from api.pages.frame import FrameDep
from api.pages.render import draw
from api.pages.route import page_router
from api.phone import PREFIX
from domain.wechat_bindings import bound_at

router = page_router()


@router.get(f"{PREFIX}/me", dependencies=[allow(*ENTERPRISE)])
async def show_me(request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep) -> Response:
    """My account, and the enterprises I may act for."""
    is_bound = await bound_at(session, actor.person_id) is not None
    return draw(request, "me.html", frame=frame, is_bound=is_bound)
