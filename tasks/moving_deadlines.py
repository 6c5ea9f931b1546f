"""Open deadlines set anew: when a year's holidays become known, when offices keep other hours, and once when the program comes
from a version that did not count in working time. The record, the timers of its process and its open tasks move together.

These are edges: each issue or registration has a transaction of its own and is looked at again in it; one for which it fails
becomes an incident.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from domain.deadlines import adopt, is_moved, recompute_deadline
from domain.models import Issue, Registration
from domain.working_days import BEIJING, WorkingCalendar
from engine.exceptions import EngineFailure, NotWaiting, UnknownProcess
from engine.instances import Engine
from engine.steps import Locked
from tasks import statements
from tasks.incidents import DEADLINES, note_failure, settle_command
from tasks.kinds import ISSUE, REGISTRATION
from tasks.operators import OVERDUE_TIMER, REMIND_TIMER
from tasks.subjects import command, flush, open_subject

OPEN_PHASES = ("customs", "enterprise")  # in which a deadline counts
PAUSES, RESUMES = "pause_deadline", "resume_deadline"
Sessions = async_sessionmaker[AsyncSession]
Found = Sequence[tuple[UUID, str]]

OPEN_ISSUES: Select[UUID, str] = select(col(Issue.id), literal(ISSUE.name)).where(
    col(Issue.closed_at).is_(None), col(Issue.phase).in_(OPEN_PHASES), col(Issue.deadline_from).is_not(None)
)
OPEN_REGISTRATIONS: Select[UUID, str] = select(col(Registration.id), literal(REGISTRATION.name)).where(
    col(Registration.outcome).is_(None),
    col(Registration.phase).in_(OPEN_PHASES),
    col(Registration.deadline_from).is_not(None),
)


@dataclass(frozen=True)
class Upgraded:
    """What became of the deadlines that the former rule had set: how many there were, and how many end on a later day now."""

    worked_out: int
    later: int


@dataclass(frozen=True)
class _Moved:
    before: datetime | None
    after: datetime

    @property
    def is_another_day(self) -> bool:
        before = self.before or self.after
        return before.astimezone(BEIJING).date() != self.after.astimezone(BEIJING).date()


async def move_deadlines(sessions: Sessions, engine: Engine, calendar: WorkingCalendar, now: datetime) -> int:
    """Set open deadlines anew where this calendar puts them or their reminders at another moment; how many moved."""
    async with sessions() as session:
        found = [(id_, process) for id_, process in await session.execute(OPEN_ISSUES)]
        found += [(id_, process) for id_, process in await session.execute(OPEN_REGISTRATIONS)]
    return len(await _move_all(sessions, engine, calendar, found, now))


async def upgrade_deadlines(
    sessions: Sessions, engine: Engine, calendar: WorkingCalendar, now: datetime
) -> Upgraded:
    """Bring every open deadline that the former rule set (days to the hour, pauses by the clock) under this one, none to an
    earlier day. Does nothing the second time."""
    async with sessions() as session:
        issues = await session.execute(OPEN_ISSUES.where(col(Issue.pauses).is_(None)))
        found = [(id_, process) for id_, process in issues]
        registrations = await session.execute(OPEN_REGISTRATIONS.where(col(Registration.remind_at).is_(None)))
        found += [(id_, process) for id_, process in registrations]
    moved = await _move_all(sessions, engine, calendar, found, now)
    return Upgraded(len(moved), sum(one.is_another_day for one in moved))


async def _move_all(
    sessions: Sessions, engine: Engine, calendar: WorkingCalendar, found: Found, now: datetime
) -> list[_Moved]:
    moved: list[_Moved] = []
    for id_, process in found:
        try:
            if one := await _move_one(sessions, engine, calendar, id_, process, now):
                moved.append(one)
        except EngineFailure as failure:
            await note_failure(sessions, engine, failure, command=DEADLINES, instance_id=id_, now=now)
    return moved


async def _move_one(
    sessions: Sessions, engine: Engine, calendar: WorkingCalendar, id_: UUID, process: str, now: datetime
) -> _Moved | None:
    async with sessions() as session, command(session):
        moved = await _move_deadline(session, engine, calendar, id_, process, now)
        if moved is not None:
            await settle_command(session, id_, DEADLINES, now)
            await session.commit()
        return moved


async def _move_deadline(
    session: AsyncSession, engine: Engine, calendar: WorkingCalendar, id_: UUID, process: str, now: datetime
) -> _Moved | None:
    try:
        locked = await engine.lock_instance(session, id_)
    except UnknownProcess:
        return None
    subject = await open_subject(session, id_, process)
    record, issue = subject.record, subject.issue
    if record is None or record.deadline_from is None or record.phase not in OPEN_PHASES:
        return None
    if issue is not None and issue.pauses is None:
        adopt(issue, await _read_pauses(session, engine, locked, record.deadline_from), calendar)
    elif not is_moved(record, calendar):
        return None
    before, deadline = record.due_at, recompute_deadline(record, calendar)
    # What it had been too late for is still to come.
    overdue_again = record.overdue_at is not None and deadline.due_at > now
    if overdue_again:
        record.overdue_at = None
    await flush(session, subject)
    # While the enterprise is asked the clock stands: its timers are set when it goes on.
    paused = issue is not None and issue.paused_at is not None
    moments = {} if paused else {REMIND_TIMER: deadline.remind_at, OVERDUE_TIMER: deadline.due_at}
    variables = {"deadline": deadline.as_variables()}
    for timer, moment in moments.items():
        anew = overdue_again and timer == OVERDUE_TIMER
        with suppress(NotWaiting):  # it has fired
            await engine.reschedule(
                session, locked, timer, moment, actor=None, now=now, variables=variables, anew=anew
            )
            locked = await engine.lock_instance(session, id_)
    return _Moved(before, deadline.due_at)


async def _read_pauses(
    session: AsyncSession, engine: Engine, locked: Locked, since: datetime
) -> list[datetime]:
    """When the clock stood and went on again, as the history tells; a pause that goes on is not among them."""
    instance = locked.instance
    elements = (await engine.catalogue.load(session, instance.definition_id)).elements
    parameters = {"instance_id": instance.id, "since": since}
    pauses: list[datetime] = []
    began: datetime | None = None
    for row in await session.execute(statements.SERVICES_DONE, parameters):
        element = elements.get(row.element_id)
        operator = element.operator if element else None
        if operator == PAUSES:
            began = began or row.at
        elif operator == RESUMES and began is not None:
            pauses += (began, row.at)
            began = None
    return pauses
