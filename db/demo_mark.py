"""Demo or real? A database is marked when it is created, so that demo people (whose codes anyone can read) never meet
real enterprises. The mark is a table of its own with one row, made before the migrations and copied by every backup."""

from typing import Any

import psycopg

from db.exceptions import WrongMark

TABLE = "installation"


def hold_to_mark(connection: psycopg.Connection[Any], *, demo: bool) -> None:
    """Mark an empty database as what it is opened for; hold any other one to its mark. In the caller's transaction.

    Raises WrongMark when a demo meets a database not marked so, or a real installation one that is.
    """
    mark = read_mark(connection)
    if mark is None and is_empty(connection):
        connection.execute(f"""
            CREATE TABLE {TABLE} (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                demo boolean NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now()
            )""")
        connection.execute(f"INSERT INTO {TABLE} (demo) VALUES (%s)", [demo])
        return
    if demo and mark is not True:
        raise WrongMark(
            "这个数据库不是演示数据库，演示模式拒绝使用它。请换一个空数据库，或去掉 QINGLING_DEMO。"
        )
    if not demo and mark is True:
        raise WrongMark("这是演示数据库，正式环境拒绝使用它。请为正式环境新建一个空数据库。")


def read_mark(connection: psycopg.Connection[Any]) -> bool | None:
    """True: demo. False: real. None: never marked."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE]).fetchone()
    if not row or not row[0]:
        return None
    row = connection.execute(f"SELECT demo FROM {TABLE}").fetchone()
    return row[0] if row else None


def is_empty(connection: psycopg.Connection[Any]) -> bool:
    """Whether the database holds no table of anyone's."""
    row = connection.execute(
        "SELECT NOT EXISTS (SELECT FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema'))"
    ).fetchone()
    return bool(row and row[0])
