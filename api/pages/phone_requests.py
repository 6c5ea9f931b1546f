"""Requests of people who lost their number, for the officer who checks who they are: the list, one of them, the decision."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, allow
from api.pages.frame import Frame, FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedText
from domain.exceptions import PhoneRefused
from domain.lost_phones import DECIDERS, NO_REASON, RequestView, find_requests
from tasks.exceptions import NotFound
from tasks.phones import decide_request

router = page_router()


@router.get("/phone-requests", dependencies=[allow(*DECIDERS)])
async def show_list(
    request: Request, session: SessionDep, actor: ActorDep, frame: FrameDep, done: str = ""
) -> Response:
    """Who waits, the longest first."""
    found = await find_requests(session, actor)
    told = {
        "changed": "手机号码已更换，原号码和新号码都会收到短信。",
        "refused": "已记录为不予更换，申请人会收到短信。",
    }
    return draw(request, "phone_requests.html", frame=frame, requests=found, told=told.get(done))


@router.get("/phone-requests/{request_id}", dependencies=[allow(*DECIDERS)])
async def show_one(
    request: Request, request_id: UUID, session: SessionDep, actor: ActorDep, frame: FrameDep
) -> Response:
    """What was said, and whom we know by the old number."""
    return _draw_one(request, frame, await _find(session, actor, request_id))


@router.post("/phone-requests/{request_id}", dependencies=[allow(*DECIDERS)])
async def decide(
    request: Request,
    request_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    now: NowDep,
    decision: Annotated[str, Form(max_length=20)] = "",
    reason: TypedText = "",
) -> Response:
    """Change the number, or not; with a reason either way."""
    found = await _find(session, actor, request_id)
    if decision not in ("change", "refuse"):
        missing = {} if reason else {"reason": NO_REASON}
        return _draw_one(request, frame, found, reason, errors={"decision": "请选择是否更换。"} | missing)
    try:
        change = decision == "change"
        if not await decide_request(session, actor, found, change=change, reason=reason, now=now):
            raise NotFound
    except PhoneRefused as refusal:
        return _draw_one(request, frame, found, reason, decision, errors=refusal.details["errors"])
    return go_to(f"/phone-requests?done={'changed' if change else 'refused'}")


async def _find(session: SessionDep, actor: ActorDep, request_id: UUID) -> RequestView:
    found = await find_requests(session, actor, request_id)
    if not found:
        raise NotFound
    return found[0]


def _draw_one(
    request: Request,
    frame: Frame,
    one: RequestView,
    reason: str = "",
    decision: str = "",
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    return draw(
        request,
        "phone_request.html",
        status=422 if errors else 200,
        frame=frame,
        one=one,
        reason=reason,
        decision=decision,
        errors=errors or {},
    )
