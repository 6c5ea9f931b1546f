"""新企业注册 begins: with a card or without, whose phone it is, and its code. A right code opens the form (`register`)."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.deps import NowDep, SessionDep, WiredDep
from api.pages.captcha import CaptchaDep
from api.pages.codes import (
    NOT_SENT,
    NOT_TAKEN,
    draw_form,
    draw_phone_form,
    go_to_code,
    send_code,
    wait_for_code,
)
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import wechat_way
from api.pages.typed_text import TypedNumber
from api.phone import base_of, is_phone
from api.security import browser_key
from domain import applications
from domain.wechat_visits import find_waiting
from errors import Refusal

router = page_router()
PHONE_FORM = "register/phone.html"


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
    return await draw_phone_form(request, PHONE_FORM, session, wired, now, phone="", expired=expired)


@router.post("/register/phone")
async def take_phone(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: TypedNumber = "",
) -> Response:
    """Have a code sent to a phone that nobody need have yet."""
    refusal: Refusal | None = None
    try:
        challenge = await send_code(
            request, session, wired, captcha, phone, now, purpose=applications.PURPOSE
        )
        if challenge is not None:
            return go_to_code(request, f"/register/{challenge}/code")
    except NOT_SENT as refused:
        refusal = refused
    return await draw_phone_form(
        request, PHONE_FORM, session, wired, now, refusal, phone=phone, expired=False
    )


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
    wait_s = await wait_for_code(request, session, wired, found.phone, now)
    return _draw_code(request, challenge, found.phone, wait_s)


@router.post("/register/{challenge}/code")
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: UUID,
    code: TypedNumber = "",
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
        except NOT_TAKEN as refusal:
            wait_s = await wait_for_code(request, session, wired, found.phone, now)
            return _draw_code(request, challenge, found.phone, wait_s, refusal)
        await applications.open_draft(session, proved, now)
    return go_to(f"/register/{challenge}")


def _draw_code(
    request: Request, challenge: UUID, phone: str, wait_s: int, refusal: Refusal | None = None
) -> Response:
    return draw_form(
        request, "register/code.html", refusal, "code", challenge=challenge, phone=phone, wait_s=wait_s
    )
