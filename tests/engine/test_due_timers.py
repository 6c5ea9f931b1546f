"""Timers: when they fire, how they are moved, and what happens when firing fails."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from engine.context import StepContext
from engine.exceptions import (
    EngineFailure,
    NotWaiting,
    OperatorFailed,
    TaskGone,
)
from tests.engine.office import Office
from tests.engine.small_processes import BEN, CAT, OPERATORS, TooDear


async def test_a_timer_fires_when_it_is_due_and_not_before(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    office.now += timedelta(days=2, seconds=-1)
    assert await office.fire() is None
    office.now += timedelta(seconds=1)
    step = await office.fire()
    assert step is not None
    assert (step.fired, step.cancelled, step.shared) == (["check_late"], [], {"reminded": ["1"]})
    assert step.next_due == office.now + timedelta(days=28)
    assert (await office.task(check.id)).state == "ready"
    assert (await office.history(check.instance_id))[-2:] == [
        ("timer_fired", "check_late"),
        ("service_done", "remind_chief"),
    ]
    assert await office.fire() is None


async def test_an_interrupting_timer_cancels_the_task(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.claim(check.id, BEN)
    office.now += timedelta(days=31)
    step = await office.fire()
    assert step is not None
    assert (step.fired, step.cancelled, step.status) == (
        ["check_late", "check_expired"],
        [check.id],
        "已过期",
    )
    with pytest.raises(TaskGone) as refused:
        await office.complete(check.id, BEN)
    assert refused.value.details == {"by_person": None, "at": office.now, "state": "cancelled"}


async def test_a_timer_that_was_moved_fires_then(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    later = office.now + timedelta(days=5)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.reschedule(
        office.session,
        locked,
        "check_late",
        later,
        actor=CAT,
        now=office.now,
        variables={"deadline": {"due_at": later}},
    )
    assert step.next_due == later == (await office.instance(check.instance_id)).next_due
    assert (await office.task(check.id)).due_at == later
    query = "SELECT DISTINCT due_at FROM user_task_group WHERE task_id = :id"
    assert (await office.row(query, id=check.id)).due_at == later
    assert (await office.history(check.instance_id))[-1] == ("rescheduled", "check_late")
    office.now += timedelta(days=3)
    assert await office.fire() is None


async def test_a_timer_moved_to_never_does_not_fire_and_one_that_is_not_armed_cannot_be_moved(
    office: Office,
) -> None:
    check = (await office.order_to_check()).created[0]
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.reschedule(
        office.session, locked, "check_late", None, actor=CAT, now=office.now
    )
    assert step.next_due == office.now + timedelta(days=30)
    other = await office.engine.lock_instance(office.session, (await office.start()).instance_id)
    with pytest.raises(NotWaiting):
        await office.engine.reschedule(office.session, other, "check_late", None, actor=CAT, now=office.now)


async def test_an_operator_moves_a_timer_that_its_own_step_arms(office: Office) -> None:
    step = await office.order_to_check(amount=7)
    assert step.next_due == office.now + timedelta(days=9)


async def test_a_failing_timer_is_an_incident_and_waits_longer_each_time(office: Office) -> None:
    check = (await office.order_to_check(office="9")).created[0]
    office.now += timedelta(days=3)
    waits: list[float] = []
    for _ in range(12):
        with pytest.raises(OperatorFailed) as failed:
            await office.fire()
        failure = failed.value
        assert (failure.command, failure.instance_id) == ("run_due_timers", check.instance_id)
        assert failure.instance_id is not None and failure.command is not None
        await office.engine.record_incident(
            office.session,
            instance_id=failure.instance_id,
            element_id=failure.element_id,
            task_id=failure.task_id,
            command=failure.command,
            error=str(failure),
            now=office.now,
        )
        assert await office.fire() is None
        next_due = (await office.instance(check.instance_id)).next_due
        waits.append((next_due - office.now).total_seconds() / 60)
        office.now = next_due
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    incident = await office.row("SELECT * FROM incident")
    assert (incident.tries, incident.element_id, incident.command) == (12, "remind_chief", "run_due_timers")
    assert "no line to office 9" in incident.error
    assert incident.first_at < incident.last_at
    await office.claim(check.id, BEN)
    assert (await office.complete(check.id, BEN, decision="fine")).ended


async def test_a_failed_completion_is_an_incident_that_moves_no_timer(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    before = (await office.instance(check.instance_id)).next_due
    for _ in range(2):
        await office.engine.record_incident(
            office.session,
            instance_id=check.instance_id,
            element_id="x",
            task_id=check.id,
            command="complete",
            error="e",
            now=office.now,
        )
    assert (await office.row("SELECT tries FROM incident")).tries == 2
    assert (await office.instance(check.instance_id)).next_due == before


async def test_a_broken_instance_does_not_stop_the_timers_of_others(office: Office) -> None:
    broken = (await office.order_to_check()).instance_id
    office.now += timedelta(days=1)
    sound = (await office.order_to_check()).instance_id
    await office.session.execute(
        text("UPDATE process_instance SET state = '\\x00' WHERE id = :id"), {"id": broken}
    )
    office.now += timedelta(days=2)
    with pytest.raises(EngineFailure) as failed:
        await office.fire()
    assert failed.value.instance_id == broken
    await office.engine.record_incident(
        office.session,
        instance_id=broken,
        element_id=None,
        task_id=None,
        command="run_due_timers",
        error="?",
        now=office.now,
    )
    step = await office.fire()
    assert step is not None and step.instance_id == sound


async def test_a_refusal_while_a_timer_fires_is_a_failure(office: Office) -> None:
    async def refuse(context: StepContext, /, *, order: str) -> None:
        raise TooDear

    office.engine.operators = {**OPERATORS, "remind": refuse}
    await office.order_to_check()
    office.now += timedelta(days=3)
    with pytest.raises(OperatorFailed) as failed:
        await office.fire()
    assert failed.value.element_id == "remind_chief"
