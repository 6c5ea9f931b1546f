"""The application for registration belongs to the enterprise's admin: when the role passes to somebody, or an admin who applied
leaves, whoever is the admin now is the applicant, corrects what is returned, and is told the outcome."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.models import Registration
from domain.registrations import facts
from engine.instances import Engine
from tasks import statements
from tasks.completion import finish
from tasks.moving import move_task
from tasks.subjects import command, open_subject


async def pass_application(
    session: AsyncSession,
    engine: Engine,
    enterprise_id: UUID,
    giver: UUID,
    taker: UUID,
    *,
    actor_id: UUID,
    now: datetime,
) -> None:
    """The open application of this enterprise goes from one person to the other, if it was the first one's.

    The caller holds the enterprise's lock for members; the instance is locked here.
    """
    found = await session.scalar(
        select(col(Registration.id)).where(
            col(Registration.enterprise_id) == enterprise_id,
            col(Registration.applicant_id) == giver,
            col(Registration.outcome).is_(None),
        )
    )
    if found is None:
        return
    async with command(session):
        locked = await engine.lock_instance(session, found)
        definition = await engine.catalogue.load(session, locked.instance.definition_id)
        registration, _ = (await open_subject(session, found, definition.key)).require_registration()
        if locked.instance.state_name != "active" or registration.applicant_id != giver:
            return
        registration.applicant_id = taker
        told = [{"part": "applicant", "from": str(giver), "to": str(taker)}]
        variables = {"registration": facts(registration)}
        step = await engine.reassign(session, locked, variables, told=told, actor=actor_id, now=now)
        await finish(session, step, now)
    parameters = {"instance_id": found, "person_id": giver}
    for task_id in (await session.execute(statements.TASKS_OF_PERSON, parameters)).scalars().all():
        await move_task(session, engine, task_id, giver, taker, actor_id, now)
