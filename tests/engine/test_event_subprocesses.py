"""Event sub-processes: what starts them, what they end, and that the specs which all instances share stay as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from engine.elements import Element
from engine.exceptions import NotWaiting
from engine.execution import Execution
from engine.expressions import Evaluator
from engine.specs import ParsedDefinition
from tests.engine.handlers import NAMES, at, boundary, by, end, handler, sub, throw
from tests.engine.process_files import END, NOW, START, Run, flows, parse, parse_file, timer, user
from tests.engine.random_scopes import draw
from tests.engine.walks import START as WALK_START
from tests.engine.walks import VARIABLES, act, choose, functions, settle, view, words_of

DAY = timedelta(days=1)
ASK = START + user("ask", status='"在问"', phase="ask") + END


def asked(*handlers: str, more: str = "") -> Run:
    """A process with one user task and these event sub-processes."""
    return Run(parse(ASK + "".join(handlers) + more + flows("begin > ask > done"), NAMES))


def test_one_that_interrupts_ends_what_goes_on_in_the_process_and_ends_it_itself() -> None:
    run = asked(handler("stop", by("message", "stop")))
    assert run.load().waiting_messages() == ["stop"]
    run.send("stop")
    assert run.ready == ["do_stop"]
    assert ("cancelled", "ask") in run.told
    assert run.load().status() == ("在stop", "stop")
    assert run.load().active_elements() == ["stop", "do_stop"]
    with pytest.raises(NotWaiting):
        run.load().correlate("stop")
    assert run.complete("do_stop").load().is_ended
    assert run.load().status() == ("经stop结束", "closed")


def test_one_that_does_not_interrupt_runs_beside_and_again_and_again() -> None:
    run = asked(handler("reply", by("message", "ask"), interrupting=False))
    run.send("ask").send("ask")
    assert run.ready == ["ask", "do_reply", "do_reply"]
    assert run.load().status() == ("在reply", "reply")
    run.complete("do_reply").complete("do_reply")
    assert run.load().status() == ("在问", "ask")
    run.send("ask").complete("ask")
    assert run.ready == ["do_reply"]
    assert not run.load().is_ended
    run.send("ask").complete("do_reply").complete("do_reply")
    assert run.load().is_ended


def test_what_only_listens_does_not_keep_the_process_open() -> None:
    run = asked(
        handler("reply", by("message", "ask"), interrupting=False),
        handler("nag", at("timeCycle", "R/P1D"), interrupting=False),
        handler("calm", by("signal", "calm")),
    )
    run.complete("ask")
    assert run.load().is_ended
    assert (run.load().next_due(), run.load().waiting_messages()) == (None, [])


def test_what_a_message_carries_is_the_variable_of_its_start_event() -> None:
    reply = handler("reply", by("message", "ask"), interrupting=False)
    run = asked(reply.replace("&quot;在reply&quot;", "reply_begins.who"))
    assert run.send("ask", who="anna").load().status()[0] == "anna"


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_timer_starts_one_when_its_moment_has_come(interrupting: bool) -> None:
    run = asked(handler("late", at("timeDuration", "P2D"), interrupting=interrupting))
    assert run.load().due_timers() == {"late_begins": NOW + 2 * DAY}
    assert run.wait_until(NOW + 2 * DAY) == ["late_begins"]
    assert run.ready == (["do_late"] if interrupting else ["ask", "do_late"])
    assert run.load().next_due() is None
    assert run.wait_until(NOW + 20 * DAY) == []


def test_a_cycle_starts_one_each_time_and_missed_times_once() -> None:
    run = asked(handler("nag", at("timeCycle", "R3/P1D"), interrupting=False))
    assert run.wait_until(NOW + DAY) == ["nag_begins"]
    assert run.wait_until(NOW + 2 * DAY + timedelta(hours=1)) == ["nag_begins"]
    assert run.load().next_due() == NOW + 3 * DAY
    assert run.wait_until(NOW + 9 * DAY) == ["nag_begins"]
    assert run.ready == ["ask", "do_nag", "do_nag", "do_nag"]


def test_its_timer_is_rescheduled_by_the_start_events_name() -> None:
    run = asked(handler("late", at("timeDate", "null")))
    assert run.load().next_due() is None
    run.reschedule("late_begins", NOW + DAY)
    assert run.load().next_due() == NOW + DAY
    assert run.wait_until(NOW + DAY) == ["late_begins"]


def test_a_timer_whose_moment_has_passed_starts_one_before_anything_else_happens() -> None:
    run = asked(handler("late", at("timeDate", "2026-01-01T00:00:00Z")))
    assert run.ready == ["do_late"]


def thrower(how: str, *handlers: str, around: str = "") -> Run:
    """A sub-process `desk` whose task `work` is followed by this thrown event, with event sub-processes in it."""
    desk = '<bpmn:startEvent id="desk_begins"/>' + user("work") + how + "".join(handlers)
    body = START + sub("desk", desk) + user("after") + END + around + flows("begin > desk > after > done")
    return Run(parse(body, NAMES))


FAILS = end("fails", by("error", "lost")) + flows("desk_begins > work > fails")
CALLS = "".join(
    (
        throw("calls", by("escalation", "help")),
        user("go_on"),
        end("desk_ends"),
        flows("desk_begins > work > calls > go_on > desk_ends"),
    )
)
AROUND = "".join(
    (
        boundary("desk_failed", "desk", by("error")),
        user("write_off"),
        end("off"),
        flows("desk_failed > write_off > off"),
    )
)


def test_an_error_starts_one_in_its_own_scope_before_the_boundary_around_it() -> None:
    run = thrower(FAILS, handler("mend", by("error", "lost")), around=AROUND).complete("work")
    assert run.ready == ["do_mend"]
    assert run.complete("do_mend").ready == ["after"]


def test_an_error_that_none_in_the_scope_takes_reaches_the_boundary() -> None:
    run = thrower(FAILS, handler("mend", by("error", "late")), around=AROUND).complete("work")
    assert run.ready == ["write_off"]


def test_one_that_names_the_code_comes_before_one_that_takes_any() -> None:
    any_first = (handler("any", by("error")), handler("mend", by("error", "lost")))
    assert thrower(FAILS, *any_first).complete("work").ready == ["do_mend"]


def test_an_error_thrown_by_one_reaches_the_boundary_and_not_itself() -> None:
    run = thrower(FAILS, handler("mend", by("error"), thrown=by("error", "lost")), around=AROUND)
    run.complete("work").complete("do_mend")
    assert run.ready == ["write_off"]


def test_an_error_from_within_a_sub_process_starts_one_of_the_process() -> None:
    run = thrower(FAILS, around=handler("mend", by("error", "lost"))).complete("work")
    assert run.ready == ["do_mend"]
    assert run.complete("do_mend").load().is_ended


def test_an_escalation_starts_one_and_what_threw_it_goes_on() -> None:
    run = thrower(CALLS, handler("aid", by("escalation", "help"), interrupting=False)).complete("work")
    assert sorted(run.ready) == ["do_aid", "go_on"]
    assert run.complete("go_on").ready == ["do_aid"]
    assert run.complete("do_aid").ready == ["after"]


def test_an_escalation_that_interrupts_ends_what_threw_it() -> None:
    run = thrower(CALLS, handler("aid", by("escalation", "help"))).complete("work")
    assert run.ready == ["do_aid"]


def test_one_does_not_start_itself_by_what_it_throws() -> None:
    aid = handler("aid", by("escalation", "help"), interrupting=False, thrown=by("escalation", "help"))
    outer = handler("outer", by("escalation", "help"), interrupting=False)
    run = thrower(CALLS, aid, around=outer).complete("work").complete("do_aid")
    assert sorted(run.ready) == ["do_outer", "go_on"]


def test_a_signal_reaches_every_one_that_listens() -> None:
    body = ASK.replace("</bpmn:userTask>", "</bpmn:userTask>" + throw("calm_down", by("signal", "calm")))
    body += handler("one", by("signal", "calm"), interrupting=False)
    body += handler("two", by("signal", "calm"), interrupting=False)
    run = Run(parse(body + flows("begin > ask > calm_down > done"), NAMES)).complete("ask")
    assert sorted(run.ready) == ["do_one", "do_two"]


def test_of_several_that_wait_for_a_message_the_innermost_gets_it() -> None:
    more = boundary("asked_ask", "ask", by("message", "ask"), interrupting=False) + user("tell") + end("told")
    run = asked(
        handler("reply", by("message", "ask"), interrupting=False),
        more=more + flows("asked_ask > tell > told"),
    )
    run.send("ask")
    assert run.ready == ["ask", "tell"]
    run.complete("ask").send("ask")
    assert run.ready == ["tell", "do_reply"]


def test_one_inside_another_listens_while_that_runs() -> None:
    inner = handler("inner", by("message", "ask"), interrupting=False)
    run = asked(handler("outer", by("message", "stop"), more=inner))
    assert run.load().waiting_messages() == ["stop"]
    run.send("stop").send("ask")
    assert run.ready == ["do_outer", "do_inner"]
    run.complete("do_outer")
    assert run.ready == ["do_inner"]
    assert run.complete("do_inner").load().is_ended
    assert run.load().status() == ("经inner结束", "closed")


def test_one_that_interrupts_ends_others_that_run_and_all_that_listen() -> None:
    run = asked(
        handler("reply", by("message", "ask"), interrupting=False),
        handler("nag", at("timeCycle", "R/P1D"), interrupting=False),
        handler("stop", by("message", "stop")),
    )
    run.send("ask").wait_until(NOW + DAY)
    assert run.ready == ["ask", "do_reply", "do_nag"]
    run.send("stop")
    assert run.ready == ["do_stop"]
    assert (run.load().next_due(), run.load().waiting_messages()) == (None, [])
    cancelled = sorted(element for kind, element in run.told if kind == "cancelled")
    assert cancelled == ["ask", "do_nag", "do_reply", "nag", "reply"]


def test_a_terminating_end_ends_those_that_run() -> None:
    body = ASK.replace(END, end("done", "<bpmn:terminateEventDefinition/>"))
    body += handler("reply", by("message", "ask"), interrupting=False)
    run = Run(parse(body + flows("begin > ask > done"), NAMES)).send("ask").complete("ask")
    assert run.load().is_ended
    assert run.ready == []


def test_a_boundary_event_around_the_scope_ends_those_in_it() -> None:
    desk = '<bpmn:startEvent id="in"/>' + user("work") + end("out") + flows("in > work > out")
    desk += handler("reply", by("message", "ask"), interrupting=False)
    body = START + sub("desk", desk) + timer("over", "desk", "timeDuration", "P1D") + user("sorry") + END
    run = Run(parse(body + flows("begin > desk > done", "over > sorry > done"), NAMES)).send("ask")
    run.wait_until(NOW + DAY)
    assert run.ready == ["sorry"]
    assert run.load().waiting_messages() == []


def test_branches_that_were_to_join_are_ended_too() -> None:
    body = START + '<bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/>' + user("left")
    body += user("right") + END + handler("stop", by("message", "stop"))
    body += flows("begin > fork > left > join > done", "fork > right > join")
    run = Run(parse(body, NAMES)).complete("left").send("stop")
    assert run.ready == ["do_stop"]
    assert run.complete("do_stop").load().is_ended


def test_a_sub_process_that_is_plainly_no_event_sub_process_runs_as_one() -> None:
    desk = '<bpmn:startEvent id="in"/>' + user("work") + end("out") + flows("in > work > out")
    body = START + sub("desk", desk).replace('"desk"', '"desk" triggeredByEvent="false"') + END
    run = Run(parse(body + flows("begin > desk > done")))
    assert run.complete("work").load().is_ended


@pytest.mark.parametrize(
    ("interrupting", "outcome"), [(True, "reply_ends"), (False, "done")], ids=["interrupting", "beside"]
)
def test_an_end_without_a_status_is_the_instances_unless_it_was_reached_beside(
    interrupting: bool, outcome: str
) -> None:
    reply = handler("reply", by("message", "ask"), interrupting=interrupting)
    run = asked(reply.replace('name="status" value="&quot;经reply结束&quot;"', 'name="dueDate" value="null"'))
    run.send("ask").complete("do_reply")
    if not interrupting:
        run.complete("ask")
    assert run.last.outcome is not None
    assert (run.last.is_ended, run.last.outcome.element_id) == (True, outcome)


@pytest.mark.parametrize("how", ["message", "cycle"])
def test_the_state_stays_small_however_often_they_ran(how: str) -> None:
    run = asked(
        handler("reply", by("message", "ask"), interrupting=False),
        handler("nag", at("timeCycle", "R/P1D"), interrupting=False),
    )
    sizes: list[int] = []
    for round_ in range(1, 151):
        if how == "message":
            run.send("ask", text="x" * 2_000).complete("do_reply", text="x" * 2_000)
        else:
            assert run.wait_until(NOW + round_ * DAY) == ["nag_begins"]
            run.complete("do_nag", text="x" * 2_000)
        sizes.append(len(run.state))
    assert max(sizes) < 400
    assert max(sizes[100:]) <= max(sizes[:10]) + 8
    assert run.complete("ask").load().is_ended


def shape(definition: ParsedDefinition) -> Mapping[str, Any]:
    """All that makes the shared specs: their elements, how these are connected, what they wait for."""
    return {
        spec.name: {
            name: (
                type(each),
                each._inputs[:],
                each._outputs[:],
                sorted(vars(each)),
                getattr(each, "event_definition", None),
            )
            for name, each in spec.task_specs.items()
        }
        for spec in (definition.spec, *definition.subprocess_specs.values())
    }


DIAGRAMS = ("handlers", "conditions", "teams")


@pytest.mark.parametrize("name", DIAGRAMS)
def test_no_instance_changes_the_specs_that_all_share(name: str) -> None:
    definition = parse_file(name)
    before = shape(definition)
    for seed in range(10):
        play(definition, seed)
    assert shape(definition) == before


@pytest.mark.parametrize("name", DIAGRAMS)
def test_two_instances_on_one_definition_do_not_influence_each_other(name: str) -> None:
    shared = parse_file(name)
    seeds = (3, 4)
    alone = [play(parse_file(name), seed) for seed in seeds]
    together = [stepwise(shared, seed) for seed in seeds]
    views: list[list[Any]] = [[], []]
    going = {0, 1}
    while going:
        for which in sorted(going):
            seen = next(together[which], None)
            if seen is None:
                going.discard(which)
            else:
                views[which].append(seen)
    assert views == alone


def play(definition: ParsedDefinition, seed: int) -> list[Any]:
    """What is seen after each step of a random walk."""
    return list(stepwise(definition, seed))


def stepwise(definition: ParsedDefinition, seed: int) -> Iterator[Any]:
    return (view(execution) for execution in walked(definition, seed))


def walked(definition: ParsedDefinition, seed: int, steps: int = 25) -> Iterator[Execution]:
    """The execution after each step of a random walk, as it is loaded."""
    choice, evaluator, words = random.Random(seed), Evaluator(functions()), words_of(definition)
    execution = Execution.new(definition, VARIABLES, evaluator, WALK_START)
    settle(execution, random.Random(seed))
    for step in range(steps):
        yield execution
        action = choose(execution, choice, words)
        if action is None:
            return
        act(execution, action, seed + step)
        execution = Execution.load(definition, execution.dump(), evaluator, execution.now)


def test_a_timer_that_has_started_one_is_armed_anew_while_its_scope_goes_on() -> None:
    run = asked(
        handler("late", at("timeDuration", "P1D"), interrupting=False), handler("stop", by("message", "stop"))
    )
    run.wait_until(NOW + DAY)
    run.last = run.load()
    run.last.reschedule("late_begins", NOW + 3 * DAY, anew=True)
    run.state = run.last.dump()
    assert run.wait_until(NOW + 3 * DAY) == ["late_begins"]
    assert run.ready == ["ask", "do_late", "do_late"]
    run.send("stop")
    with pytest.raises(NotWaiting):
        run.load().reschedule("late_begins", NOW + 9 * DAY, anew=True)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_a_scope_listens_while_it_lives_and_is_alone_with_what_interrupted_it(
    seed: int,
) -> None:
    definition = draw(seed)
    for execution in walked(definition, seed):
        listening = [(task.workflow, task.task_spec.bpmn_id) for task in listening_tasks(execution)]
        for scope in scopes_of(execution):
            here = [definition.elements[task.task_spec.bpmn_id] for task in live_tasks(execution, scope)]
            if any(each.by_event and start_of(definition, each.id).interrupting for each in here):
                assert len(here) == 1
                assert scope not in [workflow for workflow, _ in listening]
                continue
            wanted = {
                start_of(definition, each.id).id
                for each in definition.elements.values()
                if each.by_event and (each.parent_id or "p") == scope.spec.name
                if start_of(definition, each.id).event == "message"
            }
            assert wanted <= {element_id for workflow, element_id in listening if workflow is scope}
        assert not execution.is_ended or not (listening or execution.ready_tasks() or execution.due_timers())


def listening_tasks(execution: Execution) -> list[Any]:
    return list(execution._listening())


def live_tasks(execution: Execution, scope: Any) -> list[Any]:
    return [task for task in execution._active() if task.workflow is scope]


def scopes_of(execution: Execution) -> list[Any]:
    """The process and the sub-processes of it that go on."""
    top: Any = execution._workflow
    return [scope for scope in (top, *top.subprocesses.values()) if not scope.completed]


def start_of(definition: ParsedDefinition, handler_id: str) -> Element:
    """The start event of a sub-process."""
    return next(
        each
        for each in definition.elements.values()
        if each.kind == "startEvent" and each.parent_id == handler_id
    )
