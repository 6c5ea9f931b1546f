"""Playing cases: what is as expected says nothing, every difference is a sentence, and bad writing is refused with its place."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.case_file import CasesRefused, read_cases
from engine.cases import check_cases, play_cases
from engine.catalogue import read_folder
from engine.expressions import Function
from engine.specs import parse_definition
from tests.engine.bad_diagrams import GOOD_FILES, TIMER, handler

PROCESSES = Path(__file__).parents[2] / "processes"
START = """
start: {at: 2026-03-02T09:00:00+08:00}
people:
  小李: {id: p1, groups: [clerks]}
  老王: {id: p2, groups: [drivers]}
cases:
"""


def working_days(now: datetime, count: float) -> datetime:
    return now + timedelta(days=count)


def problems(steps: str, start: str = START) -> list[str]:
    files = {**GOOD_FILES, "small/cases.yaml": f"{start}  - name: 填写\n    steps:\n{steps}"}
    return [finding.sentence for finding in check_cases(files, {})]


def test_what_is_as_expected_says_nothing() -> None:
    steps = """
      - expect: {status: 待填写, phase: draft, open: [fill], claimed: [], end: null}
      - do: fill
        as: 小李
        answers: {note: 急}
        expect: {open: [], called: [notify: {template: told}], variables: {fill: {note: 急}}, end: done}
"""
    assert problems(steps) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("status: 已填写", "status 应是 已填写，实际是 待填写"),
        ("phase: closed", "phase 应是 closed，实际是 draft"),
        ("open: []", "open 应是 （无），实际是 fill"),
        ("open: [fill, fill]", "open 应是 fill、fill，实际是 fill"),
        ("claimed: [fill]", "claimed 应是 fill，实际是 （无）"),
        ("called: [notify]", "called 应是 notify，实际是 （无）"),
        ("waiting: [edge]", "waiting 应是 edge，实际是 （无）"),
        ("end: done", "end 应是 done，实际是 （无）"),
        ("variables: {fill: {note: 急}}", "variables 应含"),
    ],
)
def test_each_difference_is_told(expected: str, told: str) -> None:
    [problem] = problems(f"      - expect: {{{expected}}}\n")
    assert told in problem
    assert "用例“填写”第 1 步" in problem


def test_a_wrong_parameter_is_told() -> None:
    steps = (
        "      - {do: fill, as: 小李, answers: {note: 急}, expect: {called: [notify: {template: other}]}}\n"
    )
    [problem] = problems(steps)
    assert "template other" in problem
    assert "template told" in problem


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{do: gone, as: 小李}", "现在没有任务 gone；待办的有：fill"),
        ("{do: fill, as: 老王}", "老王不能办理任务 fill"),
        ("{do: fill, as: 老张}", "people 里没有 老张"),
        ("{do: fill}", "没有写明由谁办理"),
        ("{wait: edge}", "没有在走的定时 edge"),
        ("{wait: P1X}", "不是有效的时间"),
        ("{message: stop}", "没有步骤在等消息 stop"),
    ],
)
def test_what_is_not_possible_is_told(step: str, told: str) -> None:
    [problem] = problems(f"      - {step}\n")
    assert told in problem
    assert "第 1 步" in problem


def test_a_released_task_is_anybodys_again() -> None:
    steps = """
      - {claim: fill, as: 小李, expect: {claimed: [fill]}}
      - {release: fill, as: 小李, expect: {claimed: []}}
"""
    assert problems(steps) == []


def test_the_flows_that_were_taken_are_known() -> None:
    text = START + "  - {name: 不急, steps: [{do: fill, as: 小李, answers: {note: 慢}}]}\n"
    [result] = play_cases(parse_definition(GOOD_FILES), read_cases(text), {})
    assert result.problems == []
    assert result.flows == {"first", "second", "calm"}


def test_a_changed_diagram_fails_the_issues_cases() -> None:
    files = read_folder(PROCESSES, "issue")
    changed = (
        files["issue.bpmn"]
        .replace('"海关待受理"', '"等待受理"')
        .replace("&quot;海关待受理&quot;", "&quot;等待受理&quot;")
    )
    assert changed != files["issue.bpmn"]
    functions: dict[str, Function] = {
        "working_days": working_days,
        "working_day_opens": lambda now, count: working_days(now, count) - timedelta(hours=8),
        "days": working_days,
        "working_time_until": lambda now, moment: (moment - now).total_seconds(),
        "working_time_after": lambda now, seconds: now + timedelta(seconds=seconds),
    }
    assert [each.element for each in check_cases(files, functions)] == []
    assert "从提出到清零" in {
        each.element for each in check_cases(files | {"issue.bpmn": changed}, functions)
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "不是有效的 YAML"),
        ("- a", "文件：应是"),
        ("start: {at: 2026-03-02T09:00:00+08:00}", "一个用例也没有"),
        ("start: {at: 2026-03-02}\ncases: [{name: a}]", "带时区"),
        ("start: {at: 明天}\ncases: [{name: a}]", "带时区"),
        ("begin: 1", "不认识 begin"),
        (START + "  - {steps: []}", "第 1 个用例没有名称"),
        (START + "  - {name: a}\n  - {name: a}", "同名"),
        (START + "  - {name: a, steps: [{do: x, wait: y}]}", "只写一种"),
        (START + "  - {name: a, steps: [{as: 小李}]}", "须写明做什么"),
        (START + "  - {name: a, steps: [{expect: {colour: red}}]}", "不认识 colour"),
        (START + "  - {name: a, steps: {do: x}}", "应是列表"),
        (START.replace("id: p1, ", "") + "  - {name: a}", "people.小李 须有 id"),
    ],
)
def test_bad_writing_is_refused(text: str, told: str) -> None:
    with pytest.raises(CasesRefused, match=told):
        read_cases(text)
    assert [each.rule for each in check_cases({**GOOD_FILES, "small/cases.yaml": text}, {})] == ["bad-cases"]


def test_a_case_goes_through_event_sub_processes() -> None:
    handled = handler('<bpmn:messageEventDefinition messageRef="stop_message"/>')
    late = handler(TIMER, name="late", attributes=' isInterrupting="false"')
    body = GOOD_FILES["small.bpmn"].replace("</bpmn:process>", f"{handled}{late}</bpmn:process>")
    steps = """
      - expect: {waiting: [late_in]}
      - wait: late_in
        expect: {open: [fill], waiting: [], end: null}
      - message: stop
        expect: {open: [], end: handler_out}
"""
    files = {**GOOD_FILES, "small.bpmn": body}
    cases = read_cases(f"{START}  - name: 撤销\n    steps:\n{steps}")
    [played] = play_cases(parse_definition(files), cases, {})
    assert played.problems == []
    assert {"late_in_late_out", "handler_in_handler_out"} <= played.flows


def test_a_process_without_cases_has_none_to_play() -> None:
    assert check_cases(GOOD_FILES, {}) == []


@settings(max_examples=60, deadline=3000)
@given(st.text(alphabet="abc:-[]{}&*!'\"#|> \n12", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (text, START + text):
        with suppress(CasesRefused):
            assert read_cases(each).cases
