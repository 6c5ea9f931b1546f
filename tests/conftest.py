"""What every test may ask for: a real PostgreSQL (one for the whole run, migrated once), a session whose writes vanish with
the test, a database of one's own for tests that must commit, and a fixed now. Sockets reach this machine only."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from db.embedded import UNSAFE_BUT_QUICK, EmbeddedPostgres
from db.migrate import prepare_database
from db.session import conninfo, sqlalchemy_url

ROOM_BYTES = 2 * 1024**3
MONDAY_9_IN_BEIJING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The long proofs run only when they are asked for by name."""
    asked = any("soak" in str(argument) for argument in config.invocation_params.args)
    return True if collection_path.name == "soak" and not asked else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running, and no async test can run beside it."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture
def now() -> datetime:
    """Monday 2 March 2026, 9:00 in Beijing: a working day in a week of five."""
    return MONDAY_9_IN_BEIJING


class PostgresServer:
    """A PostgreSQL for this run, and the making and dropping of databases on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._prefix = f"test_{os.getpid()}_{uuid4().hex[:6]}"

    def create(self, name: str, template: str | None = None) -> str:
        """A new database, empty or a copy of another one of ours; its address."""
        database = f"{self._prefix}_{name}"
        # FILE_COPY is the quick way where nothing is synced to disk; a foreign server may be a real one.
        copy = sql.SQL("{} STRATEGY FILE_COPY").format(sql.Identifier(f"{self._prefix}_{template}"))
        self._do(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(database), copy if template else sql.SQL("template0")
            )
        )
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        """End it with everyone connected to it."""
        self._do(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                sql.Identifier(f"{self._prefix}_{name}")
            )
        )

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(conninfo(self.url), autocommit=True) as connection:
            connection.execute(statement)


def make_quick_folder(prefix: str) -> Path:
    """A folder for a database, in memory where the system has room for it: a new database takes a thirtieth of the time there."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=memory if has_room else None))
    folder.chmod(0o711)  # as root the server runs as `nobody`, who must get in
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """QINGLING_TEST_DATABASE_URL (whose user may create databases), or an embedded one that dies with this run."""
    if named := os.environ.get("QINGLING_TEST_DATABASE_URL"):
        yield PostgresServer(named)
        return
    folder = make_quick_folder("qingling-test-")
    with EmbeddedPostgres(folder, settings=UNSAFE_BUT_QUICK, dies_with_us=True) as embedded:
        yield PostgresServer(embedded.url)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated database that others are copied from; nobody connects to it."""
    prepare_database(postgres_server.create("template"), demo=True)
    yield "template"
    postgres_server.drop("template")


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    name = f"e{uuid4().hex[:8]}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture
def database_url(postgres_server: PostgresServer, template: str) -> Iterator[str]:
    """A migrated demo database of this test's own, for what must really commit: several connections, processes, crashes."""
    name = f"d{uuid4().hex[:8]}"
    yield postgres_server.create(name, template)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def shared_engine(postgres_server: PostgresServer, template: str) -> Iterator[AsyncEngine]:
    """One database for all tests that commit nothing. No pool: a connection belongs to the event loop of its test."""
    yield create_async_engine(sqlalchemy_url(postgres_server.create("shared", template)), poolclass=NullPool)
    postgres_server.drop("shared")


@asynccontextmanager
async def rolled_back(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session whose commits are savepoints of a transaction that is rolled back at the end."""
    async with engine.connect() as connection, connection.begin() as transaction:
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()


@pytest.fixture
async def session(shared_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session of which nothing is left after the test."""
    async with rolled_back(shared_engine) as session:
        yield session
