"""有卡用户注册: the card is read, its data shown, the phone proved by a code, and the enterprise is registered at once. Where
it is registered already, the same steps end in a request to its registrar.

What the card says is kept with the visit, which belongs to this browser: no page can change it.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.cards import prove_card
from api.deps import NowDep, SessionDep, WiredDep
from api.json.cards import read_contact
from api.pages.card_parts import NOT_READ, TokenField, draw_with_reader, read_token, view_reader
from api.pages.codes import NOT_TAKEN, tell_wait
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.typed_text import TypedName, TypedNumber
from api.security import browser_key, client_ip, give_browser_key, give_session, make_browser_key
from domain import applications, card_requests, card_visits
from domain.card_facts import CardFacts
from domain.codes import ask_code
from domain.exceptions import (
    CardTaken,
    CardUnfit,
    CodeRefused,
    EnterpriseRegistered,
    OfficeClosed,
    PhoneDisabled,
    TooManyCodes,
)
from domain.lost_phones import list_registrar_offices
from domain.models import CardVisit, SignInChallenge
from domain.offices import list_offices, require_open_office
from domain.people import normalise_phone
from domain.sessions import start_session
from errors import Refusal
from tasks import registrations
from tasks.card_registrations import register_by_card

router = page_router()
Text = Annotated[str, Form(max_length=300)]
FIELD_OF: dict[type[Refusal], str] = {
    CodeRefused: "phone",
    TooManyCodes: "phone",
    OfficeClosed: "office",
    CardUnfit: "contact",
    PhoneDisabled: "phone",
}
AFTER_CODE = (CardTaken, OfficeClosed, PhoneDisabled, EnterpriseRegistered)


@router.get("/register/card")
async def show_reader(request: Request, wired: WiredDep, now: NowDep, expired: bool = False) -> Response:
    """The reader, how to get the agent, and the other ways."""
    return _draw_reader(request, wired, now, expired=expired)


@router.post("/register/card")
async def take_card(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    challenge: Annotated[UUID | None, Form()] = None,
    token: TokenField = "",
) -> Response:
    """A card that holds opens a visit; else why not, on the same page."""
    try:
        facts = await prove_card(
            request, session, wired, challenge, read_token(token), purpose="register", now=now
        )
        if await card_visits.is_bound(session, facts):
            raise CardTaken("这张卡已经绑定过，不用再注册。请直接插卡登录；已经挂失的，请联系海关。")
    except NOT_READ as refusal:
        return _draw_reader(request, wired, now, refusal)
    key = make_browser_key(request)
    visit = await card_visits.open_visit(session, facts, browser_key=key, now=now)
    response = go_to(f"/register/card/{visit.id}")
    give_browser_key(request, response)
    return response


@router.get("/register/card/{visit_id}")
async def show_facts(request: Request, session: SessionDep, now: NowDep, visit_id: UUID) -> Response:
    """What the card says, to look at; the phone, to confirm or change."""
    visit = await _find(request, session, visit_id, now)
    return visit if isinstance(visit, Response) else await _draw_facts(request, session, visit)


@router.post("/register/card/{visit_id}")
async def send_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    visit_id: UUID,
    phone: TypedNumber = "",
    office: Text = "",
    contact: TypedName = "",
) -> Response:
    """Have a code sent to the phone that was confirmed."""
    visit = await _find(request, session, visit_id, now, lock=True)
    if isinstance(visit, Response):
        return visit
    visit.phone, visit.contact = normalise_phone(phone) or phone, contact
    if office:
        visit.office = office
    try:
        visit.contact = read_contact(contact) or CardFacts.of_json(visit.facts).holder
        await require_open_office(session, visit.office)
        visit.challenge_id = await ask_code(
            session,
            phone,
            purpose=card_visits.CODE_PURPOSE,
            browser_key=browser_key(request),
            ip=client_ip(request),
            limits=wired.code_limits,
            send_code=wired.send_code,
            now=now,
        )
    except tuple(FIELD_OF) as refusal:
        errors = {FIELD_OF[type(refusal)]: refusal.message}
        return tell_wait(await _draw_facts(request, session, visit, errors), refusal)
    return go_to(f"/register/card/{visit_id}/code")


@router.get("/register/card/{visit_id}/code")
async def show_code(
    request: Request, session: SessionDep, wired: WiredDep, now: NowDep, visit_id: UUID
) -> Response:
    """The code that went to that phone."""
    visit = await _find(request, session, visit_id, now)
    if isinstance(visit, Response):
        return visit
    if visit.challenge_id is None:
        return go_to(f"/register/card/{visit_id}")
    wait_s = wired.settings.code_resend_s[0] if wired.settings.code_resend_s else 0
    return _draw_code(request, visit, wait_s=wait_s)


@router.post("/register/card/{visit_id}/code")
async def take_code(
    request: Request,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
    visit_id: UUID,
    code: TypedNumber = "",
) -> Response:
    """A right code registers the enterprise and signs its admin in; or takes down the request. A second click finds it done."""
    visit = await _find(request, session, visit_id, now, lock=True)
    if isinstance(visit, Response):
        return visit
    try:
        challenge = await applications.prove_phone(
            session,
            visit.challenge_id or visit.id,
            visit.phone,
            code,
            purpose=card_visits.CODE_PURPOSE,
            browser_key=browser_key(request),
            limits=wired.code_limits,
            now=now,
        )
    except NOT_TAKEN as refusal:
        return tell_wait(_draw_code(request, visit, errors={"code": refusal.message}), refusal)
    try:
        return await _finish(request, session, wired, visit, challenge, now)
    except AFTER_CODE as refusal:
        await session.rollback()
        again = await _find(request, session, visit_id, now)
        if isinstance(again, Response):
            return again
        errors = {FIELD_OF.get(type(refusal), "form"): refusal.message}
        return await _draw_facts(request, session, again, errors)


@router.get("/register/card/{visit_id}/done")
async def show_done(request: Request, session: SessionDep, now: NowDep, visit_id: UUID) -> Response:
    """Registered, and what to do next; or who looks at the request."""
    visit = await card_visits.find_visit(session, visit_id, browser_key(request), now)
    if visit is None or (visit.registration_id is None and visit.request_id is None):
        return go_to(f"/register/card/{visit_id}")
    return draw(
        request,
        "register/card_done.html",
        facts=CardFacts.of_json(visit.facts),
        phone=visit.phone,
        is_request=visit.registration_id is None,
        office_name=await registrations.name_office(session, visit.office),
    )


async def _finish(
    request: Request,
    session: AsyncSession,
    wired: WiredDep,
    visit: CardVisit,
    challenge: SignInChallenge,
    now: NowDep,
) -> Response:
    facts = CardFacts.of_json(visit.facts)
    response = go_to(f"/register/card/{visit.id}/done")
    if await card_visits.is_bound(session, facts):
        raise CardTaken
    enterprise_id = await card_visits.find_registered(session, facts)
    if enterprise_id is not None:
        sent = await card_requests.send_request(
            session,
            facts,
            enterprise_id,
            office=visit.office,
            contact=visit.contact,
            phone=challenge.phone,
            now=now,
        )
        visit.request_id = sent.id
        return response
    registration, admin = await register_by_card(
        session,
        wired.engine,
        challenge,
        facts,
        office=visit.office,
        contact=visit.contact,
        ip=client_ip(request),
        now=now,
    )
    visit.registration_id = registration.id
    token = await start_session(
        session,
        admin.person_id,
        membership_id=admin.membership_id,
        officer_id=None,
        ip=client_ip(request),
        user_agent=request.headers.get("user-agent"),
        limits=wired.session_limits,
        now=now,
    )
    give_session(request, response, token)
    return response


async def _find(
    request: Request, session: AsyncSession, visit_id: UUID, now: NowDep, *, lock: bool = False
) -> CardVisit | Response:
    """This browser's visit; else the page to go to: the end once it is there, the reader when it has expired."""
    visit = await card_visits.find_visit(session, visit_id, browser_key(request), now, lock=lock)
    if visit is None:
        return go_to("/register/card?expired=true")
    if visit.registration_id is not None or visit.request_id is not None:
        return go_to(f"/register/card/{visit_id}/done")
    return visit


