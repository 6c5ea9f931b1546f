"""Bring a database to the schema of this version, before anything is served. Many processes may do it at once."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from db.check import check_server
from db.demo_mark import hold_to_mark
from db.session import conninfo, sqlalchemy_url

MIGRATIONS = Path(__file__).parent / "migrations"
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


def upgrade(database_url: str, revision: str = "head") -> None:
    """Run the migrations up to this revision, each in its own transaction."""
    with alembic_config(database_url) as config:
        command.upgrade(config, revision)


@contextmanager
def alembic_config(database_url: str) -> Generator[Config]:
    """Alembic's configuration around one open connection; there is no alembic.ini."""
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config
    engine.dispose()


@contextmanager
def one_at_a_time(database_url: str) -> Generator[psycopg.Connection[Any]]:
    """A connection that holds the migration lock; whoever comes second waits."""
    with psycopg.connect(conninfo(database_url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        yield connection
