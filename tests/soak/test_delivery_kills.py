"""kill -9 of the worker while it sends: at every point of delivery, and a hundred times under load. Held against what the
providers took: nothing is lost, nothing arrives twice; where a provider can say nothing, the log says that nobody knows."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from db.session import make_sessions, sqlalchemy_url
from tests.messages.outside import READ, WAYS, Outside, open_outside
from tests.sms.fake_tencent import Order

ROOT = Path(__file__).parents[2]
POINTS = (
    "before_claim",
    "claimed",
    "claim_committed",
    "sending",
    "sent",
    "recorded",
    "record_committed",
)
QUESTIONS = ("asking", "answered")
MANY = 12
NEXT_S = 150  # more than a claim lives, and a question waits
LATER_S = 700  # more than WeChat knows an id for
ENDS = ("sent", "uncertain")
KILLS = 100
LIFE_S = (0.05, 1.2)
STEP_S = 0.15
SETTLED_WITHIN_S = 900


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(sqlalchemy_url(database_url))
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    async with open_outside(tmp_path) as outside:
        yield outside


async def read(sessions: async_sessionmaker[AsyncSession]) -> list[Any]:
    async with sessions() as session:
        return list((await session.execute(READ)).all())


async def run_worker(outside: Outside, database_url: str, *death: str) -> int:
    """One life of a worker, its clock as far ahead as everybody's; its exit status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.soak.dying_worker",
        database_url,
        str(outside.ahead_s),
        *death,
        cwd=ROOT,
        env={**os.environ, **outside.environment},
        stdout=subprocess.DEVNULL,
    )
    return await process.wait()


async def settle(outside: Outside, database_url: str, sessions: Any, step_s: float) -> None:
    """Workers that do not die, some minutes after one another, until nothing is left to be done."""
    for _ in range(12):
        outside.ahead_s += step_s
        assert await run_worker(outside, database_url) == 0
        if all(row.state in ENDS for row in await read(sessions)):
            return
    raise AssertionError(f"never settled: {Counter(row.state for row in await read(sessions))}")


def hold_against_providers(outside: Outside, rows: list[Any]) -> Counter[str]:
    """Each message arrived once, or may not have arrived and the log says that nobody knows; how it was told, counted."""
    arrived = outside.arrived({row.id: row.title for row in rows})
    told: Counter[str] = Counter()
    for row in rows:
        times, story = arrived[row.id], " ".join(row.story)
        assert times <= 1, (row.title, row.channels, story, "arrived twice")
        assert row.open_tries == 0, (row.title, story)
        if row.state == "sent":
            assert times == 1, (row.title, row.channels, story, "said to be sent, and lost")
        else:
            assert row.channels != ["sms"], (story, "a provider that can be asked leaves nothing uncertain")
            assert story.endswith(("uncertain/cannot_tell", "uncertain/repeated", "later", "operator")), story
        told[
            f"{row.channels[0]} {row.template}: {story} → {row.state}{'' if times else ', not arrived'}"
        ] += 1
    return told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_this_point_nothing_is_lost_and_nothing_arrives_twice(
    outside: Outside, database_url: str, sessions: async_sessionmaker[AsyncSession], way: str, point: str
) -> None:
    await outside.add_people(sessions, MANY)
    async with sessions.begin() as session:
        await outside.queue(session, [way] * MANY)
    outside.ahead_s += NEXT_S
    assert await run_worker(outside, database_url, point, "1") == -signal.SIGKILL
    await settle(outside, database_url, sessions, NEXT_S)
    told = hold_against_providers(outside, await read(sessions))
    print(f"\n{way}, killed at {point}: {dict(told)}")


