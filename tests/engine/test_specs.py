"""Parsing: what a definition knows about its elements, and files that never get past it."""

from __future__ import annotations

import pytest

from engine.exceptions import DiagramRefused
from engine.specs import parse_definition, parse_xml
from tests.engine.process_files import END, START, Run, diagram, flows, parse, parse_file, timer, user


def test_every_element_is_known_wherever_it_is_nested() -> None:
    definition = parse_file("nested")
    assert definition.key == "nested"
    inner = definition.elements["do_work"]
    assert (inner.kind, inner.parent_id, inner.process_id) == ("userTask", "inner", "nested")
    assert definition.elements["outer"].properties == {"status": '"外层"'}
    nag = definition.elements["nag"]
    assert (nag.kind, nag.event, nag.attached_to, nag.interrupting) == (
        "boundaryEvent",
        "timer",
        "inner",
        False,
    )
    assert parse_file("votes").elements["vote"].multi_instance


def test_what_the_diagram_says_about_a_task_is_kept() -> None:
    lane = (
        '<bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="海关">'
        "<bpmn:flowNodeRef>ask</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>"
    )
    task = user("ask", onComplete="save", resultVariable="issue", phase="review")
    task = task.replace('name="ask">', 'name="请审核"><bpmn:documentation>说明</bpmn:documentation>')
    definition = parse(
        lane + START + task + END + flows("begin > ask > done"), **{"p/ask.form": '{"components": []}'}
    )
    ask = definition.elements["ask"]
    assert (ask.name, ask.lane, ask.documentation, ask.form) == ("请审核", "海关", "说明", True)
    assert (ask.on_complete, ask.result_variable, ask.properties["phase"]) == ("save", "issue", "review")
    assert definition.forms == {"ask": {"components": []}}


def test_an_operator_may_be_named_like_its_task() -> None:
    service = (
        '<bpmn:serviceTask id="notify"><bpmn:extensionElements><spiffworkflow:serviceTaskOperator id="notify">'
        '<spiffworkflow:parameters><spiffworkflow:parameter id="begin" type="any" value="x.y"/></spiffworkflow:parameters>'
        "</spiffworkflow:serviceTaskOperator></bpmn:extensionElements></bpmn:serviceTask>"
    )
    definition = parse(START + service + END + flows("begin > notify > done"))
    element = definition.elements["notify"]
    assert (element.operator, element.parameters) == ("notify", {"begin": "x.y"})
    assert definition.reads.paths == {("x", "y")}


def test_every_variable_that_is_read_is_known() -> None:
    assert parse_file("votes").reads.paths == {("ballots",), ("vote", "decision"), ("voter",), ("voters",)}
    assert parse_file("calls").reads.paths == {("inspect", "decision"), ("voter",), ("voters",)}


def test_other_files_are_found_by_their_names() -> None:
    definition = parse(START + END + flows("begin > done"), **{"p/texts.yaml": "a: 1"})
    assert definition.text("texts.yaml") == "a: 1"
    assert definition.text("cases.yaml") is None


DOCTYPE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
GOOD = diagram(START + END + flows("begin > done"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (GOOD.replace("?>", f"?>{DOCTYPE}", 1), "DOCTYPE"),
        (GOOD.replace("?>", "?><!doctype x>", 1), "DOCTYPE"),
        (GOOD.replace('encoding="UTF-8"', "").replace("?>", f"?>{DOCTYPE}", 1).encode("utf-16"), "UTF-8"),
        (GOOD.replace("<bpmn:process", "<!--" + "x" * 1_000_001 + "--><bpmn:process"), "1 MB"),
        ("", "XML"),
        ("not xml at all", "XML"),
        (GOOD[:-20], "XML"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"PK\x03\x04zip", "XML"),
        ("<html/>", "流程"),
        (GOOD.replace('isExecutable="true"', 'isExecutable="false"'), "流程"),
        (diagram(START + END + flows("begin > nowhere > done")), ""),
        (diagram("<bpmn:nonsense/>" + START), "BPMN 2.0"),
        (
            diagram(START + '<bpmn:scriptTask id="s"><bpmn:script>1</bpmn:script></bpmn:scriptTask>' + END),
            "scriptTask",
        ),
        (diagram(START + user("ask", assignee="os.system('x')") + END + flows("begin > ask > done")), "ask"),
        (diagram(START + user("ask", status="一般 办理") + END + flows("begin > ask > done")), "ask"),
        (
            diagram(
                START
                + user("a")
                + timer("t", "a", "timeDate", "[x for x in y]")
                + END
                + flows("begin > a > done", "t > done")
            ),
            "t",
        ),
        (
            diagram(
                START
                + '<bpmn:endEvent id="done"><bpmn:errorEventDefinition errorRef="none"/></bpmn:endEvent>'
                + flows("begin > done")
            ),
            "done",
        ),
        (
            diagram(
                START + '<bpmn:callActivity id="c" calledElement="none"/>' + END + flows("begin > c > done")
            ),
            "",
        ),
        (diagram(START + "".join(user(f"t{n}") for n in range(450)) + END), "400"),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, str) and len(value) < 12 else "file",
)
def test_what_cannot_be_parsed_is_refused_with_a_sentence(body: str | bytes, says: str) -> None:
    with pytest.raises(DiagramRefused) as refusal:
        parse_definition({"p.bpmn": body})
    assert says in str(refusal.value)
    assert refusal.value.findings


