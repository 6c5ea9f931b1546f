"""Signing in and out for programs, and who I am. A program gets a token; cookies are for the pages."""

from base64 import b64encode
from datetime import datetime, timedelta

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, NowDep, SessionDep, WiredDep, allow
from api.json.ids import parse_id, try_id
from api.json.parameters import SessionId
from api.json.route import json_router, problems
from api.json.schemas.sign_in import (
    CaptchaOut,
    CaptchaWait,
    CodeSent,
    CodeWanted,
    EnterpriseOut,
    Me,
    MembershipChoice,
    MembershipOut,
    OfficerOut,
    OfficerRoleOut,
    PasswordChange,
    PersonOut,
    SessionList,
    SessionOut,
    SignedInOut,
    SignInBody,
)
from api.security import browser_key, client_ip, session_token
from api.wired import Wired
from domain import signin
from domain.actor import Actor
from domain.captcha import CaptchaProof, make_key, make_picture, wait_instead
from domain.models.people import OFFICER_ROLES
from domain.passwords import change_password as change_own_password
from domain.people import MembershipView, list_memberships
from tasks.exceptions import NotFound

router = json_router("登录")


@router.get("/sign-in/captcha", response_model=CaptchaOut, summary="发送验证码前要读的图片")
async def make_captcha(request: Request, session: SessionDep, wired: WiredDep, now: NowDep) -> Response:
    """A new one each time, good once."""
    limits = wired.code_limits.captcha
    if limits is None:
        return Json(CaptchaOut(required=False, id=None, image=None, expires_at=None))
    key = make_key()
    picture = await make_picture(session, key, ip=client_ip(request), limits=limits, now=now)
    return Json(
        CaptchaOut(
            required=True,
            id=key,
            image=b64encode(picture).decode(),
            expires_at=now + timedelta(seconds=limits.lifetime_s),
        )
    )


@router.post(
    "/sign-in/captcha/wait",
    status_code=201,
    response_model=CaptchaWait,
    responses=problems(429),
    summary="看不了图片的，等待代替",
)
async def wait_for_captcha(request: Request, session: SessionDep, wired: WiredDep, now: NowDep) -> Response:
    """Rationed: few within an hour from one address."""
    limits = wired.code_limits.captcha
    if limits is None:
        return Json(CaptchaWait(required=False, id=None, wait_s=0), 201)
    key = make_key()
    wait_s = await wait_instead(session, key, ip=client_ip(request), limits=limits, now=now)
    return Json(CaptchaWait(required=True, id=key, wait_s=wait_s), 201)


