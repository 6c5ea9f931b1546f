"""Work without a person: timers that are due, deadlines that a new calendar moves, the seal of the audit log, what is old
and may go.

Each due instance has a transaction of its own; a failure is recorded as an incident in another one, which also puts the
timer off. These are edges: they open and commit their sessions. The time comes from whoever starts them.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.jobs import jobs
from domain.applications import sweep_applications
from domain.attachments import sweep_orphans
from domain.audit_chain import sealing_key
from domain.captcha import forget_captchas
from domain.card_challenges import sweep_challenges
from domain.card_visits import sweep_visits
from domain.exceptions import ChainBroken
from domain.files.store import AttachmentStore
from domain.presence import sweep_presence
from domain.wechat_pushes import sweep_pushes
from domain.wechat_visits import sweep_wechat_visits
from domain.working_days import WorkingCalendar, unknown_years
from engine.exceptions import EngineFailure
from engine.instances import Engine
from settings import Settings
from tasks import statements
from tasks.completion import finish
from tasks.incidents import (
    LATE_WORK,
    TIMERS,
    note_failure,
    settle_command,
    settle_past,
)
from tasks.leavers import Heirs, move_issue
from tasks.moving_deadlines import move_deadlines
from tasks.returns import give_back
from tasks.sealing import seal_all
from tasks.subjects import command
from tasks.superseding import end_superseded

log = structlog.get_logger(__name__)
QUEUE = "tasks"
AGAIN = RetryStrategy(max_attempts=5, exponential_wait=3)  # for jobs that no later run makes up for
LOOK_AHEAD = timedelta(days=30)  # further than the longest deadline


class Parts(Protocol):
    """What these jobs need of a worker's process."""

    @property
    def read_clock(self) -> Callable[[], datetime]: ...
    @property
    def sessions(self) -> async_sessionmaker[AsyncSession]: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def calendar(self) -> WorkingCalendar: ...
    @property
    def store(self) -> AttachmentStore: ...
    @property
    def settings(self) -> Settings: ...


async def run_due_timers(
    sessions: async_sessionmaker[AsyncSession], engine: Engine, read_clock: Callable[[], datetime]
) -> int:
    """Fire everything that is due, one instance a transaction; how many instances were moved or failed."""
    count = 0
    while await fire_due_timer(sessions, engine, read_clock()):
        count += 1
    return count


async def fire_due_timer(sessions: async_sessionmaker[AsyncSession], engine: Engine, now: datetime) -> bool:
    """Fire the timers of one due instance; whether there was one. A failure becomes an incident and is put off."""
    async with sessions() as session:
        try:
            async with command(session):
                step = await engine.run_due_timers(session, now)
                if step is None:
                    return False
                await finish(session, step, now)
            await settle_command(session, step.instance_id, TIMERS, now)
            await session.commit()
            return True
        except EngineFailure as error:
            await session.rollback()
            failure = error
    if failure.instance_id is None:
        raise failure
    await note_failure(sessions, engine, failure, command=TIMERS, instance_id=failure.instance_id, now=now)
    return True


async def move_late_work(
    sessions: async_sessionmaker[AsyncSession], engine: Engine, now: datetime, *, limit: int = 200
) -> int:
    """Give the heirs of people who have left what has come to those people since; how many issues moved. One for which it fails
    becomes an incident."""
    async with sessions() as session:
        late = (await session.execute(statements.LATE_WORK, {"limit": limit})).all()
    moved = 0
    for row in late:
        heirs = Heirs(row.work_to, work_is_executive=row.work_is_executive, reviews=row.reviews_to)
        try:
            async with sessions() as session:
                await move_issue(session, engine, row.issue_id, row.person_id, heirs, actor_id=None, now=now)
                await settle_command(session, row.issue_id, LATE_WORK, now)
                await session.commit()
            moved += 1
        except EngineFailure as failure:
            await note_failure(
                sessions, engine, failure, command=LATE_WORK, instance_id=row.issue_id, now=now
            )
    return moved


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="move_late_work", queue=QUEUE, pass_context=True, queueing_lock="move_late_work")
async def move_late_work_often(context: JobContext, timestamp: int) -> None:
    """Every five minutes: what reached somebody who had just left."""
    parts: Parts = context.additional_context["wired"]
    now = datetime.fromtimestamp(timestamp, tz=UTC)
    if moved := await move_late_work(parts.sessions, parts.engine, now):
        log.info("late_work.moved", issues=moved)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="settle_past", queue=QUEUE, pass_context=True, queueing_lock="settle_past")
