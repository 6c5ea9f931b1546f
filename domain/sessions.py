"""Sessions on the server: known by the SHA-256 of a random token, ended by idleness, by age, or by the person.

A session acts for one membership or as an officer. `load_actor` is on every request's path: one statement.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.direct import execute
from domain import audit
from domain.actor import Actor, member_groups
from domain.models import Membership, SignInSession
from settings import Settings

REFRESH_AFTER = timedelta(seconds=60)  # last_seen_at is written at most once in this time


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lives unused, and at the longest."""

    idle: timedelta = timedelta(hours=8)
    absolute: timedelta = timedelta(days=7)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits an operator has set."""
        return cls(timedelta(hours=settings.session_idle_h), timedelta(hours=settings.session_absolute_h))


async def start_session(
    session: AsyncSession,
    person_id: UUID,
    *,
    membership_id: UUID | None,
    officer_id: UUID | None,
    ip: str | None,
    user_agent: str | None,
    limits: SessionLimits,
    card_id: UUID | None = None,
    cas_ticket: str | None = None,
    openid: str | None = None,
    now: datetime,
) -> str:
    """A new session; its token, which is stored nowhere. `card_id`, `cas_ticket` or `openid`: what it was begun with."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignInSession(
            token_hash=hash_token(token),
            person_id=person_id,
            membership_id=membership_id,
            officer_id=officer_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + limits.absolute,
            ip=ip,
            user_agent=user_agent[:300] if user_agent else None,
            card_id=card_id,
            cas_ticket=cas_ticket,
            openid=openid,
        )
    )
    await session.flush()
    return token


