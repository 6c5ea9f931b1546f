"""The jobs of messages: deliver (codes have a queue and workers of their own: nothing slow stands before them), every minute take
back what a dead worker left behind, and fetch what providers report."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from procrastinate import JobContext, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task
from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import defer, jobs
from messages.delivery import Delivery, Retry
from messages.reports import find_unknown, pull, record_reports
from sending import Report

QUEUE, CODES = "messages", "codes"
URGENT = 10
DEAD_AFTER_S = 30  # a worker's heartbeat is every 10 seconds
SLICE = timedelta(seconds=10)
EARLY = timedelta(minutes=1)  # longer than any try may take
AGAIN = RetryStrategy(max_attempts=20, exponential_wait=2)


@jobs.task(name="deliver_messages", queue=QUEUE, pass_context=True, retry=AGAIN)
async def deliver_messages(context: JobContext, ids: list[str]) -> None:
    """Deliver these messages for some seconds; the rest, and what has to be looked at later, gets jobs of its own."""
    await _deliver(deliver_messages, context.additional_context["delivery"], ids)


@jobs.task(name="deliver_codes", queue=CODES, priority=URGENT, pass_context=True, retry=AGAIN)
async def deliver_codes(context: JobContext, ids: list[str]) -> None:
    """Deliver these codes: people wait for them at the screen."""
    await _deliver(deliver_codes, context.additional_context["delivery"], ids)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="recover_work", queue=QUEUE, pass_context=True, queueing_lock="recover_work")
async def recover_work(context: JobContext, timestamp: int) -> None:
    """Queue the jobs of dead workers again, and the messages that no job cares for."""
    for job in await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S):
        await jobs.job_manager.retry_job(job)
    delivery: Delivery = context.additional_context["delivery"]
    forgotten = await delivery.find_forgotten()
    if forgotten:
        later = deliver_messages.configure(queueing_lock="forgotten_messages")
        with suppress(AlreadyEnqueued):  # those found a minute ago have not had their turn yet
            await later.defer_async(ids=[str(id_) for id_ in forgotten])


@jobs.periodic(cron="* * * * *")
@jobs.task(name="pull_reports", queue=QUEUE, pass_context=True, queueing_lock="pull_reports")
async def pull_reports_often(context: JobContext, timestamp: int) -> None:
    """Every minute: what became of the messages that providers took."""
    delivery: Delivery = context.additional_context["delivery"]
    if reports := await pull(delivery.routes):
        async with delivery.sessions.begin() as session:
            await take_reports(session, reports, delivery.read_clock())


@jobs.task(name="take_early_reports", queue=QUEUE, pass_context=True, retry=AGAIN)
async def take_early_reports(context: JobContext, reports: list[dict[str, Any]]) -> None:
    """Reports that were about nothing we knew when they came; what still is, is not ours."""
    delivery: Delivery = context.additional_context["delivery"]
    told = [
        Report(
            one["provider"],
            one["reference"],
            one["arrived"],
            datetime.fromisoformat(one["at"]),
            one["code"],
        )
        for one in reports
    ]
    async with delivery.sessions.begin() as session:
        await _record(session, told, delivery.read_clock())


async def take_reports(session: AsyncSession, reports: Sequence[Report], now: datetime) -> None:
    """Write down what providers report, pulled or called back, in the caller's transaction; what did not arrive goes on. One that
    was quicker than the worker, which has yet to write down what it sent, is looked at once more."""
    if not reports:
        return
    await _record(session, reports, now)
    if early := await find_unknown(session, reports):
        rows = [asdict(one) for one in early]
        await defer(session, take_early_reports, at=now + EARLY, reports=rows)


async def _record(session: AsyncSession, reports: Sequence[Report], now: datetime) -> None:
    if again := await record_reports(session, reports, now):
        await defer(session, deliver_messages, ids=[str(id_) for id_ in again])


async def _deliver(task: "Task[Any, Any, Any]", delivery: Delivery, ids: Sequence[str]) -> None:
    until = delivery.read_clock() + SLICE
    await _defer(task, await delivery.deliver([UUID(id_) for id_ in ids], until=until))


async def _defer(task: "Task[Any, Any, Any]", retries: Sequence[Retry]) -> None:
    """One job for all that are due at the same moment."""
    moments: dict[datetime, list[Any]] = defaultdict(list)
    for retry in retries:
        moments[retry.due_at].append(str(retry.message_id))
    for due_at, ids in moments.items():
        await task.configure(schedule_at=due_at).defer_async(ids=ids)
