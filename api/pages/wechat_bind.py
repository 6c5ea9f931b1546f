"""绑定: whose WeChat it is, said once by phone and code; from then on WeChat alone signs in. The openid waits on the server for
the browser in which WeChat proved it; no link and no page carries it.
"""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import MaybeActorDep, NowDep, SessionDep, WiredDep
from api.pages.captcha import CaptchaDep, CaptchaView, follow_wish, proof_of, view_captcha
from api.pages.phones import errors_of, status_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import Text, missing, phone_of, tell_wait, wechat_way
from api.pages.wechat_enter import enter
from api.phone import PREFIX
from api.security import browser_key, client_ip, give_browser_key, make_browser_key
from domain.code_limits import wait_for_next
from domain.codes import ask_code
from domain.exceptions import CaptchaRefused, CodeRefused, TooManyCodes
from domain.sessions import end_session
from domain.wechat_bindings import bound_at
from domain.wechat_sign_in import bind_by_code
from domain.wechat_visits import end_waiting, find_waiting
from errors import Refusal

router = page_router()
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
    return _draw_phone(request, "", await view_captcha(request, session, wired, now))


@router.post(f"{ADDRESS}/code")
async def send_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: Text = "",
) -> Response:
    """Have a code sent, then ask for it. An unknown phone gets the same page."""
    if await find_waiting(session, browser_key(request), now) is None:
        return go_to(ADDRESS)
    try:
        await follow_wish(request, session, wired, captcha, now)
        if not captcha.sends:
            return _draw_phone(request, phone, await view_captcha(request, session, wired, now))
        challenge = await ask_code(
            session,
            phone,
            browser_key=make_browser_key(request),
            captcha=proof_of(request, captcha),
            ip=client_ip(request),
            limits=wired.code_limits,
            send_code=wired.send_code,
            now=now,
        )
    except (CodeRefused, CaptchaRefused, TooManyCodes) as refusal:  # an answered captcha is used up
        return _draw_phone(request, phone, await view_captcha(request, session, wired, now), refusal)
    response = go_to(f"{ADDRESS}/code?" + urlencode({"challenge": str(challenge)}))
    give_browser_key(request, response)
    return response


@router.get(f"{ADDRESS}/code")
async def show_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID | None = None
) -> Response:
    """The code, for the browser that asked for it only."""
    phone = await phone_of(session, request, challenge) if challenge else None
    if challenge is None or phone is None or await find_waiting(session, browser_key(request), now) is None:
        return go_to(ADDRESS)
    wait_s = await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)
    return _draw_code(request, challenge, phone, wait_s=wait_s)


@router.post(ADDRESS)
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    challenge: Annotated[UUID, Form()],
    code: Text = "",
) -> Response:
    """Bind, sign in, and go where the person wanted to. A second click finds it done."""
    phone = await phone_of(session, request, challenge)
    waiting = await find_waiting(session, browser_key(request), now)
    if phone is None or waiting is None:
        return go_to(PREFIX if actor is not None else ADDRESS)
    wait_s = await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)
    if errors := missing(code, "", officer=False):
        return _draw_code(request, challenge, phone, status=422, wait_s=wait_s, errors=errors)
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
    except (CodeRefused, TooManyCodes) as refusal:  # a wrong try is counted: no rollback here
        status, errors = status_of(refusal), {"code": refusal.message}
        page = _draw_code(request, challenge, phone, status=status, wait_s=wait_s, errors=errors)
        return tell_wait(page, refusal)
    await end_waiting(session, browser_key(request))
    if actor is not None and actor.session_id is not None:  # its cookie is about to be another
        await end_session(session, actor.session_id, actor.person_id, now, actor=actor)
    return enter(request, signed_in, waiting.onward)


def _draw_phone(
    request: Request, phone: str, captcha: CaptchaView | None, refusal: Refusal | None = None
) -> Response:
    page = draw(
        request,
        "bind.html",
        status=status_of(refusal) if refusal else 200,
        phone=phone,
        captcha=captcha,
        errors=errors_of(refusal, "phone") if refusal else {},
    )
    return tell_wait(page, refusal) if refusal else page


def _draw_code(
    request: Request,
    challenge: UUID,
    phone: str,
    *,
    status: int = 200,
    wait_s: int = 0,
    errors: dict[str, str] | None = None,
) -> Response:
    return draw(
        request,
        "bind_code.html",
        status=status,
        challenge=challenge,
        phone=phone,
        wait_s=wait_s,
        errors=errors or {},
    )
