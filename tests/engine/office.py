"""An engine on a database, with short ways to give commands and to look at what they wrote."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.instances import Engine
from engine.steps import Step
from tests.engine.small_processes import ANN, BEN


@dataclass
class Office:
    """Ann works here and Ben is her chief; `now` is moved by the tests."""

    session: AsyncSession
    engine: Engine
    now: datetime

    async def start(self, key: str = "order", **variables: Any) -> Step:
        return await self.engine.start(
            self.session,
            key,
            instance_id=uuid4(),
            variables=variables,
            subject="桌子",
            actor=ANN,
            now=self.now,
        )

    async def claim(self, task_id: UUID, actor: UUID = ANN) -> Step:
        return await self.engine.claim(
            self.session, await self.engine.lock(self.session, task_id), actor=actor, now=self.now
        )

    async def release(self, task_id: UUID, actor: UUID = ANN) -> Step:
        return await self.engine.release(
            self.session, await self.engine.lock(self.session, task_id), actor=actor, now=self.now
        )

    async def hand_over(
        self, task_id: UUID, to: UUID, actor: UUID = ANN, *, supervising: bool = False
    ) -> Step:
        locked = await self.engine.lock(self.session, task_id)
        return await self.engine.hand_over(
            self.session, locked, to=to, actor=actor, now=self.now, supervising=supervising
        )

    async def complete(
        self, task_id: UUID, actor: UUID = ANN, version: int | None = None, **answers: Any
    ) -> Step:
        locked = await self.engine.lock(self.session, task_id)
        return await self.engine.complete(
            self.session, locked, answers, actor=actor, version=version, now=self.now
        )

    async def correlate(self, instance_id: UUID, message: str) -> Step:
        locked = await self.engine.lock_instance(self.session, instance_id)
        return await self.engine.correlate(self.session, locked, message, actor=BEN, now=self.now)

    async def order_to_check(self, amount: int = 5, office: str = "1") -> Step:
        """An order filled in by Ann, waiting for a chief."""
        started = await self.start()
        task_id = started.created[0].id
        await self.claim(task_id)
        return await self.complete(task_id, office=office, amount=amount)

    async def fire(self) -> Step | None:
        return await self.engine.run_due_timers(self.session, self.now)

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        return list((await self.session.execute(text(query), parameters)).all())

    async def row(self, query: str, **parameters: Any) -> Any:
        (row,) = await self.rows(query, **parameters)
        return row

    async def task(self, task_id: UUID) -> Any:
        return await self.row("SELECT * FROM user_task WHERE id = :id", id=task_id)

    async def instance(self, instance_id: UUID) -> Any:
        return await self.row("SELECT * FROM process_instance WHERE id = :id", id=instance_id)

    async def history(self, instance_id: UUID) -> list[tuple[str, str | None]]:
        query = "SELECT kind, element_id FROM process_event WHERE instance_id = :id ORDER BY id"
        return [tuple(row) for row in await self.rows(query, id=instance_id)]

    async def open_groups(self, task_id: UUID) -> set[str]:
        query = "SELECT group_name FROM user_task_group WHERE task_id = :id AND open"
        return {row.group_name for row in await self.rows(query, id=task_id)}
