"""The demo's registrations, through the real commands: applied for with a licence, claimed and decided."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.ids import uuid7
from domain.actor import Actor
from domain.applications import PURPOSE, add_licence, read_licence
from domain.demo.people import LICENCE
from domain.demo.script import APPLY, DemoStep
from domain.files.store import AttachmentStore
from domain.models import SignInChallenge
from engine.instances import Engine
from engine.models import UserTask
from tasks.commands import claim
from tasks.completion import complete
from tasks.registrations import register


async def play_registration(
    session: AsyncSession,
    engine: Engine,
    store: AttachmentStore,
    actors: Mapping[tuple[str, str | None], Actor],
    applied: dict[int, UUID],
    step: DemoStep,
) -> None:
    """One step of one of them; `applied` remembers their ids."""
    if step.what == APPLY:
        applied[step.issue] = await _apply(session, engine, store, step)
        return
    task_id = (
        await session.scalars(
            select(col(UserTask.id)).where(
                col(UserTask.instance_id) == applied[step.issue],
                col(UserTask.state) == "ready",
            )
        )
    ).one()
    officer = actors[step.who, None]
    await claim(session, engine, officer, task_id, step.at)
    await complete(session, engine, officer, task_id, step.answers, now=step.at)


async def _apply(session: AsyncSession, engine: Engine, store: AttachmentStore, step: DemoStep) -> UUID:
    challenge = SignInChallenge(
        id=uuid7(),
        phone=f"+86{step.who}",
        purpose=PURPOSE,
        code_hash="-",
        created_at=step.at,
        expires_at=step.at + timedelta(minutes=5),
        used_at=step.at,
    )
    session.add(challenge)
    await session.flush()
    data = LICENCE.read_bytes()
    file = await read_licence(None, "营业执照.png", data, len(data))
    licence = await add_licence(session, store, file, challenge, step.at)
    fields = {**step.answers, "licence": [str(licence.id)]}
    return (await register(session, engine, challenge, fields, step.at)).id
