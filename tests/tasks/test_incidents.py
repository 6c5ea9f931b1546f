"""Incidents and queues for the people who run the system: seen, tried again, settled."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.actor import Actor
from domain.exceptions import ChangeRefused, FormRefused, NotAdministrator, RecordUnknown
from messages import log
from tasks import incidents, issues, message_log, queues
from tasks.retries import retry_incident
from tests.tasks.world import World, add_officer


@pytest.fixture
async def system(world: World) -> Actor:
    return await add_officer(world.session, world.now, "石磊", "+8613600000001", (("system_admin", "2300"),))


async def broken_timer(world: World, command: str = "run_due_timers") -> UUID:
    """An issue at customs whose timer broke; the incident's id."""
    issue = await world.at_customs()
    await world.session.execute(
        text("UPDATE process_instance SET next_due = :now WHERE id = :id"), {"now": world.now, "id": issue.id}
    )
    await world.engine.record_incident(
        world.session,
        instance_id=issue.id,
        element_id="remind_handler",
        task_id=None,
        command=command,
        error="OperatorFailed: no such text",
        now=world.now,
    )
    return (await incidents.list_incidents(world.session))[0].id


async def next_due(world: World, incident_id: UUID) -> object:
    return (await incidents.find_incident(world.session, incident_id)).next_due


async def test_a_broken_timer_is_shown_and_tried_at_once(world: World, system: Actor) -> None:
    id_ = await broken_timer(world)
    found = await incidents.find_incident(world.session, id_)
    assert found.number and found.may_retry and found.process == "issue"
    assert found.next_due == world.now + timedelta(minutes=1), "put off"
    await retry_incident(world.session, system, id_, world.now)
    assert await next_due(world, id_) == world.now
    assert await incidents.count_open(world.session) == 1


async def test_a_timer_that_fires_at_last_settles_the_matter_by_itself(world: World) -> None:
    id_ = await broken_timer(world)
    found = await incidents.find_incident(world.session, id_)
    await incidents.settle_command(world.session, found.instance_id, incidents.TIMERS, world.now)
    settled = (await incidents.list_incidents(world.session, is_open=False))[0]
    assert settled.id == id_ and "重试成功" in settled.note and settled.resolved_by is None


async def test_a_submit_that_broke_is_its_persons_to_repeat(world: World, system: Actor) -> None:
    id_ = await broken_timer(world, "complete")
    with pytest.raises(ChangeRefused):
        await retry_incident(world.session, system, id_, world.now)


async def test_settling_needs_a_note_and_happens_once(world: World, system: Actor) -> None:
    id_ = await broken_timer(world)
    with pytest.raises(FormRefused):
        await incidents.settle_incident(world.session, system, id_, "  ", world.now)
    await incidents.settle_incident(world.session, system, id_, "已补上模板", world.now)
    settled = await incidents.find_incident(world.session, id_)
    assert (settled.resolved_by, settled.note, settled.may_retry) == ("石磊", "已补上模板", False)
    with pytest.raises(ChangeRefused):
        await incidents.settle_incident(world.session, system, id_, "再次", world.now)
    with pytest.raises(RecordUnknown):
        await incidents.settle_incident(world.session, system, uuid7(), "没有", world.now)


async def test_only_a_system_administrator_settles(world: World) -> None:
    id_ = await broken_timer(world)
    with pytest.raises(NotAdministrator):
        await incidents.settle_incident(world.session, world.people["handler"], id_, "处理", world.now)


async def failed_job(session: AsyncSession) -> int:
    statement = text(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, attempts)"
        " VALUES ('tasks', 'sweep', 'failed', 3) RETURNING id"
    )
    return int((await session.execute(statement)).scalar_one())


async def test_a_failed_job_is_seen_and_tried_again_once(world: World, system: Actor) -> None:
    id_ = await failed_job(world.session)
    assert (await queues.read_health(world.session, world.now)).jobs_failed == 1
    assert [job.name for job in await queues.list_failed_jobs(world.session)] == ["sweep"]
    await queues.retry_job(world.session, system, id_, world.now)
    health = await queues.read_health(world.session, world.now)
    assert health.jobs_failed == 0 and health.jobs_waiting >= 1
    with pytest.raises(ChangeRefused):
        await queues.retry_job(world.session, system, id_, world.now)


