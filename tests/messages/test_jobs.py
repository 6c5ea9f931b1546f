"""The jobs as a real worker runs them: messages reach the channel, a dead worker's job is taken up again."""

import asyncio
from contextlib import suppress
from typing import Any

from sqlalchemy import text

from db.jobs import jobs, open_jobs, run_worker
from messages.jobs import recover_work


async def work_until(post: Any, wanted: int) -> None:
    worker = asyncio.create_task(run_worker({"delivery": post.delivery}, concurrency=2, stop_timeout_s=5))
    try:
        async with asyncio.timeout(20):
            while len(post.channel.sent) < wanted:
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def test_a_worker_delivers_what_is_committed(post: Any, database_url: str) -> None:
    async with open_jobs(database_url):
        ids = [await post.queue() for _ in range(3)]
        await work_until(post, 3)
    assert sorted(one.message_id for one in post.channel.sent) == sorted(ids)


async def test_the_job_of_a_dead_worker_is_queued_again(post: Any, database_url: str) -> None:
    id_ = await post.queue()
    async with post.sessions.begin() as session:
        await session.execute(
            text("""
                WITH dead AS (
                    INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id
                )
                UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead
            """)
        )
    async with open_jobs(database_url):
        context: Any = type("Context", (), {"additional_context": {"delivery": post.delivery}})()
        await recover_work.func(context, 0)
        assert [job.status for job in await jobs.job_manager.list_jobs_async()] == ["todo"]
        await work_until(post, 1)
    assert [one.message_id for one in post.channel.sent] == [id_]