@pytest.mark.parametrize("point", QUESTIONS)
async def test_killed_while_it_asks_it_asks_again(
    outside: Outside, database_url: str, sessions: async_sessionmaker[AsyncSession], point: str
) -> None:
    await outside.add_people(sessions, MANY)
    async with sessions.begin() as session:
        await outside.queue(session, ["sms"] * MANY)
    outside.ahead_s += NEXT_S
    assert await run_worker(outside, database_url, "sent", "3") == -signal.SIGKILL
    outside.ahead_s += NEXT_S
    assert await run_worker(outside, database_url, point, "2") == -signal.SIGKILL
    await settle(outside, database_url, sessions, NEXT_S)
    rows = await read(sessions)
    assert {row.state for row in rows} == {"sent"}
    print(f"\nkilled at {point}: {dict(hold_against_providers(outside, rows))}")


async def test_what_wechat_may_have_and_is_found_too_late_is_said_to_be_uncertain(
    outside: Outside, database_url: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    await outside.add_people(sessions, MANY)
    async with sessions.begin() as session:
        await outside.queue(session, ["template"] * MANY)
    outside.ahead_s += NEXT_S
    assert await run_worker(outside, database_url, "sent", "4") == -signal.SIGKILL
    await settle(outside, database_url, sessions, LATER_S)
    rows = await read(sessions)
    assert Counter(row.state for row in rows)["uncertain"] >= 1
    print(f"\nfound after {LATER_S} s: {dict(hold_against_providers(outside, rows))}")


class Worker:
    """`qingling worker` in a process of its own: the product's, with its own clock, started again after every kill."""

    def __init__(self, outside: Outside, database_url: str, folder: Path) -> None:
        self._environment = {**os.environ, **outside.environment, "QINGLING_DATABASE_URL": database_url}
        self._folder = folder
        self._outside = outside
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "worker", "--data", str(self._folder / "data")],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def sends(self, patience_s: float = 60) -> bool:
        """Whether it has sent something since now."""
        before, until = self._count(), time.monotonic() + patience_s
        while time.monotonic() < until:
            if self._count() > before:
                return True
            await asyncio.sleep(0.02)
        return False

    def _count(self) -> int:
        outside = self._outside
        return len(outside.tencent.calls) + len(outside.wechat.asked) + len(outside.mail.received)

    def end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=60)


@asynccontextmanager
async def loaded(outside: Outside, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[None]:
    """Steps that tell somebody go on happening, over every way, whatever becomes of the worker."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            async with sessions.begin() as session:
                await outside.queue(session, WAYS)
            await asyncio.sleep(STEP_S)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        stop.set()
        await task


async def test_killed_a_hundred_times_under_load(
    outside: Outside, database_url: str, sessions: async_sessionmaker[AsyncSession], tmp_path: Path
) -> None:
    await outside.add_people(sessions, 200)
    outside.tencent.standing = Order(wait_s=0.05)  # so that something is always under way
    worker, luck, started = Worker(outside, database_url, tmp_path), random.Random(20261125), time.monotonic()
    async with loaded(outside, sessions):
        for _ in range(KILLS):
            worker.start()
            assert await worker.sends(), (tmp_path / "worker.log").read_text()[-2000:]
            await asyncio.sleep(luck.uniform(*LIFE_S))
            worker.end(signal.SIGKILL)
    outside.tencent.standing = None
    killed_s = time.monotonic() - started
    worker.start()
    rows = await read(sessions)
    while not all(row.state in ENDS for row in rows):
        assert time.monotonic() - started - killed_s < SETTLED_WITHIN_S, Counter(row.state for row in rows)
        await asyncio.sleep(5)
        rows = await read(sessions)
    worker.end(signal.SIGTERM)
    told = hold_against_providers(outside, rows)
    died = await count_died(sessions)
    assert died, "no kill came between claim and record"
    print(
        f"\n{KILLS} kills in {killed_s:.0f} s, settled {time.monotonic() - started - killed_s:.0f} s later;"
    )
    print(f"{len(rows)} messages, {died} tries cut off between claim and record:")
    print("\n".join(f"  {count:5} {line}" for line, count in told.most_common()))


async def count_died(sessions: async_sessionmaker[AsyncSession]) -> int:
    async with sessions() as session:
        found = await session.scalar(text("SELECT count(*) FROM message_attempt WHERE code = 'worker_died'"))
        return int(found or 0)
