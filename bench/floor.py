"""The floor: the statements that the hand-written twin executes, recorded and sent again by bare psycopg on one connection."""

import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import event

from bench import twin
from bench.world import ANSWER, World
from db.session import conninfo
from domain.sessions import load_actor


class Floor:
    """Records what a completion sends (rolled back), then sends the same and commits, timed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connection = psycopg.connect(conninfo(world.database_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    async def time(self, task: UUID) -> float:
        """CPU milliseconds of the statements of this completion, sent and committed by psycopg alone."""
        recorded = await self._record(task)
        started = time.process_time()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for statement, parameters in recorded:
                cursor.execute(statement, parameters)
                if cursor.description is not None:
                    cursor.fetchall()
        return (time.process_time() - started) * 1000

    async def _record(self, task: UUID) -> list[tuple[Any, Any]]:
        recorded: list[tuple[Any, Any]] = []

        def keep(
            _conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
        ) -> None:
            recorded.append((statement, parameters))

        engine = self._world.wired.database.sync_engine
        event.listen(engine, "before_cursor_execute", keep)
        try:
            async with self._world.wired.sessions() as session:
                now = datetime.now(UTC)
                actor = await load_actor(session, self._world.tokens["handler"], now)
                assert actor is not None
                answers = {"decision": "answer", "answer": ANSWER}
                await twin.answer(session, self._world.wired.engine, actor, task, answers, str(uuid4()), now)
                await session.rollback()
        finally:
            event.remove(engine, "before_cursor_execute", keep)
        recorded.append((DEFER, None))
        return recorded


# procrastinate defers on the raw connection, past what SQLAlchemy tells about.
DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW('default', 'messages.jobs.deliver_messages', 0, NULL, NULL, '{}'::jsonb, NULL)::procrastinate_job_to_defer_v1
])
"""
