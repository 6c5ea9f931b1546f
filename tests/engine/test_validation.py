"""What the validator says: of each bad diagram the rule and the element, of good ones nothing, and of whatever bytes come in
findings, never an exception."""

import json
import re
import time
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  # lxml has no stubs

from engine.catalogue import read_folder
from engine.context import StepContext
from engine.specs import parse_definition
from engine.validation import Finding, advise, validate
from tests.engine.bad_diagrams import (
    BAD,
    FIRST,
    GOOD,
    GOOD_FILES,
    TABLE,
    Bad,
    boundary,
    flow,
    handler,
    through,
)
from tests.engine.process_files import Run

PROCESSES = Path(__file__).parents[2] / "processes"
ISSUE = (PROCESSES / "issue.bpmn").read_text(encoding="utf-8")


async def notify(context: StepContext, /, template: str, to: str = "") -> None:
    """An operator with one parameter it needs and one it does not."""


def working_days(now: datetime, count: float) -> datetime:
    return now


def find(files: Mapping[str, str]) -> list[Finding]:
    return validate(
        files,
        operators={"notify": notify},
        functions={"working_days": working_days},
        given={"small": ["clock"]},
    )


def change(old: str, new: str) -> dict[str, str]:
    assert old in GOOD
    return {**GOOD_FILES, "small.bpmn": GOOD.replace(old, new)}


def test_a_good_process_passes() -> None:
    assert find(GOOD_FILES) == []
    assert parse_definition(GOOD_FILES).key == "small"


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.what)
def test_a_mistake_is_named(bad: Bad) -> None:
    found = find(bad.build())
    assert (bad.file, bad.element, bad.rule) in {(each.file, each.element, each.rule) for each in found}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.what)
def test_every_sentence_is_chinese_and_ends(bad: Bad) -> None:
    for finding in find(bad.build()):
        assert re.search(r"[\u4e00-\u9fff]", finding.sentence)
        assert finding.sentence.endswith("。")
        assert "Traceback" not in finding.sentence
        assert bad.element in str(finding) or finding.element != bad.element


def test_every_rule_has_a_bad_diagram() -> None:
    sources = [
        path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "engine").glob("*.py")
    ]
    rules = {
        rule
        for source in sources
        for rule in re.findall(r'"([a-z]+(?:-[a-z]+)+|script|doctype|unsupported|repetition)"', source)
    }
    proved = {bad.rule for bad in BAD}
    elsewhere = {
        "bad-cases",
        "case-failed",
        "not-drawn",
        "not-waited-for",
        "passed-over",
        "not-text",
        "wrong-process-id",
    }
    assert rules - proved - elsewhere == set()


def test_one_mistake_is_not_reported_as_many() -> None:
    many = {"an id in two files", "too many elements"}
    noisy = {bad.what: [each.rule for each in find(bad.build())] for bad in BAD if bad.what not in many}
    assert {what: rules for what, rules in noisy.items() if len(rules) > 3} == {}


def test_names_alone_are_enough_for_operators_and_functions() -> None:
    assert validate(GOOD_FILES, operators=["notify"], functions=["working_days"]) == []


def test_all_mistakes_are_found_at_once() -> None:
    files = change('targetRef="done"', 'targetRef="gone"') | {"small/fill.form": "[]"}
    assert {"dangling-reference", "form-unsupported"} <= {each.rule for each in find(files)}


def test_what_bpmn_allows_passes() -> None:
    inside = through('<bpmn:parallelGateway id="middle"/><bpmn:task id="beside"/>')
    body = GOOD
    for old, new in inside.items():
        body = body.replace(old, new)
    body = body.replace(
        "</bpmn:process>", flow("middle", "beside") + flow("beside", "done") + "</bpmn:process>"
    )
    message = boundary('<bpmn:messageEventDefinition messageRef="stop_message"/>')
    body = body.replace("</bpmn:process>", f"{message}</bpmn:process>")
    assert find({**GOOD_FILES, "small.bpmn": body}) == []


