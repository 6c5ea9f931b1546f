"""Timers: time is an argument, fires once, is moved by `reschedule`, and is never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.exceptions import ExpressionFailed, NotWaiting
from engine.timers import Cycle, TimeRefused, due_from, is_iso_time, parse_cycle, parse_duration, parse_moment
from tests.engine.process_files import END, NOW, START, Run, flows, parse, parse_file, timer, user

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "due_at"),
    [
        ("P15D", NOW + 15 * DAY),
        ("PT1H30M", NOW + timedelta(minutes=90)),
        ("P2W", NOW + 14 * DAY),
        ("P1M", datetime(2026, 4, 2, 1, tzinfo=UTC)),
        ("P1Y", datetime(2027, 3, 2, 1, tzinfo=UTC)),
        (timedelta(hours=2), NOW + timedelta(hours=2)),
        ("2026-12-31T17:00:00+08:00", datetime(2026, 12, 31, 9, tzinfo=UTC)),
        (NOW, NOW),
        (None, None),
    ],
)
def test_moments_and_durations_give_a_due_time_in_utc(value: object, due_at: datetime | None) -> None:
    assert due_from(value, NOW) == due_at


@pytest.mark.parametrize(
    "value",
    [
        "P",
        "PT",
        "P1DT",
        "-P1D",
        "P-1D",
        "1D",
        "2026-12-31T17:00:00",
        datetime(2026, 1, 1),  # noqa: DTZ001
        "tomorrow",
        5,
        True,
        [],
        "P9999Y",
    ],
)
def test_naive_and_malformed_times_are_refused(value: object) -> None:
    with pytest.raises(TimeRefused):
        due_from(value, NOW)


def test_the_last_day_of_a_month_stays_the_last_day() -> None:
    assert parse_duration("P1M").after(datetime(2026, 1, 31, tzinfo=UTC)) == datetime(2026, 2, 28, tzinfo=UTC)
    assert parse_duration("P1M").after(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(
        2027, 1, 31, tzinfo=UTC
    )


def test_a_cycle_counts_missed_times_as_fired() -> None:
    cycle = Cycle(5, NOW + DAY, "P1D")
    assert parse_cycle("R5/P1D", NOW) == cycle
    assert cycle.following(NOW + 3 * DAY) == Cycle(2, NOW + 4 * DAY, "P1D")
    assert cycle.following(NOW + 9 * DAY) is None
    assert parse_cycle("R/PT1H", NOW) == Cycle(None, NOW + timedelta(hours=1), "PT1H")
    assert parse_cycle("R3/2026-03-01T01:00:00Z/P2D", NOW) == Cycle(2, NOW + DAY, "P2D")


@pytest.mark.parametrize("value", ["R3", "P1D", "R/PT1S", "R-1/P1D", "R3/P", 3])
def test_a_malformed_or_hasty_cycle_is_refused(value: object) -> None:
    with pytest.raises(TimeRefused):
        parse_cycle(value, NOW)


def test_iso_times_are_told_from_expressions() -> None:
    assert all(is_iso_time(text) for text in ("P1D", "PT5M", "R3/P1D", "2026-12-31T17:00:00Z"))
    assert not any(
        is_iso_time(text) for text in ("P", "deadline.due_at", "working_days(5)", '"P1D"', "Plan", "R")
    )
    assert parse_moment("2026-12-31T17:00:00Z").tzinfo is UTC


def asked(form: str, expression: str, *, interrupting: bool = True) -> Run:
    body = START + user("ask") + timer("late", "ask", form, expression, interrupting=interrupting) + END
    body += user("urge") + '<bpmn:endEvent id="urged"/>' + flows("begin > ask > done", "late > urge > urged")
    return Run(parse(body), at=NOW + 2 * DAY, deadline={"due_at": "2026-03-04T09:00:00+08:00"})


@pytest.mark.parametrize(
    ("form", "expression"),
    [
        ("timeDate", "at"),
        ("timeDate", "deadline.due_at"),
        ("timeDate", "2026-03-04T01:00:00Z"),
        ("timeDate", '"P2D"'),
        ("timeDuration", '"P2D"'),
        ("timeDuration", "P2D"),
        ("timeDuration", "PT48H"),
    ],
)
def test_a_boundary_timer_fires_at_its_moment_and_not_before(form: str, expression: str) -> None:
    run = asked(form, expression)
    assert run.load().next_due() == NOW + 2 * DAY
    assert run.wait_until(NOW + 2 * DAY - timedelta(seconds=1)) == []
    assert run.wait_until(NOW + 2 * DAY) == ["late"]
    assert run.ready == ["urge"]
    assert ("timer_fired", "late") in run.told
    assert run.wait_until(NOW + 9 * DAY) == []


def test_its_moment_is_fixed_when_the_step_is_entered() -> None:
    run = asked("timeDuration", "P2D")
    run.now = NOW + DAY
    assert run.load().next_due() == NOW + 2 * DAY


def test_a_timer_that_does_not_interrupt_leaves_the_task_and_what_it_started_outlives_it() -> None:
    run = asked("timeDuration", "P2D", interrupting=False)
    assert run.wait_until(NOW + 2 * DAY) == ["late"]
    assert run.ready == ["ask", "urge"]
    assert run.complete("ask").ready == ["urge"]
    assert run.complete("urge").load().is_ended


def test_a_cycle_fires_again_and_again_and_missed_times_fire_once() -> None:
    run = asked("timeCycle", "R4/P1D", interrupting=False)
    assert run.wait_until(NOW + DAY) == ["late"]
    assert run.load().next_due() == NOW + 2 * DAY
    assert run.wait_until(NOW + 3 * DAY + timedelta(hours=1)) == ["late"]
    assert run.wait_until(NOW + 30 * DAY) == ["late"]
    assert run.load().next_due() is None
    assert run.ready == ["ask", "urge", "urge", "urge"]
    assert run.complete("ask").ready == ["urge", "urge", "urge"]


def test_a_null_never_fires_until_it_is_rescheduled_and_can_be_stopped_again() -> None:
    run = asked("timeDate", "null")
    assert run.load().next_due() is None
    run.reschedule("late", NOW + 3 * DAY)
    assert run.load().next_due() == NOW + 3 * DAY
    run.reschedule("late", None)
    assert run.wait_until(NOW + 30 * DAY) == []
    run.reschedule("late", NOW)
    assert run.wait_until(NOW + 30 * DAY) == ["late"]


def test_what_is_not_armed_cannot_be_rescheduled() -> None:
    run = asked("timeDate", "at")
    with pytest.raises(NotWaiting):
        run.load().reschedule("ask", NOW)
    run.complete("ask")
    with pytest.raises(NotWaiting):
        run.load().reschedule("late", NOW)


def test_a_nested_timer_is_rescheduled_too() -> None:
    run = Run(parse_file("nested"), limit=NOW + 30 * DAY).complete("prepare")
    run.reschedule("nag", NOW + 5 * DAY).reschedule("give_up", NOW + 4 * DAY)
    assert run.load().due_timers() == {"nag": NOW + 5 * DAY, "give_up": NOW + 4 * DAY}
    assert run.wait_until(NOW + 6 * DAY) == ["give_up"]
    assert run.ready == ["explain"]


def test_of_two_timers_due_the_earlier_fires_and_may_cancel_the_other() -> None:
    body = (
        START
        + user("ask")
        + timer("first", "ask", "timeDuration", "P1D")
        + timer("second", "ask", "timeDuration", "P2D")
        + END
    )
    body += '<bpmn:endEvent id="one"/><bpmn:endEvent id="two"/>' + flows(
        "begin > ask > done", "first > one", "second > two"
    )
    run = Run(parse(body))
    assert run.wait_until(NOW + 5 * DAY) == ["first"]
    assert run.last.outcome is not None
    assert run.last.outcome.element_id == "one"


def test_a_moment_that_has_passed_on_entry_fires_at_once() -> None:
    run = asked("timeDate", "2026-01-01T00:00:00Z")
    assert run.ready == ["urge"]


def test_the_first_event_behind_an_event_gateway_wins() -> None:
    run = Run(parse_file("first_of")).complete("send_offer")
    assert run.load().due_timers() == {"no_reply": NOW + 2 * DAY}
    assert run.load().waiting_messages() == ["accept", "reject"]
    run.send("reject").complete("improve").complete("send_offer").send("accept")
    assert run.ready == ["deliver"]
    assert run.load().next_due() is None


def test_a_timer_behind_an_event_gateway_is_rescheduled_by_its_own_name() -> None:
    run = Run(parse_file("first_of")).complete("send_offer").reschedule("far_off", NOW + DAY)
    assert run.wait_until(NOW + 9 * DAY) == ["far_off"]
    assert run.load().is_ended


@pytest.mark.parametrize("expression", ["1", '"soon"', '"2026-03-04T01:00:00"', "deadline"])
def test_a_timer_that_is_no_time_fails_with_its_name(expression: str) -> None:
    with pytest.raises(ExpressionFailed) as failure:
        asked("timeDate", expression)
    assert failure.value.element_id == "late"
