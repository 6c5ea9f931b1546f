"""Definitions: the files of one process, parsed once into something every instance of it shares. Besides the library's specs
it holds what the diagram says about each element, wherever nested, and which variables its expressions read. Rules about
what a diagram may contain are `engine.validation`'s; here only what cannot be parsed or would be unsafe is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.mixins import InclusiveGatewayMixin, ParallelGatewayMixin
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.task import Task

from engine import paces
from engine.decisions import Decision, DecisionRefused, parse_decisions
from engine.elements import (
    BPMN,
    FLOW_NODES,
    Element,
    lanes_of,
    parse_element,
    read_properties,
    reading_order,
)
from engine.exceptions import DiagramRefused
from engine.expressions import ExpressionRefused, read_paths
from engine.findings import Finding
from engine.names import as_read, identifier
from engine.parsing import SPIFF, DiagramParser, as_expression
from engine.values import Reads

MAX_FILE = 1_000_000
MAX_ELEMENTS = 400
YES_OR_NO = frozenset(
    {
        "isExecutable",
        "triggeredByEvent",
        "isInterrupting",
        "cancelActivity",
        "isSequential",
        "testBefore",
        "parallelMultiple",
        "instantiate",
    }
)
"""Attributes of BPMN that are true or false."""

EXPRESSION_PROPERTIES = ("candidateGroups", "assignee", "claimFor", "dueDate", "status", "statusClaimed")
WORD_PROPERTIES = ("phase", "onComplete", "resultVariable", "place", paces.PROPERTY)
PAGE_PROPERTIES = ("lead", "now", "nowClaimed", "wanted", "wantedButton", "button", "sent", "next")
"""What pages say about a step: expressions too, but the instance keeps nothing for them."""
_UNSUPPORTED = frozenset({"scriptTask", "transaction", "adHocSubProcess", "complexGateway"})


@dataclass(frozen=True, slots=True, eq=False)
class ParsedDefinition:
    """Everything parsed from the files of one process; shared by its instances and never changed."""

    key: str
    spec: Any
    subprocess_specs: Mapping[str, Any]
    elements: Mapping[str, Element]
    reads: Reads
    decisions: Mapping[str, Decision]
    forms: Mapping[str, Any]
    files: Mapping[str, str]
    timed_while_unclaimed: frozenset[str]
    """User tasks with a timer that runs only while nobody has them."""
    joins_ahead: Mapping[tuple[str, str], frozenset[str]]
    """For a spec (of a process, by name): the joins of several branches that a token there may still reach."""
    properties: Mapping[str, str]
    """What is written at the process itself: words for pages (`phase.draft`)."""
    messages: frozenset[str]
    """The names of the messages it knows."""
    order: tuple[str, ...]
    """Its flow nodes, the nearest to the start first."""

    has_conditions: bool
    """Whether an event waits for a condition to become true."""

    def text(self, name: str) -> str | None:
        """A file of the process by its name without folders, `texts.yaml`."""
        for path, body in self.files.items():
            if path.rsplit("/", 1)[-1] == name:
                return body
        return None


def parse_definition(files: Mapping[str, str | bytes], key: str | None = None) -> ParsedDefinition:
    """Parse the files of one process (diagrams, decision tables, forms, texts), named by their paths.

    `key` is the id of the process to start; without it the one that no other calls. Raises DiagramRefused.
    """
    roots = {name: parse_xml(name, body) for name, body in files.items() if name.endswith((".bpmn", ".dmn"))}
    decisions = _parse_decisions(roots)
    by_name = _parse_forms(files)
    elements = _parse_elements(roots, by_name)
    forms = {each.id: by_name[each.variable] for each in elements.values() if each.form}
    key = key or _main_process(roots)
    spec, subprocess_specs = _parse_specs(roots, decisions, key)
    # A process may call itself: then its spec stands there twice.
    specs = list({id(each): each for each in (spec, *subprocess_specs.values())}.values())
    for each in specs:
        _prepare(each)
    return ParsedDefinition(
        key=key,
        spec=spec,
        subprocess_specs=subprocess_specs,
        elements=elements,
        reads=Reads(_reads(roots, decisions)),
        decisions=decisions,
        forms=forms,
        files={
            name: body if isinstance(body, str) else body.decode(errors="replace")
            for name, body in files.items()
        },
        timed_while_unclaimed=frozenset(
            each.attached_to
            for each in elements.values()
            if paces.PROPERTY in each.properties and each.attached_to
        ),
        joins_ahead={
            (each.name, name): ahead for each in specs for name, ahead in _joins_ahead(each).items()
        },
        has_conditions=any(element.event == "conditional" for element in elements.values()),
        properties=_process_properties(roots, key),
        messages=frozenset(
            message.get("name") or "" for root in roots.values() for message in root.iter(BPMN + "message")
        ),
        order=reading_order(roots.values()),
    )


def parse_xml(file: str, body: str | bytes) -> etree._Element:
    """The root of a diagram's XML: no DOCTYPE, no entities, no network, at most 1 MB; what is true or false says so in these
    words. Raises DiagramRefused."""
    data = body.encode() if isinstance(body, str) else body
    if len(data) > MAX_FILE:
        raise refused(file, "", "文件超过 1 MB")
    if b"\0" in data or re.search(rb"<!\s*(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise refused(file, "", "文件不能有 DOCTYPE 声明，也不能是 UTF-16 等编码，请存成 UTF-8")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refused(file, "", "不是完整的 XML 文件") from error
    if root.getroottree().docinfo.doctype:
        raise refused(file, "", "文件不能有 DOCTYPE 声明")
    _say_yes_and_no(root)
    return root


def _say_yes_and_no(root: etree._Element) -> None:
    # XML writes yes and no in two ways each; the library knows one, and takes `cancelActivity="1"` for a no.
    for node in root.iter(BPMN + "*"):
        for name in YES_OR_NO & set(node.keys()):
            written = (node.get(name) or "").strip()
            node.set(name, {"1": "true", "0": "false"}.get(written, written))


def refused(file: str, element: str, sentence: str) -> DiagramRefused:
    """A refusal with one finding."""
    finding = Finding(file, element, "unparsable", sentence)
    return DiagramRefused([finding], str(finding))


def _parse_decisions(roots: Mapping[str, etree._Element]) -> dict[str, Decision]:
    decisions: dict[str, Decision] = {}
    for file, root in roots.items():
        if not file.endswith(".dmn"):
            continue
        try:
            decisions.update((each.id, each) for each in parse_decisions(root))
        except DecisionRefused as error:
            raise refused(file, "", str(error)) from error
    return decisions


def form_name(file: str) -> str:
    """The identifier of the task that a form's file is named after."""
    return identifier(file.rsplit("/", 1)[-1].removesuffix(".form"))


