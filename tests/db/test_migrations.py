"""Migrations: from nothing to what the models describe, by many processes at once; marks and unfit servers are refused."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from db.check import check_server
from db.demo_mark import read_mark
from db.exceptions import ServerUnsuitable, WrongMark
from db.migrate import alembic_config, prepare_database, upgrade
from db.session import conninfo, sqlalchemy_url
from db.tables import compare_options, load_tables


def test_an_upgraded_empty_database_is_what_the_models_describe(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(sqlalchemy_url(empty_database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=compare_options())
        assert compare_metadata(context, load_tables()) == []
    engine.dispose()


def test_the_comparison_sees_a_missing_column(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    with psycopg.connect(conninfo(empty_database_url)) as connection:
        connection.execute("ALTER TABLE process_instance DROP COLUMN status")
    engine = create_engine(sqlalchemy_url(empty_database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=compare_options())
        found = compare_metadata(context, load_tables())
    engine.dispose()
    assert [(change[0], change[3].name) for change in found] == [("add_column", "status")]


def test_migrations_form_one_line(empty_database_url: str) -> None:
    with alembic_config(empty_database_url) as config:
        assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_many_processes_may_prepare_the_same_database_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: prepare_database(empty_database_url, demo=True), range(4)))
    with psycopg.connect(conninfo(empty_database_url)) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert read_mark(connection) is True


@pytest.mark.parametrize(
    ("created", "opened", "reason"), [(True, False, "演示"), (False, True, "演示模式拒绝")]
)
def test_demo_and_real_databases_are_not_mixed(
    empty_database_url: str, created: bool, opened: bool, reason: str
) -> None:
    prepare_database(empty_database_url, demo=created)
    prepare_database(empty_database_url, demo=created)
    with pytest.raises(WrongMark, match=reason):
        prepare_database(empty_database_url, demo=opened)


def test_a_demo_refuses_an_unmarked_database_with_tables_in_it(empty_database_url: str) -> None:
    with psycopg.connect(conninfo(empty_database_url)) as connection:
        connection.execute("CREATE TABLE somebody_elses (id int)")
    with pytest.raises(WrongMark, match="不是演示数据库"):
        prepare_database(empty_database_url, demo=True)


def test_a_database_that_does_not_know_chinese_is_explained(empty_database_url: str) -> None:
    with psycopg.connect(conninfo(empty_database_url), autocommit=True) as connection:
        name = f"{connection.info.dbname}_ascii"
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'".encode()
        )
        try:
            with (
                psycopg.connect(conninfo(empty_database_url), dbname=name) as wrong,
                pytest.raises(ServerUnsuitable, match=r"LC_CTYPE = C.*CREATE DATABASE"),
            ):
                check_server(wrong)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
