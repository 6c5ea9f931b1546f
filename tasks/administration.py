"""Administrators' commands that reach into work at hand: who is disabled or loses a role gives back what they had claimed, and
holidays move open deadlines. The records themselves are changed by `domain`."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.jobs import defer
from domain import calendar, office_hours, officers, roles
from domain.actor import Actor
from domain.calendar import Day
from domain.deadlines import count_moved
from domain.models import CalendarDay, Issue, Registration
from domain.working_days import OfficeHours, WorkingCalendar
from engine.instances import Engine
from tasks.jobs import give_back_later, move_deadlines_now
from tasks.moving_deadlines import OPEN_PHASES
from tasks.returns import Returned, give_back

LOOK_AGAIN_AFTER = timedelta(seconds=30)  # longer than any request lasts


async def disable_officer(
    session: AsyncSession, engine: Engine, actor: Actor | None, officer_id: UUID, now: datetime
) -> Returned:
    """Disable the account; everything they had claimed goes back. Raises what `officers.disable_officer` does."""
    officer = await officers.disable_officer(session, actor, officer_id, now)
    return await return_claimed(session, engine, officer.person_id, actor, now)


async def take_role(
    session: AsyncSession,
    engine: Engine,
    actor: Actor,
    officer_id: UUID,
    role: str,
    office: str,
    now: datetime,
) -> Returned:
    """Take the role; what they had claimed and may claim no longer goes back. Raises what `roles.take_role` does."""
    officer = await roles.take_role(session, actor, officer_id, role, office, now)
    return await return_claimed(session, engine, officer.person_id, actor, now)


async def return_claimed(
    session: AsyncSession, engine: Engine, person_id: UUID, actor: Actor | None, now: datetime
) -> Returned:
    """Give back now; and look again a little later, for what a process handed to them in this very moment."""
    by = actor.person_id if actor else None
    returned = await give_back(session, engine, person_id, by=by, now=now)
    later = now + LOOK_AGAIN_AFTER
    await defer(session, give_back_later, at=later, person_id=str(person_id), by=str(by) if by else None)
    return returned


async def save_year(
    session: AsyncSession, actor: Actor, year: int, days: Sequence[Day], now: datetime
) -> bool:
    """Keep a year's holidays, and have open deadlines set anew; whether anything changed. Raises what `calendar.save_year`
    does."""
    changed = await calendar.save_year(session, actor, year, days, now)
    if changed:
        await defer(session, move_deadlines_now)
    return changed


async def save_hours(session: AsyncSession, actor: Actor, hours: OfficeHours, now: datetime) -> bool:
    """Keep other office hours, and have open deadlines set anew; whether anything changed. Raises what
    `office_hours.save_hours` does."""
    changed = await office_hours.save_hours(session, actor, hours, now)
    if changed:
        await defer(session, move_deadlines_now)
    return changed


async def count_moving_deadlines(session: AsyncSession, year: int, days: Sequence[Day]) -> int:
    """How many open deadlines these days of a year would move."""
    others = {day: working for day, working in await _read_days(session) if day.year != year}
    known = others | {one.day: one.working for one in days}
    return await _count_moving(session, WorkingCalendar(known, await office_hours.find_hours(session)))


async def count_moving_by_hours(session: AsyncSession, hours: OfficeHours) -> int:
    """How many open deadlines these office hours would move."""
    return await _count_moving(session, WorkingCalendar(dict(await _read_days(session)), hours))


async def _read_days(session: AsyncSession) -> list[tuple[date, bool]]:
    rows = await session.execute(select(col(CalendarDay.day), col(CalendarDay.working)))
    return [(day, working) for day, working in rows]


async def _count_moving(session: AsyncSession, calendar: WorkingCalendar) -> int:
    open_issues = await session.scalars(
        select(Issue).where(
            col(Issue.closed_at).is_(None),
            col(Issue.phase).in_(OPEN_PHASES),
            col(Issue.deadline_from).is_not(None),
        )
    )
    open_registrations = await session.scalars(
        select(Registration).where(
            col(Registration.outcome).is_(None), col(Registration.deadline_from).is_not(None)
        )
    )
    timed = [*open_issues, *open_registrations]
    return await asyncio.to_thread(count_moved, timed, calendar)
