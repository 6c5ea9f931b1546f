"""Who else is looking: the others, while their page says so, since they came."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import IssuePresence
from domain.presence import FRESH, look, sweep_presence


async def test_officers_see_each_other_and_not_themselves(session: AsyncSession, world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    other = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    first, second = await world.officer("handler:2301"), await world.officer("handler:2301")
    later = world.now + timedelta(seconds=30)
    assert await look(session, first, issue.id, world.now) == []
    assert [(one.name, one.since) for one in await look(session, second, issue.id, later)] == [
        (first.name, world.now)
    ]
    assert [(one.name, one.since) for one in await look(session, first, issue.id, later)] == [
        (second.name, later)
    ]
    assert await look(session, first, other.id, later) == []


async def test_who_says_nothing_any_more_is_gone_and_begins_anew(session: AsyncSession, world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    first, second = await world.officer("handler:2301"), await world.officer("handler:2301")
    await look(session, first, issue.id, world.now)
    kept = world.now + FRESH
    assert len(await look(session, second, issue.id, kept)) == 1
    gone = kept + timedelta(seconds=1)
    assert await look(session, second, issue.id, gone) == []
    await look(session, first, issue.id, gone)
    [back] = await look(session, second, issue.id, gone)
    assert back.since == gone


async def test_the_nightly_sweep_forgets_who_has_left(session: AsyncSession, world: Any) -> None:
    issue = await world.issue(await world.member(await world.enterprise(), "customs_affairs"))
    first, second = await world.officer("handler:2301"), await world.officer("handler:2301")
    await look(session, first, issue.id, world.now)
    await look(session, second, issue.id, world.now + FRESH)
    await sweep_presence(session, world.now + FRESH + timedelta(seconds=1))
    assert await session.scalar(select(func.count()).select_from(IssuePresence)) == 1
