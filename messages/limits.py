"""What sending may cost: the budget of SMS a day, SMS to one person a day, quiet hours, the night, and the pace of a worker.

Codes count for none of these: they have limits of their own (`domain.code_limits`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messages import statements
from settings import Settings

DAY = timedelta(days=1)
OLDEST_SENT = timedelta(days=3)
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(frozen=True)
class QuietHours:
    """Beijing's hours in which nothing is sent; over midnight when `start` is later than `end`."""

    start: time
    end: time

    @classmethod
    def read(cls, written: str) -> Self | None:
        """`22:00-07:00`; None for an empty text. Raises ValueError."""
        if not written:
            return None
        start, _, end = written.partition("-")
        return cls(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))

    def end_after(self, now: datetime) -> datetime | None:
        """When the quiet hours that are now are over; None when they are not now."""
        local = now.astimezone(BEIJING)
        clock = local.time()
        over_midnight = self.start > self.end
        quiet = (clock >= self.start or clock < self.end) if over_midnight else self.start <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and clock >= self.start else 0)
        return datetime.combine(day, self.end, BEIJING).astimezone(now.tzinfo)


@dataclass(frozen=True)
class Limits:
    """What an operator allows; 0: no limit."""

    sms_per_day: int = 0
    sms_per_phone_day: int = 0
    per_second: float = 0
    quiet: QuietHours | None = None
    night: QuietHours | None = None
    """In which no SMS goes out but codes, whatever the person chose."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            settings.sms_per_day,
            settings.sms_per_phone_day,
            settings.messages_per_second,
            QuietHours.read(settings.quiet_hours),
            QuietHours.read(settings.sms_night),
        )


@dataclass
class Spent:
    """How many SMS went out within a day, all and to each receiver; counted on as a claim goes on."""

    limits: Limits
    all: int
    each: dict[str, int]

    def refuses(self, receiver: str) -> str | None:
        """Why there may be no SMS to this receiver now."""
        if self.limits.sms_per_day and self.all >= self.limits.sms_per_day:
            return "budget"
        if self.limits.sms_per_phone_day and self.each.get(receiver, 0) >= self.limits.sms_per_phone_day:
            return "receiver_limit"
        return None

    def add(self, receiver: str) -> None:
        """One SMS more."""
        self.all += 1
        self.each[receiver] = self.each.get(receiver, 0) + 1


async def count_spent(session: AsyncSession, limits: Limits, rows: Sequence[Any], now: datetime) -> Spent:
    """What was spent before these messages. With a budget, other workers wait until this transaction has ended: nobody
    overdraws it."""
    paying = [row for row in rows if not row.is_code and "sms" in row.channels]
    spent = Spent(limits, 0, {})
    if not paying or not (limits.sms_per_day or limits.sms_per_phone_day):
        return spent
    await session.execute(statements.LOCK_BUDGET)
    if limits.sms_per_day:
        spent.all = int(await session.scalar(statements.COUNT_SMS, {"since": now - DAY}) or 0)
    if limits.sms_per_phone_day:
        found = await session.execute(
            statements.COUNT_SMS_OF_EACH,
            {
                "person_ids": [row.person_id for row in paying if row.person_id],
                "phones": [row.to_phone for row in paying if row.person_id is None],
                "since": now - DAY,
                "since_id": _first_id(now - OLDEST_SENT),
            },
        )
        spent.each = {row.receiver: row.sms for row in found}
    return spent


def _first_id(at: datetime) -> UUID:
    """No id made at this moment or later is smaller."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


class Pace:
    """Lets this worker hand at most so many messages a second to a provider; 0: as many as it can."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap_s = 1 / per_second if per_second else 0.0
        self._clock, self._sleep = clock, sleep
        self._free_at: dict[str, float] = {}

    async def wait(self, provider: str) -> None:
        """Until it is this message's turn."""
        if not self._gap_s:
            return
        now = self._clock() if self._clock else asyncio.get_running_loop().time()
        turn = max(now, self._free_at.get(provider, now))
        self._free_at[provider] = turn + self._gap_s
        if turn > now:
            await self._sleep(turn - now)
