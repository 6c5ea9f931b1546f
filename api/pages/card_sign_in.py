"""The tab “CAS用户登录”: with a card in a reader of one's own PC, or, where the authority runs a CAS server, through it."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import Form, Query, Request
from starlette.responses import PlainTextResponse, Response

from api.cards import prove_card
from api.deps import MaybeActorDep, NowDep, SessionDep, WiredDep
from api.pages.card_parts import NOT_READ, TokenField, draw_with_reader, read_token, view_reader
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.sign_in import NextField, NextQuery, safe_address
from api.security import client_ip, give_browser_key, give_session, make_browser_key
from cardauth.exceptions import CasRefused, CasUnavailable
from domain.card_sign_in import sign_in_by_card
from domain.cas_sign_in import end_cas_session, sign_in_by_cas
from domain.exceptions import CardSignInRefused
from domain.signin import SignedIn
from errors import Refusal
from tasks.exceptions import NotFound

log = structlog.get_logger(__name__)
router = page_router()


@router.get("/sign-in/card")
async def show_reader(
    request: Request, wired: WiredDep, now: NowDep, actor: MaybeActorDep, onward: NextQuery = ""
) -> Response:
    """The reader; or the way to CAS, where there is one."""
    if actor is not None:
        return go_to(safe_address(onward))
    return _draw(request, wired, now, safe_address(onward))


@router.get("/sign-in/card/help")
async def show_help(request: Request, wired: WiredDep) -> Response:
    """How the agent comes onto a PC, and what to do when it is not found."""
    settings = wired.settings
    return draw(request, "card_help.html", origin=settings.origin, port=settings.card_agent_port)


@router.post("/sign-in/card")
async def take_card(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: Annotated[UUID | None, Form()] = None,
    token: TokenField = "",
    onward: NextField = "",
) -> Response:
    """Whoever the card is bound to is signed in; else why not, on the same page."""
    address = safe_address(onward)
    try:
        facts = await prove_card(
            request, session, wired, challenge, read_token(token), purpose="sign_in", now=now
        )
        assert challenge is not None, "prove_card has refused no challenge"
        signed_in = await sign_in_by_card(
            session,
            facts,
            challenge,
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.session_limits,
            now=now,
        )
    except (*NOT_READ, CardSignInRefused) as refusal:  # what was tried is on the record: no rollback
        return _draw(request, wired, now, address, refusal)
    return _enter(request, signed_in, address)


@router.get("/sign-in/cas")
async def go_to_cas(request: Request, wired: WiredDep, now: NowDep, onward: NextQuery = "") -> Response:
    """Leave for the CAS server; it sends the browser back to the next route."""
    if wired.cas is None:
        raise NotFound
    make_browser_key(request)
    service = wired.cas.service(request, safe_address(onward), now)
    response = go_to(wired.cas.client.login_url(service))
    give_browser_key(request, response)
    return response


@router.get("/sign-in/cas/callback")
async def come_from_cas(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    onward: NextQuery = "",
    at: Annotated[str, Query(max_length=20)] = "",
    state: Annotated[str, Query(max_length=100)] = "",
    ticket: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Back with a ticket, which CAS itself has to confirm; only for the browser that left for it."""
    if wired.cas is None:
        raise NotFound
    service = wired.cas.returned_service(request, onward, at, state, now)
    address = safe_address(onward)
    if service is None or not ticket:
        return _draw_cas(request, "这次登录已经过期，或者不是从本页开始的，请重新登录。")
    try:
        principal = await wired.cas.client.validate(ticket, service)
        signed_in = await sign_in_by_cas(
            session,
            phone=principal.attributes.get("phone", ""),
            uscc=principal.attributes.get("uscc", ""),
            ticket=ticket,
            ip=client_ip(request),
            user_agent=request.headers.get("user-agent"),
            limits=wired.session_limits,
            now=now,
        )
    except (CasRefused, CasUnavailable, CardSignInRefused) as refusal:
        log.info("cas.refused", why=type(refusal).__name__)
        return _draw_cas(request, refusal.message)
    return _enter(request, signed_in, address)


@router.post("/sign-in/cas/callback")
async def hear_sign_out(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    logout_request: Annotated[str, Form(alias="logoutRequest", max_length=20_000)] = "",
) -> Response:
    """Single log-out: the CAS server tells which ticket is over. Whoever knows no ticket of ours ends nothing."""
    if wired.cas is None:
        raise NotFound
    try:
        ended = await end_cas_session(session, wired.cas.client.read_logout_request(logout_request), now)
    except CasRefused:
        log.warning("cas.logout_unreadable")
        ended = 0
    log.info("cas.signed_out", sessions=ended)
    return PlainTextResponse("ok\n")


def _enter(request: Request, signed_in: SignedIn, address: str) -> Response:
    chosen = signed_in.actor.membership_id or signed_in.actor.officer_id
    response = go_to(address if chosen else "/sign-in/membership?" + urlencode({"next": address}))
    give_session(request, response, signed_in.token)
    return response


def _draw(
    request: Request, wired: WiredDep, now: NowDep, onward: str, refusal: Refusal | None = None
) -> Response:
    status = 200 if refusal is None else 422
    by_cas = wired.cas is not None
    context = {
        "by_card": True,
        "officer": False,
        "next": onward,
        "onward": f"?{urlencode({'next': onward})}" if onward != "/" else "",
        "by_cas": by_cas,
        "errors": {"card": refusal.message} if refusal else {},
    }
    if by_cas:
        return draw(request, "sign_in_card.html", status=status, reader=None, **context)
    reader = view_reader(wired, "sign_in", now)
    return draw_with_reader(request, "sign_in_card.html", reader, status=status, **context)


def _draw_cas(request: Request, sentence: str) -> Response:
    return draw(
        request,
        "sign_in_card.html",
        status=422,
        reader=None,
        by_card=True,
        officer=False,
        next="/",
        onward="",
        by_cas=True,
        errors={"card": sentence},
    )
