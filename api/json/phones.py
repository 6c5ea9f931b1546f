"""Changing one's number, and the requests of people who lost theirs."""

from fastapi import Request
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id, try_id
from api.json.parameters import RequestId
from api.json.route import json_router, problems
from api.json.schemas.phones import (
    ChangeCodesSent,
    LostPhoneBody,
    LostPhoneCode,
    LostPhoneSent,
    NewPhone,
    PhoneChange,
    PhoneDecision,
    PhoneRequestList,
    PhoneRequestOut,
)
from api.json.schemas.sign_in import CodeSent
from api.json.sign_in import show_phone
from api.security import browser_key, client_ip
from domain.captcha import CaptchaProof
from domain.codes import ask_code
from domain.lost_phones import DECIDERS, PURPOSE, RequestView, check_lost_phone, find_requests, send_request
from domain.phones import ChangeCodes, ask_change_codes
from tasks import phones
from tasks.exceptions import NotFound

router = json_router("手机号码")


@router.post(
    "/me/phone/codes",
    status_code=202,
    response_model=ChangeCodesSent,
    responses=problems(429),
    summary="更换手机号：向原号码和新号码发送验证码",
    dependencies=[allow(while_suspended=True)],
)
async def ask_codes(
    body: NewPhone, request: Request, actor: ActorDep, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """Both or none; the codes are good for this session only."""
    old, new = await ask_change_codes(
        session,
        actor,
        body.phone,
        ip=client_ip(request),
        limits=wired.code_limits,
        send_code=wired.send_code,
        now=now,
    )
    return Json(ChangeCodesSent(old_challenge=str(old), new_challenge=str(new)), 202)


@router.post(
    "/me/phone",
    status_code=204,
    responses=problems(429),
    summary="更换自己的手机号",
    dependencies=[allow(while_suspended=True)],
)
async def change_phone(
    body: PhoneChange, actor: ActorDep, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """All other sessions of the person end, the old number is told."""
    codes = ChangeCodes(try_id(body.old_challenge), body.old_code, try_id(body.new_challenge), body.new_code)
    await phones.change_phone(session, actor, body.phone, codes, limits=wired.code_limits, now=now)
    return Response(status_code=204)


@router.post(
    "/sign-in/lost-phone/code",
    status_code=202,
    response_model=CodeSent,
    responses=problems(401, 429),
    summary="原号码已不用：向新号码发送验证码",
)
async def ask_lost_code(
    body: LostPhoneCode, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """With a captcha, as for signing in."""
    challenge = await ask_code(
        session,
        body.phone,
        purpose=PURPOSE,
        browser_key=browser_key(request),
        captcha=CaptchaProof(body.captcha.id, body.captcha.answer) if body.captcha else None,
        ip=client_ip(request),
        limits=wired.code_limits,
        send_code=wired.send_code,
        now=now,
    )
    return Json(CodeSent(challenge=str(challenge)), 202)


@router.post(
    "/sign-in/lost-phone",
    status_code=201,
    response_model=LostPhoneSent,
    responses=problems(429),
    summary="原号码已不用：申请更换",
)
async def send_lost_phone(
    body: LostPhoneBody, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """Taken down whoever had the old number; customs decides after having seen papers."""
    lost = await check_lost_phone(
        session,
        name=body.name,
        old_phone=body.old_phone,
        new_phone=body.phone,
        place=body.place,
        office=body.office,
    )
    row = await send_request(
        session,
        lost,
        try_id(body.challenge),
        body.code,
        browser_key=browser_key(request),
        limits=wired.code_limits,
        now=now,
    )
    return Json(LostPhoneSent(id=row.id), 201)


@router.get(
    "/phone-requests",
    response_model=PhoneRequestList,
    summary="由我核实的换号申请",
    dependencies=[allow(*DECIDERS)],
)
async def list_requests(actor: ActorDep, session: SessionDep) -> Response:
    """A registrar's of the own office; a system admin's are those of officers."""
    found = await find_requests(session, actor)
    return Json(PhoneRequestList(items=[show_request(one) for one in found]))


@router.post(
    "/phone-requests/{request_id}/decide",
    status_code=204,
    summary="更换或不予更换",
    dependencies=[allow(*DECIDERS)],
)
async def decide_request(
    request_id: RequestId, body: PhoneDecision, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """A change signs the person out everywhere and tells both numbers."""
    found = await find_requests(session, actor, parse_id(request_id))
    if not found or not await phones.decide_request(
        session, actor, found[0], change=body.decision == "change", reason=body.reason, now=now
    ):
        raise NotFound
    return Response(status_code=204)


def show_request(one: RequestView) -> PhoneRequestOut:
    """One request, its numbers as people write them."""
    return PhoneRequestOut(
        id=one.id,
        name=one.name,
        old_phone=show_phone(one.old_phone),
        new_phone=show_phone(one.new_phone),
        place=one.place,
        office=one.office,
        office_name=one.office_name,
        created_at=one.created_at,
        person_id=one.person_id,
        person_name=one.person_name,
        enterprises=one.enterprises,
        is_officer=one.is_officer,
    )