def test_a_form_that_is_no_json_is_refused() -> None:
    with pytest.raises(DiagramRefused, match=r"ask\.form"):
        parse_definition({"p.bpmn": GOOD, "p/ask.form": "{"})


def test_ids_are_unique_among_all_files() -> None:
    with pytest.raises(DiagramRefused, match="重复"):
        parse_definition({"p.bpmn": GOOD, "q.bpmn": GOOD.replace('id="p"', 'id="q"')})


def test_entities_are_never_resolved() -> None:
    root = parse_xml("x", "<a>&lt;</a>")
    assert root.text == "<"
    with pytest.raises(DiagramRefused):
        parse_xml("x", "<a>&unknown;</a>")


def test_a_chain_of_the_longest_kind_is_parsed() -> None:
    chain = "".join(user(f"t{n}") for n in range(390))
    path = " > ".join(["begin", *(f"t{n}" for n in range(390)), "done"])
    assert len(parse(START + chain + END + flows(path)).elements) == 392


def test_an_event_sub_process_says_what_starts_it_and_whether_it_interrupts() -> None:
    elements = parse_file("handlers").elements
    assert elements["asking"].by_event
    assert not elements["desk"].by_event
    assert (elements["asked"].event, elements["asked"].interrupting) == ("message", False)
    assert (elements["expired"].event, elements["expired"].interrupting) == ("timer", True)


def test_an_event_sub_process_without_a_trigger_cannot_be_parsed() -> None:
    inner = '<bpmn:startEvent id="b2"/><bpmn:endEvent id="e2"/>' + flows("b2 > e2")
    with pytest.raises(DiagramRefused, match="触发条件"):
        parse(
            START
            + f'<bpmn:subProcess id="s" triggeredByEvent="true">{inner}</bpmn:subProcess>'
            + END
            + flows("begin > done")
        )


def test_yes_and_no_may_be_written_as_numbers() -> None:
    desk = '<bpmn:startEvent id="b2"/><bpmn:endEvent id="e2"/>' + flows("b2 > e2")
    body = START + user("ask")
    body += timer("late", "ask", "timeDuration", "P1D").replace('"true"', '"1"')
    body += timer("nag", "ask", "timeCycle", "R/P1D", interrupting=False).replace('"false"', '"0"')
    body += f'<bpmn:subProcess id="s" triggeredByEvent=" 0 ">{desk}</bpmn:subProcess>' + END
    body += flows("begin > ask > s > done", "late > s", "nag > s")
    definition = parse_definition({"p.bpmn": diagram(body).replace('"true"', '"1"')})
    specs, elements = definition.spec.task_specs, definition.elements
    assert [specs[name].cancel_activity for name in ("late", "nag")] == [True, False]
    assert [elements[name].interrupting for name in ("late", "nag")] == [True, False]
    assert not elements["s"].by_event


def test_a_list_that_is_gone_through_one_by_one_may_say_so_as_a_number() -> None:
    repeated = '<bpmn:multiInstanceLoopCharacteristics isSequential="1"><bpmn:loopCardinality>2</bpmn:loopCardinality>'
    body = START + user("ask", f"{repeated}</bpmn:multiInstanceLoopCharacteristics>") + END
    assert Run(parse(body + flows("begin > ask > done"))).ready == ["ask"]
