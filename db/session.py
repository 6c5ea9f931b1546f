"""Sessions: one async engine (psycopg 3) a process, and the maker of sessions whose transactions the edges commit.

Sessions are SQLAlchemy's `AsyncSession` (SQLModel's own calls `execute` deprecated, and the hot paths are Core).
"""

import asyncio
import select
import time
from typing import Any, Literal

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from settings import Settings

RESTART_PATIENCE_S = 3.0
Kind = Literal["web", "worker", "command"]


def sqlalchemy_url(database_url: str) -> URL:
    """The address for SQLAlchemy, whether it was given as `postgresql://` or `postgresql+psycopg://`."""
    return make_url(database_url).set(drivername="postgresql+psycopg")


def conninfo(database_url: str) -> str:
    """The same address for libpq (psycopg itself and procrastinate's connector), letter by letter: SQLAlchemy would write a blank
    in a folder's name as `+`, which libpq takes for a plus."""
    scheme, mark, rest = database_url.partition("://")
    return f"{scheme.partition('+')[0]}{mark}{rest}"


def server_options(settings: Settings, kind: Kind) -> str:
    """What a connection asks the server for when it is opened, so that it costs no statement: how long one statement, the
    wait for a lock and an idle transaction may last (0: for ever)."""
    statement_s = {
        "web": settings.statement_timeout_s,
        "worker": settings.worker_statement_timeout_s,
        "command": settings.command_statement_timeout_s,
    }[kind]
    limits = {
        "statement_timeout": statement_s,
        "lock_timeout": settings.lock_timeout_s,
        "idle_in_transaction_session_timeout": settings.idle_timeout_s,
    }
    return " ".join(
        ["-c timezone=UTC -c jit=off", *(f"-c {name}={round(s * 1000)}" for name, s in limits.items())]
    )


def open_engine(database_url: str, settings: Settings, kind: Kind = "web") -> AsyncEngine:
    """The engine of a process of this kind, which decides how long its statements may take; the caller disposes of it."""
    engine = create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=settings.database_pool,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=10,
        pool_recycle=1800,
        hide_parameters=True,  # they are what people typed
        connect_args={
            "application_name": "qingling",
            "connect_timeout": 10,
            "options": server_options(settings, kind),
            "async_creator_fn": _connect_patiently,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead_connection)
    return engine


def make_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions on this engine. Objects stay readable after the commit; nothing is read again behind the caller's back."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def _connect_patiently(*args: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
    """A server that was killed is back within a second: a request waits for it rather than failing."""
    give_up_at = time.monotonic() + RESTART_PATIENCE_S
    while True:
        try:
            return await psycopg.AsyncConnection.connect(*args, **options)
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(0.05)


def _refuse_dead_connection(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """A connection whose server died is replaced before use. Looks at the socket only: no statement, no waiting.

    An idle connection has nothing to read; if there is something, it is either a notice or the end.
    """
    pgconn: psycopg.pq.abc.PGconn = dbapi_connection.driver_connection.pgconn
    try:
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        while poll.poll(0):  # a last message may come before the end: read until there is neither
            pgconn.consume_input()
    except psycopg.OperationalError as error:
        raise InvalidatePoolError("the server closed this connection") from error
