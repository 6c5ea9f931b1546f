"""Every race of `tests.engine.races`, a few rounds of each, either command sent first in turn. The long proofs run more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from db.session import sqlalchemy_url
from engine.instances import Engine
from tests.engine.races import RACES, START, Ring
from tests.engine.small_processes import FUNCTIONS, OPERATORS, draw_order, draw_vote

ROUNDS = 20


@pytest.fixture
async def ring(database_url: str) -> AsyncIterator[Ring]:
    database = create_async_engine(sqlalchemy_url(database_url))
    ring = Ring(Engine(FUNCTIONS, OPERATORS), async_sessionmaker(database))
    for key, files in (("order", draw_order()), ("vote", draw_vote())):
        await ring.do(partial(ring.engine.catalogue.deploy, key=key, files=files, actor=None, now=START))
    yield ring
    await database.dispose()


@pytest.mark.parametrize("race", RACES)
async def test_exactly_one_of_two_at_once_happens(
    ring: Ring, race: Callable[[Ring], Awaitable[None]]
) -> None:
    for number in range(ROUNDS):
        ring.swapped, ring.now = bool(number % 2), START
        await race(ring)
