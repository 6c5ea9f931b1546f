"""Signing in by WeChat: it has told us the openid, we look for whose it is. The session is as any other, but ends with the
binding."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.code_limits import CodeLimits
from domain.exceptions import WechatSignInRefused
from domain.people import list_memberships
from domain.sessions import SessionLimits, load_actor, start_session
from domain.signin import SignedIn, sign_in
from domain.wechat_bindings import bind_wechat, find_bound, find_person


async def sign_in_by_wechat(
    session: AsyncSession,
    openid: str,
    *,
    ip: str | None,
    user_agent: str | None,
    limits: SessionLimits,
    now: datetime,
) -> SignedIn | None:
    """A session of whoever has bound this WeChat; None where nobody has. Officers have no WeChat version.

    Raises WechatSignInRefused for whoever is disabled or acts for no enterprise; its record the edge commits (`keeps_changes`).
    """
    bound_to = await find_bound(session, openid)
    if bound_to is None:
        return None
    person_id = await find_person(session, openid)
    memberships = await list_memberships(session, person_id) if person_id else []
    if person_id is None or not memberships:
        await _record_failure(session, bound_to, ip, now)
        raise WechatSignInRefused
    token = await start_session(
        session,
        person_id,
        membership_id=memberships[0].id if len(memberships) == 1 else None,
        officer_id=None,
        ip=ip,
        user_agent=user_agent,
        limits=limits,
        openid=openid,
        now=now,
    )
    actor = await load_actor(session, token, now, limits, ip=ip)
    assert actor is not None, "a session that was started a moment ago is alive"
    after = {"person_id": person_id, "by": "wechat", "user_agent": user_agent}
    await audit.record(
        session, "sign_in", actor=actor, about="session", about_id=actor.session_id, after=after, now=now
    )
    return SignedIn(token, actor, memberships)


async def bind_by_code(
    session: AsyncSession,
    openid: str,
    challenge: UUID,
    phone: str,
    code: str,
    *,
    browser_key: str | None,
    ip: str | None,
    user_agent: str | None,
    limits: CodeLimits,
    session_limits: SessionLimits,
    now: datetime,
) -> SignedIn:
    """Whoever takes the code has this WeChat from now on, and is signed in. Raises as `sign_in` does."""
    signed_in = await sign_in(
        session,
        challenge,
        phone,
        code,
        browser_key=browser_key,
        ip=ip,
        user_agent=user_agent,
        limits=limits,
        session_limits=session_limits,
        openid=openid,
        now=now,
    )
    await bind_wechat(session, signed_in.actor.person_id, openid, now, actor=signed_in.actor)
    return signed_in


async def _record_failure(session: AsyncSession, person_id: UUID, ip: str | None, now: datetime) -> None:
    after = {"ip": ip, "why": "wechat_refused", "person_id": person_id}
    await audit.record(
        session, "fail_wechat", actor=None, about="person", about_id=person_id, after=after, now=now
    )
