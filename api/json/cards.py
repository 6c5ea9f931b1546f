"""Cards for programs: what a card has to sign, signing in and registering with one, the cards that are bound."""

from base64 import b64encode
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.answers import Json
from api.cards import ask_card, prove_card
from api.deps import ActorDep, EngineDep, MaybeActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id, try_id
from api.json.parameters import CardId, RequestId
from api.json.route import json_router, problems
from api.json.schemas.cards import (
    CardBinding,
    CardBlock,
    CardChallengeOut,
    CardChallengeWanted,
    CardDecision,
    CardList,
    CardOut,
    CardRegistration,
    CardRequestList,
    CardRequestOut,
    CardRequestSent,
    CardSignIn,
)
from api.json.schemas.registrations import RegistrationCreated
from api.json.schemas.sign_in import SignedInOut
from api.json.show.registrations import show_created
from api.json.sign_in import show_phone, show_signed_in
from api.security import browser_key, client_ip
from cleaning import clean_name, is_plain
from domain import applications, card_requests, card_visits, cards
from domain.card_facts import CardFacts
from domain.card_requests import CardRequestView
from domain.card_sign_in import sign_in_by_card
from domain.cards import CardLine
from domain.exceptions import CardTaken, CardUnfit, EnterpriseRegistered
from domain.models import SignInChallenge
from domain.models.people import OFFICER_ROLES
from tasks.card_registrations import register_by_card
from tasks.cards import decide_request as decide_card_request
from tasks.exceptions import NotFound

router = json_router("卡")
ADMIN = "enterprise_admin"
HOLDERS = (ADMIN, *OFFICER_ROLES)


@router.post(
    "/card/challenge",
    status_code=201,
    response_model=CardChallengeOut,
    responses=problems(401, 429),
    summary="请卡签名的随机数",
)
async def make_challenge(
    body: CardChallengeWanted,
    request: Request,
    actor: MaybeActorDep,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
) -> Response:
    """Good once, for five minutes, for this purpose, for this browser (to bind: for this session)."""
    asked = await ask_card(request, session, wired, body.purpose, actor=actor, now=now)
    nonce = b64encode(asked.nonce).decode()
    return Json(CardChallengeOut(challenge=asked.id, nonce=nonce, expires_at=asked.expires_at), 201)


