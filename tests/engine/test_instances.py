"""The engine's commands on a real database: what each writes, what each refuses, and that a refusal writes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.exceptions import (
    EngineFailure,
    MigrationRefused,
    NotWaiting,
    NotYours,
    OperatorFailed,
    StaleVersion,
    TaskAlreadyClaimed,
    TaskGone,
    UnknownProcess,
)
from engine.instances import Engine
from engine.steps import Step
from tests.engine.small_processes import ANN, BEN, CAT, FUNCTIONS, OPERATORS, TooDear, draw_order, draw_vote, flows, properties


@dataclass
class Office:
    """An engine on a session, with short ways to do and to look."""

    session: AsyncSession
    engine: Engine
    now: datetime

    async def start(self, key: str = "order", **variables: Any) -> Step:
        return await self.engine.start(
            self.session, key, instance_id=uuid4(), variables=variables, subject="桌子", actor=ANN, now=self.now
        )

    async def claim(self, task_id: UUID, actor: UUID = ANN) -> Step:
        return await self.engine.claim(
            self.session, await self.engine.lock(self.session, task_id), actor=actor, now=self.now
        )

    async def release(self, task_id: UUID, actor: UUID = ANN) -> Step:
        return await self.engine.release(
            self.session, await self.engine.lock(self.session, task_id), actor=actor, now=self.now
        )

    async def hand_over(self, task_id: UUID, to: UUID, actor: UUID = ANN, *, supervising: bool = False) -> Step:
        locked = await self.engine.lock(self.session, task_id)
        return await self.engine.hand_over(
            self.session, locked, to=to, actor=actor, now=self.now, supervising=supervising
        )

    async def complete(self, task_id: UUID, actor: UUID = ANN, version: int | None = None, **answers: Any) -> Step:
        locked = await self.engine.lock(self.session, task_id)
        return await self.engine.complete(self.session, locked, answers, actor=actor, version=version, now=self.now)

    async def correlate(self, instance_id: UUID, message: str) -> Step:
        locked = await self.engine.lock_instance(self.session, instance_id)
        return await self.engine.correlate(self.session, locked, message, actor=BEN, now=self.now)

    async def order_to_check(self, amount: int = 5, office: str = "1") -> Step:
        """An order filled in by Ann, waiting for a chief."""
        started = await self.start()
        task_id = started.created[0].id
        await self.claim(task_id)
        return await self.complete(task_id, office=office, amount=amount)

    async def fire(self) -> Step | None:
        return await self.engine.run_due_timers(self.session, self.now)

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        return list((await self.session.execute(text(query), parameters)).all())

    async def row(self, query: str, **parameters: Any) -> Any:
        (row,) = await self.rows(query, **parameters)
        return row

    async def task(self, task_id: UUID) -> Any:
        return await self.row("SELECT * FROM user_task WHERE id = :id", id=task_id)

    async def instance(self, instance_id: UUID) -> Any:
        return await self.row("SELECT * FROM process_instance WHERE id = :id", id=instance_id)

    async def history(self, instance_id: UUID) -> list[tuple[str, str | None]]:
        query = "SELECT kind, element_id FROM process_event WHERE instance_id = :id ORDER BY id"
        return [tuple(row) for row in await self.rows(query, id=instance_id)]

    async def open_groups(self, task_id: UUID) -> set[str]:
        query = "SELECT group_name FROM user_task_group WHERE task_id = :id AND open"
        return {row.group_name for row in await self.rows(query, id=task_id)}


@pytest.fixture
async def office(session: AsyncSession, now: datetime) -> AsyncIterator[Office]:
    engine = Engine(FUNCTIONS, OPERATORS)
    await engine.catalogue.deploy(session, "order", draw_order(), actor=None, now=now)
    await engine.catalogue.deploy(session, "vote", draw_vote(), actor=None, now=now)
    yield Office(session, engine, now)


async def test_a_started_instance_waits_at_its_first_task(office: Office) -> None:
    step = await office.start()
    (created,) = step.created
    assert (step.status, step.phase, step.ended, step.active_elements) == ("待填写", "draft", False, ["fill_order"])
    instance = await office.instance(step.instance_id)
    assert (instance.subject, instance.status, instance.phase, instance.state_name) == ("桌子", "待填写", "draft", "active")
    assert (instance.started_by, instance.started_at, instance.next_due) == (ANN, office.now, None)
    task = await office.task(created.id)
    assert (task.element_id, task.name, task.state, task.version) == ("fill_order", "填写订单", "ready", 1)
    assert (task.candidate_groups, task.claimed_by, task.assignee) == (["clerk:1"], None, None)
    assert await office.open_groups(created.id) == {"clerk:1"}
    assert await office.history(step.instance_id) == [("started", None), ("task_created", "fill_order")]


async def test_starting_what_is_not_deployed_is_refused(office: Office) -> None:
    with pytest.raises(UnknownProcess):
        await office.start("invoice")


async def test_from_the_first_task_to_the_end(office: Office) -> None:
    step = await office.order_to_check()
    (check,) = step.created
    assert (step.status, step.phase, check.candidate_groups) == ("待审核", "review", ["chief:1", "auditor"])
    assert check.due_at == office.now + timedelta(days=2) == step.next_due
    office.now += timedelta(hours=3)
    await office.claim(check.id, BEN)
    office.now += timedelta(hours=1)
    ended = await office.complete(check.id, BEN, decision="fine")
    assert (ended.status, ended.phase, ended.ended, ended.next_due) == ("已完成", "closed", True, None)
    assert (ended.completed_task, ended.created, ended.cancelled) == (check.id, [], [])
    instance = await office.instance(step.instance_id)
    assert (instance.state_name, instance.ended_at, instance.active_elements) == ("ended", office.now, [])
    assert (instance.status, instance.phase, instance.next_due) == ("已完成", "closed", None)
    task = await office.task(check.id)
    assert (task.state, task.answers, task.completed_by) == ("completed", {"decision": "fine"}, BEN)
    assert await office.history(step.instance_id) == [
        ("started", None),
        ("task_created", "fill_order"),
        ("task_claimed", "fill_order"),
        ("task_completed", "fill_order"),
        ("service_done", "set_price"),
        ("task_created", "check_order"),
        ("task_claimed", "check_order"),
        ("task_completed", "check_order"),
        ("ended", "done"),
    ]
    query = "SELECT waited_s, actor_id FROM process_event WHERE task_id = :id AND waited_s IS NOT NULL ORDER BY id"
    assert [tuple(row) for row in await office.rows(query, id=check.id)] == [(3 * 3600, BEN), (4 * 3600, BEN)]


async def test_an_operator_is_given_all_answers_and_its_result_becomes_a_variable(office: Office) -> None:
    started = await office.start()
    await office.claim(started.created[0].id)
    step = await office.complete(started.created[0].id, office="7", amount=5, note="长" * 5000)
    assert step.shared["notes"] == [{"office": "7", "amount": 5, "note": "长" * 5000}]
    assert step.created[0].candidate_groups == ["chief:7", "auditor"]
    assert len((await office.instance(step.instance_id)).state) < 1000


async def test_a_task_done_again_comes_back_to_who_had_it_and_can_be_returned(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.claim(check.id, BEN)
    again = await office.complete(check.id, BEN, decision="again")
    (fill,) = again.created
    assert (fill.claimed_by, fill.assignee, again.status) == (ANN, None, "填写中")
    assert await office.open_groups(fill.id) == set()
    assert (await office.task(fill.id)).claimed_first_at == office.now
    released = await office.release(fill.id)
    assert released.status == "待填写"
    assert await office.open_groups(fill.id) == {"clerk:1"}


async def test_claim_release_and_claim_again(office: Office) -> None:
    step = await office.start()
    task_id = step.created[0].id
    claimed = await office.claim(task_id)
    assert claimed.status == "填写中" == (await office.instance(step.instance_id)).status
    assert await office.open_groups(task_id) == set()
    first_claim = office.now
    office.now += timedelta(minutes=5)
    released = await office.release(task_id)
    assert released.status == "待填写" == (await office.instance(step.instance_id)).status
    await office.claim(task_id, BEN)
    task = await office.task(task_id)
    assert (task.claimed_by, task.claimed_at, task.claimed_first_at) == (BEN, office.now, first_claim)
    assert task.version == 4


async def test_a_claimed_task_names_who_has_it_since_when(office: Office) -> None:
    task_id = (await office.start()).created[0].id
    await office.claim(task_id)
    claimed_at = office.now
    office.now += timedelta(minutes=5)
    with pytest.raises(TaskAlreadyClaimed) as refused:
        await office.claim(task_id, BEN)
    assert refused.value.details == {"claimed_by": ANN, "claimed_at": claimed_at}


async def test_only_who_has_a_task_may_release_hand_over_or_complete_it(office: Office) -> None:
    task_id = (await office.start()).created[0].id
    with pytest.raises(NotYours):
        await office.complete(task_id, ANN)
    await office.claim(task_id)
    for command in (office.release(task_id, BEN), office.hand_over(task_id, CAT, BEN), office.complete(task_id, BEN)):
        with pytest.raises(NotYours) as refused:
            await command
        assert refused.value.details["claimed_by"] == ANN
    assert (await office.task(task_id)).version == 2


async def test_a_task_that_was_handed_over_belongs_to_the_other(office: Office) -> None:
    step = await office.start()
    task_id = step.created[0].id
    await office.claim(task_id)
    await office.hand_over(task_id, BEN)
    with pytest.raises(NotYours):
        await office.complete(task_id, ANN, office="1", amount=1)
    assert (await office.complete(task_id, BEN, office="1", amount=1)).completed_task == task_id
    query = "SELECT details FROM process_event WHERE kind = 'task_handed_over' AND task_id = :id"
    assert (await office.row(query, id=task_id)).details == {"from": str(ANN), "to": str(BEN)}


async def test_a_supervisor_moves_what_nobody_has_taken(office: Office) -> None:
    task_id = (await office.start()).created[0].id
    step = await office.hand_over(task_id, BEN, CAT, supervising=True)
    assert step.status == "填写中"
    assert await office.open_groups(task_id) == set()
    assert (await office.task(task_id)).claimed_by == BEN


async def test_an_assigned_task_cannot_be_released_and_is_handed_over_with_its_assignment(office: Office) -> None:
    vote = (await office.start("vote", poll={"voters": [str(ANN), str(BEN)]})).created[0]
    assert (vote.assignee, vote.claimed_by) == (ANN, ANN)
    with pytest.raises(NotYours, match="指定由您"):
        await office.release(vote.id)
    await office.hand_over(vote.id, CAT)
    task = await office.task(vote.id)
    assert (task.assignee, task.claimed_by) == (CAT, CAT)


async def test_completing_with_an_old_version_is_refused(office: Office) -> None:
    task_id = (await office.start()).created[0].id
    await office.claim(task_id)
    with pytest.raises(StaleVersion) as refused:
        await office.complete(task_id, version=1, office="1", amount=1)
    assert refused.value.details == {"version": 2}
    assert (await office.complete(task_id, version=2, office="1", amount=1)).completed_task == task_id


async def test_a_completed_task_is_gone_and_says_who_and_when(office: Office) -> None:
    task_id = (await office.start()).created[0].id
    await office.claim(task_id)
    await office.complete(task_id, office="1", amount=1)
    done_at = office.now
    office.now += timedelta(hours=1)
    for command in (office.complete(task_id), office.claim(task_id, BEN), office.release(task_id), office.hand_over(task_id, BEN)):
        with pytest.raises(TaskGone) as refused:
            await command
        assert refused.value.details == {"by_person": ANN, "at": done_at, "state": "completed"}


async def test_an_unknown_task_is_gone(office: Office) -> None:
    with pytest.raises(TaskGone):
        await office.engine.lock(office.session, uuid4())
    with pytest.raises(UnknownProcess):
        await office.engine.lock_instance(office.session, uuid4())


async def test_a_refusal_by_an_operator_passes_and_changes_nothing(office: Office) -> None:
    step = await office.start()
    task_id = step.created[0].id
    await office.claim(task_id)
    before = await office.instance(step.instance_id)
    with pytest.raises(TooDear):
        await office.complete(task_id, office="1", amount=5000)
    assert await office.instance(step.instance_id) == before
    assert (await office.complete(task_id, office="1", amount=5)).completed_task == task_id


async def test_a_broken_operator_names_element_instance_and_task(office: Office) -> None:
    step = await office.start()
    task_id = step.created[0].id
    await office.claim(task_id)
    with pytest.raises(OperatorFailed) as failed:
        await office.complete(task_id, office="1", amount=13)
    failure = failed.value
    assert (failure.element_id, failure.instance_id, failure.task_id) == ("set_price", step.instance_id, task_id)
    assert failure.command == "complete"
    assert isinstance(failure.__cause__, ZeroDivisionError)
    assert (await office.task(task_id)).state == "ready"


async def test_each_voter_has_a_task_and_the_last_ends_the_vote(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN)]})
    by_person = {task.claimed_by: task.id for task in started.created}
    first = await office.complete(by_person[ANN], ANN, stop=False)
    assert (first.ended, first.created, first.cancelled, first.status) == (False, [], [], "表决中")
    last = await office.complete(by_person[BEN], BEN, stop=False)
    assert (last.ended, last.status) == (True, "已表决")


async def test_a_vote_that_is_stopped_cancels_the_other_tasks(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN), str(CAT)]})
    by_person = {task.claimed_by: task.id for task in started.created}
    step = await office.complete(by_person[BEN], BEN, stop=True)
    assert step.ended
    assert set(step.cancelled) == {by_person[ANN], by_person[CAT]}
    for person in (ANN, CAT):
        task = await office.task(by_person[person])
        assert (task.state, task.completed_by, task.completed_at) == ("cancelled", BEN, office.now)
        with pytest.raises(TaskGone) as refused:
            await office.complete(by_person[person], person)
        assert refused.value.details == {"by_person": BEN, "at": office.now, "state": "cancelled"}
    assert [kind for kind, _ in await office.history(step.instance_id)].count("task_cancelled") == 2


async def test_a_message_takes_the_task_away(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    instance_id = check.instance_id
    step = await office.correlate(instance_id, "cancel_order")
    assert (step.cancelled, step.ended, step.status, step.next_due) == ([check.id], True, "已撤销", None)
    assert await office.open_groups(check.id) == set()
    assert (await office.history(instance_id))[-3:] == [
        ("message_caught", "cancel_order"),
        ("task_cancelled", "check_order"),
        ("ended", "cancelled"),
    ]
    with pytest.raises(NotWaiting):
        await office.correlate(instance_id, "cancel_order")


async def test_a_message_nobody_waits_for_is_refused(office: Office) -> None:
    step = await office.start()
    with pytest.raises(NotWaiting):
        await office.correlate(step.instance_id, "cancel_order")


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
    assert (await office.history(check.instance_id))[-2:] == [("timer_fired", "check_late"), ("service_done", "remind_chief")]
    assert await office.fire() is None


async def test_an_interrupting_timer_cancels_the_task(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.claim(check.id, BEN)
    office.now += timedelta(days=31)
    step = await office.fire()
    assert step is not None
    assert (step.fired, step.cancelled, step.status) == (["check_late", "check_expired"], [check.id], "已过期")
    with pytest.raises(TaskGone) as refused:
        await office.complete(check.id, BEN)
    assert refused.value.details == {"by_person": None, "at": office.now, "state": "cancelled"}


async def test_a_timer_that_was_moved_fires_then(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    later = office.now + timedelta(days=5)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.reschedule(
        office.session, locked, "check_late", later, actor=CAT, now=office.now, variables={"deadline": {"due_at": later}}
    )
    assert step.next_due == later == (await office.instance(check.instance_id)).next_due
    assert (await office.task(check.id)).due_at == later
    query = "SELECT DISTINCT due_at FROM user_task_group WHERE task_id = :id"
    assert (await office.row(query, id=check.id)).due_at == later
    assert (await office.history(check.instance_id))[-1] == ("rescheduled", "check_late")
    office.now += timedelta(days=3)
    assert await office.fire() is None


async def test_a_timer_moved_to_never_does_not_fire_and_one_that_is_not_armed_cannot_be_moved(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.reschedule(office.session, locked, "check_late", None, actor=CAT, now=office.now)
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
    await office.session.execute(text("UPDATE process_instance SET state = '\\x00' WHERE id = :id"), {"id": broken})
    office.now += timedelta(days=2)
    with pytest.raises(EngineFailure) as failed:
        await office.fire()
    assert failed.value.instance_id == broken
    await office.engine.record_incident(
        office.session, instance_id=broken, element_id=None, task_id=None, command="run_due_timers", error="?", now=office.now
    )
    step = await office.fire()
    assert step is not None and step.instance_id == sound


async def test_an_instance_goes_on_by_another_version_with_its_claims_and_moments(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.claim(check.id, BEN)
    files = draw_order(remark="二")
    files["order.bpmn"] = files["order.bpmn"].replace("已完成", "全部完成").replace("P30D", "P60D")
    newer, _ = await office.engine.catalogue.deploy(office.session, "order", files, actor=None, now=office.now)
    due_before = (await office.instance(check.instance_id)).next_due
    office.now += timedelta(hours=1)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert (step.created, step.cancelled, step.next_due, step.definition_id) == ([], [], due_before, newer.id)
    task = await office.task(check.id)
    assert (task.definition_id, task.claimed_by, task.state) == (newer.id, BEN, "ready")
    assert (await office.instance(check.instance_id)).status == "审核中"
    ended = await office.complete(check.id, BEN, decision="fine")
    assert ended.status == "全部完成"


async def test_what_comes_after_a_live_task_is_that_of_the_new_version(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    files = draw_order()
    sign = f"""<bpmn:userTask id="sign_order" name="签字">{properties(candidateGroups='"auditor"')}</bpmn:userTask>
        {flows("sign_order>checked")}</bpmn:process>"""
    body = files["order.bpmn"].replace('targetRef="checked"', 'targetRef="sign_order"')
    files["order.bpmn"] = body.replace("</bpmn:process>", sign)
    files["order/sign_order.form"] = files["order/fill_order.form"]
    newer, _ = await office.engine.catalogue.deploy(office.session, "order", files, actor=None, now=office.now)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    await office.claim(check.id, BEN)
    step = await office.complete(check.id, BEN, decision="fine")
    assert [task.element_id for task in step.created] == ["sign_order"]


async def test_a_vote_under_way_is_migrated(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN)]})
    by_person = {task.claimed_by: task.id for task in started.created}
    await office.complete(by_person[ANN], ANN, stop=False)
    files = {name: body.replace("已表决", "表决完毕") for name, body in draw_vote().items()}
    newer, _ = await office.engine.catalogue.deploy(office.session, "vote", files, actor=None, now=office.now)
    locked = await office.engine.lock_instance(office.session, started.instance_id)
    step = await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert step.next_due == office.now + timedelta(days=15)
    last = await office.complete(by_person[BEN], BEN, stop=False)
    assert (last.ended, last.status) == (True, "表决完毕")


async def test_a_migration_that_would_lose_a_live_task_is_refused_and_names_it(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    files = draw_order(check_id="inspect_order")
    newer, _ = await office.engine.catalogue.deploy(office.session, "order", files, actor=None, now=office.now)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    with pytest.raises(MigrationRefused) as refused:
        await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert "check_order" in refused.value.details["elements"]
    vote = await office.engine.catalogue.newest(office.session, "vote")
    with pytest.raises(MigrationRefused):
        await office.engine.migrate(office.session, locked, vote.id, actor=CAT, now=office.now)


async def test_a_lock_is_good_for_one_command(office: Office) -> None:
    locked = await office.engine.lock(office.session, (await office.start()).created[0].id)
    await office.engine.claim(office.session, locked, actor=ANN, now=office.now)
    with pytest.raises(RuntimeError, match="lock it again"):
        await office.engine.complete(
            office.session, locked_as_claimed(locked), {"office": "1", "amount": 1}, actor=ANN, version=None, now=office.now
        )


def locked_as_claimed(locked: Any) -> Any:
    """The same old lock, pretending that its task was claimed."""
    return type(locked)(locked.instance, locked.task._replace(claimed_by=ANN))


async def test_a_completion_takes_two_statements_however_much_it_writes(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN), str(CAT)]})
    statements: list[str] = []
    connection = await office.session.connection()
    event.listen(connection.sync_connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
    first = next(task for task in started.created if task.claimed_by == BEN)
    await office.complete(first.id, BEN, stop=True)
    assert len(statements) == 2
