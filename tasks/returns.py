"""Officers who may not go on: disabled, or without the role at an office. What they had claimed there goes back to its
groups, and the timeline says who saw to it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from engine.instances import Engine
from tasks import statements
from tasks.subjects import command, copy_status


@dataclass(frozen=True)
class Returned:
    """How many tasks went back, and how many could not: those that were assigned to this person alone."""

    returned: int
    left: int


async def give_back(
    session: AsyncSession, engine: Engine, person_id: UUID, *, by: UUID | None, now: datetime
) -> Returned:
    """Put back what this officer has claimed in groups that they are not in (any more). Each instance is locked first, in
    the order in which everybody claims many."""
    found = (await session.execute(statements.TASKS_OUTSIDE_GROUPS, {"person_id": person_id})).all()
    free = [row.id for row in found if row.assignee is None]
    count = 0
    for task_id in free:
        count += await _give_back_one(session, engine, task_id, person_id, by, now)
    return Returned(count, len(found) - len(free))


async def _give_back_one(
    session: AsyncSession, engine: Engine, task_id: UUID, person_id: UUID, by: UUID | None, now: datetime
) -> bool:
    async with command(session):
        locked = await engine.lock(session, task_id)
        task = locked.task
        if task is None or task.state != "ready" or task.claimed_by != person_id:
            return False  # it was completed or handed over while we waited for the lock
        step = await engine.release(session, locked, actor=by, now=now, supervising=True)
        await copy_status(session, step, moved=(task.element_id, None))
        return True
