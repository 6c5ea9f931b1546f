"""Signing in: phone and code, officers with their password too. Codes and sessions have files of their own.

Whatever is wrong, the answer is the same sentence after the same work: it tells nobody whether a phone is known.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import audit
from domain.actor import Actor
from domain.code_limits import CodeLimits
from domain.codes import CodeSender, ask_code, count_failure, find_challenge, refuse_code, try_code
from domain.exceptions import CodeRefused
from domain.models import Officer, Person, SignInChallenge
from domain.passwords import check_password, hash_password
from domain.people import MembershipView, list_memberships, normalise_phone
from domain.sessions import (
    SessionLimits,
    end_all_sessions,
    end_session,
    list_sessions,
    load_actor,
    start_session,
    switch_membership,
)

__all__ = [
    "CodeLimits",
    "CodeSender",
    "SessionLimits",
    "SignedIn",
    "ask_code",
    "end_all_sessions",
    "end_session",
    "hash_password",
    "list_sessions",
    "load_actor",
    "sign_in",
    "switch_membership",
]

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class SignedIn:
    """A new session: its token, who acts, and all the enterprises the person may act for.

    With several enterprises and none chosen the actor has no membership yet; `switch_membership` chooses.
    """

    token: str
    actor: Actor
    memberships: list[MembershipView]


async def sign_in(
    session: AsyncSession,
    challenge: UUID | None,
    phone: str,
    code: str,
    password: str | None = None,
    membership: UUID | None = None,
    *,
    browser_key: str | None,
    ip: str | None,
    user_agent: str | None,
    limits: CodeLimits,
    session_limits: SessionLimits | None = None,
    openid: str | None = None,
    now: datetime,
) -> SignedIn:
    """Take the code and start a session; `openid` is the WeChat in which it begins, and with which it ends.

    Raises CodeRefused for whatever is wrong, TooManyCodes while the phone is locked. The failed try is counted in
    the caller's transaction: on CodeRefused the edge commits all the same (`CodeRefused.keeps_changes`).
    """
    normal = normalise_phone(phone) or ""
    tried = await _take_code(session, challenge, normal, code, password, browser_key, ip, limits, now)
    person, officer = await _find_person(session, normal)
    right_password = await check_password(officer, password)
    memberships = await list_memberships(session, person.id if person else NOBODY)
    chosen = _choose(memberships, membership)
    as_officer = officer if officer and right_password and membership is None else None
    wrong_password = officer is not None and bool(password) and not right_password and membership is None
    acts = as_officer is not None or chosen is not None or (bool(memberships) and membership is None)
    if person is None or wrong_password or not acts:
        count_failure(tried, now)
        await _record_failure(session, tried, person, ip, now)
        raise CodeRefused
    tried.used_at = now
    token = await start_session(
        session,
        person.id,
        membership_id=chosen.id if chosen and not as_officer else None,
        officer_id=as_officer.id if as_officer else None,
        ip=ip,
        user_agent=user_agent,
        limits=session_limits or SessionLimits(),
        openid=openid,
        now=now,
    )
    actor = await load_actor(session, token, now, session_limits, ip=ip)
    assert actor is not None, "a session that was started a moment ago is alive"
    await audit.record(
        session,
        "sign_in",
        actor=actor,
        about="session",
        about_id=actor.session_id,
        after={"person_id": person.id, "user_agent": user_agent},
        now=now,
    )
    return SignedIn(token, actor, memberships)


async def _take_code(
    session: AsyncSession,
    challenge: UUID | None,
    phone: str,
    code: str,
    password: str | None,
    browser_key: str | None,
    ip: str | None,
    limits: CodeLimits,
    now: datetime,
) -> SignInChallenge:
    """The challenge that this code opens. While it opens none nobody is looked up: what is not known cannot be told, not even
    by a clock; a password is checked all the same."""
    tried = await find_challenge(session, challenge, phone, browser_key=browser_key, limits=limits, now=now)
    if tried is not None and try_code(tried, code, browser_key=browser_key, limits=limits, now=now):
        return tried
    await check_password(None, password)
    if tried is not None:
        await _record_failure(session, tried, None, ip, now)
    raise await refuse_code(session, tried, browser_key=browser_key, limits=limits, now=now)


async def _record_failure(
    session: AsyncSession, tried: SignInChallenge, person: Person | None, ip: str | None, now: datetime
) -> None:
    """`person` is known once the code was right. Tries at no code at all are not written down: nothing limits them."""
    await audit.record(
        session,
        "fail_sign_in",
        actor=None,
        about="person",
        about_id=person.id if person else None,
        after={"phone": tried.phone, "ip": ip, "challenge_id": tried.id, "tries": tried.tries},
        now=now,
    )


async def _find_person(session: AsyncSession, phone: str) -> tuple[Person | None, Officer | None]:
    rows = await session.execute(
        select(Person, Officer)
        .outerjoin(Officer, (col(Officer.person_id) == col(Person.id)) & col(Officer.active))
        .where(col(Person.phone) == phone, col(Person.active))
    )
    row = rows.one_or_none()
    return (row[0], row[1]) if row else (None, None)


def _choose(memberships: list[MembershipView], wanted: UUID | None) -> MembershipView | None:
    """The membership asked for, or the only one there is."""
    if wanted is None:
        return memberships[0] if len(memberships) == 1 else None
    return next((one for one in memberships if wanted in (one.id, one.enterprise_id)), None)
