"""What becomes of the other applications when an enterprise is registered: a job, enqueued in the winner's transaction, tells
each of them by a message to its process. One instance a transaction: the winner's holds no lock on any other."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.jobs import defer, jobs
from domain.registrations import find_superseded
from engine.exceptions import EngineFailure, NotWaiting
from engine.instances import Engine
from tasks.completion import finish
from tasks.incidents import SUPERSEDE, note_failure
from tasks.subjects import command

log = structlog.get_logger(__name__)
QUEUE = "tasks"
MESSAGE = "registration_superseded"


class Parts(Protocol):
    """What this job needs of a worker's process."""

    @property
    def sessions(self) -> async_sessionmaker[AsyncSession]: ...
    @property
    def engine(self) -> Engine: ...


async def supersede_others(session: AsyncSession, uscc: str) -> None:
    """End the other open applications of this uscc, once the transaction at hand has been committed."""
    await defer(session, supersede_registrations, uscc=uscc)


async def end_superseded(
    sessions: async_sessionmaker[AsyncSession], engine: Engine, now: datetime, uscc: str | None = None
) -> int:
    """Tell the open applications whose uscc (this one, or any) is registered that it is; how many ended."""
    async with sessions() as session:
        ids = await find_superseded(session, uscc)
    ended = 0
    for id_ in ids:
        try:
            ended += await _end_one(sessions, engine, id_, now)
        except EngineFailure as failure:
            await note_failure(sessions, engine, failure, command=SUPERSEDE, instance_id=id_, now=now)
    return ended


@jobs.task(
    name="supersede_registrations",
    queue=QUEUE,
    pass_context=True,
    retry=RetryStrategy(max_attempts=20, exponential_wait=2),
)
async def supersede_registrations(context: JobContext, uscc: str | None) -> None:
    """The job of one registered enterprise; without a uscc of all."""
    parts: Parts = context.additional_context["wired"]
    ended = await end_superseded(parts.sessions, parts.engine, datetime.now(UTC), uscc)
    log.info("registrations.superseded", count=ended)


async def _end_one(
    sessions: async_sessionmaker[AsyncSession], engine: Engine, id_: UUID, now: datetime
) -> bool:
    async with sessions() as session, command(session):
        try:
            locked = await engine.lock_instance(session, id_)
            step = await engine.correlate(session, locked, MESSAGE, actor=None, now=now)
        except NotWaiting:  # somebody was faster
            return False
        await finish(session, step, now)
        await session.commit()
        return True
