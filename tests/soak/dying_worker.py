"""A worker in a process of its own that kills itself (SIGKILL, nothing is tidied up) when it comes to a point of delivery for the
given time: `python -m tests.soak.dying_worker DATABASE_URL AHEAD_S [POINT TIMES]`. Without a point it ends when nothing is due.

Its clock is ahead by AHEAD_S, so that a proof does not have to wait for what is due in minutes.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import create_async_engine

from db.session import make_sessions, sqlalchemy_url
from domain.contacts import find_addresses
from messages.delivery import Delivery
from messages.providers import open_routes
from messages.sealing import Sealer
from settings import Settings


def die_at(point: str, times: int) -> Callable[[str], None]:
    """A `watch` that kills this process."""
    left = times

    def watch(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


async def work(database_url: str, ahead_s: float, point: str, times: int) -> None:
    """Deliver whatever is due, as `recover_work` finds it, until nothing is."""
    settings = Settings()
    engine = create_async_engine(sqlalchemy_url(database_url))
    sessions = make_sessions(engine)

    def read_clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead_s)

    async with open_routes(settings, sessions, read_clock) as routes:
        delivery = Delivery(
            sessions,
            routes,
            Sealer(settings.pepper),
            find_addresses,
            read_clock,
            watch=die_at(point, times),
        )
        while ids := await delivery.find_forgotten():
            await delivery.deliver(ids)
    await engine.dispose()


if __name__ == "__main__":
    _, url, ahead, *rest = sys.argv
    asyncio.run(work(url, float(ahead), rest[0] if rest else "", int(rest[1]) if rest else -1))