async def settle_past_often(context: JobContext, timestamp: int) -> None:
    """Every five minutes: incidents that are none any more."""
    parts: Parts = context.additional_context["wired"]
    async with parts.sessions.begin() as session:
        await settle_past(session, datetime.fromtimestamp(timestamp, tz=UTC))


async def purge_answers(session: AsyncSession, now: datetime, keep_d: int) -> None:
    """Forget the answers to submits that nobody will repeat any more."""
    await session.execute(statements.PURGE_ANSWERS, {"before": now - timedelta(days=keep_d)})


@jobs.periodic(cron="17 3 * * *")
@jobs.task(name="sweep", queue=QUEUE, pass_context=True, queueing_lock="sweep")
async def sweep(context: JobContext, timestamp: int) -> None:
    """Every night: old answers to submits, captchas, what cards were asked, visits from WeChat and its pushes, applications never
    sent, files nobody used; applications whose enterprise has been registered by another one, should a job have missed them."""
    parts: Parts = context.additional_context["wired"]
    now = datetime.fromtimestamp(timestamp, tz=UTC)
    async with parts.sessions() as session:
        await purge_answers(session, now, parts.settings.idempotency_d)
        await forget_captchas(session, now)
        await sweep_presence(session, now)
        await sweep_applications(session, now)
        await sweep_challenges(session, now)
        await sweep_visits(session, now)
        await sweep_wechat_visits(session, now)
        await sweep_pushes(session, now)
        gone = await sweep_orphans(session, parts.store, now, keep=await find_drafted_files(session))
        await session.commit()
    superseded = await end_superseded(parts.sessions, parts.engine, now)
    log.info("sweep.done", files=gone, superseded=superseded)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="seal_audit", queue=QUEUE, pass_context=True, queueing_lock="seal_audit")
async def seal_audit(context: JobContext, timestamp: int) -> None:
    """Every minute: what has been written since is sealed. A broken chain is told and not gone on with."""
    parts: Parts = context.additional_context["wired"]
    now = datetime.fromtimestamp(timestamp, tz=UTC)
    try:
        await seal_all(parts.sessions, sealing_key(parts.settings.pepper), now)
    except ChainBroken:
        log.error("audit.chain_broken", effect="nothing more is sealed; run qingling audit verify")


async def find_drafted_files(session: AsyncSession) -> set[UUID]:
    """Files named in the saved draft of a task that is still open: nobody has used them yet, but somebody will."""
    return set((await session.execute(statements.DRAFTED_FILES)).scalars())


@jobs.periodic(cron="47 3 * * *")
@jobs.task(name="move_deadlines", queue=QUEUE, pass_context=True, queueing_lock="move_deadlines")
async def move_deadlines_nightly(context: JobContext, timestamp: int) -> None:
    """Every night: deadlines that the calendar as it is now puts on another day."""
    parts: Parts = context.additional_context["wired"]
    now = datetime.fromtimestamp(timestamp, tz=UTC)
    moved = await move_deadlines(parts.sessions, parts.engine, parts.calendar, now)
    log.info("deadlines.moved", count=moved)
    tell_unknown_years(parts.calendar, now)


@jobs.task(name="move_deadlines_now", queue=QUEUE, pass_context=True, retry=AGAIN)
async def move_deadlines_now(context: JobContext) -> None:
    """A year's holidays or other office hours were entered: read them, and set open deadlines anew at once."""
    parts: Parts = context.additional_context["wired"]
    now = parts.read_clock()
    async with parts.sessions() as session:
        await parts.calendar.refresh(session, now, at_once=True)
    moved = await move_deadlines(parts.sessions, parts.engine, parts.calendar, now)
    log.info("deadlines.moved", count=moved)


@jobs.task(name="give_back_later", queue=QUEUE, pass_context=True, retry=AGAIN)
async def give_back_later(context: JobContext, person_id: str, by: str | None) -> None:
    """What came to an officer in the moment in which they were disabled or lost a role."""
    parts: Parts = context.additional_context["wired"]
    now = parts.read_clock()
    async with parts.sessions() as session:
        back = await give_back(session, parts.engine, UUID(person_id), by=UUID(by) if by else None, now=now)
        await session.commit()
    if back.returned:
        log.info("tasks.given_back", count=back.returned)


def tell_unknown_years(calendar: WorkingCalendar, now: datetime) -> None:
    """Warn when deadlines of these weeks reach into a year whose holidays nobody has entered."""
    if years := unknown_years(calendar, now, now + LOOK_AHEAD):
        effect = "deadlines in these years count Monday to Friday; the administrator can enter the holidays"
        log.warning("calendar.years_unknown", years=years, effect=effect)
