"""A database of the test's own (deliveries commit), a person, routes in memory and a clock that the test moves."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import col

from db.session import make_sessions, sqlalchemy_url
from domain.contacts import find_addresses
from domain.models import Person, PersonMail, WechatBinding
from messages.delivery import Delivery, Retry
from messages.limits import Limits
from messages.models import Message, MessageAttempt
from messages.outbox import NewMessage, enqueue
from messages.routes import MemoryRoute, Route
from messages.sealing import Sealer
from messages.texts import Text

TEXT = Text("有结果了", "已有办理结果", channels=("sms",))


@dataclass
class Post:
    """Queues messages and delivers them, at the time `now`."""

    sessions: async_sessionmaker[AsyncSession]
    person: Person
    now: datetime
    sms: MemoryRoute = field(default_factory=MemoryRoute)
    routes: list[Route] = field(default_factory=list[Route])
    sealer: Sealer = field(default_factory=lambda: Sealer(b"server secret"))
    limits: Limits = field(default_factory=Limits)
    watch: Callable[[str], None] = lambda _point: None

    @property
    def delivery(self) -> Delivery:
        return Delivery(
            self.sessions,
            self.routes,
            self.sealer,
            find_addresses,
            lambda: self.now,
            limits=self.limits,
            watch=self.watch,
        )

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def new(self, **changed: Any) -> NewMessage:
        values: dict[str, Any] = {
            "template": "answered",
            "text": TEXT,
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
            return (await session.scalars(select(Message).where(col(Message.id) == id_))).one()

    async def tries(self, id_: UUID) -> list[MessageAttempt]:
        async with self.sessions() as session:
            found = select(MessageAttempt).where(col(MessageAttempt.message_id) == id_)
            return list(await session.scalars(found.order_by(col(MessageAttempt.at), col(MessageAttempt.id))))

    async def story(self, id_: UUID) -> list[tuple[str, str | None, str | None]]:
        """Of each try its provider, how it ended, and what was answered when it was asked about."""
        return [(one.provider, one.outcome, one.answer) for one in await self.tries(id_)]

    async def deliver(self, *ids: UUID) -> list[Retry]:
        return await self.delivery.deliver(ids)

    async def follow(self, id_: UUID) -> Message:
        """Deliver, again and again when it is due, as the jobs would, until nothing is to be done any more."""
        for _ in range(50):
            retries = await self.deliver(id_)
            if not retries:
                return await self.read(id_)
            self.now = max(self.now, retries[0].due_at)
        raise AssertionError("it never ends")

    async def give_addresses(self, *, mail: str | None = None, openid: str | None = None) -> None:
        async with self.sessions.begin() as session:
            if mail:
                session.add(
                    PersonMail(
                        person_id=self.person.id, address=mail, given_at=self.now, confirmed_at=self.now
                    )
                )
            if openid:
                session.add(WechatBinding(person_id=self.person.id, openid=openid, bound_at=self.now))

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
    post = Post(sessions, person, now)
    post.routes = [post.sms]
    return post
