"""When a running instance will move by itself, for those who tell people about it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from engine.execution import Execution
from engine.instances import Engine
from engine.models import ProcessInstance


async def find_expiries(
    session: AsyncSession, engine: Engine, instance_id: UUID, now: datetime
) -> dict[str, datetime]:
    """When the activities that are open now are ended by a timer at their border, by element id; nothing is changed."""
    row = (
        await session.execute(
            select(col(ProcessInstance.definition_id), col(ProcessInstance.state)).where(
                col(ProcessInstance.id) == instance_id, col(ProcessInstance.state_name) == "active"
            )
        )
    ).one_or_none()
    if row is None:
        return {}
    definition = await engine.catalogue.load(session, row.definition_id)
    armed = Execution.load(definition, row.state, engine.evaluator, now).due_timers()
    return {
        element.attached_to: armed[element.id]
        for element in definition.elements.values()
        if element.attached_to and element.interrupting and element.id in armed
    }
