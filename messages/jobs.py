"""The jobs of messages: deliver, and every minute take back what a dead worker left behind."""

from uuid import UUID

from procrastinate import JobContext, RetryStrategy

from db.jobs import jobs
from messages.delivery import Delivery

QUEUE = "messages"
DEAD_AFTER_S = 30  # a worker's heartbeat is every 10 seconds


@jobs.task(
    name="deliver_messages",
    queue=QUEUE,
    pass_context=True,
    retry=RetryStrategy(max_attempts=20, exponential_wait=2),
)
async def deliver_messages(context: JobContext, ids: list[str]) -> None:
    """Deliver these messages; each that failed for now gets a job of its own, later."""
    delivery: Delivery = context.additional_context["delivery"]
    for retry in await delivery.deliver([UUID(id_) for id_ in ids]):
        later = deliver_messages.configure(schedule_in={"seconds": retry.in_s})
        await later.defer_async(ids=[str(retry.message_id)])


@jobs.periodic(cron="* * * * *")
@jobs.task(name="recover_work", queue=QUEUE, pass_context=True, queueing_lock="recover_work")
async def recover_work(context: JobContext, timestamp: int) -> None:
    """Queue the jobs of dead workers again, and the messages that no job cares for."""
    for job in await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S):
        await jobs.job_manager.retry_job(job)
    delivery: Delivery = context.additional_context["delivery"]
    forgotten = await delivery.find_forgotten()
    if forgotten:
        await deliver_messages.defer_async(ids=[str(id_) for id_ in forgotten])