@router.post(
    "/sign-in/code",
    status_code=202,
    response_model=CodeSent,
    responses=problems(401, 429),
    summary="发送登录验证码",
)
async def ask_code(
    body: CodeWanted, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """The same answer for every phone, whether somebody has it or not."""
    challenge = await signin.ask_code(
        session,
        body.phone,
        purpose=body.purpose,
        browser_key=browser_key(request),
        captcha=CaptchaProof(body.captcha.id, body.captcha.answer) if body.captcha else None,
        ip=client_ip(request),
        limits=wired.code_limits,
        send_code=wired.send_code,
        now=now,
    )
    return Json(CodeSent(challenge=str(challenge)), 202)


@router.post("/sign-in", response_model=SignedInOut, responses=problems(401, 429), summary="登录")
async def sign_in(
    body: SignInBody, request: Request, session: SessionDep, wired: WiredDep, now: NowDep
) -> Response:
    """Phone and code; officers with their password too."""
    signed_in = await signin.sign_in(
        session,
        try_id(body.challenge),
        body.phone,
        body.code,
        body.password,
        try_id(body.membership) if body.membership else None,
        browser_key=browser_key(request),
        ip=client_ip(request),
        user_agent=request.headers.get("user-agent"),
        limits=wired.code_limits,
        session_limits=wired.session_limits,
        now=now,
    )
    return Json(show_signed_in(signed_in))


@router.get("/me", response_model=Me, summary="我是谁", dependencies=[allow()])
async def tell_me(actor: ActorDep, session: SessionDep) -> Response:
    """The person, the enterprise they act for, and all they may act for."""
    return Json(show_me(actor, await list_memberships(session, actor.person_id)))


@router.post(
    "/me/membership",
    response_model=Me,
    responses=problems(404),
    summary="换一家企业",
    dependencies=[allow(while_suspended=True)],
)
async def switch_membership(
    body: MembershipChoice,
    request: Request,
    actor: ActorDep,
    session: SessionDep,
    wired: WiredDep,
    now: NowDep,
) -> Response:
    """Only this session changes."""
    if not await signin.switch_membership(session, actor, parse_id(body.id), now):
        raise NotFound
    return Json(await _reload_me(request, session, wired, now))


@router.post("/me/password", status_code=204, summary="修改密码", dependencies=[allow(*OFFICER_ROLES)])
async def change_password(
    body: PasswordChange, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """Officers only; all other sessions of the person end."""
    await change_own_password(session, actor, body.old, body.new, now=now)
    return Response(status_code=204)


async def _reload_me(request: Request, session: AsyncSession, wired: Wired, now: datetime) -> Me:
    actor = await signin.load_actor(session, session_token(request) or "", now, wired.session_limits)
    if actor is None:
        raise NotFound
    return show_me(actor, await list_memberships(session, actor.person_id))


@router.get("/sessions", response_model=SessionList, summary="我的登录", dependencies=[allow()])
async def list_sessions(actor: ActorDep, session: SessionDep, wired: WiredDep, now: NowDep) -> Response:
    """Where I am signed in, the last used first."""
    found = await signin.list_sessions(session, actor.person_id, now, wired.session_limits)
    items = [
        SessionOut(
            id=one.id,
            created_at=one.created_at,
            last_seen_at=one.last_seen_at,
            expires_at=one.expires_at,
            ip=one.ip,
            user_agent=one.user_agent,
            current=one.id == actor.session_id,
        )
        for one in found
    ]
    return Json(SessionList(items=items))


@router.delete(
    "/sessions/current", status_code=204, summary="退出登录", dependencies=[allow(while_suspended=True)]
)
async def end_current_session(actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """The token is worth nothing afterwards."""
    if actor.session_id:
        await signin.end_session(session, actor.session_id, actor.person_id, now, actor=actor)
    return Response(status_code=204)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="结束我的一处登录",
    dependencies=[allow(while_suspended=True)],
)
async def end_one_session(
    session_id: SessionId, actor: ActorDep, session: SessionDep, now: NowDep
) -> Response:
    """Only one's own."""
    if not await signin.end_session(session, parse_id(session_id), actor.person_id, now, actor=actor):
        raise NotFound
    return Response(status_code=204)


@router.delete(
    "/sessions", status_code=204, summary="在所有地方退出登录", dependencies=[allow(while_suspended=True)]
)
async def end_all_sessions(actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """This one included."""
    await signin.end_all_sessions(session, actor.person_id, now, actor=actor)
    return Response(status_code=204)


def show_signed_in(signed_in: signin.SignedIn) -> SignedInOut:
    """The answer of a sign-in."""
    me = show_me(signed_in.actor, signed_in.memberships)
    return SignedInOut(
        person=me.person,
        membership=me.membership,
        memberships=me.memberships,
        officer=me.officer,
        token=signed_in.token,
    )


def show_me(actor: Actor, memberships: list[MembershipView]) -> Me:
    """The answer of /me."""
    shown = [show_membership(one) for one in memberships]
    return Me(
        person=PersonOut(id=actor.person_id, name=actor.name, phone=show_phone(actor.phone)),
        membership=next((one for one in shown if one.id == actor.membership_id), None),
        memberships=shown,
        officer=_show_officer(actor),
    )


def _show_officer(actor: Actor) -> OfficerOut | None:
    if actor.officer_id is None:
        return None
    pairs = [group.split(":", 1) for group in actor.groups]
    return OfficerOut(
        id=actor.officer_id,
        roles=[OfficerRoleOut(role=role, office=office) for role, office in pairs],
        must_change_password=actor.must_change_password,
    )


def show_membership(one: MembershipView) -> MembershipOut:
    """One enterprise a person may act for."""
    return MembershipOut(
        id=one.id,
        enterprise=EnterpriseOut(id=one.enterprise_id, name=one.enterprise, status=one.enterprise_status),
        display_name=one.display_name,
        position=one.position,
        roles=list(one.roles),
    )


def show_phone(stored: str) -> str:
    """`+8613800000001` as people write it."""
    return stored.removeprefix("+86")
