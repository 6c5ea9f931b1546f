"""A route is one provider of one channel. The port, an in-memory one for tests, and the demo's: a table instead of telephones.

Adapters for the real channels are in `messages.adapters`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from db.ids import uuid7
from messages.models import DemoInbox
from sending import Receipt, Report

RouteKey = tuple[str, str]
"""Channel and provider."""


@dataclass(frozen=True)
class Outgoing:
    """One message on its way over one channel; `message_id` is the idempotency key of all its tries. Its repr names the message
    and nothing that is the person's."""

    message_id: UUID
    to: str = field(repr=False)
    template: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    params: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    code: str | None = field(default=None, repr=False)
    process: str | None = None
    instance_id: UUID | None = None

    @property
    def name(self) -> str:
        """What the providers' tables of templates call it: two processes may both have a template `returned`."""
        return name_of(self.process, self.template)


def name_of(process: str | None, template: str) -> str:
    """A template's name among those of all processes."""
    return f"{process}.{template}" if process else template


def subject_of(title: str, instance_id: UUID | None, params: Mapping[str, Any]) -> str:
    """A mail's subject: that of the issue or registration it is about, so that all its mails are one thread; else its title."""
    number, about = params.get("number"), params.get("title")
    if instance_id is None or not number:
        return title
    return f"{number} {about or params.get('enterprise') or ''}".strip()


class Route(Protocol):
    """One way to reach people."""

    @property
    def channel(self) -> str: ...

    @property
    def provider(self) -> str: ...

    def carries(self, message: str) -> bool:
        """Whether it is set up for messages of this name (`Outgoing.name`); others go another way."""
        ...

    def repeat_window_s(self, message: str) -> float:
        """For how many seconds the same message of this name, sent again, reaches the person once: so long, what is uncertain is
        simply repeated. 0: it would arrive twice."""
        ...

    @property
    def ask_after_s(self) -> float:
        """From how many seconds after sending on it is worth asking what became of it."""
        ...

    async def send(self, message: Outgoing) -> Receipt:
        """Hand one message to the provider. Raises the kinds of `sending`."""
        ...

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        """What the provider knows of a message that ended Uncertain; None: it has never had it.

        Raises Uncertain where the provider cannot tell, and NotSent kinds where it gives no answer now.
        """
        ...

    async def pull_reports(self) -> list[Report]:
        """What the provider has learned since it was last asked; none where it does not report."""
        ...


@dataclass
class MemoryRoute:
    """Keeps what it was given. Raises `failures` first, one a call; those of `failures_after` once it has taken the message.

    Who repeats a message to a route that does not repeat safely sends it twice: `sent` tells.
    """

    channel: str = "sms"
    provider: str = "memory"
    window_s: float = 0
    ask_after_s: float = 0
    carried: set[str] | None = None
    sent: list[Outgoing] = field(default_factory=list[Outgoing])
    asked: list[UUID] = field(default_factory=list[UUID])
    failures: list[Exception] = field(default_factory=list[Exception])
    failures_after: list[Exception] = field(default_factory=list[Exception])
    silences: list[Exception] = field(default_factory=list[Exception])
    reports: list[Report] = field(default_factory=list[Report])

    def carries(self, message: str) -> bool:
        return self.carried is None or message in self.carried

    def repeat_window_s(self, message: str) -> float:
        return self.window_s

    async def send(self, message: Outgoing) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        known = self._find(message)
        if known is None or not self.window_s:
            self.sent.append(message)
        if self.failures_after:
            raise self.failures_after.pop(0)
        return known if known and self.window_s else Receipt(self.provider, str(len(self.sent)))

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        self.asked.append(message.message_id)
        if self.silences:
            raise self.silences.pop(0)
        return self._find(message)

    async def pull_reports(self) -> list[Report]:
        pulled, self.reports = self.reports, []
        return pulled

    def _find(self, message: Outgoing) -> Receipt | None:
        for number, known in enumerate(self.sent, 1):
            if known.message_id == message.message_id:
                return Receipt(self.provider, str(number))
        return None


class DemoRoute:
    """Writes to `demo_inbox`, where every process of the demo sees it; a repeated delivery changes nothing."""

    provider = "demo"
    ask_after_s = 0.0

    def __init__(self, channel: str, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.channel = channel
        self._sessions = sessions

    def carries(self, message: str) -> bool:
        return True

    def repeat_window_s(self, message: str) -> float:
        return math.inf

    async def send(self, message: Outgoing) -> Receipt:
        async with self._sessions.begin() as session:
            await session.execute(
                insert(DemoInbox)
                .values(
                    id=uuid7(),
                    message_id=message.message_id,
                    channel=self.channel,
                    to=message.to.removeprefix("+86"),
                    template=message.template,
                    text=message.text,
                    code=message.code,
                    at=message.at,
                )
                .on_conflict_do_nothing(index_elements=["message_id"])
            )
        return Receipt(self.provider, str(message.message_id))

    async def find(self, message: Outgoing, since: datetime) -> Receipt | Report | None:
        async with self._sessions() as session:
            known = await session.scalar(
                select(col(DemoInbox.id)).where(col(DemoInbox.message_id) == message.message_id)
            )
        return Receipt(self.provider, str(message.message_id)) if known else None

    async def pull_reports(self) -> list[Report]:
        return []
