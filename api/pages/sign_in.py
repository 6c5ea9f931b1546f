"""Signing in, in two steps: the phone, then the code (officers add their password); choosing and switching enterprises; out."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.deps import ActorDep, MaybeActorDep, NowDep, SessionDep, WiredDep, allow
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
from api.pages.menu import first_address
from api.pages.render import draw, go_to
from api.pages.route import SkinRoute
from api.pages.typed_text import TypedNumber
from api.phone import PREFIX, is_phone, safe_onward
from api.routing import make_router
from api.security import (
    browser_key,
    client_ip,
    give_session,
    has_signed_out,
    note_signed_out,
    take_session,
)
from api.sessions import SignedOut
from api.wechat import is_in_wechat
from api.wired import Wired
from domain.cas_sign_in import find_ticket
from domain.code_limits import SIGN_IN
from domain.exceptions import CodeRefused
from domain.models import SignInChallenge
from domain.people import list_memberships
from domain.sessions import SessionLimits
from domain.signin import end_all_sessions, end_session, sign_in, switch_membership
from errors import Refusal

router = make_router(route_class=SkinRoute, include_in_schema=False)
Text = Annotated[str, Form(max_length=300)]
NextQuery = Annotated[str, Query(alias="next", max_length=300)]
NextField = Annotated[str, Form(alias="next", max_length=300)]


@router.get("/sign-in")
async def show_phone(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    onward: NextQuery = "",
    officer: bool = False,
) -> Response:
    """Step one: who are you. Whoever is signed in already goes on."""
    if actor is not None:
        return go_to(safe_address(onward))
    return await _draw_phone(request, session, wired, now, "", officer, safe_address(onward))


@router.post("/sign-in/code")
async def take_phone(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: TypedNumber = "",
    officer: Annotated[bool, Form()] = False,
    onward: NextField = "",
) -> Response:
    """Have a code sent, then ask for it. An unknown phone gets the same page."""
    address = safe_address(onward)
    try:
        challenge = await send_code(request, session, wired, captcha, phone, now)
    except NOT_SENT as refusal:
        return await _draw_phone(request, session, wired, now, phone, officer, address, refusal)
    if challenge is None:
        return await _draw_phone(request, session, wired, now, phone, officer, address)
    query = {"challenge": str(challenge)} | ({"officer": "1"} if officer else {})
    query |= {"next": address} if address != "/" else {}
    return go_to_code(request, f"/sign-in/code?{urlencode(query)}")


@router.get("/sign-in/code")
async def show_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    challenge: UUID,
    officer: bool = False,
    onward: NextQuery = "",
) -> Response:
    """Step two: the code, for the browser that asked for it only. Whoever comes back to it signed in goes on."""
    if actor is not None:
        return go_to(safe_address(onward))
    phone = await phone_of(session, request, challenge)
    if phone is None:
        return go_to("/sign-in")
    wait_s = await wait_for_code(request, session, wired, phone, now)
    return _draw_code(request, challenge, phone, officer, safe_address(onward), wait_s)


@router.post("/sign-in")
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    challenge: Annotated[UUID, Form()],
    code: TypedNumber = "",
    password: Text = "",
    officer: Annotated[bool, Form()] = False,
    onward: NextField = "",
) -> Response:
    """Take the code, start the session, and go where the person wanted to; a second click finds them signed in."""
    address = safe_address(onward)
    if actor is not None:
        return go_to(address)
    phone = await phone_of(session, request, challenge)
    if phone is None:
        return go_to("/sign-in")
    if wrong := missing(code, password, officer):
        wait_s = await wait_for_code(request, session, wired, phone, now)
        return _draw_code(request, challenge, phone, officer, address, wait_s, CodeRefused(errors=wrong))
    try:
        signed_in = await sign_in(
            session,
            challenge,
            phone,
            code,
            password or None,
            browser_key=browser_key(request),
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.code_limits,
            session_limits=SessionLimits.of(wired.settings),
            now=now,
        )
    except NOT_TAKEN as refusal:
        wait_s = await wait_for_code(request, session, wired, phone, now)
        return _draw_code(request, challenge, phone, officer, address, wait_s, refusal)
    chosen = signed_in.actor.membership_id or signed_in.actor.officer_id
    response = go_to(address if chosen else "/sign-in/membership?" + urlencode({"next": address}))
    give_session(request, response, signed_in.token)
    return response


@router.get("/sign-in/membership", dependencies=[allow()])
async def show_memberships(
    request: Request, session: SessionDep, actor: ActorDep, onward: NextQuery = ""
) -> Response:
    """Which enterprise to act for."""
    memberships = await list_memberships(session, actor.person_id)
    return draw(request, "choose_membership.html", memberships=memberships, next=safe_address(onward))


@router.post("/sign-in/membership", dependencies=[allow(while_suspended=True)])
async def choose_membership(
    session: SessionDep,
    actor: ActorDep,
    now: NowDep,
    membership: Annotated[UUID, Form()],
    onward: NextField = "",
) -> Response:
    """Act for this enterprise from now on."""
    if not await switch_membership(session, actor, membership, now):
        return go_to("/sign-in/membership")
    return go_to(safe_address(onward))


@router.post("/sign-out", dependencies=[allow(while_suspended=True)])
async def sign_out(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    wired: WiredDep,
    now: NowDep,
    everywhere: Annotated[bool, Form()] = False,
) -> Response:
    """End this session, or all of this person's; a session that CAS began ends at CAS too."""
    ticket = await find_ticket(session, actor.session_id) if wired.cas else None
    if everywhere:
        await end_all_sessions(session, actor.person_id, now, actor=actor)
    elif actor.session_id:
        await end_session(session, actor.session_id, actor.person_id, now, actor=actor)
    ends_there = wired.cas is not None and wired.cas.ends_at_cas and ticket is not None
    leave = wired.cas.client.logout_url(f"{wired.cas.origin}/sign-in") if ends_there and wired.cas else None
    response = go_to(leave or "/sign-in")
    take_session(request, response)
    if is_phone(request):
        note_signed_out(request, response)
    return response


