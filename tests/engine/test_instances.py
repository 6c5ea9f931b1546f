"""The engine's commands on a real database: what each writes, what each refuses, and that a refusal writes nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from engine.exceptions import (
    NotWaiting,
    NotYours,
    OperatorFailed,
    StaleVersion,
    TaskAlreadyClaimed,
    TaskGone,
    UnknownProcess,
)
from tests.engine.office import Office
from tests.engine.small_processes import ANN, BEN, CAT, TooDear, draw_vote


async def test_a_started_instance_waits_at_its_first_task(office: Office) -> None:
    step = await office.start()
    (created,) = step.created
    assert (step.status, step.phase, step.ended, step.active_elements) == (
        "待填写",
        "draft",
        False,
        ["fill_order"],
    )
    instance = await office.instance(step.instance_id)
    assert (instance.subject, instance.status, instance.phase, instance.state_name) == (
        "桌子",
        "待填写",
        "draft",
        "active",
    )
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
    for command in (
        office.release(task_id, BEN),
        office.hand_over(task_id, CAT, BEN),
        office.complete(task_id, BEN),
    ):
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


async def test_an_assigned_task_cannot_be_released_and_is_handed_over_with_its_assignment(
    office: Office,
) -> None:
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
    for command in (office.complete, office.claim, office.release):
        with pytest.raises(TaskGone) as refused:
            await command(task_id)
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
    assert (failure.element_id, failure.instance_id, failure.task_id) == (
        "set_price",
        step.instance_id,
        task_id,
    )
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


async def test_a_lock_is_good_for_one_command(office: Office) -> None:
    locked = await office.engine.lock(office.session, (await office.start()).created[0].id)
    await office.engine.claim(office.session, locked, actor=ANN, now=office.now)
    with pytest.raises(RuntimeError, match="lock it again"):
        await office.engine.complete(
            office.session,
            locked_as_claimed(locked),
            {"office": "1", "amount": 1},
            actor=ANN,
            version=None,
            now=office.now,
        )


def locked_as_claimed(locked: Any) -> Any:
    """The same old lock, pretending that its task was claimed."""
    return type(locked)(locked.instance, locked.task._replace(claimed_by=ANN))


async def test_a_completion_takes_two_statements_however_much_it_writes(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN), str(CAT)]})
    statements: list[str] = []
    connection = await office.session.connection()
    event.listen(
        connection.sync_connection, "before_cursor_execute", lambda *call: statements.append(call[2])
    )
    first = next(task for task in started.created if task.claimed_by == BEN)
    await office.complete(first.id, BEN, stop=True)
    assert len(statements) == 2


async def test_the_status_tells_of_a_claim_beside_the_step(office: Office) -> None:
    files = draw_vote()
    shared = """name="candidateGroups" value='"voters"' /><spiffworkflow:property name="statusClaimed" value='"有人在投"'"""
    files["vote.bpmn"] = files["vote.bpmn"].replace('name="assignee" value="voter"', shared)
    await office.engine.catalogue.deploy(office.session, "vote", files, actor=None, now=office.now)
    started = await office.start("vote", poll={"voters": ["1", "2", "3"]})
    first, _, last = (task.id for task in started.created)
    assert started.status == "表决中"
    assert (await office.claim(first)).status == "表决中", "the latest that was entered decides"
    assert (await office.claim(last)).status == "有人在投"
    assert (await office.complete(first, stop=False)).status == "有人在投"
    assert (await office.release(last)).status == "表决中"


async def test_a_task_that_is_skipped_counts_as_cancelled_and_the_instance_goes_on(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(BEN), str(CAT)]})
    bens, cats = (task.id for voter in (BEN, CAT) for task in started.created if task.claimed_by == voter)
    locked = await office.engine.lock(office.session, bens)
    skipped = await office.engine.skip(office.session, locked, {}, actor=ANN, now=office.now)
    assert (skipped.ended, skipped.cancelled) == (False, [bens])
    task = await office.task(bens)
    assert (task.state, task.answers, task.completed_by) == ("cancelled", None, ANN)
    assert ("task_cancelled", task.element_id) in await office.history(started.instance_id)
    assert (await office.complete(cats, CAT, stop=False)).ended
    with pytest.raises(TaskGone):
        await office.engine.skip(
            office.session,
            await office.engine.lock(office.session, bens),
            {},
            actor=ANN,
            now=office.now,
        )


async def test_a_part_that_passes_to_somebody_is_a_variable_and_a_line_of_history(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(BEN), str(CAT)]})
    locked = await office.engine.lock_instance(office.session, started.instance_id)
    told = {"part": "voter", "from": str(BEN), "to": str(ANN)}
    step = await office.engine.reassign(
        office.session,
        locked,
        {"poll": {"voters": [str(ANN), str(CAT)]}, "unread": 1},
        told=[told],
        actor=CAT,
        now=office.now,
    )
    assert step.created == [] and step.cancelled == []
    (event,) = await office.rows(
        "SELECT actor_id, details FROM process_event WHERE instance_id = :id AND kind = 'reassigned'",
        id=started.instance_id,
    )
    assert (event.actor_id, event.details) == (CAT, told)
    for task in started.created:
        assert task.claimed_by
        await office.complete(task.id, task.claimed_by, stop=False)
    with pytest.raises(NotWaiting):
        await office.engine.reassign(
            office.session,
            await office.engine.lock_instance(office.session, started.instance_id),
            {},
            told=[],
            actor=CAT,
            now=office.now,
        )


async def test_a_process_is_started_with_just_what_it_is_declared_to_be_given(office: Office) -> None:
    office.engine.given = {"order": ["order"]}
    wrong: list[dict[str, Any]] = [{}, {"order": {}, "more": 1}, {"ordre": {}}]
    for variables in wrong:
        with pytest.raises(ValueError, match="declared"):
            await office.start("order", **variables)
    assert (await office.start(order={})).active_elements == ["fill_order"]