@pytest.mark.parametrize("interrupting", ["true", "false"])
@pytest.mark.parametrize(
    "trigger",
    [
        '<bpmn:messageEventDefinition messageRef="stop_message"/>',
        '<bpmn:escalationEventDefinition escalationRef="help_escalation"/>',
        '<bpmn:signalEventDefinition signalRef="calm_signal"/>',
        "<bpmn:timerEventDefinition><bpmn:timeCycle>R3/P1D</bpmn:timeCycle></bpmn:timerEventDefinition>",
        '<bpmn:conditionalEventDefinition><bpmn:condition>fill.note = "急"</bpmn:condition></bpmn:conditionalEventDefinition>',
    ],
)
def test_an_event_sub_process_passes(trigger: str, interrupting: str) -> None:
    more = handler(trigger, attributes=f' isInterrupting="{interrupting}"')
    body = GOOD.replace("</bpmn:process>", f"{more}</bpmn:process>")
    named = '<bpmn:escalation id="help_escalation" name="help" escalationCode="help"/><bpmn:signal id="calm_signal" name="calm"/>'
    body = body.replace("</bpmn:definitions>", f"{named}</bpmn:definitions>")
    assert find({**GOOD_FILES, "small.bpmn": body}) == []


def test_a_called_process_may_lie_in_another_file() -> None:
    called = re.sub(r'"(begin|fill|choice|tell|done|first|second|urgent|calm|third)"', r'"other_\1"', GOOD)
    called = called.replace('"small"', '"other"').replace(
        'value="&quot;told&quot;"', 'value="&quot;told&quot;"'
    )
    [(old, new)] = through('<bpmn:callActivity id="middle" calledElement="other"/>').items()
    files = {
        **GOOD_FILES,
        "small.bpmn": GOOD.replace(old, new),
        "other.bpmn": called,
        "small/other_fill.form": GOOD_FILES["small/fill.form"],
    }
    assert find(files) == []


def test_a_table_is_found_by_its_id() -> None:
    [(old, new)] = through(
        '<bpmn:businessRuleTask id="middle"><bpmn:extensionElements><spiffworkflow:calledDecisionId>choose'
        "</spiffworkflow:calledDecisionId></bpmn:extensionElements></bpmn:businessRuleTask>"
    ).items()
    assert 'id="choose"' in TABLE
    assert find({**GOOD_FILES, "small.bpmn": GOOD.replace(old, new)}) == []


def test_text_that_is_no_unicode_is_refused() -> None:
    assert [each.rule for each in find({**GOOD_FILES, "small.bpmn": GOOD + "\ud800"})] == ["not-text"]


def test_advice_names_what_is_not_drawn() -> None:
    assert {(each.element, each.rule) for each in advise(GOOD_FILES)} >= {
        ("begin", "not-drawn"),
        ("third", "not-drawn"),
    }


def test_what_is_only_there_to_be_read_is_kept_and_passed_over_with_advice() -> None:
    body = GOOD
    for old, new in {
        '<bpmn:startEvent id="begin"/>': '<bpmn:startEvent id="begin"><bpmn:messageEventDefinition/></bpmn:startEvent>'
        '<bpmn:dataObject id="paper"/><bpmn:dataObjectReference id="a_paper" dataObjectRef="paper"/>'
        '<bpmn:dataStoreReference id="a_shelf" dataStoreRef="shelf"/>',
        '<bpmn:serviceTask id="tell" name="通知">': '<bpmn:serviceTask id="tell" name="通知" c:topic="x" xmlns:c="urn:other">',
        "</bpmn:serviceTask>": '<bpmn:ioSpecification><bpmn:dataInput id="input"/><bpmn:inputSet><bpmn:dataInputRefs>input'
        "</bpmn:dataInputRefs></bpmn:inputSet><bpmn:outputSet/></bpmn:ioSpecification><bpmn:dataInputAssociation>"
        "<bpmn:sourceRef>a_paper</bpmn:sourceRef><bpmn:targetRef>input</bpmn:targetRef></bpmn:dataInputAssociation>"
        "</bpmn:serviceTask>",
        "<bpmn:extensionElements>": '<bpmn:extensionElements><c:colour xmlns:c="urn:other">red</c:colour>',
        "</bpmn:process>": '<bpmn:textAnnotation id="note"><bpmn:text>注意</bpmn:text></bpmn:textAnnotation>'
        '<bpmn:association id="line" sourceRef="fill" targetRef="note"/><bpmn:group id="group"/></bpmn:process>'
        '<bpmn:dataStore id="shelf" name="柜"/><bpmn:collaboration id="both"><bpmn:participant id="us" processRef="small"/>'
        '<bpmn:participant id="others" name="对方"/><bpmn:messageFlow id="letter" sourceRef="others" targetRef="begin"/>'
        "</bpmn:collaboration>",
    }.items():
        assert old in body
        body = body.replace(old, new)
    files = {**GOOD_FILES, "small.bpmn": body}
    assert find(files) == []
    sentences = [str(each) for each in advise(files) if each.rule != "not-drawn"]
    assert len(sentences) == 3
    assert "begin" in sentences[0]
    words = "文字注释 1 个、组 1 个、数据对象 1 个、数据存储 1 个、数据输入 1 个、数据关联 1 个、没有流程的泳池 1 个"
    assert all(word in sentences[1] for word in words.split("、"))
    assert "urn:other" in sentences[2]
    assert "3 处" in sentences[2]
    run = Run(parse_definition(files))
    assert run.ready == ["fill"]
    assert run.complete("fill", note="急").load().is_ended


