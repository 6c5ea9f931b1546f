"""绑卡申请, for the registrar who checks who comes with a card of a registered enterprise: the list, one, the decision."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import Frame, FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedText
from domain.card_requests import DECIDER, NO_REASON, CardRequestView, find_requests
from domain.exceptions import CardTaken, FormRefused, PhoneDisabled
from tasks.cards import decide_request
from tasks.exceptions import NotFound

router = page_router()
HOME = "/card-requests"
TOLD = {
    "bound": "卡已绑定，申请人成为企业管理员；申请人和该企业原有的管理员都会收到短信。",
    "refused": "已记录为不予绑定，申请人会收到短信。",
}


@router.get(HOME, dependencies=[allow(DECIDER)])
async def show_list(
    request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep, done: str = ""
) -> Response:
    """Who waits, the longest first."""
    found = await find_requests(session, actor)
    return draw(request, "card_requests.html", frame=frame, requests=found, told=TOLD.get(done))


@router.get(f"{HOME}/{{card_request_id}}", dependencies=[allow(DECIDER)])
async def show_one(
    request: Request, card_request_id: UUID, session: SessionDep, actor: ActorDep, frame: FrameDep
) -> Response:
    """What the card says, who asks, and who the admins are now."""
    return _draw_one(request, frame, await _find(session, actor, card_request_id))


@router.post(f"{HOME}/{{card_request_id}}", dependencies=[allow(DECIDER)])
async def decide(
    request: Request,
    card_request_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    decision: Annotated[str, Form(max_length=20)] = "",
    reason: TypedText = "",
) -> Response:
    """Bind it, or not; with a reason either way."""
    found = await _find(session, actor, card_request_id)
    if decision not in ("bind", "refuse"):
        missing = {} if reason else {"reason": NO_REASON}
        errors = {"decision": "请选择是否绑定。"} | missing
        return _draw_one(request, frame, found, reason, errors=errors)
    bind = decision == "bind"
    try:
        if not await decide_request(session, actor, found, bind=bind, reason=reason, now=now):
            raise NotFound
    except FormRefused as refusal:
        return _draw_one(request, frame, found, reason, decision, errors=dict(refusal.errors))
    except (CardTaken, PhoneDisabled) as refusal:
        return _draw_one(request, frame, found, reason, decision, errors={"decision": refusal.message})
    return go_to(f"{HOME}?done={'bound' if bind else 'refused'}")


async def _find(session: SessionDep, actor: ActorDep, card_request_id: UUID) -> CardRequestView:
    found = await find_requests(session, actor, card_request_id)
    if not found:
        raise NotFound
    return found[0]


def _draw_one(
    request: Request,
    frame: Frame,
    one: CardRequestView,
    reason: str = "",
    decision: str = "",
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    return draw(
        request,
        "card_request.html",
        status=422 if errors else 200,
        frame=frame,
        one=one,
        facts=one.card,
        reason=reason,
        decision=decision,
        errors=errors or {},
    )
