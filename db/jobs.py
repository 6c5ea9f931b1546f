"""Background jobs (procrastinate): one app whose tasks the rooms register, opened on this process's database at start.

A job is enqueued inside the caller's transaction (`defer`), so it exists exactly when the rows it speaks of do. What jobs
need to run (sessions, channels, the engine) comes from wiring as the worker's context.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.tasks import Task
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import conninfo

jobs = App(connector=PsycopgConnector())  # replaced by `open_jobs`; deferring inside a transaction needs none


@asynccontextmanager
async def open_jobs(database_url: str, *, connections: int = 5) -> AsyncIterator[App]:
    """The app on this database, with connections of its own, until the block is left."""
    connector = PsycopgConnector(
        conninfo=conninfo(database_url),
        min_size=1,
        max_size=max(2, connections),
        kwargs={"application_name": "qingling-jobs", "connect_timeout": 10},
    )
    with jobs.replace_connector(connector):
        async with jobs.open_async():
            yield jobs


async def defer(
    session: AsyncSession,
    task: "Task[Any, Any, Any]",
    *,
    priority: int = 0,
    in_s: float = 0,
    **arguments: Any,
) -> None:
    """Enqueue a job in this session's transaction: one statement. `in_s` puts it off by that many seconds."""
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    wait: dict[str, Any] = {"schedule_in": {"seconds": in_s}} if in_s else {}
    await task.configure(connection=raw, priority=priority, **wait).defer_async(**arguments)


async def run_worker(
    context: Mapping[str, Any],
    *,
    concurrency: int = 4,
    stop_timeout_s: float = 20,
) -> None:
    """Work on jobs until cancelled, in this process; running ones get `stop_timeout_s` to end. Needs `open_jobs`."""
    await jobs.run_worker_async(
        concurrency=concurrency,
        additional_context=dict(context),
        install_signal_handlers=False,
        delete_jobs="successful",
        shutdown_graceful_timeout=stop_timeout_s,
        fetch_job_polling_interval=2.0,
    )
