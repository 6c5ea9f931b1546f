"""Who else is looking at an issue: officers whose page has said so within the last minute. Only a hint, it locks nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import READ_OWN_OFFICE, READ_SUBTREE
from domain.actor import Actor
from domain.models import IssuePresence, Person

LOOKERS = (*READ_OWN_OFFICE, *READ_SUBTREE)
FRESH = timedelta(seconds=60)  # a page says so three times within this


@dataclass(frozen=True)
class Looker:
    """An officer who is looking, and since when."""

    name: str
    since: datetime


async def look(session: AsyncSession, actor: Actor, issue_id: UUID, now: datetime) -> list[Looker]:
    """Say that this officer is looking at this issue, which they may read; who else is, the first to come first."""
    mine = insert(IssuePresence).values(issue_id=issue_id, person_id=actor.person_id, since=now, seen_at=now)
    since = case(
        (col(IssuePresence.seen_at) < now - FRESH, mine.excluded.since), else_=col(IssuePresence.since)
    )
    await session.execute(
        mine.on_conflict_do_update(
            index_elements=["issue_id", "person_id"], set_={"since": since, "seen_at": mine.excluded.seen_at}
        )
    )
    others = await session.execute(
        select(col(Person.name), col(IssuePresence.since))
        .join(Person, col(Person.id) == col(IssuePresence.person_id))
        .where(
            col(IssuePresence.issue_id) == issue_id,
            col(IssuePresence.person_id) != actor.person_id,
            col(IssuePresence.seen_at) >= now - FRESH,
        )
        .order_by(col(IssuePresence.since), col(Person.name))
    )
    return [Looker(*row) for row in others]


async def sweep_presence(session: AsyncSession, now: datetime) -> None:
    """Forget who has stopped looking."""
    await session.execute(delete(IssuePresence).where(col(IssuePresence.seen_at) < now - FRESH))
