"""How one instance runs: who gets which task, what variables hold, what services are called, what is told."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from engine.exceptions import EngineFailure, ExpressionFailed, NotWaiting, TaskGone, TooManySteps
from engine.execution import Execution
from engine.specs import parse_definition
from tests.engine.process_files import (
    END,
    EVALUATOR,
    NOW,
    START,
    Run,
    diagram,
    flows,
    parse,
    parse_file,
    timer,
    user,
)

DAY = timedelta(days=1)


def service(element_id: str, operator: str, result: str | None = None, **parameters: str) -> str:
    inner = "".join(
        f'<spiffworkflow:parameter id="{name}" type="any" value="{value.replace(chr(34), "&quot;")}"/>'
        for name, value in parameters.items()
    )
    variable = f' resultVariable="{result}"' if result else ""
    return (
        f'<bpmn:serviceTask id="{element_id}"><bpmn:extensionElements>'
        f'<spiffworkflow:serviceTaskOperator id="{operator}"{variable}>'
        f"<spiffworkflow:parameters>{inner}</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator>"
        "</bpmn:extensionElements></bpmn:serviceTask>"
    )


def test_a_task_says_for_whom_it_is_and_until_when() -> None:
    task = user(
        "ask",
        candidateGroups='["handler:" + office, "supervisor"]',
        claimFor="last",
        dueDate='"2026-03-05T09:00:00+08:00"',
    )
    run = Run(parse(START + task + END + flows("begin > ask > done")), office="2301", last="anna")
    ready = run.task("ask")
    assert ready.candidate_groups == ["handler:2301", "supervisor"]
    assert (ready.assignee, ready.claim_for) == (None, "anna")
    assert ready.due_at is not None
    assert ready.due_at.isoformat() == "2026-03-05T01:00:00+00:00"


def test_one_group_may_stand_without_a_list_and_a_missing_one_counts_as_none() -> None:
    body = START + user("ask", candidateGroups='"staff"') + user("tell", candidateGroups="nobody") + END
    run = Run(parse(body + flows("begin > ask > tell > done")))
    assert run.task("ask").candidate_groups == ["staff"]
    assert run.complete("ask").task("tell").candidate_groups == []


def test_an_assignee_that_is_no_text_fails_with_the_element_named() -> None:
    run = Run(parse(START + user("ask", assignee="1 + 1") + END + flows("begin > ask > done")))
    with pytest.raises(ExpressionFailed) as failure:
        assert run.task("ask").assignee
    assert failure.value.element_id == "ask"


def test_a_task_keeps_its_id_until_it_is_done_and_then_it_is_gone() -> None:
    run = Run(parse_file("loop"), boss="anna")
    first = run.task("write_draft").id
    assert run.ids == [first]
    run.complete("write_draft")
    with pytest.raises(TaskGone):
        run.load().complete(first, {})
    with pytest.raises(TaskGone):
        run.load().complete(uuid4(), {})


def test_whoever_seeds_the_random_numbers_of_the_process_does_not_repeat_ids() -> None:
    ids: list[UUID] = []
    for _ in range(2):
        random.seed(1)
        ids += Run(parse_file("loop"), boss="anna").ids
    assert len(set(ids)) == 2


def test_answers_replace_those_of_the_round_before_and_are_never_merged() -> None:
    gateway = '<bpmn:exclusiveGateway id="again" default="again_done"/>'
    reader = user("show", candidateGroups="ask.list")
    body = START + user("ask") + reader + gateway + END
    body += flows("begin > ask > show > again > done", "again > ask if ask.more")
    run = Run(parse(body))
    run.complete("ask", list=["a", "b", "c"], more=True, extra={"x": 1}).complete("show")
    run.complete("ask", list=["c", "a"])
    assert run.load().variables == {"ask": {"list": ["c", "a"]}}
    assert run.task("show").candidate_groups == ["c", "a"]


def test_only_what_an_expression_reads_enters_the_state() -> None:
    run = Run(parse_file("loop"), boss="anna", unread="x" * 5_000)
    run.complete("write_draft", text="长" * 5_000).complete(
        "review_draft", decision="no", comment="长" * 5_000
    )
    assert run.load().variables == {"boss": "anna", "review_draft": {"decision": "no"}, "round": None}
    assert len(run.state) < 400


def test_branches_share_variables_and_the_last_write_stands_after_the_join() -> None:
    body = (
        START
        + '<bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="meet"/>'
        + user("left")
        + service("set_left", "set", "value")
        + user("right")
        + service("set_right", "set", "value")
        + user("after", candidateGroups="value")
        + END
        + flows("begin > fork > left > set_left > meet > after > done", "fork > right > set_right > meet")
    )
    run = Run(parse(body), value=["start", "of", "all"])
    run.complete("right", results={"set_right": ["r", "start"]})
    run.complete("left", results={"set_left": ["l"]})
    assert run.task("after").candidate_groups == ["l"]


def test_services_are_told_their_parameters_and_give_their_result_to_a_variable() -> None:
    body = START + user("ask") + service("count_it", "count", "sum", of="ask.parts", text='"x" + name')
    body += user("tell", candidateGroups="sum.groups") + END + flows("begin > ask > count_it > tell > done")
    run = Run(parse(body), name="y")
    run.complete("ask", parts=[1, 2], results={"count_it": {"groups": ["g"], "unread": "x"}})
    call = run.calls[0]
    assert (call.element_id, call.operator, call.params, call.result_variable) == (
        "count_it",
        "count",
        {"of": [1, 2], "text": "xy"},
        "sum",
    )
    assert run.load().variables == {"ask": {"parts": [1, 2]}, "name": "y", "sum": {"groups": ["g"]}}


def test_a_pending_service_outlives_a_dump() -> None:
    definition = parse(
        START + service("call_out", "call", at="now()") + END + flows("begin > call_out > done")
    )
    execution = Execution.new(definition, {}, EVALUATOR, NOW)
    (call,) = execution.advance()
    again = Execution.load(definition, execution.dump(), EVALUATOR, NOW + DAY)
    assert again.advance() == [call]
    assert call.params == {"at": NOW}
    again.resolve(call.id, None)
    again.advance()
    assert again.is_ended
    with pytest.raises(TaskGone):
        again.resolve(call.id, None)


def test_the_result_of_on_complete_goes_to_its_variable() -> None:
    body = START + user("ask", onComplete="save", resultVariable="issue")
    body += (
        user("tell", candidateGroups='"handler:" + issue.office') + END + flows("begin > ask > tell > done")
    )
    definition = parse(body)
    assert definition.elements["ask"].on_complete == "save"
    execution = Execution.new(definition, {}, EVALUATOR, NOW)
    execution.advance()
    execution.complete(execution.ready_tasks()[0].id, {"a": 1}, {"office": "2301", "title": "x"})
    execution.advance()
    assert execution.ready_tasks()[0].candidate_groups == ["handler:2301"]
    assert execution.variables == {"issue": {"office": "2301"}}


def test_the_status_is_that_of_the_latest_element_and_at_last_of_the_end() -> None:
    run = Run(parse_file("loop"), boss="anna")
    assert run.load().status() == ("草稿", "draft")
    run.complete("write_draft")
    assert run.load().status() == ("待审核", "review")
    assert run.load().status({run.ids[0]}) == ("审核中", "review")
    assert run.load().status(lambda task_id: task_id == run.ids[0]) == ("审核中", "review")
    run.complete("review_draft", decision="yes")
    assert run.load().is_ended
    assert run.load().status() == ("已办结", "closed")


def test_an_inner_element_without_a_status_leaves_that_of_the_subprocess() -> None:
    run = Run(parse_file("nested"), limit=NOW + 30 * DAY)
    assert run.load().status() == ("外层", None)
    assert run.load().active_elements() == ["outer", "prepare"]


def test_the_trace_tells_what_happened() -> None:
    run = Run(parse_file("loop"), boss="anna").complete("write_draft").complete("review_draft", decision="no")
    assert run.told == [
        ("completed", "review_draft"),
        ("entered", "is_fine"),
        ("completed", "is_fine"),
        ("entered", "count_round"),
        ("completed", "count_round"),
        ("entered", "write_draft"),
    ]


def test_the_trace_tells_what_was_cancelled_and_that_it_ended() -> None:
    run = Run(parse_file("errors")).complete("try_left", decision="no")
    assert ("cancelled", "left") in run.told
    assert run.ready == ["try_right", "mend_left"]


def test_an_error_reaches_the_activity_around_it_and_no_other() -> None:
    run = Run(parse_file("errors")).complete("try_right", decision="no")
    assert sorted(run.ready) == ["mend_right", "try_left"]
    run.complete("try_left", decision="no").complete("mend_left").complete("mend_right").complete("sum_up")
    assert run.load().is_ended


def test_a_message_reaches_what_waits_for_it_and_nothing_else_takes_it() -> None:
    run = Run(parse_file("errors"))
    assert run.load().waiting_messages() == ["cancel"]
    run.send("cancel")
    assert run.ready == ["try_right"]
    with pytest.raises(NotWaiting):
        run.load().correlate("cancel")
    with pytest.raises(NotWaiting):
        run.load().correlate("unheard_of")


def test_a_message_that_does_not_interrupt_is_heard_again() -> None:
    run = Run(parse_file("crews"))
    run.send("cave_in").send("cave_in")
    assert run.ready == ["dig", "dig", "dig", "rescue", "rescue"]


def test_what_a_message_carries_becomes_a_variable_named_like_the_event() -> None:
    catch = '<bpmn:intermediateCatchEvent id="heard"><bpmn:messageEventDefinition messageRef="m"/></bpmn:intermediateCatchEvent>'
    body = (
        START + catch + user("act", candidateGroups="heard.group") + END + flows("begin > heard > act > done")
    )
    run = Run(parse(body, '<bpmn:message id="m" name="call"/>')).send("call", group="g", rest="x")
    assert run.task("act").candidate_groups == ["g"]
    assert run.load().variables == {"heard": {"group": "g"}}


def test_each_instance_of_a_parallel_task_has_its_own_item_and_answers() -> None:
    run = Run(parse_file("votes"), voters=["a", "b", "c"]).complete("ask")
    assert [(task.index, task.assignee) for task in run.load().ready_tasks()] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
    ]
    run.complete("vote", 2, decision="late").complete("vote", 0, decision="yes")
    assert run.load().variables["ballots"] == ["yes", "late"]
    assert "vote" not in run.load().variables
    run.complete("vote", 1, decision="yes")
    assert run.calls[-1].params == {"ballots": ["yes", "yes", "late"]}


def test_a_completion_condition_cancels_the_other_instances_at_once() -> None:
    run = Run(parse_file("votes"), voters=["a", "b", "c"]).complete("ask").complete("vote", 1, decision="no")
    assert run.ready == ["ask"]
    assert run.told.count(("cancelled", "vote")) == 2


def test_the_second_round_of_a_multi_instance_starts_with_an_empty_list() -> None:
    run = (
        Run(parse_file("votes"), voters=["a", "b"])
        .complete("ask")
        .complete("vote", 0, decision="no")
        .complete("ask")
    )
    assert run.load().variables["ballots"] == []
    run.complete("vote", 1, decision="yes").complete("vote", 0, decision="yes")
    assert run.calls[-1].params == {"ballots": ["yes", "yes"]}


def test_a_multi_instance_without_items_is_passed() -> None:
    run = Run(parse_file("votes"), voters=[]).complete("ask")
    assert run.load().is_ended


def test_a_cancelled_multi_instance_leaves_no_timer_and_no_message_behind() -> None:
    run = Run(parse_file("crews"))
    run.reschedule("rain", None)
    assert run.wait_until(NOW + 6 * DAY) == ["stop_all"]
    assert run.load().is_ended
    assert run.load().next_due() is None
    assert run.load().waiting_messages() == []


def test_a_called_process_sees_and_writes_the_variables_of_its_caller() -> None:
    run = (
        Run(parse_file("calls"), voters=["a"])
        .complete("choose")
        .complete("inspect", decision="yes")
        .complete("stamp")
    )
    assert run.ready == ["inspect"]
    assert run.task("inspect").assignee == "a"


def test_a_process_that_calls_itself_is_stopped() -> None:
    body = START + '<bpmn:callActivity id="deeper" calledElement="p"/>' + END + flows("begin > deeper > done")
    with pytest.raises(TooManySteps):
        Run(parse_definition({"p.bpmn": diagram(body)}, "p"))


def test_a_circle_without_a_person_is_stopped() -> None:
    body = START + '<bpmn:task id="a"/><bpmn:exclusiveGateway id="b" default="b_a"/>' + END
    body += flows("begin > a > b > a", "b > done if false")
    with pytest.raises(TooManySteps):
        Run(parse(body))


def test_a_gateway_without_a_way_out_fails_with_its_name() -> None:
    body = START + '<bpmn:exclusiveGateway id="which"/>' + END + user("other")
    body += '<bpmn:endEvent id="done_too"/>' + flows(
        "begin > which", "which > done if x = 1", "which > other if x = 2", "other > done_too"
    )
    with pytest.raises(EngineFailure, match="网关") as failure:
        Run(parse(body))
    assert failure.value.element_id == "which"


def test_a_failing_expression_names_its_element() -> None:
    body = (
        START
        + user("ask")
        + service("call_out", "call", sum="1 + ask.word")
        + END
        + flows("begin > ask > call_out > done")
    )
    with pytest.raises(ExpressionFailed) as failure:
        Run(parse(body)).complete("ask", word="x")
    assert failure.value.element_id == "call_out"


def test_completing_a_task_wins_over_its_due_timer() -> None:
    body = (
        START
        + user("ask")
        + timer("late", "ask", "timeDuration", "P1D")
        + END
        + '<bpmn:endEvent id="given_up"/>'
    )
    run = Run(parse(body + flows("begin > ask > done", "late > given_up")))
    run.now = NOW + 2 * DAY
    run.complete("ask")
    assert run.last.outcome is not None
    assert run.last.outcome.element_id == "done"


def test_a_variable_that_is_no_json_is_our_failure() -> None:
    with pytest.raises(EngineFailure):
        Run(parse(START + user("ask", assignee="who") + END + flows("begin > ask > done")), who=object())


def test_a_loop_repeats_its_task_while_the_condition_holds_and_no_longer_than_its_maximum() -> None:
    run = Run(parse_file("signals"))
    run.complete("polish", decision="no").complete("polish", decision="yes")
    assert "polish" not in run.ready
    run = Run(parse_file("signals"))
    for _ in range(4):
        run.complete("polish", decision="no")
    assert "polish" not in run.ready


def test_a_signal_interrupts_what_waits_for_it_and_an_escalation_does_not() -> None:
    run = Run(parse_file("signals")).complete("fill")
    assert sorted(run.ready) == ["calm_down", "go_on", "polish"]
    run.complete("polish", decision="yes")
    assert run.ready == ["calm_down", "clean_up"]


def test_a_message_thrown_in_the_instance_is_caught_in_it() -> None:
    run = Run(parse_file("signals")).complete("fill").complete("go_on")
    assert run.load().waiting_messages() == []
    assert run.ready == ["polish", "calm_down"]
    assert run.complete("polish").complete("calm_down").load().is_ended


def test_an_execution_dumped_before_it_is_quiet_goes_on_where_it_was() -> None:
    definition = parse_file("stations")
    execution = Execution.new(definition, {"places": ["a"]}, EVALUATOR, NOW)
    for element in ("look", "listen", "report"):
        execution = Execution.load(definition, execution.dump(), EVALUATOR, NOW)
        while calls := execution.advance():
            execution.resolve(calls[0].id, None)
        task = next(task for task in execution.ready_tasks() if task.element_id == element)
        execution.complete(task.id, {"decision": "x"})
    execution = Execution.load(definition, execution.dump(), EVALUATOR, NOW)
    execution.advance()
    assert execution.is_ended
