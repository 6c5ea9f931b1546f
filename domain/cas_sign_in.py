"""Signing in through the authority's CAS: it has proved who somebody is, we look for whom we know by the mapped phone and uscc.
The ticket stays with the session: CAS ends it by the ticket, and so does nobody else."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_code
from domain import audit
from domain.exceptions import CardSignInRefused
from domain.models import SignInSession
from domain.people import list_memberships, normalise_phone
from domain.sessions import SessionLimits, load_actor, start_session
from domain.signin import NOBODY, SignedIn

REFUSED = (
    "登录没有成功：您在统一认证系统的账号没有对应到本系统的用户，或者账号已停用。可以改用手机验证码登录。"
)
FIND_PERSON = text("""
    SELECT p.id, f.id AS officer_id FROM person p
    LEFT JOIN officer f ON f.person_id = p.id AND f.active WHERE p.phone = :phone AND p.active
""")
ENTERPRISES = text("SELECT id, uscc FROM enterprise WHERE id = ANY(:ids)")
TICKET_OF = text("SELECT cas_ticket FROM sign_in_session WHERE id = :id")


async def sign_in_by_cas(
    session: AsyncSession,
    *,
    phone: str,
    uscc: str,
    ticket: str,
    ip: str | None,
    user_agent: str | None,
    limits: SessionLimits,
    now: datetime,
) -> SignedIn:
    """A session for the person with this phone, in the enterprise with this uscc (`""`: an officer, or the enterprise there is).

    Raises CardSignInRefused, whose record the edge commits (`keeps_changes`).
    """
    person = (await session.execute(FIND_PERSON, {"phone": normalise_phone(phone) or ""})).one_or_none()
    memberships = await list_memberships(session, person.id if person else NOBODY)
    membership_id = await _choose(session, uscc, {one.enterprise_id: one.id for one in memberships})
    officer_id = person.officer_id if person and not uscc else None
    acts = officer_id or membership_id or (memberships and not uscc)
    if person is None or not acts:
        after = {"ip": ip, "why": "cas_unknown", "person_id": person and person.id}
        about_id = person and person.id
        await audit.record(
            session, "fail_cas", actor=None, about="person", about_id=about_id, after=after, now=now
        )
        raise CardSignInRefused(REFUSED)
    token = await start_session(
        session,
        person.id,
        membership_id=None if officer_id else membership_id,
        officer_id=officer_id,
        ip=ip,
        user_agent=user_agent,
        limits=limits,
        cas_ticket=ticket,
        now=now,
    )
    actor = await load_actor(session, token, now, limits, ip=ip)
    assert actor is not None, "a session that was started a moment ago is alive"
    after = {"person_id": person.id, "by": "cas", "user_agent": user_agent}
    await audit.record(
        session, "sign_in", actor=actor, about="session", about_id=actor.session_id, after=after, now=now
    )
    return SignedIn(token, actor, memberships)


async def end_cas_session(session: AsyncSession, ticket: str, now: datetime) -> int:
    """CAS has signed somebody out: the session of this ticket ends; how many there were."""
    ended = await session.execute(
        update(SignInSession)
        .where(col(SignInSession.cas_ticket) == ticket, col(SignInSession.ended_at).is_(None))
        .values(ended_at=now)
        .returning(col(SignInSession.id), col(SignInSession.person_id))
    )
    rows = ended.all()
    for row in rows:
        after = {"person_id": row.person_id, "by": "cas"}
        await audit.record(
            session, "end_session", actor=None, about="session", about_id=row.id, after=after, now=now
        )
    return len(rows)


async def find_ticket(session: AsyncSession, session_id: UUID | None) -> str | None:
    """The CAS ticket this session was begun with, if it was."""
    return await session.scalar(TICKET_OF, {"id": session_id})


async def _choose(session: AsyncSession, uscc: str, mine: dict[UUID, UUID]) -> UUID | None:
    """The membership in the enterprise with this uscc; without one, the only membership there is."""
    if not uscc:
        return next(iter(mine.values())) if len(mine) == 1 else None
    rows = await session.execute(ENTERPRISES, {"ids": list(mine)})
    wanted = clean_code(uscc)
    return next((mine[row.id] for row in rows if row.uscc == wanted), None)
