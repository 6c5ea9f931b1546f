"""docs/messages.md: what the diagrams say about who is told, and nothing left out."""

from pathlib import Path

import pytest

from engine.catalogue import read_folder
from engine.diagram import Diagram
from engine.specs import parse_definition, parse_xml
from messages.texts import load_texts
from tasks.message_table import NO_REASON, Step, describe, list_steps
from wiring import describe_messages

PROCESSES = Path(__file__).parents[2] / "processes"
TABLE = Path(__file__).parents[2] / "docs" / "messages.md"
KEYS = sorted(diagram.stem for diagram in PROCESSES.glob("*.bpmn"))


def read_steps(key: str) -> list[Step]:
    return list_steps(parse_definition(read_folder(PROCESSES, key)))


def test_the_table_in_the_docs_is_what_the_diagrams_say() -> None:
    made = describe_messages(sorted(PROCESSES.glob("*.bpmn")))
    assert TABLE.read_text() == made, "run: ./dev qingling messages > docs/messages.md"


@pytest.mark.parametrize("key", KEYS)
def test_every_arrow_event_and_end_is_in_the_table(key: str) -> None:
    diagram = Diagram(f"{key}.bpmn", parse_xml(f"{key}.bpmn", read_folder(PROCESSES, key)[f"{key}.bpmn"]))
    drawn = {flow.get("id") for flow in diagram.flows}
    drawn |= {node.get("id") for node in diagram.each("boundaryEvent", "endEvent")}
    assert drawn - {arrow for step in read_steps(key) for arrow in step.arrows} == set()


@pytest.mark.parametrize("key", KEYS)
def test_where_nobody_is_told_the_diagram_says_why(key: str) -> None:
    silent = [step for step in read_steps(key) if not step.told]
    assert [step.when for step in silent if step.reason in (None, "", NO_REASON)] == []


@pytest.mark.parametrize("key", KEYS)
def test_every_notify_is_in_the_table_and_every_text_is_used(key: str) -> None:
    files = read_folder(PROCESSES, key)
    told = {one.element_id: one.template for step in read_steps(key) for one in step.told}
    elements = parse_definition(files).elements.values()
    assert told.keys() == {element.id for element in elements if element.operator == "notify"}
    assert set(told.values()) == load_texts(files[f"{key}/texts.yaml"]).keys()


def test_everybody_whom_the_diagrams_name_has_a_name_in_chinese() -> None:
    people = [one.people for key in KEYS for step in read_steps(key) for one in step.told]
    assert [words for words in people if any(char.isascii() and char.isalpha() for char in words)] == []


def test_an_arrow_that_tells_nobody_and_does_not_say_why_is_seen() -> None:
    files = dict(read_folder(PROCESSES, "issue"))
    files["issue.bpmn"] = files["issue.bpmn"].replace("不通知：草稿还没有给别人看过。", "")
    assert [step.when for step in list_steps(parse_definition(files)) if step.reason == NO_REASON] == [
        "“填写问题”期间：撤回"
    ]
    assert NO_REASON in describe(files)
