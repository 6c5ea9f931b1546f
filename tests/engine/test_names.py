"""Ids of every tool: they pass the validator, run, and what is named after them is found (ADR 26)."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions import read_paths
from engine.migration import carry_over, misplaced_elements
from engine.names import as_read, identifier, is_ncname
from engine.specs import parse_definition
from tests.engine.bad_diagrams import GOOD, GOOD_FILES
from tests.engine.process_files import END, EVALUATOR, NOW, START, Run, flows, parse, timer, user
from tests.engine.test_validation import find

ROOT = Path(__file__).parents[2]
IDS = [
    "sid-36EA5B4C-1D4C-4A5C-9E0D-1F2C3B4A5D6E",
    "_2",
    "_36ea_",
    "Task.1",
    "填写",
    "a__b",
    "if",
    "Start",
    "End",
    "Root",
    "small.EndJoin",
    "Activity_0x1y2z3",
    "É-1·2",
    "x" * 200,
]


@pytest.mark.parametrize("element_id", IDS)
def test_an_id_of_any_tool_passes_and_runs(element_id: str) -> None:
    variable = identifier(element_id)
    body = GOOD.replace('"fill"', f'"{element_id}"').replace("fill.note", f"{variable}.note")
    files = {**GOOD_FILES, "small.bpmn": body, f"small/{variable}.form": GOOD_FILES["small/fill.form"]}
    del files["small/fill.form"]
    files["tables.dmn"] = files["tables.dmn"].replace("fill.note", f"{variable}.note")
    assert find(files) == []
    definition = parse_definition(files)
    assert definition.elements[element_id].form
    assert set(definition.forms) == {element_id}
    run = Run(definition)
    assert run.ready == [element_id]
    run.complete(element_id, note="急")
    assert [call.element_id for call in run.calls] == ["tell"]
    assert run.load().is_ended


def test_elements_named_like_parts_of_the_library_run_where_several_meet() -> None:
    inside = (
        '<bpmn:startEvent id="Root"/>'
        + user("Start")
        + '<bpmn:endEvent id="End"/>'
        + flows("Root > Start > End")
    )
    definition = parse(
        '<bpmn:startEvent id="p.EndJoin"/><bpmn:subProcess id="StartEventSplit">'
        + inside
        + "</bpmn:subProcess>"
        + timer("late", "StartEventSplit", "timeDuration", "P1D")
        + '<bpmn:endEvent id="StartEventJoin"/>'
        + END
        + flows("p.EndJoin > StartEventSplit > StartEventJoin", "late > done")
    )
    assert Run(definition).complete("Start", note="x").load().is_ended
    run = Run(definition)
    assert misplaced_elements(run.load(), definition) == []
    moved = carry_over(run.load(), definition, EVALUATOR, NOW)
    assert [task.element_id for task in moved.ready_tasks()] == ["Start"]
    moved.complete(moved.ready_tasks()[0].id, {})
    moved.advance()
    assert moved.is_ended


def test_a_message_and_a_list_are_read_by_their_identifiers() -> None:
    message = '<bpmn:message id="m" name="go"/>'
    body = (
        START
        + '<bpmn:intermediateCatchEvent id="sid-1"><bpmn:messageEventDefinition messageRef="m"/></bpmn:intermediateCatchEvent>'
        + user(
            "_2",
            "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>the-list</bpmn:loopDataInputRef>"
            "<bpmn:loopDataOutputRef>all-votes</bpmn:loopDataOutputRef>"
            '<bpmn:inputDataItem id="one-of"/></bpmn:multiInstanceLoopCharacteristics>',
            assignee="one_of",
        )
        + user("last", assignee="sid_1.who if count(all_votes) = 2 and all_votes != [] else null")
        + END
        + flows("begin > sid-1 > _2 > last > done")
    )
    run = Run(parse(body, message), the_list=["anna", "boris"])
    run.send("go", who="chen")
    assert [task.assignee for task in run.load().ready_tasks()] == ["anna", "boris"]
    run.complete("_2", 0, vote=1).complete("_2", 1, vote=2)
    assert [task.assignee for task in run.load().ready_tasks()] == ["chen"]


def test_a_form_may_be_named_by_the_id_itself() -> None:
    body = GOOD.replace('"fill"', '"sid-1"').replace("fill.note", "sid_1.note")
    files = {**GOOD_FILES, "small.bpmn": body, "small/sid-1.form": GOOD_FILES["small/fill.form"]}
    del files["small/fill.form"], files["tables.dmn"]
    assert find(files) == []
    assert set(parse_definition(files).forms) == {"sid-1"}


DOCUMENTED = re.findall(
    r"^    (\S+) → (\S+)$", (ROOT / "docs/expressions.md").read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("element_id", "variable"), DOCUMENTED)
def test_the_documented_ids_have_the_documented_variables(element_id: str, variable: str) -> None:
    assert is_ncname(element_id)
    assert identifier(element_id) == variable


def test_the_documentation_has_ids() -> None:
    assert len(DOCUMENTED) == 5


@given(st.text(min_size=1, max_size=30))
def test_an_identifier_can_be_said_and_stays_what_it_is(text: str) -> None:
    name = identifier(text)
    assert read_paths(name) == {(name,)}
    assert identifier(name) == name


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", fullmatch=True))
def test_what_was_an_identifier_before_is_one(name: str) -> None:
    assert identifier(name) in (name, f"id_{name}")
    assert identifier(f"verb_{name}") == f"verb_{name}"


@pytest.mark.parametrize(
    ("reference", "read"),
    [
        ("issue.evaluators", "issue.evaluators"),
        ("sid-1.a", "sid_1_a"),
        ("unique(issue.evaluators)", "unique(issue.evaluators)"),
        ("_2", "id_2"),
    ],
)
def test_a_reference_to_data_is_a_variable_or_a_field(reference: str, read: str) -> None:
    assert as_read(reference) == read


@pytest.mark.parametrize("text", ["", "1a", "a b", "a:b", "-a", ".a", "a/b", "a\n", "\ud800", "a'"])
def test_what_xml_takes_for_no_id_is_none(text: str) -> None:
    assert not is_ncname(text)
