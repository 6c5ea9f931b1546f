"""One's number on pages: changing it with two codes, and the help for people who lost theirs and cannot sign in."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.captcha import CaptchaDep, follow_wish, proof_of, view_captcha
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import tell_wait
from api.security import browser_key, client_ip, make_browser_key
from domain.code_limits import wait_for_next
from domain.codes import ask_code
from domain.exceptions import CaptchaRefused, CodeRefused, PhoneRefused, TooManyCodes
from domain.lost_phones import PURPOSE, check_lost_phone, list_registrar_offices, send_request
from domain.people import normalise_phone
from domain.phones import ChangeCodes, ask_change_codes
from errors import Refusal
from tasks.phones import change_phone

router = page_router()
Text = Annotated[str, Form(max_length=300)]


@router.get("/account/phone", dependencies=[allow()])
async def show_change(request: Request, frame: FrameDep) -> Response:
    """Step one: which number."""
    return draw(request, "phone.html", frame=frame, phone="", sent=None, errors={})


@router.post("/account/phone/codes", dependencies=[allow(while_suspended=True)])
async def send_codes(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    wired: WiredDep,
    now: NowDep,
    phone: Text = "",
) -> Response:
    """Have both codes sent, then ask for them."""
    try:
        old, new = await ask_change_codes(
            session,
            actor,
            phone,
            ip=client_ip(request),
            limits=wired.code_limits,
            send_code=wired.send_code,
            now=now,
        )
    except (PhoneRefused, TooManyCodes) as refusal:
        page = draw(
            request,
            "phone.html",
            status=status_of(refusal),
            frame=frame,
            phone=phone,
            sent=None,
            errors=errors_of(refusal, "phone"),
        )
        return tell_wait(page, refusal)
    sent = {
        "old": old,
        "new": new,
        "wait_s": await _wait_for_both(request, session, wired, actor, phone, now),
    }
    return draw(request, "phone.html", frame=frame, phone=phone, sent=sent, errors={})


@router.post("/account/phone", dependencies=[allow(while_suspended=True)])
async def take_codes(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    frame: FrameDep,
    wired: WiredDep,
    now: NowDep,
    old_challenge: Annotated[UUID, Form()],
    new_challenge: Annotated[UUID, Form()],
    phone: Text = "",
    old_code: Text = "",
    new_code: Text = "",
) -> Response:
    """Change it."""
    codes = ChangeCodes(old_challenge, old_code, new_challenge, new_code)
    try:
        await change_phone(session, actor, phone, codes, limits=wired.code_limits, now=now)
    except (PhoneRefused, TooManyCodes) as refusal:  # wrong codes are counted: no rollback
        wait_s = await _wait_for_both(request, session, wired, actor, phone, now)
        page = draw(
            request,
            "phone.html",
            status=status_of(refusal),
            frame=frame,
            phone=phone,
            sent={"old": old_challenge, "new": new_challenge, "wait_s": wait_s},
            errors=errors_of(refusal, "old_code"),
        )
        return tell_wait(page, refusal)
    return go_to("/account/phone/done")


@router.get("/account/phone/done", dependencies=[allow()])
async def show_changed(request: Request, frame: FrameDep) -> Response:
    """What has happened."""
    return draw(request, "phone_done.html", frame=frame)


@router.get("/sign-in/help")
async def show_help(request: Request, session: SessionDep, wired: WiredDep, now: NowDep) -> Response:
    """What to bring, whom to ask, and the form to begin with."""
    return await _draw_help(request, session, wired, now, {})


@router.post("/sign-in/help")
async def send_lost_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, captcha: CaptchaDep
) -> Response:
    """Check what was typed, have a code sent to the new number, then ask for it."""
    typed = await _read_form(request)
    try:
        await follow_wish(request, session, wired, captcha, now)
        if not captcha.sends:
            return await _draw_help(request, session, wired, now, typed)
        lost = await check_lost_phone(session, **_named(typed))
        challenge = await ask_code(
            session,
            lost.new_phone,
            purpose=PURPOSE,
            browser_key=make_browser_key(request),
            captcha=proof_of(request, captcha),
            ip=client_ip(request),
            limits=wired.code_limits,
            send_code=wired.send_code,
            now=now,
        )
    except (PhoneRefused, CodeRefused, CaptchaRefused, TooManyCodes) as refusal:
        return await _draw_help(request, session, wired, now, typed, refusal)
    wait_s = await wait_for_next(session, lost.new_phone, client_ip(request), wired.code_limits, now)
    return draw(request, "help_code.html", typed=typed, challenge=challenge, wait_s=wait_s, errors={})


@router.post("/sign-in/help/send")
async def take_lost_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: Annotated[UUID, Form()],
    code: Text = "",
) -> Response:
    """Take the request down, and say where to go with which papers."""
    typed = await _read_form(request)
    try:
        lost = await check_lost_phone(session, **_named(typed))
        key = browser_key(request)
        row = await send_request(
            session, lost, challenge, code, browser_key=key, limits=wired.code_limits, now=now
        )
    except (PhoneRefused, TooManyCodes) as refusal:  # wrong codes are counted: no rollback
        phone = normalise_phone(typed["phone"]) or ""
        page = draw(
            request,
            "help_code.html",
            status=status_of(refusal),
            typed=typed,
            challenge=challenge,
            wait_s=await wait_for_next(session, phone, client_ip(request), wired.code_limits, now),
            errors=errors_of(refusal, "code"),
        )
        return tell_wait(page, refusal)
    offices = dict(await list_registrar_offices(session))
    return draw(
        request, "help_done.html", office=offices.get(row.office or ""), number=row.id.hex[-8:].upper()
    )


async def _wait_for_both(
    request: Request, session: SessionDep, wired: WiredDep, actor: ActorDep, phone: str, now: NowDep
) -> int:
    """The seconds until both numbers may have another code."""
    phones = (actor.phone, normalise_phone(phone) or "")
    return max(
        [await wait_for_next(session, one, client_ip(request), wired.code_limits, now) for one in phones]
    )


def status_of(refusal: Refusal) -> int:
    """429 for too often, 422 for what is to be corrected."""
    return 429 if isinstance(refusal, TooManyCodes) else 422


def errors_of(refusal: Refusal, field: str) -> dict[str, str]:
    """The sentences of a refusal by field; at this field where it names none."""
    found: dict[str, str] = refusal.details.get("errors") or {}
    return found or {str(refusal.details.get("field", field)): refusal.message}


async def _read_form(request: Request) -> dict[str, str]:
    form = await request.form()
    fields = ("name", "old_phone", "phone", "place", "office")
    return {name: str(form.get(name) or "")[:300] for name in fields}


def _named(typed: dict[str, str]) -> dict[str, str]:
    return {("new_phone" if name == "phone" else name): value for name, value in typed.items()}


async def _draw_help(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    typed: dict[str, str],
    refusal: Refusal | None = None,
) -> Response:
    context: dict[str, Any] = {
        "typed": {name: typed.get(name, "") for name in ("name", "old_phone", "phone", "place", "office")},
        "offices": await list_registrar_offices(session),
        "captcha": await view_captcha(request, session, wired, now),
        "errors": errors_of(refusal, "phone") if refusal else {},
    }
    page = draw(request, "help.html", status=status_of(refusal) if refusal else 200, **context)
    return tell_wait(page, refusal) if refusal else page
