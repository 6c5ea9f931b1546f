"""Which of WeChat's pushes have been taken already: WeChat repeats what it got no answer to, and somebody may replay it."""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

KEPT = timedelta(days=1)
"""WeChat's own repeats come within seconds, a replay is too old after ten minutes (wechat/callback.py)."""

TAKE = text(
    "INSERT INTO wechat_push (key, taken_at) VALUES (:key, :now) ON CONFLICT DO NOTHING RETURNING key"
)
SWEEP = text("DELETE FROM wechat_push WHERE taken_at < :before")


async def take_push(session: AsyncSession, *keys: str, now: datetime) -> bool:
    """Whether this is the first time, by every one of these keys. Another one at the same moment waits for this transaction."""
    taken = [
        await session.scalar(TAKE, {"key": sha256(key.encode()).hexdigest(), "now": now}) for key in keys
    ]
    return all(taken)


async def sweep_pushes(session: AsyncSession, now: datetime) -> None:
    """Forget what nobody can repeat any more."""
    await session.execute(SWEEP, {"before": now - KEPT})
