"""Sessions and ids: what is written vanishes with the test, dead connections are replaced, ids grow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.session import conninfo, make_sessions, open_engine
from settings import Settings


async def test_ids_carry_the_time_and_the_version(now: datetime) -> None:
    made = uuid7()
    assert made.version == 7
    assert abs((made.int >> 80) / 1000 - datetime.now(now.tzinfo).timestamp()) < 60


def test_ids_of_many_threads_are_different_and_grow_in_each() -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: [uuid7() for _ in range(2000)], range(4)))
    assert len({made for run in runs for made in run}) == 8000
    assert all(run == sorted(run) for run in runs)


@pytest.mark.parametrize("_round", [1, 2])
async def test_a_commit_in_a_test_leaves_nothing_behind(session: AsyncSession, _round: int) -> None:
    assert await session.scalar(text("SELECT to_regclass('left_over')")) is None
    await session.execute(text("CREATE TABLE left_over (id int)"))
    await session.commit()
    assert await session.scalar(text("SELECT to_regclass('left_over')")) == "left_over"


async def test_a_connection_cut_by_the_server_is_replaced_before_use(database_url: str) -> None:
    engine = open_engine(database_url, Settings(database_pool=2))
    sessions = make_sessions(engine)
    async with sessions() as one, sessions() as two:
        cut = {await s.scalar(text("SELECT pg_backend_pid()")) for s in (one, two)}
    with psycopg.connect(conninfo(database_url), autocommit=True) as other:
        for pid in cut:
            other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
    async with sessions() as one, sessions() as two:
        assert {await s.scalar(text("SELECT pg_backend_pid()")) for s in (one, two)}.isdisjoint(cut)
    await engine.dispose()


async def test_sessions_speak_utc(database_url: str) -> None:
    engine = open_engine(database_url, Settings())
    async with make_sessions(engine)() as session:
        assert await session.scalar(text("SHOW timezone")) == "UTC"
    await engine.dispose()