CROWDS = {
    "gateways": ("</bpmn:process>", '<bpmn:parallelGateway id="g{0}"/>'),
    "flows": ("</bpmn:process>", '<bpmn:sequenceFlow id="f{0}" sourceRef="a" targetRef="b"/>'),
    "processes": ("</bpmn:definitions>", '<bpmn:process id="p{0}"/>'),
    "messages": ("<bpmn:process", '<bpmn:message id="m{0}"/>'),
    "declarations": (FIRST, '<bpmn:property id="v{0}"/>'),
    "notes": ("</bpmn:process>", '<bpmn:textAnnotation id="n{0}"/>'),
    "elements with one id": ("</bpmn:process>", '<bpmn:group id="choice" default="{0}"/>'),
    "parameters": (
        "</spiffworkflow:parameters>",
        '<spiffworkflow:parameter id="p{0}" type="any" value="a{0}"/>',
    ),
    "lanes' elements": ("<bpmn:startEvent", "<bpmn:flowNodeRef>x{0}</bpmn:flowNodeRef>"),
    "others' namespaces": ("<bpmn:extensionElements>", '<x xmlns="urn:{0}"/>'),
    "others' scripts": ("<bpmn:extensionElements>", '<x:script xmlns:x="urn:{0}"/>'),
    "drawings": ("</bpmn:definitions>", '<bpmndi:BPMNShape id="s{0}" bpmnElement="x{0}"/>'),
    "nests": ("</bpmn:process>", "<bpmn:subProcess><!--{0}-->"),
    "declarations of types": ("<bpmn:process", "<! {0} "),
}


@pytest.mark.parametrize("what", CROWDS)
def test_a_file_of_one_megabyte_is_answered_quickly(what: str) -> None:
    place, piece = CROWDS[what]
    crowd = "".join(piece.format(number) for number in range(970_000 // len(piece.format(99_999))))
    body = GOOD.replace(
        place, place + crowd if place in (FIRST, "<bpmn:extensionElements>") else crowd + place, 1
    )
    assert 700_000 < len(body) < 1_000_000
    began = time.process_time()
    assert all(isinstance(each, Finding) for each in find({**GOOD_FILES, "small.bpmn": body}))
    assert time.process_time() - began < 5  # mostly a tenth of it; nothing may grow with the square


ALIASES = "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 60))
CROWDED_FILES = {
    "cells": (
        "tables.dmn",
        TABLE.replace(
            "</decisionTable>",
            "".join(
                f'<rule id="r{n}"><inputEntry id="c{n}"><text>{",".join([str(n)] * 150)}</text></inputEntry>'
                f'<outputEntry id="v{n}"><text>1</text></outputEntry></rule>'
                for n in range(1_200)
            )
            + "</decisionTable>",
        ),
    ),
    "fields": (
        "small/fill.form",
        json.dumps(
            {
                "components": [
                    {
                        "type": "textfield",
                        "key": f"k{n}",
                        "label": "x",
                        "validate": {"pattern": f"^{'(a|b)' * 9}{n}$"},
                    }
                    for n in range(7_000)
                ]
            }
        ),
    ),
    "nested lists": ("small/fill.form", "[" * 400_000),
    "a number": ("small/fill.form", "1" * 900_000),
    "texts": ("small/texts.yaml", "".join(f"t{n}:\n  title: a\n  text: b\n" for n in range(3_500))),
    "nested texts": ("small/texts.yaml", "[" * 90_000),
    "aliases": ("small/cases.yaml", "a0: &a0 {x: 1}\n" + ALIASES),
}


@pytest.mark.parametrize("what", CROWDED_FILES)
def test_another_crowded_file_is_answered_quickly(what: str) -> None:
    name, body = CROWDED_FILES[what]
    began = time.process_time()
    assert find({**GOOD_FILES, name: body}) != []
    assert time.process_time() - began < 5


# Whatever comes in


def cut(text: str, places: tuple[float, float]) -> str:
    low, high = sorted(int(place * len(text)) for place in places)
    return text[:low] + text[high:]


PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))
WORDS = sorted(set(re.findall(r'"[\w.]+"|<[\w:/]+|\w+Ref', ISSUE)))


