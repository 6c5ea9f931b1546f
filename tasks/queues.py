"""The health of what happens in the background, for the people who run the system: jobs and messages that wait or have
failed, workers that are alive, timers that are late; and a failed job tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor
from domain.administration import begin
from domain.exceptions import ChangeRefused

KEEPER = "system_admin"
ALIVE_WITHIN = timedelta(seconds=60)  # a worker's heart beats every ten
MOST = 50

HEALTH = text("""
SELECT
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'
        AND (scheduled_at IS NULL OR scheduled_at <= :now)) AS jobs_waiting,
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at > :now) AS jobs_later,
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing') AS jobs_running,
    (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed') AS jobs_failed,
    (SELECT count(*) FROM message WHERE state IN ('queued', 'sending', 'asking')) AS messages_waiting,
    (SELECT min(created_at) FROM message WHERE state IN ('queued', 'sending', 'asking')) AS oldest_message,
    (SELECT count(*) FROM message WHERE state = 'failed') AS messages_failed,
    (SELECT count(*) FROM process_instance WHERE next_due < :late) AS timers_late,
    (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > :alive) AS workers,
    (SELECT max(last_heartbeat) FROM procrastinate_workers) AS last_heartbeat
""")
FAILED_JOBS = text("""
SELECT j.id, j.task_name, j.queue_name, j.attempts,
    (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'failed') AS failed_at
FROM procrastinate_jobs j WHERE j.status = 'failed' ORDER BY j.id DESC LIMIT :limit
""")
LOCK_FAILED_JOB = text(
    "SELECT task_name FROM procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE"
)
RETRY_JOB = text("SELECT procrastinate_retry_job_v2(:id, :now, NULL, NULL, NULL)")


@dataclass(frozen=True)
class Health:
    """Counts at one moment. `workers` are those whose heart has beaten within a minute."""

    jobs_waiting: int
    jobs_later: int
    jobs_running: int
    jobs_failed: int
    messages_waiting: int
    oldest_message: datetime | None
    messages_failed: int
    timers_late: int
    workers: int
    last_heartbeat: datetime | None


@dataclass(frozen=True)
class FailedJob:
    """A job that is not tried any more."""

    id: int
    name: str
    queue: str
    attempts: int
    failed_at: datetime | None


async def read_health(session: AsyncSession, now: datetime) -> Health:
    """The counts now."""
    parameters = {"now": now, "late": now - timedelta(minutes=1), "alive": now - ALIVE_WITHIN}
    return Health(*(await session.execute(HEALTH, parameters)).one())


async def list_failed_jobs(session: AsyncSession) -> list[FailedJob]:
    """The last ones."""
    return [FailedJob(*row) for row in await session.execute(FAILED_JOBS, {"limit": MOST})]


async def retry_job(session: AsyncSession, actor: Actor, job_id: int, now: datetime) -> None:
    """Let a failed job be tried again. ChangeRefused when it is not failed any more."""
    await begin(session, actor, KEEPER)
    name = await session.scalar(LOCK_FAILED_JOB, {"id": job_id})
    if name is None:
        raise ChangeRefused("这个作业已经重试或完成。")
    await session.execute(RETRY_JOB, {"id": job_id, "now": now})
    await _record(session, "retry_job", actor, "job", job_id, {"task": name}, now)


async def _record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    about: str,
    about_id: object,
    after: dict[str, str],
    now: datetime,
) -> None:
    await audit.record(session, action, actor=actor, about=about, about_id=about_id, after=after, now=now)
