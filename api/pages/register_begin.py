"""新企业注册 begins: with a card or without, whose phone it is, and its code. A right code opens the form (`register`)."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import NowDep, SessionDep, WiredDep
from api.pages.captcha import CaptchaDep, CaptchaView, follow_wish, proof_of, view_captcha
from api.pages.phones import errors_of, status_of
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import tell_wait, wechat_way
from api.phone import base_of, is_phone
from api.security import browser_key, client_ip, give_browser_key, make_browser_key
from domain import applications
from domain.code_limits import wait_for_next
from domain.codes import ask_code
from domain.exceptions import CaptchaRefused, CodeRefused, TooManyCodes
from domain.wechat_visits import find_waiting
from errors import Refusal

router = page_router()
Text = Annotated[str, Form(max_length=300)]


@router.get("/register")
async def show_choice(request: Request, session: SessionDep, now: NowDep) -> Response:
    """With a card, or without; on a phone always without. In WeChat it is asked first whose it is: it is bound with the phone."""
    begin = f"{base_of(request)}/register/phone"
    if is_phone(request) and await find_waiting(session, browser_key(request), now) is None:
        begin = wechat_way(request, begin) or begin
    return draw(request, "register/choose.html", begin=begin)


@router.get("/register/phone")
async def show_phone(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, expired: bool = False
) -> Response:
    """Whose phone it is: the applicant signs in with it afterwards."""
    captcha = await view_captcha(request, session, wired, now)
    return _draw_phone(request, "", captcha, expired=expired)


@router.post("/register/phone")
async def send_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: Text = "",
) -> Response:
    """Have a code sent to a phone that nobody need have yet."""
    try:
        await follow_wish(request, session, wired, captcha, now)
        if not captcha.sends:
            return _draw_phone(request, phone, await view_captcha(request, session, wired, now))
        challenge = await ask_code(
            session,
            phone,
            purpose=applications.PURPOSE,
            browser_key=make_browser_key(request),
            captcha=proof_of(request, captcha),
            ip=client_ip(request),
            limits=wired.code_limits,
            send_code=wired.send_code,
            now=now,
        )
    except (CodeRefused, CaptchaRefused, TooManyCodes) as refusal:  # an answered captcha is used up
        return _draw_phone(request, phone, await view_captcha(request, session, wired, now), refusal)
    response = go_to(f"/register/{challenge}/code")
    give_browser_key(request, response)
    return response


@router.get("/register/{challenge}/code")
async def show_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID
) -> Response:
    """The code, for the browser that asked for it only."""
    found = await applications.find_challenge(session, challenge, browser_key(request))
    if found is None:
        return go_to("/register/phone")
    if await applications.find_draft(session, challenge, now) is not None:
        return go_to(f"/register/{challenge}")
    wait_s = await wait_for_next(session, found.phone, client_ip(request), wired.code_limits, now)
    return _draw_code(request, challenge, found.phone, wait_s=wait_s)


@router.post("/register/{challenge}/code")
async def take_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, challenge: UUID, code: Text = ""
) -> Response:
    """A right code opens the form. A second click finds it open."""
    found = await applications.find_challenge(session, challenge, browser_key(request), lock=True)
    if found is None:
        return go_to("/register/phone")
    if await applications.find_draft(session, challenge, now) is None:
        try:
            proved = await applications.prove_phone(
                session,
                challenge,
                found.phone,
                code,
                browser_key=browser_key(request),
                limits=wired.code_limits,
                now=now,
            )
        except (CodeRefused, TooManyCodes) as refusal:  # a wrong try is counted: no rollback
            wait_s = await wait_for_next(session, found.phone, client_ip(request), wired.code_limits, now)
            return _draw_code(request, challenge, found.phone, wait_s=wait_s, refusal=refusal)
        await applications.open_draft(session, proved, now)
    return go_to(f"/register/{challenge}")


def _draw_phone(
    request: Request,
    phone: str,
    captcha: CaptchaView | None,
    refusal: Refusal | None = None,
    *,
    expired: bool = False,
) -> Response:
    page = draw(
        request,
        "register/phone.html",
        status=status_of(refusal) if refusal else 200,
        phone=phone,
        captcha=captcha,
        errors=errors_of(refusal, "phone") if refusal else {},
        expired=expired,
    )
    return tell_wait(page, refusal) if refusal else page


def _draw_code(
    request: Request,
    challenge: UUID,
    phone: str,
    *,
    wait_s: int,
    refusal: Refusal | None = None,
) -> Response:
    page = draw(
        request,
        "register/code.html",
        status=status_of(refusal) if refusal else 200,
        challenge=challenge,
        phone=phone,
        wait_s=wait_s,
        errors=errors_of(refusal, "code") if refusal else {},
    )
    return tell_wait(page, refusal) if refusal else page
