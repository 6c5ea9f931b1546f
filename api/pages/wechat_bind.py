"""绑定: whose WeChat it is, said once by phone and code; from then on WeChat alone signs in. The openid waits on the server for
the browser in which WeChat proved it; no link and no page carries it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import MaybeActorDep, NowDep, SessionDep, WiredDep
from api.pages.captcha import CaptchaDep
from api.pages.codes import (
    NOT_SENT,
    NOT_TAKEN,
    check_digits,
    draw_form,
    draw_phone_form,
    go_to_code,
    send_code,
    wait_for_code,
)
from api.pages.render import go_to
from api.pages.route import page_router
from api.pages.sign_in import phone_of, wechat_way
from api.pages.typed_text import TypedNumber
from api.pages.wechat_enter import enter
from api.phone import PREFIX
from api.security import browser_key, client_ip
from domain.exceptions import CodeRefused
from domain.sessions import end_session
from domain.wechat_bindings import bound_at
from domain.wechat_sign_in import bind_by_code
from domain.wechat_visits import end_waiting, find_waiting
from errors import Refusal

router = page_router()
PHONE_FORM = "bind.html"
ADDRESS = f"{PREFIX}/bind"
MINE = f"{PREFIX}/me/wechat"


@router.get(ADDRESS)
async def show_phone(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, actor: MaybeActorDep
) -> Response:
    """Which phone. Without a WeChat that waits here, WeChat is asked first; outside of WeChat there is nothing to bind."""
    if await find_waiting(session, browser_key(request), now) is None:
        if actor is not None and await bound_at(session, actor.person_id) is not None:
            return go_to(MINE)
        return go_to(wechat_way(request, PREFIX) or f"{PREFIX}/sign-in")
    return await draw_phone_form(request, PHONE_FORM, session, wired, now, phone="")


@router.post(f"{ADDRESS}/code")
async def take_phone(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: TypedNumber = "",
) -> Response:
    """Have a code sent, then ask for it. An unknown phone gets the same page."""
    if await find_waiting(session, browser_key(request), now) is None:
        return go_to(ADDRESS)
    refusal: Refusal | None = None
    try:
        challenge = await send_code(request, session, wired, captcha, phone, now)
        if challenge is not None:
            return go_to_code(request, f"{ADDRESS}/code?challenge={challenge}")
    except NOT_SENT as refused:
        refusal = refused
    return await draw_phone_form(request, PHONE_FORM, session, wired, now, refusal, phone=phone)


@router.get(f"{ADDRESS}/code")
async def show_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID | None = None
) -> Response:
    """The code, for the browser that asked for it only."""
    phone = await phone_of(session, request, challenge) if challenge else None
    if challenge is None or phone is None or await find_waiting(session, browser_key(request), now) is None:
        return go_to(ADDRESS)
    wait_s = await wait_for_code(request, session, wired, phone, now)
    return _draw_code(request, challenge, phone, wait_s)


@router.post(ADDRESS)
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    challenge: Annotated[UUID, Form()],
    code: TypedNumber = "",
) -> Response:
    """Bind, sign in, and go where the person wanted to. A second click finds it done."""
    phone = await phone_of(session, request, challenge)
    waiting = await find_waiting(session, browser_key(request), now)
    if phone is None or waiting is None:
        return go_to(PREFIX if actor is not None else ADDRESS)
    wait_s = await wait_for_code(request, session, wired, phone, now)
    if wrong := check_digits(code):
        return _draw_code(request, challenge, phone, wait_s, CodeRefused(errors=wrong))
    try:
        signed_in = await bind_by_code(
            session,
            waiting.openid,
            challenge,
            phone,
            code,
            browser_key=browser_key(request),
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.code_limits,
            session_limits=wired.session_limits,
            now=now,
        )
    except NOT_TAKEN as refusal:
        return _draw_code(request, challenge, phone, wait_s, refusal)
    await end_waiting(session, browser_key(request))
    if actor is not None and actor.session_id is not None:  # its cookie is about to be another
        await end_session(session, actor.session_id, actor.person_id, now, actor=actor)
    return enter(request, signed_in, waiting.onward)


def _draw_code(
    request: Request, challenge: UUID, phone: str, wait_s: int, refusal: Refusal | None = None
) -> Response:
    return draw_form(
        request, "bind_code.html", refusal, "code", challenge=challenge, phone=phone, wait_s=wait_s
    )
