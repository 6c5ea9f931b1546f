"""Whose WeChat it is: bound by openid, unbound, and whether they follow the account. Proving who somebody is comes before.

What a WeChat has signed in ends with its binding.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor

# Two people who prove the same openid at once take their turns.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('wechat:' || CAST(:openid AS text), 0))")
# Whoever proves anew who they are takes the openid with them, and leaves the one they had.
FREE = text(
    "DELETE FROM wechat_binding WHERE openid = :openid AND person_id <> :person_id RETURNING person_id"
)
BIND = text("""
    INSERT INTO wechat_binding (person_id, openid, bound_at) VALUES (:person_id, :openid, :now)
    ON CONFLICT (person_id) DO UPDATE SET openid = excluded.openid, bound_at = excluded.bound_at, unsubscribed_at = NULL,
        told_at = NULL
""")
UNBIND = text("DELETE FROM wechat_binding WHERE person_id = :person_id RETURNING person_id")
END_OTHERS = text("""
    UPDATE sign_in_session SET ended_at = :now
    WHERE ended_at IS NULL AND ((openid = :openid AND person_id <> :person_id)
        OR (person_id = :person_id AND openid <> :openid))
""")
END_OWN = text("""
    UPDATE sign_in_session SET ended_at = :now
    WHERE ended_at IS NULL AND openid IS NOT NULL AND person_id = :person_id RETURNING id
""")
FIND_PERSON = text("""
    SELECT p.id FROM wechat_binding w JOIN person p ON p.id = w.person_id WHERE w.openid = :openid AND p.active
""")
FIND_BOUND = text("SELECT person_id FROM wechat_binding WHERE openid = :openid")
IS_BOUND = text("SELECT bound_at FROM wechat_binding WHERE person_id = :person_id")
READ = text(
    "SELECT bound_at, unsubscribed_at IS NULL AS follows FROM wechat_binding WHERE person_id = :person_id"
)
FOLLOW = text("""
    UPDATE wechat_binding SET told_at = :at, unsubscribed_at = CASE WHEN CAST(:follows AS boolean) THEN NULL
        ELSE coalesce(unsubscribed_at, CAST(:at AS timestamptz)) END
    WHERE openid = :openid AND (told_at IS NULL OR told_at <= CAST(:at AS timestamptz))
""")


@dataclass(frozen=True)
class Binding:
    """Since when a person has a WeChat here, and whether messages reach it."""

    bound_at: datetime
    follows: bool


async def bind_wechat(
    session: AsyncSession, person_id: UUID, openid: str, now: datetime, *, actor: Actor | None
) -> None:
    """From now on this WeChat is this person's alone: theirs before, and another's with it before, are no more, nor what these
    had signed in. `actor` is None for somebody who has proved their phone but has not signed in."""
    await session.execute(ONE_AT_A_TIME, {"openid": openid})
    bound = {"openid": openid, "person_id": person_id, "now": now}
    for other in (await session.scalars(FREE, {"openid": openid, "person_id": person_id})).all():
        await _record(session, "unbind_wechat", actor, other, {}, now)
    await session.execute(BIND, bound)
    await session.execute(END_OTHERS, bound)
    await _record(session, "bind_wechat", actor, person_id, {}, now)


async def unbind_wechat(session: AsyncSession, person_id: UUID, now: datetime, *, actor: Actor) -> bool:
    """This person has no WeChat here any more, and what it had signed in is signed out; False when they had none."""
    if await session.scalar(UNBIND, {"person_id": person_id}) is None:
        return False
    ended = (await session.execute(END_OWN, {"person_id": person_id, "now": now})).all()
    await _record(session, "unbind_wechat", actor, person_id, {"sessions": len(ended)}, now)
    return True


async def find_person(session: AsyncSession, openid: str) -> UUID | None:
    """The active person whose WeChat it is."""
    return await session.scalar(FIND_PERSON, {"openid": openid})


async def find_bound(session: AsyncSession, openid: str) -> UUID | None:
    """The person whose WeChat it is, whether they may sign in or not."""
    return await session.scalar(FIND_BOUND, {"openid": openid})


async def bound_at(session: AsyncSession, person_id: UUID) -> datetime | None:
    """Since when this person has a WeChat here."""
    return await session.scalar(IS_BOUND, {"person_id": person_id})


async def read_binding(session: AsyncSession, person_id: UUID) -> Binding | None:
    """This person's binding, if there is one."""
    row = (await session.execute(READ, {"person_id": person_id})).one_or_none()
    return Binding(*row) if row else None


async def set_following(session: AsyncSession, openid: str, *, follows: bool, at: datetime) -> None:
    """WeChat says that somebody followed the account then, or left it: only followers are reached. What it said of a later moment
    stands: its repeats may overtake one another."""
    await session.execute(FOLLOW, {"openid": openid, "follows": follows, "at": at})


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor | None,
    person_id: UUID,
    after: dict[str, int],
    now: datetime,
) -> None:
    await audit.record(session, action, actor=actor, about="person", about_id=person_id, after=after, now=now)
