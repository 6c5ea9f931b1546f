"""Jobs are enqueued by our SQL exactly as procrastinate itself would."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import defer
from messages.jobs import deliver_messages

COLUMNS = "queue_name, task_name, priority, lock, queueing_lock, args, status, scheduled_at, attempts"
LATER = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


async def test_a_job_of_ours_is_the_row_that_procrastinate_writes(session: AsyncSession) -> None:
    for at in (None, LATER):
        await defer(session, deliver_messages, priority=10, at=at, ids=["a", "b"])
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        theirs = deliver_messages.configure(connection=raw, priority=10, schedule_at=at)
        await theirs.defer_async(ids=["a", "b"])
    rows = (await session.execute(text(f"SELECT {COLUMNS} FROM procrastinate_jobs ORDER BY id"))).all()
    assert len(rows) == 4
    assert rows[0] == rows[1]
    assert rows[2] == rows[3]
    assert rows[2].scheduled_at == LATER
