"""Failures of ours, for the people who run the system: what broke, where, how often; trying again, and closing the matter.

What can be tried again from here is a timer, and what a job does for one instance. A person's own submit that broke is theirs
to repeat: their answers were kept as the task's draft. Once it is done, or the instance has ended, the matter settles itself.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from cleaning import clean_name
from domain import audit
from domain.actor import Actor
from domain.administration import begin, find_mistake
from domain.exceptions import ChangeRefused, FormRefused, RecordUnknown
from engine.exceptions import EngineFailure
from engine.instances import Engine

log = structlog.get_logger(__name__)
KEEPER = "system_admin"
TIMERS = "run_due_timers"
DEADLINES = "move_deadlines"
SUPERSEDE = "supersede_registrations"
LATE_WORK = "move_late_work"
JOBS = frozenset({DEADLINES, SUPERSEDE})
"""Commands of jobs whose next run by itself is a night away: they may be asked for at once (`tasks.retries`)."""
LONGEST_NOTE = 500
PAGE = 50

_COLUMNS = """n.id, n.instance_id, d.key AS process, d.version AS definition_version, p.subject, i.number, n.element_id,
    (SELECT e.element_name FROM process_event e WHERE e.instance_id = n.instance_id AND e.element_id = n.element_id
        AND e.element_name IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS element_name,
    n.task_id, t.state AS task_state, holder.name AS task_holder, n.command, n.error, n.tries, n.first_at, n.last_at,
    n.resolved_at, settler.name AS resolved_by, n.note, p.state_name, p.next_due"""
_JOINS = """FROM incident n
JOIN process_instance p ON p.id = n.instance_id
JOIN process_definition d ON d.id = p.definition_id
LEFT JOIN issue i ON i.id = n.instance_id
LEFT JOIN user_task t ON t.id = n.task_id
LEFT JOIN person holder ON holder.id = t.claimed_by
LEFT JOIN person settler ON settler.id = n.resolved_by"""
LIST_INCIDENTS = text(f"""
SELECT {_COLUMNS} {_JOINS}
WHERE (n.resolved_at IS NULL) = CAST(:is_open AS boolean)
ORDER BY n.last_at DESC, n.id DESC LIMIT :limit
""")
FIND_INCIDENT = text(f"SELECT {_COLUMNS} {_JOINS} WHERE n.id = :id")
COUNT_OPEN = text("SELECT count(*) FROM incident WHERE resolved_at IS NULL")
# The instance first, as everywhere.
LOCK = text("""
SELECT p.state_name, p.next_due FROM process_instance p
WHERE p.id = (SELECT instance_id FROM incident WHERE id = :id) FOR UPDATE
""")
DUE_NOW = text("""
UPDATE process_instance SET next_due = :now
WHERE id = (SELECT instance_id FROM incident WHERE id = :id) AND next_due > :now
""")
SETTLE = text("""
UPDATE incident SET resolved_at = :now, resolved_by = CAST(:by AS uuid), note = :note
WHERE id = :id AND resolved_at IS NULL RETURNING id
""")
SETTLE_COMMAND = text("""
UPDATE incident SET resolved_at = :now, note = :note
WHERE instance_id = :instance_id AND command = :command AND resolved_at IS NULL
""")
SETTLE_PAST = text("""
UPDATE incident n SET resolved_at = :now,
    note = CASE WHEN p.state_name = 'active' THEN '办理人后来已经提交成功，自动标记。' ELSE '事项已经办结，自动标记。' END
FROM process_instance p
WHERE p.id = n.instance_id AND n.resolved_at IS NULL AND (p.state_name <> 'active'
    OR EXISTS (SELECT FROM user_task t WHERE t.id = n.task_id AND t.state <> 'ready'))
RETURNING n.id
""")


@dataclass(frozen=True)
class IncidentView:
    """One incident; `number` is the issue's where there is one. `next_due` is when its timers are tried again."""

    id: UUID
    instance_id: UUID
    process: str
    definition_version: int
    subject: str
    number: str | None
    element_id: str | None
    element_name: str | None
    task_id: UUID | None
    task_state: str | None
    task_holder: str | None
    command: str
    error: str
    tries: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str
    state_name: str
    next_due: datetime | None

    @property
    def may_retry(self) -> bool:
        """Whether a timer waits for its next try, or a job may be asked for before its own time."""
        waits = self.command in JOBS or (self.command == TIMERS and self.next_due is not None)
        return self.resolved_at is None and waits


async def list_incidents(
    session: AsyncSession, *, is_open: bool = True, limit: int = PAGE
) -> list[IncidentView]:
    """Open ones, or settled ones; the last first."""
    rows = await session.execute(LIST_INCIDENTS, {"is_open": is_open, "limit": limit})
    return [IncidentView(*row) for row in rows]


async def count_open(session: AsyncSession) -> int:
    """How many wait for somebody."""
    return int(await session.scalar(COUNT_OPEN) or 0)


async def find_incident(session: AsyncSession, incident_id: UUID) -> IncidentView:
    """One incident; RecordUnknown for none."""
    row = (await session.execute(FIND_INCIDENT, {"id": incident_id})).one_or_none()
    if row is None:
        raise RecordUnknown
    return IncidentView(*row)


async def begin_retry(session: AsyncSession, actor: Actor, incident_id: UUID, now: datetime) -> IncidentView:
    """The incident that is to be tried again, on the record; a timer of it is due at once. `tasks.retries` does the rest.

    Raises RecordUnknown, ChangeRefused.
    """
    await begin(session, actor, KEEPER)
    await session.execute(LOCK, {"id": incident_id})
    incident = await find_incident(session, incident_id)
    if not incident.may_retry:
        raise ChangeRefused("这一项不能在这里重试，请看页面上写明的办法。")
    if incident.command == TIMERS:
        await session.execute(DUE_NOW, {"id": incident_id, "now": now})
    await audit.record(
        session, "retry_incident", actor=actor, about="incident", about_id=incident_id, now=now
    )
    return incident


async def settle_incident(
    session: AsyncSession, actor: Actor, incident_id: UUID, note: str, now: datetime
) -> None:
    """The matter is closed, and how. Raises RecordUnknown, FormRefused, ChangeRefused."""
    await begin(session, actor, KEEPER)
    note = clean_name(note)
    if mistake := find_mistake("处理情况", note, LONGEST_NOTE):
        raise FormRefused({"note": mistake})
    await find_incident(session, incident_id)
    parameters = {"id": incident_id, "by": actor.person_id, "note": note, "now": now}
    if (await session.execute(SETTLE, parameters)).first() is None:
        raise ChangeRefused("这一项已经由他人处理。")
    await audit.record(
        session,
        "settle_incident",
        actor=actor,
        about="incident",
        about_id=incident_id,
        after={"note": note},
        now=now,
    )


async def settle_command(session: AsyncSession, instance_id: UUID, command: str, now: datetime) -> None:
    """This has worked for an instance: what was wrong with it no longer is."""
    parameters = {"instance_id": instance_id, "command": command, "note": "重试成功，自动标记。", "now": now}
    await session.execute(SETTLE_COMMAND, parameters)


async def settle_past(session: AsyncSession, now: datetime) -> int:
    """What was repeated with success since, or whose instance has ended; how many."""
    return len((await session.execute(SETTLE_PAST, {"now": now})).all())


async def note_failure(
    sessions: async_sessionmaker[AsyncSession],
    engine: Engine,
    failure: EngineFailure,
    *,
    command: str,
    instance_id: UUID,
    now: datetime,
) -> None:
    """What a job could not do for one instance, in a transaction of its own: the others are not kept waiting."""
    log.error(
        "job.step_failed",
        command=command,
        instance_id=str(instance_id),
        element_id=failure.element_id,
        error=type(failure.__cause__ or failure).__name__,
    )
    async with sessions.begin() as session:
        await engine.record_incident(
            session,
            instance_id=instance_id,
            element_id=failure.element_id,
            task_id=None,
            command=command,
            error=str(failure),
            now=now,
        )
