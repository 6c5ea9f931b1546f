"""Trying again at once what broke without a person, for whoever runs the system."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import defer
from domain.actor import Actor
from tasks.incidents import DEADLINES, SUPERSEDE, begin_retry
from tasks.jobs import move_deadlines_now
from tasks.superseding import supersede_registrations


async def retry_incident(session: AsyncSession, actor: Actor, incident_id: UUID, now: datetime) -> None:
    """Let the worker do it now: the instance's timers, or the job that could not be done for it.

    Raises RecordUnknown, ChangeRefused.
    """
    incident = await begin_retry(session, actor, incident_id, now)
    if incident.command == DEADLINES:
        await defer(session, move_deadlines_now)
    elif incident.command == SUPERSEDE:
        await defer(session, supersede_registrations, uscc=None)