async def failed_message(world: World, template: str, *, is_code: bool = False) -> UUID:
    id_ = uuid7()
    await world.session.execute(
        text(
            "INSERT INTO message (id, person_id, template, params, text, state, tries, error, created_at, is_code)"
            " VALUES (:id, :person, :template, '{}', '', 'failed', 6, 'refused', :now, :is_code)"
        ),
        {
            "id": id_,
            "person": world.people["handler"].person_id,
            "template": template,
            "now": world.now,
            "is_code": is_code,
        },
    )
    return id_


async def test_a_failed_message_is_sent_after_all_a_code_is_not(world: World, system: Actor) -> None:
    id_ = await failed_message(world, "overdue")
    code = await failed_message(world, "code", is_code=True)
    failed, _ = await log.list_messages(world.session, log.Wanted(state="failed"))
    assert {one.id: one.may_send_again for one in failed} == {id_: True, code: False}
    await message_log.send_again(world.session, system, id_, world.now)
    row = (
        await world.session.execute(text("SELECT state, again_by FROM message WHERE id = :id"), {"id": id_})
    ).one()
    assert tuple(row) == ("queued", system.person_id)
    for again in (id_, code):
        with pytest.raises(ChangeRefused):
            await message_log.send_again(world.session, system, again, world.now)


async def test_a_worker_that_does_not_answer_is_not_counted(world: World) -> None:
    assert (await queues.read_health(world.session, world.now)).workers == 0
    await world.session.execute(
        text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:now), (:old)"),
        {"now": world.now, "old": world.now - timedelta(minutes=5)},
    )
    health = await queues.read_health(world.session, world.now)
    assert (health.workers, health.last_heartbeat) == (1, world.now)


async def queued_jobs(world: World, name: str) -> int:
    count = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name AND status = 'todo'")
    return int((await world.session.execute(count, {"name": name})).scalar_one())


@pytest.mark.parametrize(
    ("command", "job"),
    [("move_deadlines", "move_deadlines_now"), ("supersede_registrations", "supersede_registrations")],
)
async def test_what_a_job_could_not_do_is_asked_of_it_at_once(
    world: World, system: Actor, command: str, job: str
) -> None:
    id_ = await broken_timer(world, command)
    before = await queued_jobs(world, job)
    await retry_incident(world.session, system, id_, world.now)
    assert await queued_jobs(world, job) == before + 1
    assert await incidents.count_open(world.session) == 1, "it is settled when the job has done it"


async def test_a_submit_repeated_with_success_settles_the_matter(world: World) -> None:
    issue = await world.at_customs()
    task_id = await world.claim("handler", issue.id)
    await world.engine.record_incident(
        world.session,
        instance_id=issue.id,
        element_id="answer_issue",
        task_id=task_id,
        command="complete",
        error="OperatorFailed",
        now=world.now,
    )
    assert await incidents.settle_past(world.session, world.now) == 0
    found = (await incidents.list_incidents(world.session))[0]
    assert (found.task_state, found.task_holder, found.may_retry) == ("ready", "陈刚", False)
    await world.submit("handler", task_id, {"decision": "answer", "answer": "可以。"})
    assert await incidents.settle_past(world.session, world.now) == 1
    settled = (await incidents.list_incidents(world.session, is_open=False))[0]
    assert "后来已经提交成功" in settled.note and settled.resolved_by is None


async def test_with_the_end_of_the_matter_its_incidents_are_settled(world: World) -> None:
    issue = await world.raise_issue()
    await world.engine.record_incident(
        world.session,
        instance_id=issue.id,
        element_id=None,
        task_id=None,
        command="correlate",
        error="OperatorFailed",
        now=world.now,
    )
    await issues.withdraw_issue(world.session, world.engine, world.people["staff"], issue.id, world.now)
    assert await incidents.settle_past(world.session, world.now) == 1
    assert "已经办结" in (await incidents.list_incidents(world.session, is_open=False))[0].note
