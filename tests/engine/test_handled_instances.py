"""Event sub-processes on a real database: what they end is ended in the rows too, what fails in them is an incident, and an
instance with live ones goes on by another version."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from engine.exceptions import MigrationRefused, NotWaiting, OperatorFailed, TaskGone
from engine.steps import Step
from tests.engine.handlers import at, by, end, when
from tests.engine.office import Office
from tests.engine.small_processes import ANN, BEN, CAT, FORM, HEAD, flows, properties, service

DAY = timedelta(days=1)
NAMES = """<bpmn:message id="stop_message" name="stop"/><bpmn:message id="ask_message" name="ask"/>"""


def task(element_id: str, **more: str) -> str:
    """A user task for the clerks."""
    more = {"candidateGroups": '"clerk"', "status": f'"{element_id}"', "phase": "work"} | more
    return f'<bpmn:userTask id="{element_id}" name="{element_id}">{properties(**more)}</bpmn:userTask>'


def handler(element_id: str, caught: str, inside: str = "", *, interrupting: bool = True) -> str:
    """An event sub-process with one user task `do_x`, or what is given as its inside: `x_in` leads to `do_x`, to `x_out`."""
    return f"""<bpmn:subProcess id="{element_id}" triggeredByEvent="true">
        <bpmn:startEvent id="{element_id}_in" isInterrupting="{str(interrupting).lower()}">{caught}</bpmn:startEvent>
        {inside or task(f"do_{element_id}")}{end(f"{element_id}_out", status=f'"经{element_id}结束"', phase="closed")}
        {flows(f"{element_id}_in>do_{element_id}", f"do_{element_id}>{element_id}_out")}</bpmn:subProcess>"""


STOP = handler("stop", by("message", "stop"))
REPLY = handler("reply", by("message", "ask"), interrupting=False)
NAG = handler(
    "nag", at("timeCycle", "R/P1D"), service("do_nag", "remind", order="order.office"), interrupting=False
)
WARN = handler("warn", when('order.office = "7"'), interrupting=False)


def draw(*handlers: str, work: str = "work") -> dict[str, str]:
    """Two tasks side by side in a process with event sub-processes."""
    body = f"""{HEAD}{NAMES}<bpmn:process id="handled" name="办理" isExecutable="true">
        <bpmn:property id="given_order" name="order" /><bpmn:startEvent id="began" />
        <bpmn:parallelGateway id="fork" /><bpmn:parallelGateway id="join" />
        {task(work, statusClaimed='"办理中"')}{task("check")}{end("done", status='"完成"', phase="closed")}
        {flows("began>fork", f"fork>{work}", "fork>check", f"{work}>join", "check>join", "join>done")}
        {"".join(handlers)}</bpmn:process></bpmn:definitions>"""
    tasks = (work, "check", "do_stop", "do_reply", "do_warn")
    return {"handled.bpmn": body} | {f"handled/{name}.form": FORM for name in tasks if f'id="{name}"' in body}


async def deploy(office: Office, *handlers: str, work: str = "work") -> UUID:
    version, _ = await office.engine.catalogue.deploy(
        office.session, "handled", draw(*handlers, work=work), actor=None, now=office.now
    )
    return version.id


async def started(office: Office, *handlers: str, place: str = "1") -> tuple[Step, dict[str, UUID]]:
    """An instance with these event sub-processes, and its open tasks by element."""
    await deploy(office, *handlers)
    step = await office.start("handled", order={"office": place})
    return step, {one.element_id: one.id for one in step.created}


async def migrate(office: Office, instance_id: UUID, version: UUID) -> Step:
    locked = await office.engine.lock_instance(office.session, instance_id)
    return await office.engine.migrate(office.session, locked, version, actor=CAT, now=office.now)


async def test_one_that_interrupts_ends_open_and_claimed_tasks_in_the_rows(office: Office) -> None:
    step, tasks = await started(office, STOP, NAG)
    assert step.next_due == office.now + DAY
    await office.claim(tasks["work"])
    stopped = await office.correlate(step.instance_id, "stop")
    assert set(stopped.cancelled) == set(tasks.values())
    assert [one.element_id for one in stopped.created] == ["do_stop"]
    assert (stopped.status, stopped.phase, stopped.next_due) == ("do_stop", "work", None)
    assert stopped.active_elements == ["stop", "do_stop"]
    for task_id in tasks.values():
        assert (await office.task(task_id)).state == "cancelled"
        assert await office.open_groups(task_id) == set()
        with pytest.raises(TaskGone):
            await office.claim(task_id, BEN)
    with pytest.raises(NotWaiting):
        await office.correlate(step.instance_id, "stop")
    (left,) = stopped.created
    await office.claim(left.id)
    ended = await office.complete(left.id)
    assert (ended.ended, ended.status, ended.phase) == (True, "经stop结束", "closed")
    told = await office.history(step.instance_id)
    assert [entry for entry in told if entry[0] == "task_cancelled"] == [
        ("task_cancelled", "work"),
        ("task_cancelled", "check"),
    ]
    assert told[-3:] == [("task_claimed", "do_stop"), ("task_completed", "do_stop"), ("ended", "stop_out")]
    assert ("message_caught", "stop_in") in told


async def test_one_that_does_not_interrupt_leaves_claims_alone_and_tells_the_latest_status(
    office: Office,
) -> None:
    step, tasks = await started(office, REPLY)
    await office.claim(tasks["check"])
    first = await office.correlate(step.instance_id, "ask")
    second = await office.correlate(step.instance_id, "ask")
    assert (first.cancelled, second.cancelled, second.status) == ([], [], "do_reply")
    assert (await office.task(tasks["check"])).claimed_by == ANN
    for reply in (*first.created, *second.created):
        await office.claim(reply.id)
        await office.complete(reply.id)
    assert (await office.instance(step.instance_id)).status == "check"
    await office.complete(tasks["check"])
    await office.claim(tasks["work"])
    assert (await office.complete(tasks["work"])).status == "完成"


async def test_a_timer_starts_one_again_and_again(office: Office) -> None:
    step, _ = await started(office, NAG)
    for _ in range(5):
        office.now += DAY
        fired = await office.fire()
        assert fired is not None
        assert (fired.fired, fired.shared) == (["nag_in"], {"reminded": ["1"]})
        assert fired.next_due == office.now + DAY
    assert len((await office.instance(step.instance_id)).state) < 400
    told = await office.history(step.instance_id)
    assert told[-2:] == [("timer_fired", "nag_in"), ("service_done", "do_nag")]


async def test_an_operator_that_fails_in_one_is_an_incident_and_the_timer_waits(office: Office) -> None:
    step, tasks = await started(office, NAG, place="9")
    office.now += DAY
    savepoint = await office.session.begin_nested()
    with pytest.raises(OperatorFailed) as failure:
        await office.fire()
    await savepoint.rollback()
    assert (failure.value.element_id, failure.value.instance_id) == ("do_nag", step.instance_id)
    await office.engine.record_incident(
        office.session,
        instance_id=step.instance_id,
        element_id=failure.value.element_id,
        task_id=None,
        command="run_due_timers",
        error=str(failure.value),
        now=office.now,
    )
    instance = await office.instance(step.instance_id)
    assert instance.next_due == office.now + timedelta(minutes=1)
    assert (await office.task(tasks["work"])).state == "ready"
    await office.claim(tasks["work"])
    assert (await office.complete(tasks["work"])).ended is False


async def test_what_is_reassigned_or_written_with_a_timer_may_make_a_condition_true(office: Office) -> None:
    step, _ = await started(office, WARN, NAG)
    locked = await office.engine.lock_instance(office.session, step.instance_id)
    moved = await office.engine.reassign(
        office.session, locked, {"order": {"office": "7"}}, told=[], actor=CAT, now=office.now
    )
    assert [one.element_id for one in moved.created] == ["do_warn"]
    for number, created in (("8", []), ("7", ["do_warn"])):
        locked = await office.engine.lock_instance(office.session, step.instance_id)
        step = await office.engine.reschedule(
            office.session,
            locked,
            "nag_in",
            office.now + 2 * DAY,
            actor=CAT,
            now=office.now,
            variables={"order": {"office": number}},
        )
        assert [one.element_id for one in step.created] == created
    assert step.next_due == office.now + 2 * DAY


async def test_an_instance_with_live_ones_goes_on_by_another_version(office: Office) -> None:
    step, tasks = await started(office, STOP, REPLY, NAG)
    replied = await office.correlate(step.instance_id, "ask")
    (reply,) = replied.created
    await office.claim(reply.id, BEN)
    due = replied.next_due
    office.now += timedelta(hours=3)
    version = await deploy(office, STOP.replace("经stop", "新经stop"), REPLY, NAG)
    moved = await migrate(office, step.instance_id, version)
    assert (moved.created, moved.cancelled, moved.next_due) == ([], [], due)
    assert (await office.task(reply.id)).claimed_by == BEN
    assert moved.active_elements == ["work", "check", "reply", "do_reply"]
    await office.complete(reply.id, BEN)
    assert [one.element_id for one in (await office.correlate(step.instance_id, "ask")).created] == [
        "do_reply"
    ]
    stopped = await office.correlate(step.instance_id, "stop")
    assert len(stopped.cancelled) == 3
    assert set(tasks.values()) <= set(stopped.cancelled)
    await office.claim(stopped.created[0].id)
    assert (await office.complete(stopped.created[0].id)).status == "新经stop结束"


async def test_a_new_version_lets_go_what_it_lacks_and_listens_for_what_it_adds(office: Office) -> None:
    step, _ = await started(office, NAG)
    moved = await migrate(office, step.instance_id, await deploy(office, STOP, WARN))
    assert (moved.created, moved.next_due) == ([], None)
    stopped = await office.correlate(step.instance_id, "stop")
    assert [one.element_id for one in stopped.created] == ["do_stop"]
    moved = await migrate(office, step.instance_id, await deploy(office, STOP, WARN, REPLY, NAG))
    assert moved.next_due is None
    with pytest.raises(NotWaiting):
        await office.correlate(step.instance_id, "ask")


async def test_a_condition_that_is_true_when_a_version_adds_it_starts_its_sub_process(office: Office) -> None:
    step, _ = await started(office, NAG, place="7")
    moved = await migrate(office, step.instance_id, await deploy(office, NAG, WARN))
    assert [one.element_id for one in moved.created] == ["do_warn"]


async def test_a_migration_that_would_lose_a_running_one_is_refused(office: Office) -> None:
    step, _ = await started(office, REPLY)
    await office.correlate(step.instance_id, "ask")
    with pytest.raises(MigrationRefused) as refused:
        await migrate(office, step.instance_id, await deploy(office, STOP))
    assert refused.value.details["elements"] == ["reply", "do_reply"]


async def test_what_listens_follows_the_new_version_whatever_it_makes_of_it(office: Office) -> None:
    step, tasks = await started(office, REPLY, NAG)
    due = step.next_due
    turned = REPLY.replace('isInterrupting="false"', 'isInterrupting="true"')
    renamed = NAG.replace('<bpmn:subProcess id="nag"', '<bpmn:subProcess id="nagging"')
    moved = await migrate(office, step.instance_id, await deploy(office, turned, renamed))
    assert (moved.created, moved.next_due) == ([], due)
    asked = await office.correlate(step.instance_id, "ask")
    assert set(asked.cancelled) == set(tasks.values())
    assert ([one.element_id for one in asked.created], asked.next_due) == (["do_reply"], None)


async def test_what_listens_for_something_else_in_the_new_version_begins_anew(office: Office) -> None:
    step, _ = await started(office, REPLY)
    office.now += DAY
    timed = handler("reply", at("timeDuration", "P2D"), interrupting=False)
    moved = await migrate(office, step.instance_id, await deploy(office, timed))
    assert moved.next_due == office.now + 2 * DAY
    with pytest.raises(NotWaiting):
        await office.correlate(step.instance_id, "ask")
