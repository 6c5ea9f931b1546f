"""What a diagram says about its flow nodes: read from the XML by ourselves, wherever they are nested."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.names import identifier
from engine.parsing import SPIFF, is_event_subprocess, is_interrupting

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
FLOW_NODES = frozenset(
    {"startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"}
    | {
        "task",
        "userTask",
        "manualTask",
        "serviceTask",
        "businessRuleTask",
        "sendTask",
        "receiveTask",
        "scriptTask",
    }
    | {"subProcess", "callActivity", "transaction", "adHocSubProcess"}
    | {"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"}
)


@dataclass(frozen=True, slots=True)
class Element:
    """What the diagram says about one flow node."""

    id: str
    name: str
    kind: str
    """The BPMN tag: userTask, serviceTask, endEvent …"""
    file: str
    process_id: str
    parent_id: str | None
    """The subprocess it lies in, None at the top of its process."""
    properties: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    operator: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    result_variable: str | None = None
    lane: str | None = None
    documentation: str | None = None
    event: str | None = None
    """The kind of event: timer, message, error …"""
    attached_to: str | None = None
    interrupting: bool = True
    multi_instance: bool = False
    by_event: bool = False
    """Whether it is a sub-process that an event starts."""

    @property
    def variable(self) -> str:
        """What its answers, or the message that it caught, are called in expressions."""
        return identifier(self.id)

    @property
    def on_complete(self) -> str | None:
        """The operator called when a user task's answers are accepted."""
        return self.properties.get("onComplete")


def parse_element(file: str, node: etree._Element, lanes: Mapping[str, str], has_form: bool) -> Element:
    """What a flow node's XML says."""
    element_id = node.get("id") or ""
    kind = etree.QName(node).localname
    parent = node.getparent()
    parent_kind = "" if parent is None else etree.QName(parent).localname
    process = next(node.iterancestors(BPMN + "process"), None)
    properties = read_properties(node)
    operator = node.find(f"{BPMN}extensionElements/{SPIFF}serviceTaskOperator")
    return Element(
        id=element_id,
        name=(node.get("name") or element_id).strip(),
        kind=kind,
        file=file,
        process_id="" if process is None else process.get("id") or "",
        parent_id=parent.get("id") if parent is not None and parent_kind == "subProcess" else None,
        properties=properties,
        form=has_form,
        operator=None if operator is None else operator.get("id"),
        parameters={} if operator is None else dict(_parameters(operator)),
        result_variable=(None if operator is None else operator.get("resultVariable"))
        or properties.get("resultVariable"),
        lane=lanes.get(element_id),
        documentation=node.findtext(f"{BPMN}documentation"),
        event=_event_kind(node),
        attached_to=node.get("attachedToRef"),
        interrupting=is_interrupting(node),
        multi_instance=node.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None,
        by_event=kind == "subProcess" and is_event_subprocess(node),
    )


def read_properties(node: etree._Element) -> dict[str, str]:
    """What the analyst wrote at an element (`spiffworkflow:properties`)."""
    path = f"{BPMN}extensionElements/{SPIFF}properties/{SPIFF}property"
    return {each.get("name") or "": (each.get("value") or "").strip() for each in node.iterfind(path)}


def reading_order(roots: Iterable[etree._Element]) -> tuple[str, ...]:
    """The flow nodes of these diagrams as a token can come to them: the nearest to a start first, each once.

    Boundary events come with their host, what lies in a subprocess after it, event subprocesses of a process last.
    """
    ways: dict[str, list[str]] = {}
    starts: list[str] = []
    last: list[str] = []
    for root in roots:
        for flow in root.iter(BPMN + "sequenceFlow"):
            ways.setdefault(flow.get("sourceRef") or "", []).append(flow.get("targetRef") or "")
        for event in root.iter(BPMN + "boundaryEvent"):
            ways.setdefault(event.get("attachedToRef") or "", []).append(event.get("id") or "")
        for start in root.iter(BPMN + "startEvent"):
            around = start.getparent()
            if around is not None and around.tag == BPMN + "subProcess":
                ways.setdefault(around.get("id") or "", []).append(start.get("id") or "")
            else:
                starts.append(start.get("id") or "")
        for inner in root.iter(BPMN + "subProcess"):
            around = inner.getparent()
            if is_event_subprocess(inner) and around is not None:
                ways.setdefault(around.get("id") or "", []).append(inner.get("id") or "")
        last += (process.get("id") or "" for process in root.iter(BPMN + "process"))
    seen: dict[str, None] = {}
    waiting = deque(starts)
    while waiting or last:
        reached = waiting.popleft() if waiting else last.pop(0)
        if reached not in seen:
            seen[reached] = None
            waiting += ways.get(reached, ())
    return tuple(seen)


def _parameters(operator: etree._Element) -> Iterator[tuple[str, str]]:
    for each in operator.iter(SPIFF + "parameter"):
        yield each.get("id") or "", each.get("value") or ""


def lanes_of(root: etree._Element) -> dict[str, str]:
    """The name of the lane that each element lies in, by the element's id."""
    lanes: dict[str, str] = {}
    for reference in root.iter(BPMN + "flowNodeRef"):
        lane = reference.getparent()
        if lane is not None and lane.get("name"):
            lanes.setdefault((reference.text or "").strip(), lane.get("name") or "")
    return lanes


def _event_kind(node: etree._Element) -> str | None:
    for child in node:
        name = etree.QName(child).localname
        if name.endswith("EventDefinition"):
            return name.removesuffix("EventDefinition")
    return None