@router.post("/sign-in/card", response_model=SignedInOut, responses=problems(401, 404), summary="插卡登录")
async def sign_in(
    body: CardSignIn, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """With a card that is bound; for officers too."""
    challenge = try_id(body.challenge)
    facts = await prove_card(request, session, wired, challenge, body.token, purpose="sign_in", now=now)
    signed_in = await sign_in_by_card(
        session,
        facts,
        parse_id(body.challenge),
        parse_id(body.membership) if body.membership else None,
        ip=client_ip(request),
        user_agent=request.headers.get("user-agent"),
        limits=wired.session_limits,
        now=now,
    )
    return Json(show_signed_in(signed_in))


@router.post(
    "/registrations/card",
    status_code=201,
    response_model=RegistrationCreated,
    responses=problems(401, 429),
    summary="注册企业（有卡用户）",
)
async def register(
    body: CardRegistration,
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    engine: EngineDep,
    now: NowDep,
) -> Response:
    """Usable at once. 409 where the enterprise is registered already: see POST /registrations/card/request."""
    facts, challenge = await _prove_both(body, request, session, wired, now)
    if await card_visits.is_bound(session, facts):
        raise CardTaken
    if await card_visits.find_registered(session, facts) is not None:
        raise EnterpriseRegistered
    registration, _ = await register_by_card(
        session,
        engine,
        challenge,
        facts,
        office=body.office,
        contact=read_contact(body.contact),
        ip=client_ip(request),
        now=now,
    )
    return Json(show_created(registration), 201)


@router.post(
    "/registrations/card/request",
    status_code=201,
    response_model=CardRequestSent,
    responses=problems(401, 404, 429),
    summary="企业已经注册的：申请绑定卡，由注册地海关核实",
)
async def send_request(
    body: CardRegistration, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """A registrar of the enterprise's office decides. 404 where the enterprise is not registered."""
    facts, challenge = await _prove_both(body, request, session, wired, now)
    if await card_visits.is_bound(session, facts):
        raise CardTaken
    enterprise_id = await card_visits.find_registered(session, facts)
    if enterprise_id is None:
        raise NotFound
    row = await card_requests.send_request(
        session,
        facts,
        enterprise_id,
        office=await card_visits.find_office(session, facts) or body.office,
        contact=read_contact(body.contact) or facts.holder,
        phone=challenge.phone,
        now=now,
    )
    return Json(CardRequestSent(id=row.id, office=row.office), 201)


@router.get(
    "/card-requests",
    response_model=CardRequestList,
    summary="由我核实的绑卡申请",
    dependencies=[allow(card_requests.DECIDER)],
)
async def list_requests(actor: ActorDep, session: SessionDep) -> Response:
    """Those of the offices where I am a registrar, the oldest first."""
    found = await card_requests.find_requests(session, actor)
    return Json(CardRequestList(items=[show_request(one) for one in found]))


@router.post(
    "/card-requests/{card_request_id}/decide",
    status_code=204,
    summary="绑定或不予绑定",
    dependencies=[allow(card_requests.DECIDER)],
)
async def decide_request(
    card_request_id: RequestId, body: CardDecision, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """Bound, the holder is an admin of the enterprise; the applicant and the admins there are, are told."""
    found = await card_requests.find_requests(session, actor, parse_id(card_request_id))
    bind = body.decision == "bind"
    if not found or not await decide_card_request(
        session, actor, found[0], bind=bind, reason=body.reason, now=now
    ):
        raise NotFound
    return Response(status_code=204)


@router.get("/me/cards", response_model=CardList, summary="我绑定的卡", dependencies=[allow(*HOLDERS)])
async def list_mine(actor: ActorDep, session: SessionDep) -> Response:
    """In the part I play now."""
    found = await cards.list_own_cards(session, actor)
    return Json(CardList(items=[show_card(one) for one in found]))


@router.post(
    "/me/cards",
    status_code=201,
    response_model=CardOut,
    summary="绑定一张卡",
    dependencies=[allow(*HOLDERS)],
)
async def bind_card(
    body: CardBinding, request: Request, actor: ActorDep, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """An enterprise's admin binds cards of the enterprise; an officer, after a sign-in with password and code, their own."""
    challenge = try_id(body.challenge)
    facts = await prove_card(
        request, session, wired, challenge, body.token, purpose="bind", actor=actor, now=now
    )
    card = await cards.bind_own_card(session, actor, facts, now)
    mine = await cards.list_own_cards(session, actor)
    return Json(show_card(next(one for one in mine if one.id == card.id)), 201)


@router.delete(
    "/me/cards/{card_id}",
    status_code=204,
    summary="解绑我的卡",
    dependencies=[allow(*HOLDERS, while_suspended=True)],
)
async def unbind_mine(card_id: CardId, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """It opens nothing any more; it may be bound again."""
    await cards.unbind_card(session, actor, await _mine(session, actor, card_id), now)
    return Response(status_code=204)


@router.post(
    "/me/cards/{card_id}/block",
    status_code=204,
    summary="挂失我的卡",
    dependencies=[allow(*HOLDERS, while_suspended=True)],
)
async def block_mine(
    card_id: CardId, body: CardBlock, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """It opens nothing and cannot be bound anew until a security administrator of customs lifts that."""
    await cards.block_own_card(session, actor, await _mine(session, actor, card_id), body.reason, now)
    return Response(status_code=204)


@router.get(
    "/enterprise/cards", response_model=CardList, summary="本企业绑定的卡", dependencies=[allow(ADMIN)]
)
async def list_ours(actor: ActorDep, session: SessionDep) -> Response:
    """Of everybody in the enterprise."""
    assert actor.enterprise_id is not None
    found = await cards.list_enterprise_cards(session, actor.enterprise_id)
    return Json(CardList(items=[show_card(one) for one in found]))


@router.delete(
    "/enterprise/cards/{card_id}",
    status_code=204,
    summary="解绑本企业的卡",
    dependencies=[allow(ADMIN, while_suspended=True)],
)
async def unbind_ours(card_id: CardId, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Also one that a former colleague holds."""
    await cards.unbind_card(session, actor, parse_id(card_id), now)
    return Response(status_code=204)


@router.post(
    "/enterprise/cards/{card_id}/block",
    status_code=204,
    summary="挂失本企业的卡",
    dependencies=[allow(ADMIN, while_suspended=True)],
)
async def block_ours(
    card_id: CardId, body: CardBlock, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """As for one's own."""
    await cards.block_own_card(session, actor, parse_id(card_id), body.reason, now)
    return Response(status_code=204)


def show_card(one: CardLine) -> CardOut:
    """One bound card."""
    return CardOut(
        id=one.id,
        kind=one.kind,
        number=one.number,
        holder=one.holder,
        person=one.person,
        person_id=one.person_id,
        owner=one.owner,
        not_after=one.not_after,
        bound_at=one.bound_at,
        used_at=one.used_at,
        blocked_at=one.blocked_at,
        blocked_reason=one.blocked_reason,
    )


def show_request(one: CardRequestView) -> CardRequestOut:
    """One request, with what the card says."""
    facts = one.card
    return CardRequestOut(
        id=one.id,
        enterprise_id=one.enterprise_id,
        enterprise=one.enterprise,
        enterprise_status=one.enterprise_status,
        uscc=one.uscc,
        office=one.office,
        office_name=one.office_name,
        contact=one.contact,
        phone=show_phone(one.phone),
        kind=facts.kind,
        number=facts.number,
        holder=facts.holder,
        member_name=one.member_name,
        member_roles=one.member_roles,
        admins=one.admins,
        created_at=one.created_at,
    )


def read_contact(typed: str) -> str:
    """A name as it is kept. Raises CardUnfit for what is none."""
    contact = clean_name(typed)
    if len(contact) > 30 or not is_plain(contact):
        raise CardUnfit(
            "联系人最多 30 个字，不能有特殊符号。", errors={"contact": "最多 30 个字，不能有特殊符号。"}
        )
    return contact


async def _prove_both(
    body: CardRegistration, request: Request, session: SessionDep, wired: WiredDep, now: datetime
) -> tuple[CardFacts, SignInChallenge]:
    """The card, and then the phone: a wrong code has burnt the card's challenge too."""
    facts = await prove_card(
        request, session, wired, try_id(body.challenge), body.token, purpose="register", now=now
    )
    challenge = await applications.prove_phone(
        session,
        try_id(body.code_challenge),
        body.phone,
        body.code,
        browser_key=browser_key(request),
        limits=wired.code_limits,
        now=now,
    )
    return facts, challenge


async def _mine(session: SessionDep, actor: ActorDep, card_id: str) -> Any:
    wanted = parse_id(card_id)
    if wanted not in {one.id for one in await cards.list_own_cards(session, actor)}:
        raise NotFound
    return wanted
