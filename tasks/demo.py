"""Plays the demo: its issues and registrations are taken through the real commands, with times in the past; timers that fall
due in between fire as they would have. The script and the people are data (`domain.demo`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import col

from domain.actor import Actor
from domain.demo.people import add_people, load_demo_actors
from domain.demo.script import RAISE, DemoStep, read_registrations, read_script
from domain.files.store import AttachmentStore
from domain.models import Issue
from domain.working_days import WorkingCalendar
from engine.instances import Engine
from engine.models import ProcessInstance, UserTask
from tasks.commands import claim, release
from tasks.completion import complete, finish
from tasks.demo_registrations import play_registration
from tasks.issues import raise_issue, withdraw_issue
from tasks.subjects import command

# What happened long ago is not delivered now: it stands in the demo's inbox as if it had been, over the first channel of its kind
# that reaches the person. What is older than two days has been read.
DELIVER = text("""
    WITH reach AS (
        SELECT id AS person_id, 'sms' AS channel, replace(phone, '+86', '') AS "to" FROM person
        UNION ALL SELECT person_id, 'mail', address FROM person_mail WHERE confirmed_at IS NOT NULL
        UNION ALL SELECT person_id, 'wechat', openid FROM wechat_binding
    ), way AS (
        SELECT m.id, m.template, first.channel, first."to",
            CASE first.channel WHEN 'sms' THEN coalesce(m.sms_text, m.text) ELSE m.text END AS text
        FROM message m CROSS JOIN LATERAL (
            SELECT channel, "to" FROM unnest(m.channels) WITH ORDINALITY AS wanted (channel, place)
            JOIN reach USING (channel) WHERE reach.person_id = m.person_id ORDER BY place LIMIT 1
        ) AS first
        WHERE m.state = 'queued'
    ), delivered AS (
        UPDATE message SET state = 'sent', channel = way.channel, provider = 'demo', tries = 1, reference = way.id,
            claimed_at = message.created_at, sent_at = message.created_at + interval '2 seconds',
            read_at = CASE WHEN message.created_at < CAST(:now AS timestamptz) - interval '2 days'
                THEN message.created_at + interval '1 hour' END
        FROM way WHERE way.id = message.id
        RETURNING message.id, way.channel, way."to", way.template, way.text, message.claimed_at, message.sent_at
    ), tried AS (
        INSERT INTO message_attempt (id, message_id, at, channel, provider, is_code, ended_at, outcome, reference)
        SELECT id, id, claimed_at, channel, 'demo', false, sent_at, 'accepted', id FROM delivered
    )
    INSERT INTO demo_inbox (id, message_id, channel, "to", template, text, at)
    SELECT id, id, channel, "to", template, text, sent_at FROM delivered
""")
FORGET_JOBS = text("""
    DELETE FROM procrastinate_jobs
    WHERE task_name IN ('deliver_messages', 'supersede_registrations') AND status = 'todo'
""")
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('demo', 0))")


async def play_demo(
    sessions: async_sessionmaker[AsyncSession], engine: Engine, store: AttachmentStore, now: datetime
) -> int:
    """Fill a database that has no issue yet with the demo's people, issues and registrations; how many issues. All or nothing.

    The processes must be deployed and the lists seeded.
    """
    async with sessions.begin() as session:
        await session.execute(ONE_AT_A_TIME)
        if await session.scalar(select(func.count()).select_from(Issue)):
            return 0
        calendar = WorkingCalendar()
        await calendar.refresh(session, now)
        script = read_script(now, calendar)
        await add_people(session, script[0].at)
        actors = await load_demo_actors(session)
        issues: dict[int, UUID] = {}
        for step in script:
            await _fire_timers(session, engine, step.at)
            await _play(session, engine, actors, issues, step)
        applied: dict[int, UUID] = {}
        for step in read_registrations(now, calendar):
            await _fire_timers(session, engine, step.at)
            await play_registration(session, engine, store, actors, applied, step)
        await _fire_timers(session, engine, now)
        await session.execute(DELIVER, {"now": now})
        await session.execute(FORGET_JOBS)
        return len(issues)


async def _play(
    session: AsyncSession,
    engine: Engine,
    actors: Mapping[tuple[str, str | None], Actor],
    issues: dict[int, UUID],
    step: DemoStep,
) -> None:
    actor = actors.get((step.who, None)) or actors[step.who, step.firm]
    if step.what == RAISE:
        issue = await raise_issue(session, engine, actor, _with_ids(step, actors), step.at)
        issues[step.issue] = issue.id
    elif step.what == "withdraw":
        await withdraw_issue(session, engine, actor, issues[step.issue], step.at)
    elif step.what in ("claim", "release"):
        task_id = await _find_task(session, issues[step.issue], actor, is_mine=False)
        await (claim if step.what == "claim" else release)(session, engine, actor, task_id, step.at)
    else:
        task_id = await _find_task(session, issues[step.issue], actor, is_mine=True)
        await complete(session, engine, actor, task_id, step.answers, now=step.at)


def _with_ids(step: DemoStep, actors: Mapping[tuple[str, str | None], Actor]) -> dict[str, Any]:
    """The script names the executive, the form wants the id."""
    fields = dict(step.answers)
    if "executive" in fields:
        fields["executive"] = str(actors[fields["executive"], step.firm].person_id)
    return fields


async def _find_task(session: AsyncSession, issue_id: UUID, actor: Actor, *, is_mine: bool) -> UUID:
    """The one open task that lies with this person, or else the one that their groups may take."""
    rules = [col(UserTask.instance_id) == issue_id, col(UserTask.state) == "ready"]
    if is_mine:
        rules.append(col(UserTask.claimed_by) == actor.person_id)
    else:
        rules.append(col(UserTask.candidate_groups).op("&&")(list(actor.groups)))
    return (await session.scalars(select(col(UserTask.id)).where(*rules))).one()


async def _fire_timers(session: AsyncSession, engine: Engine, until: datetime) -> None:
    """Fire what fell due up to this moment, each timer at its own time."""
    while True:
        due = await session.scalar(
            select(func.min(col(ProcessInstance.next_due))).where(col(ProcessInstance.next_due) <= until)
        )
        if due is None:
            return
        async with command(session):
            fired = await engine.run_due_timers(session, due)
            if fired is not None:
                await finish(session, fired, due)
