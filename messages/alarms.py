"""Alarms: what an operator has to act on before a route works again. One open row a route and code, counted; the first message
that gets through closes those of its route."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from messages.routes import RouteKey

log = structlog.get_logger(__name__)

SOUND = text("""
    INSERT INTO message_alarm AS a (id, channel, provider, code, explanation, opened_at, last_at, count)
    VALUES (:id, :channel, :provider, :code, :explanation, :now, :now, 1)
    ON CONFLICT (channel, provider, code) WHERE closed_at IS NULL
    DO UPDATE SET last_at = :now, count = a.count + 1, explanation = excluded.explanation
    RETURNING count
""")
CLOSE = text("""
    UPDATE message_alarm SET closed_at = :now
    WHERE channel = :channel AND provider = :provider AND closed_at IS NULL
""")
ACKNOWLEDGE = text("""
    UPDATE message_alarm SET acknowledged_at = :now, acknowledged_by = :person_id
    WHERE id = :id AND closed_at IS NULL AND acknowledged_at IS NULL RETURNING id
""")
LIST_OPEN = text("""
    SELECT id, channel, provider, code, explanation, opened_at, last_at, count, acknowledged_at, acknowledged_by
    FROM message_alarm WHERE closed_at IS NULL ORDER BY opened_at, id
""")


@dataclass(frozen=True)
class Alarm:
    """An alarm that is open. `provider` is `*` where it concerns the whole channel, such as the budget."""

    id: UUID
    channel: str
    provider: str
    code: str
    explanation: str
    opened_at: datetime
    last_at: datetime
    count: int
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None


async def sound(session: AsyncSession, route: RouteKey, code: str, explanation: str, now: datetime) -> None:
    """Open an alarm, or count it once more."""
    channel, provider = route
    count = await session.scalar(
        SOUND,
        {
            "id": uuid7(),
            "channel": channel,
            "provider": provider,
            "code": code,
            "explanation": explanation,
            "now": now,
        },
    )
    if count == 1:
        log.error("messages.alarm", channel=channel, provider=provider, code=code)


async def close(session: AsyncSession, route: RouteKey, now: datetime) -> None:
    """What was wrong with this route is right again."""
    await session.execute(CLOSE, {"channel": route[0], "provider": route[1], "now": now})


async def acknowledge(session: AsyncSession, alarm_id: UUID, person_id: UUID, now: datetime) -> bool:
    """Somebody has seen it; False when somebody had before, or it is closed. It stays open."""
    found = await session.scalar(ACKNOWLEDGE, {"id": alarm_id, "person_id": person_id, "now": now})
    return found is not None


async def list_open(session: AsyncSession) -> list[Alarm]:
    """The alarms that are open, the oldest first."""
    return [Alarm(*row) for row in await session.execute(LIST_OPEN)]
