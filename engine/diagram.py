"""A diagram as its rules look at it: flow nodes, sequence flows, the scopes they lie in, and what can be reached from where.

Nothing here refuses anything: whatever is missing or dangling is simply absent, and `engine.diagram_rules` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from engine.findings import Finding
from engine.parsing import SPIFF
from engine.specs import BPMN, FLOW_NODES

TASKS = frozenset(
    [
        "task",
        "userTask",
        "manualTask",
        "serviceTask",
        "businessRuleTask",
        "sendTask",
        "receiveTask",
        "scriptTask",
    ]
)
ACTIVITIES = TASKS | {"subProcess", "callActivity", "transaction", "adHocSubProcess"}
EVENTS = frozenset(
    ["startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"]
)
GATEWAYS = frozenset(kind for kind in FLOW_NODES if kind.endswith("Gateway"))
KINDS_IN_WORDS: Mapping[str, str] = {
    "startEvent": "开始事件",
    "endEvent": "结束事件",
    "boundaryEvent": "边界事件",
    "intermediateCatchEvent": "中间捕获事件",
    "intermediateThrowEvent": "中间抛出事件",
    "task": "普通任务",
    "userTask": "用户任务",
    "manualTask": "手工任务",
    "serviceTask": "服务任务",
    "businessRuleTask": "业务规则任务",
    "sendTask": "发送任务",
    "receiveTask": "接收任务",
    "scriptTask": "脚本任务",
    "subProcess": "子流程",
    "callActivity": "调用活动",
    "transaction": "事务子流程",
    "adHocSubProcess": "特别（ad-hoc）子流程",
    "exclusiveGateway": "排他网关",
    "parallelGateway": "并行网关",
    "inclusiveGateway": "包容网关",
    "eventBasedGateway": "事件网关",
    "complexGateway": "复杂网关",
    "sequenceFlow": "连线",
    "process": "流程",
}


def kind_of(node: etree._Element | None) -> str:
    """The tag without its namespace; empty for nothing, comments and the like."""
    return etree.QName(node).localname if node is not None and isinstance(node.tag, str) else ""


def is_bpmn(node: etree._Element) -> bool:
    """Whether it is an element of BPMN itself and not of an extension."""
    return isinstance(node.tag, str) and node.tag.startswith(BPMN)


def describe(node: etree._Element) -> str:
    """How a sentence names an element: kind, name and id."""
    kind = KINDS_IN_WORDS.get(kind_of(node), kind_of(node))
    name = " ".join((node.get("name") or "").split())
    element_id = node.get("id") or ""
    if name:
        return f"{kind}“{name}”（{element_id}）" if element_id else f"{kind}“{name}”"
    return f"{kind} {element_id}" if element_id else f"一个没有编号的{kind}"


@dataclass
class Diagram:
    """One BPMN file."""

    file: str
    root: etree._Element
    nodes: dict[str, etree._Element] = field(default_factory=dict)
    """Flow nodes by id; of two with the same id the first."""
    flows: list[etree._Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        for node in self.flow_nodes():
            self.nodes.setdefault(node.get("id") or "", node)
        self.flows = list(self.root.iter(BPMN + "sequenceFlow"))

    def flow_nodes(self) -> Iterator[etree._Element]:
        """Every flow node, wherever nested."""
        yield from self.root.iter(*(BPMN + kind for kind in sorted(FLOW_NODES)))

    def each(self, *kinds: str) -> Iterator[etree._Element]:
        """Every element of these kinds."""
        yield from self.root.iter(*(BPMN + kind for kind in kinds))

    def scopes(self) -> Iterator[etree._Element]:
        """The processes and embedded subprocesses."""
        yield from self.each("process", "subProcess")

    def finding(self, node: etree._Element, rule: str, text: str) -> Finding:
        """A finding at an element, whose name is put before the text."""
        return Finding(self.file, owner_id(node), rule, f"{describe(node)}{text}")

    @cached_property
    def ids(self) -> dict[str, etree._Element]:
        """Every element of BPMN with an id."""
        found: dict[str, etree._Element] = {}
        for node in self.root.iter():
            if is_bpmn(node) and node.get("id"):
                found.setdefault(node.get("id") or "", node)
        return found

    @cached_property
    def outgoing(self) -> dict[str, list[etree._Element]]:
        """Sequence flows by the id they come from, in the order of the file."""
        return self._flows_by("sourceRef")

    @cached_property
    def incoming(self) -> dict[str, list[etree._Element]]:
        """Sequence flows by the id they lead to."""
        return self._flows_by("targetRef")

    def _flows_by(self, end: str) -> dict[str, list[etree._Element]]:
        found: dict[str, list[etree._Element]] = {}
        for flow in self.flows:
            found.setdefault(flow.get(end) or "", []).append(flow)
        return found

    @cached_property
    def boundaries(self) -> dict[str, list[etree._Element]]:
        """Boundary events by the id they are attached to."""
        found: dict[str, list[etree._Element]] = {}
        for node in self.each("boundaryEvent"):
            found.setdefault(node.get("attachedToRef") or "", []).append(node)
        return found

    @cached_property
    def following(self) -> dict[str, list[str]]:
        """Where a token can go next from each node: along its flows, or out at its boundary events."""
        steps: dict[str, list[str]] = {}
        for element_id in self.nodes:
            targets = [flow.get("targetRef") or "" for flow in self.outgoing.get(element_id, [])]
            attached = [event.get("id") or "" for event in self.boundaries.get(element_id, [])]
            steps[element_id] = [target for target in (*attached, *targets) if target in self.nodes]
        return steps

    def reachable(self, starts: Iterable[str]) -> set[str]:
        """Everything a token can get to from these, themselves included."""
        seen: set[str] = set()
        waiting = [start for start in starts if start in self.nodes]
        while waiting:
            element_id = waiting.pop()
            if element_id not in seen:
                seen.add(element_id)
                waiting += self.following[element_id]
        return seen

    def is_on_cycle(self, element_id: str) -> bool:
        """Whether a token that leaves this node can come back to it."""
        return element_id in self.reachable(self.following.get(element_id, []))

    def longest_descent(self) -> tuple[int, str]:
        """How deep a depth-first walk gets, and at which node: the library's parser descends just so."""
        deepest, where = 0, ""
        seen: set[str] = set()
        for start in (node.get("id") or "" for node in self.each("startEvent")):
            stack: list[tuple[str, Iterator[str]]] = []
            if start in self.nodes and start not in seen:
                seen.add(start)
                stack.append((start, iter(self.following[start])))
            while stack:
                if len(stack) > deepest:
                    deepest, where = len(stack), stack[-1][0]
                target = next((each for each in stack[-1][1] if each not in seen), None)
                if target is None:
                    stack.pop()
                else:
                    seen.add(target)
                    stack.append((target, iter(self.following[target])))
        return deepest, where


