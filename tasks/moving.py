"""One open task of somebody goes to somebody else, because they leave or their part has passed on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from engine.instances import Engine
from tasks import statements
from tasks.completion import finish
from tasks.subjects import command, copy_status

UNEVALUATED = {"rating": None, "reopen": False}
"""What `record_evaluation` would have returned for somebody who is not asked any more."""


async def move_task(
    session: AsyncSession,
    engine: Engine,
    task_id: UUID,
    person_id: UUID,
    heir: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """With what was typed and its files; the caller has locked the instance. An evaluation the heir has given or is asked for
    already is dropped: one person evaluates a round once."""
    async with command(session):
        locked = await engine.lock(session, task_id)
        assert locked.task is not None
        definition = await engine.catalogue.load(session, locked.task.definition_id)
        element = definition.elements[locked.task.element_id]
        asked = {"instance_id": locked.instance.id, "element_id": element.id, "person_id": heir}
        if (
            element.on_complete == "record_evaluation"
            and (await session.execute(statements.IS_ASKED_ALREADY, asked)).first()
        ):
            await finish(
                session, await engine.skip(session, locked, UNEVALUATED, actor=actor_id, now=now), now
            )
            return
        await session.execute(statements.BIND_DRAFTED_FILES, {"task_id": task_id, "person_id": person_id})
        step = await engine.hand_over(session, locked, to=heir, actor=actor_id, now=now, supervising=True)
        await copy_status(session, step, moved=(element.id, heir))
