"""A channel delivers one message. The port, an in-memory one for tests, and the demo's: a table instead of telephones."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.ids import uuid7
from messages.models import DemoInbox


@dataclass(frozen=True)
class Outgoing:
    """One message on its way: `message_id` is the idempotency key of all its tries."""

    message_id: UUID
    to: str
    template: str
    text: str
    at: datetime
    code: str | None = field(default=None, repr=False)


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str: ...

    async def send(self, message: Outgoing) -> None:
        """Deliver, at most once per message id where the channel can tell. Raises SendFailed or SendRefused."""
        ...


@dataclass
class MemoryChannel:
    """Keeps what it was given; raises `failures` first, one a call."""

    name: str = "memory"
    sent: list[Outgoing] = field(default_factory=list[Outgoing])
    failures: list[Exception] = field(default_factory=list[Exception])

    async def send(self, message: Outgoing) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)


class DemoChannel:
    """Writes to `demo_inbox`, where every process of the demo sees it; a repeated delivery changes nothing."""

    name = "sms"

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def send(self, message: Outgoing) -> None:
        async with self._sessions.begin() as session:
            await session.execute(
                insert(DemoInbox)
                .values(
                    id=uuid7(),
                    message_id=message.message_id,
                    channel=self.name,
                    to=message.to.removeprefix("+86"),
                    template=message.template,
                    text=message.text,
                    code=message.code,
                    at=message.at,
                )
                .on_conflict_do_nothing(index_elements=["message_id"])
            )
