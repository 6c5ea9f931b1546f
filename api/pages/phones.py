"""One's number on pages: changing it with two codes, and the help for people who lost theirs and cannot sign in."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from starlette.responses import Response

from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.captcha import CaptchaDep
from api.pages.codes import NOT_SENT, draw_form, draw_phone_form, send_code, wait_for_code
from api.pages.frame import FrameDep
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import LONGEST_LINE, TypedNumber
from api.security import browser_key, client_ip
from cleaning import clean_identifier, clean_name
from domain.exceptions import PhoneRefused, TooManyCodes
from domain.lost_phones import PURPOSE, check_lost_phone, list_registrar_offices, send_request
from domain.people import normalise_phone
from domain.phones import ChangeCodes, ask_change_codes
from errors import Refusal
from tasks.phones import change_phone

router = page_router()
FIELDS = ("name", "old_phone", "phone", "place", "office")


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
    phone: TypedNumber = "",
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
        return draw_form(request, "phone.html", refusal, "phone", frame=frame, phone=phone, sent=None)
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
    phone: TypedNumber = "",
    old_code: TypedNumber = "",
    new_code: TypedNumber = "",
) -> Response:
    """Change it."""
    codes = ChangeCodes(old_challenge, old_code, new_challenge, new_code)
    try:
        await change_phone(session, actor, phone, codes, limits=wired.code_limits, now=now)
    except (PhoneRefused, TooManyCodes) as refusal:  # wrong codes are counted: no rollback
        wait_s = await _wait_for_both(request, session, wired, actor, phone, now)
        sent = {"old": old_challenge, "new": new_challenge, "wait_s": wait_s}
        return draw_form(request, "phone.html", refusal, "old_code", frame=frame, phone=phone, sent=sent)
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
        if captcha.sends:
            await check_lost_phone(session, **_named(typed))
        challenge = await send_code(request, session, wired, captcha, typed["phone"], now, purpose=PURPOSE)
    except (PhoneRefused, *NOT_SENT) as refusal:
        return await _draw_help(request, session, wired, now, typed, refusal)
    if challenge is None:
        return await _draw_help(request, session, wired, now, typed)
    wait_s = await _wait_for_new(request, session, wired, typed, now)
    return draw(request, "help_code.html", typed=typed, challenge=challenge, wait_s=wait_s, errors={})


@router.post("/sign-in/help/send")
async def take_lost_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: Annotated[UUID, Form()],
    code: TypedNumber = "",
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
        wait_s = await _wait_for_new(request, session, wired, typed, now)
        return draw_form(
            request, "help_code.html", refusal, "code", typed=typed, challenge=challenge, wait_s=wait_s
        )
    offices = dict(await list_registrar_offices(session))
    return draw(
        request, "help_done.html", office=offices.get(row.office or ""), number=row.id.hex[-8:].upper()
    )


async def _wait_for_both(
    request: Request, session: SessionDep, wired: WiredDep, actor: ActorDep, phone: str, now: NowDep
) -> int:
    """The seconds until both numbers may have another code."""
    phones = (actor.phone, normalise_phone(phone) or "")
    return max([await wait_for_code(request, session, wired, one, now) for one in phones])


async def _wait_for_new(
    request: Request, session: SessionDep, wired: WiredDep, typed: dict[str, str], now: NowDep
) -> int:
    """The seconds until the number they have now may have another code."""
    return await wait_for_code(request, session, wired, normalise_phone(typed["phone"]) or "", now)


async def _read_form(request: Request) -> dict[str, str]:
    form = await request.form()
    typed = {name: str(form.get(name) or "")[:LONGEST_LINE] for name in FIELDS}
    return {name: (clean_identifier if "phone" in name else clean_name)(text) for name, text in typed.items()}


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
    return await draw_phone_form(
        request,
        "help.html",
        session,
        wired,
        now,
        refusal,
        typed={name: typed.get(name, "") for name in FIELDS},
        offices=await list_registrar_offices(session),
    )
