"""Background jobs (procrastinate): one app whose tasks the rooms register, opened on this process's database at start.

A job is enqueued inside the caller's transaction (`defer`), so it exists exactly when the rows it speaks of do. What jobs
need to run (sessions, channels, the engine) comes from wiring as the worker's context.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
from procrastinate import App, PsycopgConnector
from procrastinate.tasks import Task
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.direct import execute
from db.session import conninfo

jobs = App(connector=PsycopgConnector())  # replaced by `open_jobs`; deferring inside a transaction needs none


@asynccontextmanager
async def open_jobs(database_url: str, *, connections: int = 5, options: str = "") -> AsyncIterator[App]:
    """The app on this database, with connections of its own (opened with these `server_options`), until the block is left."""
    connector = PsycopgConnector(
        conninfo=conninfo(database_url),
        min_size=1,
        max_size=max(2, connections),
        kwargs={"application_name": "qingling-jobs", "connect_timeout": 10, "options": options},
    )
    with jobs.replace_connector(connector):
        async with jobs.open_async():
            yield jobs


# Procrastinate's own function, called as procrastinate calls it: composing a job by its Python costs more than all else
# that the transaction of a step does. A test compares the rows.
DEFER = """SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:job_queue AS varchar), CAST(:job_task AS varchar),
    CAST(:job_priority AS integer), NULL, NULL, CAST(:job_arguments AS jsonb), CAST(:job_at AS timestamptz)
)]::procrastinate_job_to_defer_v1[])"""
"""SQL that enqueues one job, alone or after a WITH; its parameters are `job_parameters`."""
DEFER_JOB: TextClause = text(DEFER)


def job_parameters(
    task: "Task[Any, Any, Any]", *, priority: int = 0, at: datetime | None = None, **arguments: Any
) -> dict[str, Any]:
    """What `DEFER` needs: which task, with which arguments, and not before when (None: at once)."""
    return {
        "job_queue": task.queue,
        "job_task": task.name,
        "job_priority": priority,
        "job_arguments": orjson.dumps(arguments).decode(),
        "job_at": at,
    }


async def defer(
    session: AsyncSession,
    task: "Task[Any, Any, Any]",
    *,
    priority: int = 0,
    at: datetime | None = None,
    **arguments: Any,
) -> None:
    """Enqueue a job in this session's transaction: one statement. `at` puts it off until then."""
    await execute(session, DEFER_JOB, job_parameters(task, priority=priority, at=at, **arguments))


def list_queues() -> set[str]:
    """Every queue that a registered task has."""
    return {task.queue for task in jobs.tasks.values()}


async def run_worker(
    context: Mapping[str, Any],
    *,
    queues: Collection[str] | None = None,
    concurrency: int = 4,
    stop_timeout_s: float = 20,
) -> None:
    """Work on the jobs of these queues (None: of all) until cancelled, in this process; running ones get `stop_timeout_s` to
    end. Needs `open_jobs`."""
    await jobs.run_worker_async(
        queues=sorted(list_queues() if queues is None else queues),
        concurrency=concurrency,
        additional_context=dict(context),
        install_signal_handlers=False,
        delete_jobs="successful",
        shutdown_graceful_timeout=stop_timeout_s,
        fetch_job_polling_interval=2.0,
    )
