"""Every kind of process has limits for its statements, its waits for locks and its idle transactions; a migration gives way."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import migrate
from db.exceptions import TablesBusy
from db.jobs import open_jobs
from db.session import Kind, conninfo, make_sessions, open_engine, server_options
from settings import Settings

SHORT = Settings(
    statement_timeout_s=0.2,
    worker_statement_timeout_s=30,
    command_statement_timeout_s=0,
    lock_timeout_s=0.1,
    idle_timeout_s=0.2,
)
SHOWN = text("SELECT name || '=' || setting FROM pg_settings WHERE name LIKE ANY (:names) ORDER BY name")
NAMES = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


@pytest.mark.parametrize(("kind", "statement_ms"), [("web", 200), ("worker", 30000), ("command", 0)])
async def test_a_connection_begins_with_the_limits_of_its_process(
    database_url: str, kind: Kind, statement_ms: int
) -> None:
    engine = open_engine(database_url, SHORT, kind)
    async with make_sessions(engine)() as session:
        assert list(await session.scalars(SHOWN, {"names": NAMES})) == [
            "idle_in_transaction_session_timeout=200",
            "lock_timeout=100",
            f"statement_timeout={statement_ms}",
        ]
    await engine.dispose()


async def test_the_queue_has_the_limits_of_the_worker(database_url: str) -> None:
    async with open_jobs(database_url, options=server_options(SHORT, "worker")) as app:
        row = await app.connector.execute_query_one_async(
            "SELECT current_setting('statement_timeout') AS limit"
        )
    assert row == {"limit": "30s"}


@pytest.mark.parametrize(
    ("statement", "state"),
    [("SELECT pg_sleep(30)", "57014"), ("SELECT FROM customs_office FOR UPDATE", "55P03")],
)
async def test_a_slow_statement_and_a_held_lock_end_it(database_url: str, statement: str, state: str) -> None:
    engine = open_engine(database_url, SHORT)
    with psycopg.connect(conninfo(database_url)) as other:
        other.execute(
            "INSERT INTO customs_office (code, name, active, source) VALUES ('9999', '某关', true, 'test')"
        )
        other.commit()
        other.execute("SELECT FROM customs_office FOR UPDATE")
        async with make_sessions(engine)() as session:
            with pytest.raises(DBAPIError) as raised:
                await session.execute(text(statement))
    assert getattr(raised.value.orig, "sqlstate", None) == state
    await engine.dispose()


async def test_an_idle_transaction_ends_and_its_locks_with_it(database_url: str) -> None:
    engine = open_engine(database_url, SHORT)
    async with make_sessions(engine)() as session:
        await session.execute(text("LOCK TABLE customs_office"))
        with psycopg.connect(conninfo(database_url)) as other:
            other.execute("SET lock_timeout = '10s'")
            other.execute("LOCK TABLE customs_office")  # had once the server ended the other
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT 1"))
    await engine.dispose()


def test_a_migration_gives_way_and_comes_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(conninfo(database_url)) as reader:
        reader.execute("SELECT FROM alembic_version FOR UPDATE")
        reader.execute("SELECT FROM person")
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                reader.rollback()

        monkeypatch.setattr(migrate.time, "sleep", pause)
        calls: list[Any] = []

        def run(config: Any, revision: str) -> None:
            calls.append(revision)
            config.attributes["connection"].execute(text("LOCK TABLE person"))

        monkeypatch.setattr(migrate.command, "upgrade", run)
        migrate.upgrade(database_url, lock_s=0.05, pause_s=7)
    assert (len(calls), pauses) == (3, [7, 7])


def test_a_migration_that_never_gets_its_lock_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(config: Any, _revision: str) -> None:
        config.attributes["connection"].execute(text("LOCK TABLE person"))

    monkeypatch.setattr(migrate.command, "upgrade", run)
    with psycopg.connect(conninfo(database_url)) as reader:
        reader.execute("SELECT FROM person")
        with pytest.raises(TablesBusy):
            migrate.upgrade(database_url, lock_s=0.05, pause_s=0, tries=2)
