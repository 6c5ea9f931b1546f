"""Timers that run only while nobody has their task: a claim lets them stand, giving back lets them go on with what was left."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from engine.expressions import Evaluator
from engine.paces import list_paces, moment_after, seconds_until
from engine.validation import validate
from tests.engine.office import Office
from tests.engine.small_processes import ANN, BEN, CAT, FORM, HEAD, flows, properties

HOUR = timedelta(hours=1)
ONE_DAY = '"P1D"'


def draw(
    pace: str | None = "clock_time",
    *,
    late: str = "<bpmn:timeDuration>P1D</bpmn:timeDuration>",
    task: str = "",
    remark: str = "",
) -> dict[str, str]:
    """A desk where one task waits for clerks; `late` is told once, `slow` runs whoever has the task."""
    held = properties(whileUnclaimed=pace) if pace else ""
    desk = task or properties(candidateGroups='"clerk:1"', claimFor="counter.clerk")
    body = f"""{HEAD}<bpmn:process id="desk" name="柜台{remark}" isExecutable="true">
<bpmn:property id="given" name="counter" />
<bpmn:startEvent id="began" />
<bpmn:userTask id="serve" name="办理">{desk}</bpmn:userTask>
<bpmn:boundaryEvent id="late" attachedToRef="serve" cancelActivity="false">{held}
  <bpmn:timerEventDefinition>{late}</bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:boundaryEvent id="slow" attachedToRef="serve" cancelActivity="false">
  <bpmn:timerEventDefinition><bpmn:timeDuration>P9D</bpmn:timeDuration></bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:endEvent id="told" /><bpmn:endEvent id="told_slow" /><bpmn:endEvent id="served" />
{flows("began>serve", "serve>served", "late>told", "slow>told_slow")}
</bpmn:process></bpmn:definitions>"""
    return {"desk.bpmn": body, "desk/serve.form": FORM}


async def open_desk(office: Office, clerk: UUID | None = None, **drawing: str) -> UUID:
    """A task that waits at a desk."""
    await deploy(office, draw(**drawing))
    started = await office.start("desk", counter={"clerk": str(clerk) if clerk else None})
    return started.created[0].id


async def deploy(office: Office, files: dict[str, str]) -> UUID:
    newest, _ = await office.engine.catalogue.deploy(
        office.session, "desk", files, actor=None, now=office.now
    )
    return newest.id


async def next_due(office: Office, task_id: UUID) -> datetime | None:
    row = await office.row(
        "SELECT i.next_due FROM process_instance i JOIN user_task t ON t.instance_id = i.id WHERE t.id = :id",
        id=task_id,
    )
    return row.next_due


async def told(office: Office, task_id: UUID) -> list[str]:
    """The timers that fired."""
    rows = await office.rows(
        "SELECT e.element_id FROM process_event e JOIN user_task t ON t.instance_id = e.instance_id"
        " WHERE t.id = :id AND e.kind = 'timer_fired' ORDER BY e.id",
        id=task_id,
    )
    return [row.element_id for row in rows]


async def test_who_claims_in_time_is_not_late_and_who_gives_back_leaves_what_was_left(office: Office) -> None:
    task = await open_desk(office)
    began = office.now
    assert await next_due(office, task) == began + 24 * HOUR
    office.now += 10 * HOUR
    claimed = await office.claim(task)
    assert claimed.next_due == await next_due(office, task) == began + timedelta(days=9)  # the other timer's
    office.now += 48 * HOUR
    assert await office.fire() is None
    await office.release(task)
    assert await next_due(office, task) == office.now + 14 * HOUR
    office.now += 4 * HOUR
    await office.claim(task, BEN)
    office.now += 30 * HOUR
    await office.release(task, BEN)
    assert await next_due(office, task) == office.now + 10 * HOUR
    office.now += 10 * HOUR
    await office.fire()
    assert await told(office, task) == ["late"]


async def test_who_claims_when_it_is_late_already_does_not_undo_it(office: Office) -> None:
    task = await open_desk(office)
    office.now += 24 * HOUR
    await office.claim(task)  # the worker has not looked yet
    await office.fire()
    assert await told(office, task) == ["late"]


async def test_handing_over_a_claimed_task_changes_nothing_and_an_unclaimed_one_counts_as_claimed(
    office: Office,
) -> None:
    task = await open_desk(office)
    office.now += HOUR
    await office.hand_over(task, BEN, CAT, supervising=True)
    office.now += 30 * HOUR
    await office.hand_over(task, ANN, BEN)
    assert await office.fire() is None
    await office.release(task)
    assert await next_due(office, task) == office.now + 23 * HOUR


async def test_a_task_that_comes_up_in_somebodys_name_starts_with_the_whole_time_left(office: Office) -> None:
    task = await open_desk(office, clerk=ANN)
    assert await next_due(office, task) == office.now + timedelta(days=9)
    office.now += 30 * HOUR
    await office.release(task)
    assert await next_due(office, task) == office.now + 24 * HOUR


async def test_one_that_comes_up_claimed_after_its_moment_is_not_late(office: Office) -> None:
    past = "<bpmn:timeDate>in_days(-1)</bpmn:timeDate>"
    task = await open_desk(office, clerk=ANN, late=past)
    assert await told(office, task) == []
    await office.release(task)
    await office.fire()
    assert await told(office, task) == ["late"]
    unclaimed = await open_desk(office, late=past)
    assert await told(office, unclaimed) == ["late"]


async def test_completing_and_cancelling_take_a_standing_timer_with_them(office: Office) -> None:
    task = await open_desk(office)
    await office.claim(task)
    step = await office.complete(task, note="好")
    assert (step.ended, step.next_due) == (True, None)


async def test_a_cycle_goes_on_where_it_stood(office: Office) -> None:
    task = await open_desk(office, late="<bpmn:timeCycle>R3/PT10H</bpmn:timeCycle>")
    office.now += 10 * HOUR
    await office.fire()
    office.now += 4 * HOUR
    await office.claim(task)
    office.now += 40 * HOUR
    assert await office.fire() is None
    await office.release(task)
    assert await next_due(office, task) == office.now + 6 * HOUR
    office.now += 6 * HOUR
    await office.fire()
    assert await told(office, task) == ["late", "late"]


async def test_a_standing_timer_that_is_moved_goes_on_standing(office: Office) -> None:
    task = await open_desk(office)
    await office.claim(task)
    instance = (await office.task(task)).instance_id

    async def move(due_at: datetime | None) -> None:
        locked = await office.engine.lock_instance(office.session, instance)
        await office.engine.reschedule(
            office.session, locked, "late", due_at, actor=None, now=office.now
        )  # fmt: skip

    await move(office.now + 3 * HOUR)
    office.now += 5 * HOUR
    assert await office.fire() is None
    await office.release(task)
    assert await next_due(office, task) == office.now + 3 * HOUR
    await office.claim(task)
    await move(None)
    await office.release(task)
    assert await next_due(office, task) != office.now + 3 * HOUR


@pytest.mark.parametrize(("before", "after"), [(None, "clock_time"), ("clock_time", None)])
async def test_an_instance_that_goes_on_by_another_version_goes_by_its_rule(
    office: Office, before: str | None, after: str | None
) -> None:
    await deploy(office, draw(before))
    task = (await office.start("desk", counter={"clerk": None})).created[0]
    office.now += 4 * HOUR
    await office.claim(task.id)
    newer = await deploy(office, draw(after, remark="二"))
    office.now += 2 * HOUR
    locked = await office.engine.lock_instance(office.session, task.instance_id)
    await office.engine.migrate(office.session, locked, newer, actor=CAT, now=office.now)
    if after:  # it ran for six hours, and stands now
        assert await next_due(office, task.id) != office.now + 18 * HOUR
        office.now += 30 * HOUR
        await office.release(task.id)
        assert await next_due(office, task.id) == office.now + 18 * HOUR
    else:  # it stood after four, and goes on now
        assert await next_due(office, task.id) == office.now + 20 * HOUR


def in_office(now: datetime, moment: datetime) -> float:
    """A pace of the application: a third of the time."""
    return (moment - now).total_seconds() / 3


def after_in_office(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds * 3)


def test_a_pace_of_the_application_is_two_functions(now: datetime) -> None:
    functions = {"office_until": in_office, "office_after": after_in_office, "half_until": in_office}
    assert list_paces(functions) == ["clock_time", "office"]
    evaluator = Evaluator(functions)
    assert seconds_until("office", now + 3 * HOUR, evaluator, now) == 3600
    assert moment_after("office", 3600, evaluator, now) == now + 3 * HOUR
    assert seconds_until("office", now - HOUR, evaluator, now) == 0
    assert seconds_until("clock_time", now + HOUR, evaluator, now) == 3600


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (draw("working_time"), "应是 clock_time 之一"),
        (draw(task=properties(assignee='"boss"')), "有候选组"),
        (draw(task=properties(candidateGroups='"clerk:1"', assignee='"boss"')), "有指定的人"),
        (
            draw(
                task=properties(candidateGroups='"clerk:1"')
                + "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>2</bpmn:loopCardinality>"
                "</bpmn:multiInstanceLoopCharacteristics>"
            ),
            "几个人各办一份",
        ),
        (draw(task=properties(candidateGroups='"clerk:1"', whileUnclaimed="clock_time")), "边界定时上"),
    ],
)
def test_where_it_makes_no_sense_it_is_refused_with_the_reason(files: dict[str, str], words: str) -> None:
    found = validate(files, operators={}, functions={})
    assert [each.rule for each in found if words in each.sentence] == ["bad-property"]


def test_where_it_makes_sense_it_passes() -> None:
    assert validate(draw(), operators={}, functions={}) == []
