"""A small world with its engine: made once, in a database whose copies tests write to and whose shared copy none changes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from db.session import make_sessions, open_engine, sqlalchemy_url
from domain.actor import Actor
from engine.instances import Engine
from settings import Settings
from tests.conftest import MONDAY_9_IN_BEIJING, rolled_back
from tests.tasks.world import World, build_engine, make_world

PEOPLED = "peopled_tasks"


@pytest.fixture(scope="session")
def issue_engine() -> Engine:
    """Built once: it holds no state but parsed definitions, which never change."""
    return build_engine()


@pytest.fixture(scope="session")
def people(postgres_server: Any, template: str, issue_engine: Engine) -> Iterator[dict[str, Actor]]:
    """Who is in the database PEOPLED, which the worlds of this room are copies of."""
    yield asyncio.run(_fill(postgres_server.create(PEOPLED, template), issue_engine))
    postgres_server.drop(PEOPLED)


async def _fill(url: str, issue_engine: Engine) -> dict[str, Actor]:
    engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
    async with make_sessions(engine).begin() as session:
        return (await make_world(session, MONDAY_9_IN_BEIJING, issue_engine)).people


@pytest.fixture(scope="session")
def peopled_engine(postgres_server: Any, people: dict[str, Actor]) -> Iterator[AsyncEngine]:
    """One copy for all tests that commit nothing."""
    url = postgres_server.create("shared_tasks", PEOPLED)
    yield create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
    postgres_server.drop("shared_tasks")


@pytest.fixture
async def session(peopled_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session in the small world, of which nothing is left after the test."""
    async with rolled_back(peopled_engine) as session:
        yield session


@pytest.fixture
def world(session: AsyncSession, issue_engine: Engine, people: dict[str, Actor], now: datetime) -> World:
    """The small world in a transaction that vanishes with the test."""
    return World(session, now, issue_engine, dict(people))


@pytest.fixture
async def sessions(
    postgres_server: Any, people: dict[str, Actor]
) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions that really commit, on a copy of this test's own."""
    name = f"t{uuid4().hex[:8]}"
    database = open_engine(postgres_server.create(name, PEOPLED), Settings(demo=True))
    yield make_sessions(database)
    await database.dispose()
    postgres_server.drop(name)


@pytest.fixture
async def own_world(
    sessions: async_sessionmaker[AsyncSession],
    issue_engine: Engine,
    people: dict[str, Actor],
    now: datetime,
) -> AsyncIterator[World]:
    """The small world there; its session commits when a test asks."""
    async with sessions() as session:
        yield World(session, now, issue_engine, dict(people))