def _parse_forms(files: Mapping[str, str | bytes]) -> dict[str, Any]:
    forms: dict[str, Any] = {}
    for file, body in files.items():
        if not file.endswith(".form"):
            continue
        try:
            forms[form_name(file)] = json.loads(body)
        except ValueError as error:
            raise refused(file, "", "表单不是有效的 JSON") from error
    return forms


def _parse_elements(roots: Mapping[str, etree._Element], forms: Mapping[str, Any]) -> dict[str, Element]:
    elements: dict[str, Element] = {}
    for file, root in roots.items():
        if not file.endswith(".bpmn"):
            continue
        lanes = lanes_of(root)
        for node in root.iter(*(BPMN + kind for kind in FLOW_NODES)):
            element = parse_element(file, node, lanes, identifier(node.get("id") or "") in forms)
            if element.kind in _UNSUPPORTED:
                raise refused(file, element.id, f"不支持 {element.kind}")
            if element.id in elements:
                raise refused(file, element.id, "编号与另一个元素重复")
            elements[element.id] = element
    if len(elements) > MAX_ELEMENTS:
        raise refused(next(iter(roots)), "", f"元素超过 {MAX_ELEMENTS} 个")
    return elements


def _main_process(roots: Mapping[str, etree._Element]) -> str:
    bpmn = {file: root for file, root in roots.items() if file.endswith(".bpmn")}
    called = {
        node.get("calledElement") for root in bpmn.values() for node in root.iter(BPMN + "callActivity")
    }
    processes = [
        process.get("id") or ""
        for root in bpmn.values()
        for process in root.iter(BPMN + "process")
        if process.get("isExecutable", "true") == "true"
    ]
    uncalled = [process for process in processes if process not in called]
    if len(uncalled) != 1:
        file = next(iter(bpmn), "")
        raise refused(file, "", "须有且只有一个可执行、且不被其他流程调用的流程")
    return uncalled[0]


def _process_properties(roots: Mapping[str, etree._Element], key: str) -> dict[str, str]:
    found = (process for root in roots.values() for process in root.iter(BPMN + "process"))
    return next((read_properties(process) for process in found if process.get("id") == key), {})


def _parse_specs(
    roots: Mapping[str, etree._Element], decisions: dict[str, Decision], key: str
) -> tuple[Any, dict[str, Any]]:
    parser = DiagramParser(decisions)
    file = next(iter(roots), "")
    try:
        for file, root in roots.items():
            if file.endswith(".bpmn"):
                parser.add_bpmn_xml(root, file)
        return parser.get_spec(key), parser.get_subprocess_specs(key)
    except ValidationException as error:
        raise refused(str(error.file_name or file), str(error.id or ""), _sentence(error)) from error
    except RecursionError as error:
        raise refused(file, "", "流程过长，无法解析") from error


def _sentence(error: ValidationException) -> str:
    text = str(error)
    if re.match(r"[^\x00-\x7f]", text):
        return text
    line = f"（第 {error.line_number} 行）" if error.line_number else ""
    return f"不符合 BPMN 2.0 的格式{line}：{text}"


