"""Conditional events: they happen when a variable that was written makes their condition true."""

from __future__ import annotations

from typing import Any

import pytest

from engine.exceptions import ExpressionFailed
from tests.engine.handlers import NAMES, boundary, by, end, handler, when
from tests.engine.process_files import END, START, Run, flows, parse, user

TWO = START + user("left") + user("right") + END + '<bpmn:parallelGateway id="fork"/>'
TWO_FLOWS = ("begin > fork > left > done", "fork > right > done")


def two(more: str, *more_flows: str, **variables: Any) -> Run:
    """A process with two tasks side by side, and more."""
    return Run(parse(TWO + more + flows(*TWO_FLOWS, *more_flows), NAMES), **variables)


def watched(condition: str, *, interrupting: bool = True, **variables: Any) -> Run:
    """A condition at the boundary of `right`."""
    more = boundary("alarm", "right", when(condition), interrupting=interrupting) + user("look") + end("seen")
    return two(more, "alarm > look > seen", **variables)


def test_a_task_is_ended_when_what_another_wrote_makes_the_condition_true() -> None:
    run = watched("left.rating >= 3")
    assert run.ready == ["left", "right"]
    run.complete("left", rating=4)
    assert run.ready == ["look"]
    assert ("cancelled", "right") in run.told


def test_a_condition_that_stays_false_changes_nothing() -> None:
    assert watched("left.rating >= 3").complete("left", rating=2).ready == ["right"]


def test_a_condition_that_is_true_already_happens_on_entry() -> None:
    assert watched("office = 1", office=1).ready == ["left", "look"]


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_condition_starts_an_event_sub_process(interrupting: bool) -> None:
    run = two(handler("alarm", when("left.bad"), interrupting=interrupting)).complete("left", bad=True)
    assert run.ready == (["do_alarm"] if interrupting else ["right", "do_alarm"])


def test_one_that_does_not_interrupt_happens_again_when_it_was_false_between() -> None:
    body = START + user("ask") + '<bpmn:exclusiveGateway id="again" default="out"/>' + END
    body += handler("alarm", when("ask.rating = 1"), interrupting=False)
    body += flows("begin > ask > again", "again > ask if ask.more")
    body += '<bpmn:sequenceFlow id="out" sourceRef="again" targetRef="done"/>'
    run = Run(parse(body, NAMES))
    for rating, alarms in ((1, 1), (1, 1), (2, 1), (1, 2), (3, 2), (1, 3)):
        run.complete("ask", rating=rating, more=True)
        assert run.ready.count("do_alarm") == alarms


def test_one_waits_on_the_way_until_it_is_true() -> None:
    wait = f'<bpmn:intermediateCatchEvent id="wait">{when("left.fine")}</bpmn:intermediateCatchEvent>'
    body = START + user("left") + user("then") + END + wait + '<bpmn:parallelGateway id="fork"/>'
    run = Run(parse(body + flows("begin > fork > left > done", "fork > wait > then > done")))
    assert run.ready == ["left"]
    assert run.load().active_elements() == ["left", "wait"]
    assert run.complete("left", fine=True).ready == ["then"]


@pytest.mark.parametrize(("fine", "then"), [(True, ["by_condition"]), (False, ["by_message"])])
def test_it_is_one_of_the_events_behind_an_event_gateway(fine: bool, then: list[str]) -> None:
    body = START + user("left") + user("by_condition") + user("by_message") + END
    body += '<bpmn:parallelGateway id="fork"/><bpmn:eventBasedGateway id="first"/>'
    body += f'<bpmn:intermediateCatchEvent id="is_fine">{when("left.fine")}</bpmn:intermediateCatchEvent>'
    body += f'<bpmn:intermediateCatchEvent id="is_told">{by("message", "ask")}</bpmn:intermediateCatchEvent>'
    body += flows(
        "begin > fork > left > done",
        "fork > first > is_fine > by_condition > done",
        "first > is_told > by_message > done",
    )
    run = Run(parse(body, NAMES)).complete("left", fine=fine)
    assert (run if fine else run.send("ask")).ready == then


def test_a_message_or_a_service_may_make_it_true() -> None:
    run = two(
        handler("alarm", when("told_begins.bad"), interrupting=False)
        + handler("told", by("message", "ask"), interrupting=False)
    )
    run.send("ask", bad=False)
    assert run.ready == ["left", "right", "do_told"]
    run.send("ask", bad=True)
    assert run.ready == ["left", "right", "do_told", "do_told", "do_alarm"]


def test_what_is_written_from_outside_counts_too() -> None:
    run = watched("boss = 2", boss=1)
    run.last = run.load()
    run.last.write("boss", 2)
    run._settle({})
    assert run.ready == ["left", "look"]


def test_of_two_that_become_true_at_once_the_first_to_have_been_entered_comes_first() -> None:
    run = two(handler("one", when("left.bad")) + handler("two", when("left.bad"))).complete("left", bad=True)
    assert run.ready == ["do_one"]


def test_a_condition_that_cannot_be_worked_out_names_its_event() -> None:
    with pytest.raises(ExpressionFailed) as failure:
        watched("left.rating > 3").complete("left", rating="viel")
    assert failure.value.element_id == "alarm"
