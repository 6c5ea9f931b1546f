"""Bring a database to the schema of this version, before anything is served. Many processes may do it at once."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db.check import check_server
from db.demo_mark import hold_to_mark
from db.exceptions import TablesBusy
from db.session import conninfo, sqlalchemy_url

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_S = 3.0  # a migration that waits for a lock holds up whoever comes after it: it gives way,
PAUSE_S = 5.0  # and comes again
TRIES = 40
ASK_S = 0.1
LOCK_KEY = int.from_bytes(b"qingling")  # any number that all our processes share


def prepare_database(database_url: str, *, demo: bool) -> None:
    """Check the server, mark or hold the database to its mark, and migrate it. Blocks while another process does.

    Raises DatabaseUnfit with the reason. Not for a running event loop: use `asyncio.to_thread` there.
    """
    with one_at_a_time(database_url) as connection:
        check_server(connection)
        with connection.transaction():
            hold_to_mark(connection, demo=demo)
        upgrade(database_url)


def upgrade(
    database_url: str,
    revision: str = "head",
    *,
    lock_s: float = LOCK_S,
    pause_s: float = PAUSE_S,
    tries: int = TRIES,
) -> None:
    """Run the migrations up to this revision, each in its own transaction. One that cannot have a lock in `lock_s` is undone
    and tried again; TablesBusy after so many tries."""
    for attempt in range(1, tries + 1):
        try:
            with alembic_config(database_url, lock_s=lock_s) as config:
                command.upgrade(config, revision)
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            if attempt == tries:
                raise TablesBusy(
                    "要升级的数据表一直被其他连接占用；请结束长时间未提交的事务后再启动。"
                ) from error
            time.sleep(pause_s)
        else:
            return


@contextmanager
def alembic_config(database_url: str, *, lock_s: float = 0) -> Generator[Config]:
    """Alembic's configuration around one open connection; there is no alembic.ini."""
    options = {"options": f"-c lock_timeout={round(lock_s * 1000)} -c statement_timeout=0"}
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool, connect_args=options)
    with engine.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config
    engine.dispose()


@contextmanager
def one_at_a_time(database_url: str) -> Generator[psycopg.Connection[Any]]:
    """A connection that holds the migration lock; whoever comes second waits, but asks again and again: an index that is made
    concurrently waits for every statement that is under way, and one that waits for this lock would be one."""
    with psycopg.connect(conninfo(database_url), autocommit=True) as connection:
        while connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone() != (True,):
            time.sleep(ASK_S)
        yield connection
