"""Every process under processes/: its files pass the checks, its cases play as they say, and together they take every flow.
The issue's forms and diagram must also agree with what customs' rules ask of them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from SpiffWorkflow.spiff.parser import VALIDATOR, SpiffBpmnParser

from domain.working_days import WorkingCalendar
from engine.case_file import CaseFile, read_cases
from engine.cases import check_cases, list_flows, play_cases
from engine.catalogue import read_folder
from engine.diagram import kind_of
from engine.specs import BPMN, parse_definition, parse_xml
from engine.validation import advise, validate
from tasks.exceptions import AnswersRefused
from tasks.fields import FormContext, Option
from tasks.forms import check
from tasks.functions import build_functions
from tasks.notices import find_text_mistakes
from tasks.operators import OPERATORS

PROCESSES = Path(__file__).parents[2] / "processes"
KEYS = sorted(diagram.stem for diagram in PROCESSES.glob("*.bpmn"))
FUNCTIONS = build_functions(WorkingCalendar())
EACH_LIST = ("kinds", "categories", "importances", "offices", "executives")


def read_files(key: str) -> dict[str, str]:
    return read_folder(PROCESSES, key)


def read_case_file(key: str) -> CaseFile:
    return read_cases(read_files(key)[f"{key}/cases.yaml"])


def test_there_are_processes() -> None:
    assert "issue" in KEYS


@pytest.mark.parametrize("key", KEYS)
def test_the_files_pass_every_check(key: str) -> None:
    files = read_files(key)
    assert validate(files, operators=OPERATORS, functions=FUNCTIONS) == []
    assert advise(files) == []


@pytest.mark.parametrize("key", KEYS)
def test_the_cases_play_as_they_say(key: str) -> None:
    assert [finding.sentence for finding in check_cases(read_files(key), FUNCTIONS)] == []


@pytest.mark.parametrize("key", KEYS)
def test_the_cases_take_every_flow(key: str) -> None:
    definition = parse_definition(read_files(key))
    results = play_cases(definition, read_case_file(key), FUNCTIONS)
    taken = {flow for result in results for flow in result.flows}
    assert {flow for flow, _, _ in list_flows(definition)} - taken == set()


@pytest.mark.parametrize("key", KEYS)
def test_the_cases_call_every_operator(key: str) -> None:
    definition = parse_definition(read_files(key))
    results = play_cases(definition, read_case_file(key), FUNCTIONS)
    named = {
        name for each in definition.elements.values() for name in (each.operator, each.on_complete) if name
    }
    assert named - {call.operator for result in results for call in result.calls} == set()


@pytest.mark.parametrize("key", KEYS)
def test_the_library_itself_parses_the_diagram(key: str) -> None:
    parser = SpiffBpmnParser(validator=VALIDATOR)
    for name, body in read_files(key).items():
        if name.endswith(".dmn"):
            parser.add_dmn_str(body.encode())
    parser.add_bpmn_str(read_files(key)[f"{key}.bpmn"].encode())
    spec = parser.get_spec(key)
    assert spec is not None
    assert spec.name == key


@pytest.mark.parametrize("key", KEYS)
def test_everything_is_drawn_once_and_named(key: str) -> None:
    root = parse_xml(f"{key}.bpmn", read_files(key)[f"{key}.bpmn"])
    drawn = [shape.get("bpmnElement") for shape in root.iter("{*}BPMNShape", "{*}BPMNEdge")]
    assert len(drawn) == len(set(drawn))
    for node in root.iter(BPMN + "userTask", BPMN + "serviceTask", BPMN + "endEvent", BPMN + "boundaryEvent"):
        assert re.search(r"[\u4e00-\u9fff]", node.get("name") or ""), node.get("id")


@pytest.mark.parametrize("key", KEYS)
def test_no_two_shapes_lie_on_each_other(key: str) -> None:
    root = parse_xml(f"{key}.bpmn", read_files(key)[f"{key}.bpmn"])
    solid = {"userTask", "serviceTask", "businessRuleTask", "exclusiveGateway", "startEvent", "endEvent"}
    kinds = {node.get("id"): kind_of(node) for node in root.iter() if node.get("id")}
    boxes = [
        (shape.get("bpmnElement"), *(float(bounds.get(side) or 0) for side in ("x", "y", "width", "height")))
        for shape in root.iter("{*}BPMNShape")
        if kinds.get(shape.get("bpmnElement")) in solid
        for bounds in shape.iterfind("{*}Bounds")
    ]
    for place, (one, x, y, width, height) in enumerate(boxes):
        for other, x2, y2, width2, height2 in boxes[place + 1 :]:
            apart = x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y
            assert apart, (one, other)


# The issue's own forms


def context(**me: object) -> FormContext:
    lists = {name: [Option("2301", "连云港海关"), Option("一般", "一般")] for name in EACH_LIST}
    about = {"is_submitter": True, "is_executive": False, "executive_count": 1} | me
    content = {
        "kind": "一般",
        "category": "一般",
        "office": "2301",
        "title": "核销",
        "description": "单耗不一致",
    }
    return FormContext(
        facts={"issue": {"office": "2301"}},
        me=about,
        lists=lists,
        values=content,
        now=datetime(2026, 3, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("task", "answers", "me"),
    [
        ("draft_issue", {}, {}),
        ("draft_issue", {"importance": "一般"}, {"is_executive": True}),
        ("draft_issue", {"executive": "2301"}, {"executive_count": 2}),
        ("rework_issue", {"title": "改过的标题"}, {}),
        ("review_issue", {"decision": "submit", "importance": "一般"}, {"is_executive": True}),
        ("review_issue", {"decision": "submit", "importance": "一般", "comment": "同意"}, {}),
        ("review_issue", {"decision": "return", "comment": "写明报关单号"}, {"is_executive": True}),
        ("answer_issue", {"decision": "answer", "answer": "可以"}, {}),
        ("answer_issue", {"decision": "transfer", "office": "2301", "reason": "南通口岸"}, {}),
        ("answer_issue", {"decision": "ask_enterprise", "question": "手册号？"}, {}),
        ("supply_information", {"information": "见附件"}, {}),
        ("evaluate_answer", {"rating": 1}, {}),
        ("evaluate_answer", {"rating": 3, "comment": "没有", "reopen": True}, {}),
    ],
)
def test_a_form_takes_these_answers(task: str, answers: dict[str, object], me: dict[str, object]) -> None:
    schema = parse_definition(read_files("issue")).forms[task]
    checked = check(schema, answers, context(**me))
    assert answers.items() <= checked.items()


@pytest.mark.parametrize(
    ("task", "answers", "me", "refused"),
    [
        ("draft_issue", {"title": ""}, {}, {"title"}),
        ("draft_issue", {"title": "长" * 101}, {}, {"title"}),
        ("draft_issue", {"description": "长" * 5001}, {}, {"description"}),
        ("draft_issue", {"importance": "一般"}, {}, {"importance"}),
        ("draft_issue", {}, {"is_executive": True}, {"importance"}),
        ("draft_issue", {}, {"executive_count": 2}, {"executive"}),
        ("review_issue", {}, {}, {"decision"}),
        ("review_issue", {"decision": "submit"}, {}, {"importance"}),
        ("review_issue", {"decision": "return"}, {}, {"comment"}),
        ("answer_issue", {"decision": "answer"}, {}, {"answer"}),
        ("answer_issue", {"decision": "answer", "answer": "长" * 5001}, {}, {"answer"}),
        ("answer_issue", {"decision": "transfer", "office": "2301"}, {}, {"reason"}),
        ("answer_issue", {"decision": "ask_enterprise"}, {}, {"question"}),
        ("answer_issue", {"decision": "close"}, {}, {"decision"}),
        ("supply_information", {}, {}, {"information"}),
        ("evaluate_answer", {}, {}, {"rating"}),
        ("evaluate_answer", {"rating": 5, "comment": "好"}, {}, {"rating"}),
        ("evaluate_answer", {"rating": 2}, {}, {"comment"}),
        ("evaluate_answer", {"rating": 4}, {}, {"comment"}),
        ("evaluate_answer", {"rating": 1, "reopen": True}, {}, {"reopen"}),
        (
            "evaluate_answer",
            {"rating": 3, "comment": "没有", "reopen": True},
            {"is_submitter": False},
            {"reopen"},
        ),
    ],
)
def test_a_form_refuses_these_answers(
    task: str, answers: dict[str, object], me: dict[str, object], refused: set[str]
) -> None:
    schema = parse_definition(read_files("issue")).forms[task]
    with pytest.raises(AnswersRefused) as caught:
        check(schema, answers, context(**me))
    assert set(caught.value.details["errors"]) == refused


def test_messages_to_applicants_have_no_placeholders_and_others_only_known_ones() -> None:
    texts = yaml.safe_load(read_files("registration")["registration/texts.yaml"])
    to_applicant = {"returned", "correction_late", "approved", "refused", "superseded"}
    assert [name for name in sorted(to_applicant) if "{" in texts[name]["text"]] == []
    assert find_text_mistakes(read_files("registration")) == []
    strange = {"registration/texts.yaml": "arrived: {title: x, text: 'about {title}'}"}
    assert [finding.rule for finding in find_text_mistakes(strange)] == ["bad-placeholder"]
    reason = {"registration/texts.yaml": "refused: {title: x, text: '{enterprise} {reason}'}"}
    assert find_text_mistakes(reason) == []
    assert [
        finding.rule
        for finding in find_text_mistakes({"issue/texts.yaml": "a: {title: x, text: '{reason}'}"})
    ]


def test_the_message_that_the_result_is_in_has_no_placeholders() -> None:
    texts = yaml.safe_load(read_files("issue")["issue/texts.yaml"])
    assert "{" not in texts["answered"]["text"]
    placeholders = {
        name for each in texts.values() for name in re.findall(r"\{(\w+)\}", each["text"] + each["title"])
    }
    assert placeholders <= {"number", "title", "office", "due"}