@settings(max_examples=60, deadline=3000)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), min_size=1, max_size=4))
def test_a_mixed_up_diagram_gives_findings_or_nothing(swaps: list[tuple[str, str]]) -> None:
    body = ISSUE
    for old, new in swaps:
        body = body.replace(old, new)
    assert all(isinstance(each, Finding) for each in find({"issue.bpmn": body}))


@settings(max_examples=40, deadline=3000)
@given(PLACES, st.text(max_size=30))
def test_a_torn_diagram_gives_findings(places: tuple[float, float], more: str) -> None:
    found = find({**GOOD_FILES, "small.bpmn": cut(GOOD, places) + more})
    assert all(isinstance(each, Finding) for each in found)


DRAWN = [
    GOOD,
    ISSUE,
    *(bad.build()["small.bpmn"] for bad in BAD if bad.rule in ("uncaught", "event-gateway")),
]
CHANGES = st.tuples(
    st.sampled_from(["remove", "double", "move", "retag", "rename", "say"]), st.floats(0, 1), st.floats(0, 1)
)


def change_tree(body: str, changes: list[tuple[str, float, float]]) -> str:
    """The diagram with elements removed, doubled, put elsewhere, or with what others have."""
    root = etree.fromstring(body.encode())
    for what, one, other in changes:
        nodes = list(root.iter(etree.Element))[1:]
        if not nodes:
            break
        node, second = nodes[int(one * (len(nodes) - 1))], nodes[int(other * (len(nodes) - 1))]
        above = node.getparent()
        if what == "remove" and above is not None:
            above.remove(node)
        elif what == "double" and above is not None:
            above.append(deepcopy(node))
        elif what == "move" and node not in (second, *second.iterancestors()):
            second.append(node)
        elif what == "retag":
            node.tag = second.tag
        elif what == "rename" and node.attrib and second.attrib:
            node.set(node.keys()[-1], second.values()[0])
        else:
            node.text = second.get("id") or "INVALID"
    return etree.tostring(root, encoding="unicode")


@settings(max_examples=150, deadline=5000)
@given(st.sampled_from(DRAWN), st.lists(CHANGES, min_size=1, max_size=3))
def test_whatever_is_done_to_a_diagram_gives_findings_or_one_that_runs(
    body: str, changes: list[tuple[str, float, float]]
) -> None:
    files = {**GOOD_FILES, "small.bpmn": change_tree(body, changes)}
    found = find(files)
    assert all(isinstance(each, Finding) and each.sentence.endswith("。") for each in found)
    if not found:
        assert all(isinstance(each, Finding) for each in advise(files))
        run = Run(parse_definition(files), clock=None)
        assert run.ready or run.load().is_ended or run.load().waiting_messages() or run.load().due_timers()


NEEDED = re.findall(r"<bpmn:(?:sequenceFlow|message|participant|messageEventDefinition) [^>]*/>", ISSUE)


@pytest.mark.parametrize("piece", NEEDED, ids=lambda piece: re.findall('"(.*?)"', piece)[0])
def test_the_issue_is_refused_without_any_flow_or_message(piece: str) -> None:
    files = read_folder(PROCESSES, "issue")
    operators = set(re.findall(r'serviceTaskOperator id="(\w+)"|"onComplete" value="(\w+)"', ISSUE))
    names = {name for pair in operators for name in pair}
    functions = {"working_days", "days", "working_time_until", "working_time_after"}
    assert validate(files, operators=names, functions=functions) == []
    assert validate(files | {"issue.bpmn": ISSUE.replace(piece, "", 1)}, operators=names, functions=functions)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.fixed_dictionaries(
    {"type": st.sampled_from(["textfield", "radio", "group", "number", "html", "filepicker"])},
    optional=dict.fromkeys(
        ("key", "label", "values", "validate", "conditional", "properties", "components"), JSON
    ),
)


@settings(max_examples=60, deadline=3000)
@given(st.lists(FIELD, max_size=3) | JSON)
def test_any_form_gives_findings_or_nothing(components: Any) -> None:
    files = {**GOOD_FILES, "small/fill.form": json.dumps({"components": components})}
    assert all(isinstance(each, Finding) for each in find(files))


@settings(max_examples=60, deadline=3000)
@given(st.text(max_size=60))
def test_any_text_in_any_file_gives_findings(text: str) -> None:
    for name in GOOD_FILES:
        assert find({**GOOD_FILES, name: text}), name