def _prepare(spec: Any) -> None:
    # Data objects are drawings here: variables are the instance's.
    spec.data_objects = {}
    for task_spec in spec.task_specs.values():
        task_spec.data_input_associations = []
        task_spec.data_output_associations = []
        task_spec.io_specification = None
        task_spec.update_event.connect(_on_entered)
        task_spec.ready_event.connect(_on_ready)
        task_spec.completed_event.connect(_on_completed)
        task_spec.cancelled_event.connect(_on_cancelled)
    spec.io_specification = None
    # The library connects a repeated activity to its body when it first starts one; a reloaded instance never would.
    for task_spec in list(spec.task_specs.values()):
        merge_child = getattr(task_spec, "merge_child", None)
        if merge_child is not None:
            spec.task_specs[task_spec.task_spec].completed_event.connect(merge_child)


def _on_entered(workflow: Any, task: Task) -> None:
    workflow.top_workflow.script_engine.entered(task)


def _on_ready(workflow: Any, task: Task) -> None:
    workflow.top_workflow.script_engine.ready(task)


def _on_completed(workflow: Any, task: Task) -> None:
    workflow.top_workflow.script_engine.completed(task)


def _on_cancelled(workflow: Any, task: Task) -> None:
    workflow.top_workflow.script_engine.cancelled(task)


def is_join(task_spec: TaskSpec) -> bool:
    """Whether a spec waits for several branches and so looks back at what has arrived."""
    return isinstance(task_spec, ParallelGatewayMixin | InclusiveGatewayMixin) and len(task_spec.inputs) > 1


def _joins_ahead(spec: Any) -> dict[str, frozenset[str]]:
    joins = {name for name, task_spec in spec.task_specs.items() if is_join(task_spec)}
    if not joins:
        return {}
    return {name: frozenset(joins & _ahead(spec, name)) for name in spec.task_specs}


def _ahead(spec: Any, name: str) -> set[str]:
    seen, waiting = {name}, [name]
    while waiting:
        for output in spec.task_specs[waiting.pop()].outputs:
            if output.name not in seen:
                seen.add(output.name)
                waiting.append(output.name)
    return seen


def _reads(roots: Mapping[str, etree._Element], decisions: Mapping[str, Decision]) -> set[tuple[str, ...]]:
    paths: set[tuple[str, ...]] = set()
    for file, root in roots.items():
        if file.endswith(".bpmn"):
            for element, expression in expressions_of(root):
                try:
                    paths |= read_paths(expression)
                except ExpressionRefused as error:
                    raise refused(file, element, str(error)) from error
    for decision in decisions.values():
        try:
            paths |= decision.reads()
        except ExpressionRefused as error:
            raise refused("", decision.id, f"决策表“{decision.name}”：{error}") from error
    return paths


def expressions_of(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Every expression of a diagram with the id of the element or flow that it belongs to."""
    for node, expression in written_expressions(root):
        yield _owner(node), expression


def written_expressions(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Every expression of a diagram with the XML element that it is written in."""
    for node in root.iter(
        *(BPMN + tag for tag in ("conditionExpression", "completionCondition", "loopCondition"))
    ):
        yield node, node.text or ""
    for node in root.iterfind(f".//{BPMN}conditionalEventDefinition/{BPMN}condition"):
        yield node, node.text or ""
    for node in root.iter(BPMN + "loopCardinality"):
        yield node, node.text or ""
    for node in root.iter(BPMN + "loopDataInputRef"):
        yield node, as_read(node.text or "")
    for node in root.iter(BPMN + "multiInstanceLoopCharacteristics"):
        if node.find(BPMN + "loopDataOutputRef") is not None:
            item = node.find(BPMN + "outputDataItem")
            yield (
                node,
                identifier(_owner(node))
                if item is None
                else as_read(item.get("name") or item.get("id") or ""),
            )
    for node in root.iter(BPMN + "timeDate", BPMN + "timeDuration", BPMN + "timeCycle"):
        yield node, as_expression(node.text)
    for node in root.iter(SPIFF + "messagePayload", SPIFF + "parameter"):
        yield node, node.get("value") or node.text or ""
    for node in root.iter(SPIFF + "property"):
        if node.get("name") in EXPRESSION_PROPERTIES:
            yield node, node.get("value") or ""


def page_words_of(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Every expression for pages with the id of the element it speaks of."""
    for node in root.iter(SPIFF + "property"):
        if node.get("name") in PAGE_PROPERTIES:
            yield _owner(node), node.get("value") or ""


def _owner(node: etree._Element) -> str:
    for ancestor in node.iterancestors():
        kind = etree.QName(ancestor).localname
        if kind in FLOW_NODES or kind == "sequenceFlow":
            return ancestor.get("id") or ""
    return ""