def _draw_reader(
    request: Request, wired: WiredDep, now: NowDep, refusal: Refusal | None = None, *, expired: bool = False
) -> Response:
    reader = view_reader(wired, "register", now)
    errors = {"card": refusal.message} if refusal else {}
    return draw_with_reader(
        request,
        "register/card.html",
        reader,
        status=422 if refusal else 200,
        errors=errors,
        expired=expired,
    )


async def _draw_facts(
    request: Request, session: AsyncSession, visit: CardVisit, errors: dict[str, Any] | None = None
) -> Response:
    facts = CardFacts.of_json(visit.facts)
    exists = await card_visits.find_registered(session, facts) is not None
    if exists:
        offices = await list_registrar_offices(session)
    else:
        offices = [(one.code, one.name) for one in await list_offices(session)]
    return draw(
        request,
        "register/card_facts.html",
        status=422 if errors else 200,
        visit=visit,
        facts=facts,
        exists=exists,
        offices=offices,
        errors=errors or {},
    )


def _draw_code(
    request: Request, visit: CardVisit, *, wait_s: int = 0, errors: dict[str, str] | None = None
) -> Response:
    return draw(
        request,
        "register/card_code.html",
        status=422 if errors else 200,
        visit=visit,
        wait_s=wait_s,
        errors=errors or {},
    )
