"""Named SQL sent straight through psycopg, on the connection and in the transaction of an SQLAlchemy session.

For the few statements of the hot path: SQLAlchemy's execution of a `text()` costs more than twice what psycopg's does
(`docs/evidence/completion.md`). Everything around it stays SQLAlchemy's: the pool, the transaction, the errors, and
`before_cursor_execute` for those who watch statements.
"""

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Connection, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

KEY = "direct connection"
_DIALECT = PGDialect_psycopg()


@dataclass(frozen=True)
class Answer:
    """What a statement brought: rows as named tuples (none for a statement without any), and how many it touched."""

    rows: list[Any]
    rowcount: int

    def one_or_none(self) -> Any:
        """The only row, or None. Raises ValueError for several."""
        if len(self.rows) > 1:
            raise ValueError(f"{len(self.rows)} rows where one was expected")
        return self.rows[0] if self.rows else None


async def execute(session: AsyncSession, statement: TextClause, parameters: Mapping[str, Any]) -> Answer:
    """Run one statement, after what the session has yet to write. Raises DBAPIError."""
    if session.new or session.dirty or session.deleted:
        await session.flush()
    connection, raw = await _connection_of(session)
    sql = _compile(statement)
    if connection.dispatch:
        for told in connection.dispatch.before_cursor_execute:
            told(connection, None, sql, parameters, None, False)
    try:
        cursor = raw.cursor(row_factory=tuple_row)
        await cursor.execute(sql, parameters)
        result = cursor.pgresult
        if result is None or not result.nfields:
            return Answer([], cursor.rowcount)
        name = _row_type(tuple(map(result.fname, range(result.nfields))))
        return Answer([name(*row) for row in await cursor.fetchall()], cursor.rowcount)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=raw.closed,
            dialect=_DIALECT,
        ) from error


async def _connection_of(session: AsyncSession) -> tuple[Connection, psycopg.AsyncConnection[Any]]:
    """The session's connection and the driver's beneath it, remembered for as long as the transaction lasts."""
    transaction = session.sync_session.get_transaction()
    known = session.info.get(KEY)
    if known is not None and known[0] is transaction:
        return known[1], known[2]
    connection = (await session.connection()).sync_connection
    assert connection is not None
    raw: Any = connection.connection.driver_connection
    session.info[KEY] = session.sync_session.get_transaction(), connection, raw
    return connection, raw


@lru_cache(maxsize=1000)
def _row_type(names: tuple[bytes | None, ...]) -> Any:
    """A named tuple for these columns (psycopg's own asks for a description of every column each time)."""
    columns = [(name or b"").decode() for name in names]
    return namedtuple("Row", columns, rename=True)  # pyright: ignore[reportUntypedNamedTuple]


@lru_cache(maxsize=1000)
def _compile(statement: TextClause) -> Any:  # psycopg asks for a literal string; these are
    return str(statement.compile(dialect=_DIALECT))