def hash_token(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


LOAD_ACTOR = text("""
    WITH live AS (
        SELECT id, person_id, membership_id, officer_id, last_seen_at FROM sign_in_session
        WHERE token_hash = :token_hash AND ended_at IS NULL AND expires_at > :now AND last_seen_at > :idle_since
    ), seen AS (
        UPDATE sign_in_session SET last_seen_at = :now FROM live
        WHERE sign_in_session.id = live.id AND live.last_seen_at < :refresh_before
    )
    SELECT live.id AS session_id, person.id AS person_id, person.name, person.phone,
        membership.id AS membership_id, membership.display_name, membership.roles,
        enterprise.id AS enterprise_id, enterprise.name AS enterprise_name, enterprise.status AS enterprise_status,
        officer.id AS officer_id, officer.must_change_password,
        (SELECT array_agg(role || ':' || office ORDER BY role, office) FROM officer_role
         WHERE officer_role.officer_id = officer.id) AS officer_groups
    FROM live
    JOIN person ON person.id = live.person_id AND person.active
    LEFT JOIN membership ON membership.id = live.membership_id AND membership.active
    LEFT JOIN enterprise ON enterprise.id = membership.enterprise_id
    LEFT JOIN officer ON officer.id = live.officer_id AND officer.active
    WHERE live.officer_id IS NULL OR officer.id IS NOT NULL
""")


async def load_actor(
    session: AsyncSession,
    token: str,
    now: datetime,
    limits: SessionLimits | None = None,
    *,
    ip: str | None = None,
) -> Actor | None:
    """Who holds this token, or None when its session is unknown, ended, idle for too long or too old."""
    limits = limits or SessionLimits()
    parameters = {
        "token_hash": hash_token(token),
        "now": now,
        "idle_since": now - limits.idle,
        "refresh_before": now - REFRESH_AFTER,
    }
    row = (await execute(session, LOAD_ACTOR, parameters)).one_or_none()
    return _to_actor(row._asdict(), ip) if row else None


def _to_actor(row: Any, ip: str | None) -> Actor:
    officer_groups: tuple[str, ...] = tuple(row["officer_groups"] or ())
    roles = set(row["roles"] or ()) | {group.split(":")[0] for group in officer_groups}
    own_groups = member_groups(row["roles"], row["enterprise_id"]) if row["membership_id"] else ()
    return Actor(
        person_id=row["person_id"],
        name=row["display_name"] or row["name"],
        phone=row["phone"],
        session_id=row["session_id"],
        membership_id=row["membership_id"],
        enterprise_id=row["enterprise_id"],
        enterprise_status=row["enterprise_status"],
        officer_id=row["officer_id"],
        roles=frozenset(roles),
        groups=officer_groups + own_groups,
        offices=tuple(sorted({group.split(":")[1] for group in officer_groups})),
        enterprise_name=row["enterprise_name"],
        must_change_password=bool(row["must_change_password"]),
        ip=ip,
    )


async def end_session(
    session: AsyncSession, session_id: UUID, person_id: UUID, now: datetime, *, actor: Actor | None
) -> bool:
    """Sign one session of this person out; False when it was not theirs or had ended. `actor` is who ends it."""
    ended = await session.execute(
        update(SignInSession)
        .where(
            col(SignInSession.id) == session_id,
            col(SignInSession.person_id) == person_id,
            col(SignInSession.ended_at).is_(None),
        )
        .values(ended_at=now)
        .returning(col(SignInSession.id))
    )
    if ended.first() is None:
        return False
    is_own = actor is not None and actor.session_id == session_id
    await audit.record(
        session,
        "sign_out" if is_own else "end_session",
        actor=actor,
        about="session",
        about_id=session_id,
        after={"person_id": person_id},
        now=now,
    )
    return True


async def end_all_sessions(
    session: AsyncSession, person_id: UUID, now: datetime, *, actor: Actor | None, but: UUID | None = None
) -> int:
    """Sign this person out everywhere (`but` for one session); how many sessions it ended. `actor` is who does it."""
    ended = await session.execute(
        update(SignInSession)
        .where(
            col(SignInSession.person_id) == person_id,
            col(SignInSession.ended_at).is_(None),
            col(SignInSession.id).is_distinct_from(but),
        )
        .values(ended_at=now)
        .returning(col(SignInSession.id))
    )
    count = len(ended.all())
    if count:
        after = {"sessions": count, "but": but}
        await audit.record(
            session, "end_sessions", actor=actor, about="person", about_id=person_id, after=after, now=now
        )
    return count


async def list_sessions(
    session: AsyncSession, person_id: UUID, now: datetime, limits: SessionLimits | None = None
) -> list[SignInSession]:
    """The sessions of this person that are alive, the last used first."""
    limits = limits or SessionLimits()
    found = await session.scalars(
        select(SignInSession)
        .where(
            col(SignInSession.person_id) == person_id,
            col(SignInSession.ended_at).is_(None),
            col(SignInSession.expires_at) > now,
            col(SignInSession.last_seen_at) > now - limits.idle,
        )
        .order_by(col(SignInSession.last_seen_at).desc())
    )
    return list(found)


async def switch_membership(session: AsyncSession, actor: Actor, membership_id: UUID, now: datetime) -> bool:
    """Let this session act for another enterprise of the same person; False when that is not theirs.

    An officer's session becomes a member's; the way back is to sign in with the password.
    """
    theirs = select(col(Membership.id)).where(
        col(Membership.id) == membership_id,
        col(Membership.person_id) == actor.person_id,
        col(Membership.active),
    )
    switched = await session.execute(
        update(SignInSession)
        .where(col(SignInSession.id) == actor.session_id, theirs.exists())
        .values(membership_id=membership_id, officer_id=None)
        .returning(col(SignInSession.id))
    )
    if switched.first() is None:
        return False
    before = {"membership_id": actor.membership_id, "officer_id": actor.officer_id}
    await audit.record(
        session,
        "switch_membership",
        actor=actor,
        about="session",
        about_id=actor.session_id,
        before=before,
        after={"membership_id": membership_id},
        now=now,
    )
    return True


LEAVE_MEMBERSHIP = text("""
    UPDATE sign_in_session s SET
        membership_id = CASE WHEN others.any_left THEN NULL ELSE s.membership_id END,
        ended_at = CASE WHEN others.any_left THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM membership left_one, LATERAL (
        SELECT EXISTS (
            SELECT FROM membership m JOIN enterprise e ON e.id = m.enterprise_id
            WHERE m.person_id = left_one.person_id AND m.id <> left_one.id AND m.active
                AND e.status NOT IN ('refused', 'superseded')) AS any_left
    ) AS others
    WHERE left_one.id = :membership_id AND s.membership_id = left_one.id AND s.ended_at IS NULL
""")


async def leave_membership(session: AsyncSession, membership_id: UUID, now: datetime) -> None:
    """Nobody acts for this membership any more: sessions end, or wait for a choice where the person has another enterprise."""
    await session.execute(LEAVE_MEMBERSHIP, {"membership_id": membership_id, "now": now})
