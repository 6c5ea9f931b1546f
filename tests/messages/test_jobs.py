"""The jobs as a real worker runs them: messages reach the channel, a dead worker's job is taken up again."""

import asyncio
from contextlib import suppress
from typing import Any

from sqlalchemy import text

from db.ids import uuid7
from db.jobs import jobs, list_queues, open_jobs, run_worker
from messages.jobs import CODES, deliver_messages, pull_reports_often, recover_work
from messages.routes import MemoryRoute, Outgoing
from messages.texts import by_sms
from sending import Receipt, Report, TryLater


def context_of(delivery: Any) -> Any:
    return type("Context", (), {"additional_context": {"delivery": delivery}})()


async def work_until(post: Any, wanted: int) -> None:
    worker = asyncio.create_task(run_worker({"delivery": post.delivery}, concurrency=2, stop_timeout_s=5))
    try:
        async with asyncio.timeout(20):
            while len(post.sms.sent) < wanted:
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def test_a_worker_delivers_what_is_committed(post: Any, database_url: str) -> None:
    async with open_jobs(database_url):
        ids = [await post.queue() for _ in range(3)]
        await work_until(post, 3)
    assert sorted(one.message_id for one in post.sms.sent) == sorted(ids)


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
        await recover_work.func(context_of(post.delivery), 0)
        assert [job.status for job in await jobs.job_manager.list_jobs_async()] == ["todo"]
        await work_until(post, 1)
    assert [one.message_id for one in post.sms.sent] == [id_]


async def test_what_has_to_be_looked_at_later_gets_one_job_for_each_moment(
    post: Any, database_url: str
) -> None:
    post.sms.failures = [TryLater("memory", "busy")] * 3
    ids = [await post.queue() for _ in range(3)]
    async with open_jobs(database_url):
        await deliver_messages.func(context_of(post.delivery), [str(id_) for id_ in ids])
    [*_, (task, arguments)] = await post.jobs()
    assert (len(await post.jobs()), task) == (4, "deliver_messages")
    assert sorted(arguments["ids"]) == sorted(map(str, ids))


async def test_notices_leave_room_for_codes(post: Any, database_url: str) -> None:
    """A worker whose places for notices all wait for a slow provider sends a code at once."""
    came = asyncio.Event()

    class Slow(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            if message.code is None:
                await came.wait()
            receipt = await super().send(message)
            came.set()
            return receipt

    post.routes = [slow := Slow()]
    notices = [await post.queue() for _ in range(3)]
    id_ = uuid7()
    sealed = post.sealer.seal("493817", id_)
    code = {"id": id_, "sealed": sealed, "is_code": True, "person_id": None, "to_phone": "+8613800000001"}
    await post.queue(**code, text=by_sms("码", "码"))
    context = {"delivery": post.delivery}
    async with open_jobs(database_url):
        workers = [
            asyncio.create_task(run_worker(context, queues=queues, concurrency=1, stop_timeout_s=5))
            for queues in (list_queues() - {CODES}, {CODES})
        ]
        async with asyncio.timeout(20):
            while len(slow.sent) < 4:
                await asyncio.sleep(0.02)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    assert [one.message_id for one in slow.sent] == [id_, *notices]


async def test_reports_are_pulled_and_what_did_not_arrive_gets_its_job(post: Any, database_url: str) -> None:
    id_ = await post.queue()
    await post.deliver(id_)
    post.sms.reports = [Report("memory", "1", False, post.now, "UNDELIV")]
    async with open_jobs(database_url):
        await pull_reports_often.func(context_of(post.delivery), 0)
    assert (await post.read(id_)).state == "queued"
    assert [arguments["ids"] for _, arguments in await post.jobs()] == [[str(id_)]] * 2


async def test_messages_that_nobody_cares_for_get_one_job_at_a_time(post: Any, database_url: str) -> None:
    id_ = await post.queue()
    async with post.sessions.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    post.wait(minutes=3)
    async with open_jobs(database_url):
        for _ in range(2):
            await recover_work.func(context_of(post.delivery), 0)
    assert await post.jobs() == [("deliver_messages", {"ids": [str(id_)]})]
