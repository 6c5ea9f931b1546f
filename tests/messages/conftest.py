"""A database of the test's own (deliveries commit), a person, a channel in memory and a clock that the test moves."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from db.session import make_sessions, sqlalchemy_url
from domain.models import Person
from domain.people import find_contact
from messages.channels import MemoryChannel
from messages.delivery import Delivery
from messages.models import Message
from messages.outbox import NewMessage, enqueue
from messages.sealing import Sealer


@dataclass
class Post:
    """Queues messages and delivers them, at the time `now`."""

    sessions: async_sessionmaker[AsyncSession]
    person: Person
    now: datetime
    channel: Any = field(default_factory=MemoryChannel)
    sealer: Sealer = field(default_factory=lambda: Sealer(b"server secret"))

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.sessions, self.channel, self.sealer, find_contact, lambda: self.now)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def new(self, **changed: Any) -> NewMessage:
        values: dict[str, Any] = {
            "template": "answered",
            "text": "已有办理结果",
            "created_at": self.now,
            "person_id": self.person.id,
        }
        return NewMessage(**values | changed)

    async def queue(self, **changed: Any) -> UUID:
        message = self.new(**changed)
        async with self.sessions.begin() as session:
            await enqueue(session, [message])
        return message.id

    async def read(self, id_: UUID) -> Message:
        async with self.sessions() as session:
            return (await session.scalars(select(Message).where(Message.id == id_))).one()  # type: ignore[arg-type]  # SQLModel's typing

    async def jobs(self) -> list[Any]:
        async with self.sessions() as session:
            rows = await session.execute(text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id"))
            return list(rows.all())


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def post(engine: AsyncEngine, now: datetime) -> Post:
    sessions = make_sessions(engine)
    person = Person(name="张三", phone="+8613800000001", created_at=now)
    async with sessions.begin() as session:
        session.add(person)
    return Post(sessions, person, now)
