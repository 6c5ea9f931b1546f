"""For tests of the engine's commands: an engine with the small processes deployed, on a session that is rolled back."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from engine.instances import Engine
from tests.engine.office import Office
from tests.engine.small_processes import FUNCTIONS, OPERATORS, draw_order, draw_vote


@pytest.fixture
async def office(session: AsyncSession, now: datetime) -> Office:
    engine = Engine(FUNCTIONS, OPERATORS)
    await engine.catalogue.deploy(session, "order", draw_order(), actor=None, now=now)
    await engine.catalogue.deploy(session, "vote", draw_vote(), actor=None, now=now)
    return Office(session, engine, now)
