"""Signing in, in two steps: the phone, then the code (officers add their password); choosing and switching enterprises; out."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.deps import ActorDep, MaybeActorDep, NowDep, SessionDep, WiredDep, allow
from api.pages.captcha import CaptchaDep, CaptchaView, follow_wish, proof_of, view_captcha
from api.pages.menu import first_address
from api.pages.render import draw, go_to
from api.pages.route import SkinRoute
from api.phone import PREFIX, is_phone, safe_onward
from api.routing import make_router
from api.security import (
    browser_key,
    client_ip,
    give_browser_key,
    give_session,
    has_signed_out,
    make_browser_key,
    note_signed_out,
    take_session,
)
from api.sessions import SignedOut
from api.wechat import is_in_wechat
from api.wired import Wired
from domain.cas_sign_in import find_ticket
from domain.code_limits import wait_for_next
from domain.exceptions import CaptchaRefused, CodeRefused, TooManyCodes
from domain.models import SignInChallenge
from domain.people import list_memberships
from domain.sessions import SessionLimits
from domain.signin import ask_code, end_all_sessions, end_session, sign_in, switch_membership
from errors import Refusal

router = make_router(route_class=SkinRoute, include_in_schema=False)
PURPOSE = "sign_in"
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
    captcha = await view_captcha(request, session, wired, now)
    return _draw_phone(request, "", officer, safe_address(onward), captcha)


@router.post("/sign-in/code")
async def send_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    captcha: CaptchaDep,
    phone: Text = "",
    officer: Annotated[bool, Form()] = False,
    onward: NextField = "",
) -> Response:
    """Have a code sent, then ask for it. An unknown phone gets the same page."""
    address = safe_address(onward)
    try:
        await follow_wish(request, session, wired, captcha, now)
        if not captcha.sends:
            view = await view_captcha(request, session, wired, now)
            return _draw_phone(request, phone, officer, address, view)
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
    except (
        CodeRefused,
        CaptchaRefused,
        TooManyCodes,
    ) as refusal:  # an answered captcha is used up: no rollback
        view = await view_captcha(request, session, wired, now)
        return _draw_phone(request, phone, officer, address, view, refusal)
    query = {"challenge": str(challenge)} | ({"officer": "1"} if officer else {})
    response = go_to("/sign-in/code?" + urlencode(query | ({"next": address} if address != "/" else {})))
    give_browser_key(request, response)
    return response


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
    wait_s = await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)
    return _draw_code(request, challenge, phone, officer, safe_address(onward), wait_s=wait_s)


@router.post("/sign-in")
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    actor: MaybeActorDep,
    challenge: Annotated[UUID, Form()],
    code: Text = "",
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
    errors = missing(code, password, officer)
    if errors:
        wait_s = await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)
        return _draw_code(
            request, challenge, phone, officer, address, status=422, wait_s=wait_s, errors=errors
        )
    try:
        signed_in = await sign_in(
            session,
            challenge,
            phone,
            "".join(code.split()),
            password or None,
            browser_key=browser_key(request),
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.code_limits,
            session_limits=SessionLimits.of(wired.settings),
            now=now,
        )
    except (CodeRefused, TooManyCodes) as refusal:  # a wrong try is counted: no rollback here
        wait_s = await wait_for_next(session, phone, client_ip(request), wired.code_limits, now)
        return tell_wait(
            _draw_code(
                request,
                challenge,
                phone,
                officer,
                address,
                status=_status_of(refusal),
                wait_s=wait_s,
                errors={"code": refusal.message},
            ),
            refusal,
        )
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
    errors: dict[str, str] = {}
    if not "".join(code.split()).isdigit() or len("".join(code.split())) != 6:
        errors["code"] = "请填写 6 位数字验证码。"
    if officer and not password:
        errors["password"] = "请填写密码。"  # noqa: S105  a sentence
    return errors


def tell_wait(response: Response, refusal: Refusal) -> Response:
    """The page of a refusal, with the seconds to wait in its header too."""
    if wait_s := refusal.details.get("retry_after_s"):
        response.headers["Retry-After"] = str(wait_s)
    return response


def _status_of(refusal: Refusal) -> int:
    return 429 if isinstance(refusal, TooManyCodes) else 422


def _draw_phone(
    request: Request,
    phone: str,
    officer: bool,
    onward: str,
    captcha: CaptchaView | None,
    refusal: Refusal | None = None,
) -> Response:
    response = draw(
        request,
        "sign_in.html",
        status=_status_of(refusal) if refusal else 200,
        phone=phone,
        officer=officer,
        by_card=False,
        by_wechat=wechat_way(request, onward),
        signed_out=has_signed_out(request),
        next=onward,
        onward=f"?{urlencode({'next': onward})}" if onward != "/" else "",
        captcha=captcha,
        errors={str(refusal.details.get("field", "phone")): refusal.message} if refusal else {},
    )
    return tell_wait(response, refusal) if refusal else response


def _draw_code(
    request: Request,
    challenge: UUID,
    phone: str,
    officer: bool,
    onward: str,
    *,
    status: int = 200,
    wait_s: int = 0,
    errors: dict[str, str] | None = None,
) -> Response:
    return draw(
        request,
        "sign_in_code.html",
        status=status,
        challenge=challenge,
        phone=phone,
        officer=officer,
        next=onward,
        wait_s=wait_s,
        errors=errors or {},
    )


async def phone_of(session: AsyncSession, request: Request, challenge: UUID) -> str | None:
    """The phone this browser asked a code for."""
    return await session.scalar(
        select(col(SignInChallenge.phone)).where(
            col(SignInChallenge.id) == challenge,
            col(SignInChallenge.purpose) == PURPOSE,
            col(SignInChallenge.browser_key) == browser_key(request),
        )
    )
