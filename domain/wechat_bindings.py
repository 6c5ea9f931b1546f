"""Whose WeChat it is: bound by openid, unbound, and whether they follow the account. Proving who somebody is comes before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor

# Whoever proves anew who they are takes the openid with them, and leaves the one they had.
FREE = text(
    "DELETE FROM wechat_binding WHERE openid = :openid AND person_id <> :person_id RETURNING person_id"
)
BIND = text("""
    INSERT INTO wechat_binding (person_id, openid, bound_at) VALUES (:person_id, :openid, :now)
    ON CONFLICT (person_id) DO UPDATE SET openid = excluded.openid, bound_at = excluded.bound_at, unsubscribed_at = NULL
""")
UNBIND = text("DELETE FROM wechat_binding WHERE person_id = :person_id RETURNING person_id")
FIND_PERSON = text("""
    SELECT p.id FROM wechat_binding w JOIN person p ON p.id = w.person_id WHERE w.openid = :openid AND p.active
""")
IS_BOUND = text("SELECT bound_at FROM wechat_binding WHERE person_id = :person_id")
FOLLOW = text("""
    UPDATE wechat_binding SET unsubscribed_at = CASE WHEN CAST(:follows AS boolean) THEN NULL
        ELSE CAST(:now AS timestamptz) END
    WHERE openid = :openid AND (unsubscribed_at IS NULL) <> CAST(:follows AS boolean)
""")


async def bind_wechat(session: AsyncSession, actor: Actor, openid: str, now: datetime) -> None:
    """From now on this WeChat is this person's alone: theirs before, and another's with it before, are no more."""
    for person_id in (await session.scalars(FREE, {"openid": openid, "person_id": actor.person_id})).all():
        await _record(session, "unbind_wechat", actor, person_id, now)
    await session.execute(BIND, {"person_id": actor.person_id, "openid": openid, "now": now})
    await _record(session, "bind_wechat", actor, actor.person_id, now)


async def unbind_wechat(session: AsyncSession, actor: Actor, now: datetime) -> bool:
    """This person has no WeChat here any more; False when they had none."""
    if await session.scalar(UNBIND, {"person_id": actor.person_id}) is None:
        return False
    await _record(session, "unbind_wechat", actor, actor.person_id, now)
    return True


async def find_person(session: AsyncSession, openid: str) -> UUID | None:
    """The active person whose WeChat it is."""
    return await session.scalar(FIND_PERSON, {"openid": openid})


async def bound_at(session: AsyncSession, person_id: UUID) -> datetime | None:
    """Since when this person has a WeChat here."""
    return await session.scalar(IS_BOUND, {"person_id": person_id})


async def set_following(session: AsyncSession, openid: str, *, follows: bool, now: datetime) -> None:
    """The account says that somebody follows it, or does not any more: only then messages reach them."""
    await session.execute(FOLLOW, {"openid": openid, "follows": follows, "now": now})


async def _record(session: AsyncSession, action: str, actor: Actor, person_id: UUID, now: datetime) -> None:
    await audit.record(session, action, actor=actor, about="person", about_id=person_id, after={}, now=now)