def scope_of(node: etree._Element) -> etree._Element | None:
    """The process or subprocess that a node lies in."""
    parent = node.getparent()
    while parent is not None and kind_of(parent) not in (
        "process",
        "subProcess",
        "transaction",
        "adHocSubProcess",
    ):
        parent = parent.getparent()
    return parent


def message_of(diagram: Diagram, node: etree._Element) -> str | None:
    """The name of the message that an event or task waits for or sends."""
    holder = node if node.get("messageRef") else node.find(BPMN + "messageEventDefinition")
    message = None if holder is None else diagram.ids.get(holder.get("messageRef") or "")
    return None if message is None else message.get("name")


def starts_process(node: etree._Element) -> bool:
    """Whether it is the start event of a process, and not of something inside."""
    return kind_of(node) == "startEvent" and kind_of(scope_of(node)) == "process"


def owner_id(node: etree._Element) -> str:
    """The id of the flow node or flow that an element belongs to, else its own."""
    for each in (node, *node.iterancestors()):
        if kind_of(each) in FLOW_NODES or kind_of(each) == "sequenceFlow":
            return each.get("id") or ""
    return node.get("id") or ""


def definitions_of(event: etree._Element) -> list[etree._Element]:
    """The event definitions of an event."""
    return [child for child in event if is_bpmn(child) and kind_of(child).endswith("EventDefinition")]


def has_text(node: etree._Element | None) -> bool:
    """Whether an element is there and not blank."""
    return node is not None and bool((node.text or "").strip())


def properties_of(node: etree._Element) -> dict[str, str]:
    """The element's own properties by name."""
    path = f"{BPMN}extensionElements/{SPIFF}properties/{SPIFF}property"
    return {each.get("name") or "": (each.get("value") or "").strip() for each in node.iterfind(path)}


def decision_of(node: etree._Element) -> str:
    """The id of the table that a business rule task decides by."""
    return (node.findtext(f"{BPMN}extensionElements/{SPIFF}calledDecisionId") or "").strip()


def operator_of(node: etree._Element) -> etree._Element | None:
    """The element that names a service task's operator."""
    return node.find(f"{BPMN}extensionElements/{SPIFF}serviceTaskOperator")