@router.get("/")
async def go_home(actor: MaybeActorDep) -> Response:
    """The issues for people of an enterprise, the work at hand for officers, their own pages for administrators."""
    if actor is None:
        raise SignedOut
    if not actor.membership_id and not actor.officer_id:
        return go_to("/sign-in/membership")
    return go_to(first_address(actor.roles))


def safe_address(address: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    if address.startswith(f"{PREFIX}/"):
        return safe_onward(address)
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_ours and not address.startswith(("/sign-in", "/sign-out")) else "/"


def wechat_way(request: Request, onward: str) -> str | None:
    """The address of the button that signs in by WeChat; None where there is no WeChat."""
    wired: Wired = request.app.state.wired
    if wired.wechat is None or not is_in_wechat(request):
        return None
    return f"{PREFIX}/enter?" + urlencode({"again": "true", "next": safe_onward(onward)})


def missing(code: str, password: str, officer: bool) -> dict[str, str]:
    """What is wrong before anything is tried, by field."""
    needs_password = officer and not password
    return check_digits(code) | ({"password": "请填写密码。"} if needs_password else {})


async def _draw_phone(
    request: Request,
    session: AsyncSession,
    wired: Wired,
    now: datetime,
    phone: str,
    officer: bool,
    onward: str,
    refusal: Refusal | None = None,
) -> Response:
    return await draw_phone_form(
        request,
        "sign_in.html",
        session,
        wired,
        now,
        refusal,
        phone=phone,
        officer=officer,
        by_card=False,
        by_wechat=wechat_way(request, onward),
        signed_out=has_signed_out(request),
        next=onward,
        onward=f"?{urlencode({'next': onward})}" if onward != "/" else "",
    )


def _draw_code(
    request: Request,
    challenge: UUID,
    phone: str,
    officer: bool,
    onward: str,
    wait_s: int,
    refusal: Refusal | None = None,
) -> Response:
    return draw_form(
        request,
        "sign_in_code.html",
        refusal,
        "code",
        challenge=challenge,
        phone=phone,
        officer=officer,
        next=onward,
        wait_s=wait_s,
    )


async def phone_of(session: AsyncSession, request: Request, challenge: UUID) -> str | None:
    """The phone this browser asked a code for."""
    return await session.scalar(
        select(col(SignInChallenge.phone)).where(
            col(SignInChallenge.id) == challenge,
            col(SignInChallenge.purpose) == SIGN_IN,
            col(SignInChallenge.browser_key) == browser_key(request),
        )
    )
