"""A small world with its engine, in a transaction that vanishes with the test."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from engine.instances import Engine
from tests.tasks.world import World, build_engine, make_world


@pytest.fixture(scope="session")
def issue_engine() -> Engine:
    """Built once: it holds no state but parsed definitions, which never change."""
    return build_engine()


@pytest.fixture
async def world(session: AsyncSession, issue_engine: Engine, now: datetime) -> World:
    return await make_world(session, now, issue_engine)
