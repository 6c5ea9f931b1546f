"""The rules for references in a diagram: flows and their ends, messages, data, lanes, pools, and what is drawn. Whatever is
referred to must be there, at a place where the reference makes sense."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.diagram import (
    BPMN,
    FLOW_NODES,
    Diagram,
    definitions_of,
    is_bpmn,
    kind_of,
    scope_of,
    starts_process,
)
from engine.findings import Finding

_WORDS = {"message": "消息", "signal": "信号", "error": "错误", "escalation": "升级"}


def references(diagram: Diagram) -> Iterator[Finding]:
    """What is referred to must exist."""
    for flow in diagram.flows:
        yield from _flow_ends(diagram, flow)
    named = {
        "messageRef": "message",
        "signalRef": "signal",
        "errorRef": "error",
        "escalationRef": "escalation",
    }
    for node in diagram.root.iter():
        if not is_bpmn(node):
            continue
        for attribute, kind in named.items():
            reference = node.get(attribute)
            if reference is not None and kind_of(diagram.ids.get(reference)) != kind:
                yield dangling(diagram, node, f"引用的{_WORDS[kind]} {reference} 不存在")
        if node.get("default") is not None and node.get("default") not in _flow_ids(diagram, node.get("id")):
            yield diagram.finding(
                node, "default-flow", f"的默认出口 {node.get('default')} 不是从它出去的连线。"
            )
    yield from _triggers(diagram)
    yield from _text_references(diagram)
    yield from _data_references(diagram)
    yield from _collaboration_references(diagram)
    yield from _drawn_references(diagram)


def _triggers(diagram: Diagram) -> Iterator[Finding]:
    for kind in ("messageEventDefinition", "signalEventDefinition"):
        for node in diagram.each(kind):
            attribute = "messageRef" if kind.startswith("message") else "signalRef"
            target = diagram.ids.get(node.get(attribute) or "")
            event = node.getparent()
            if event is not None and starts_process(event):
                continue  # nothing waits for it
            if node.get(attribute) is None or (target is not None and not (target.get("name") or "").strip()):
                word = _WORDS[kind.removesuffix("EventDefinition")]
                yield dangling(diagram, node, f"没有选定{word}，或者选定的{word}没有名称")
    for node in diagram.each("endEvent", "intermediateThrowEvent"):
        for thrown in definitions_of(node):
            attribute = kind_of(thrown).removesuffix("EventDefinition") + "Ref"
            if attribute in ("errorRef", "escalationRef") and thrown.get(attribute) is None:
                yield dangling(diagram, thrown, "没有写明抛出哪个错误或升级")


def _flow_ends(diagram: Diagram, flow: etree._Element) -> Iterator[Finding]:
    ends = [flow.get("sourceRef") or "", flow.get("targetRef") or ""]
    for end, word in zip(ends, ("起点", "终点"), strict=True):
        if end not in diagram.nodes:
            yield diagram.finding(
                flow, "dangling-reference", f"的{word} {end or '（空）'} 不存在，请重新连接或删除这条线。"
            )
    nodes = [diagram.nodes[end] for end in ends if end in diagram.nodes]
    if len(nodes) == 2 and any(scope_of(node) is not scope_of(flow) for node in nodes):
        yield diagram.finding(
            flow, "flow-across-scopes", "穿过了子流程或泳池的边界；连线的两端和它自己须在同一层。"
        )


def _text_references(diagram: Diagram) -> Iterator[Finding]:
    ends = {"incoming": "targetRef", "outgoing": "sourceRef"}
    for node in diagram.each("incoming", "outgoing", "flowNodeRef"):
        text = (node.text or "").strip()
        target = diagram.ids.get(text)
        wanted = FLOW_NODES if kind_of(node) == "flowNodeRef" else {"sequenceFlow"}
        owner = node.getparent()
        if kind_of(target) not in wanted:
            yield dangling(diagram, node, f"引用的 {text or '（空）'} 不存在")
            continue
        end = ends.get(kind_of(node))
        if end and target is not None and owner is not None and target.get(end) != owner.get("id"):
            yield dangling(diagram, node, f"记着连线 {text}，那条线却不连着它")


def _data_references(diagram: Diagram) -> Iterator[Finding]:
    for association in diagram.each("dataInputAssociation", "dataOutputAssociation"):
        tag = "sourceRef" if kind_of(association) == "dataInputAssociation" else "targetRef"
        for node in association.iterfind(BPMN + tag):
            if (node.text or "").strip() not in diagram.ids:
                yield dangling(
                    diagram, association, f"引用的数据 {(node.text or '').strip() or '（空）'} 不存在"
                )
    for node in diagram.each("dataObjectReference"):
        if kind_of(diagram.ids.get(node.get("dataObjectRef") or "")) != "dataObject":
            yield dangling(diagram, node, f"引用的数据对象 {node.get('dataObjectRef')} 不存在")


def _collaboration_references(diagram: Diagram) -> Iterator[Finding]:
    for node in diagram.each("participant"):
        if node.get("processRef") and kind_of(diagram.ids.get(node.get("processRef") or "")) != "process":
            yield dangling(diagram, node, f"引用的流程 {node.get('processRef')} 不存在")
    for node in diagram.each("messageFlow"):
        yield from _message_flow(diagram, node)
    for node in diagram.each("association"):
        for attribute in ("sourceRef", "targetRef"):
            if node.get(attribute) not in diagram.ids:
                yield dangling(diagram, node, f"引用的 {node.get(attribute)} 不存在")


def _message_flow(diagram: Diagram, node: etree._Element) -> Iterator[Finding]:
    ends = [diagram.ids.get(node.get(attribute) or "") for attribute in ("sourceRef", "targetRef")]
    if any(end is None for end in ends):
        yield dangling(diagram, node, "是消息流，有一端不存在")
        return
    pools = [
        next((each.get("id") for each in end.iterancestors(BPMN + "process")), None)
        for end in ends
        if end is not None
    ]
    if pools[0] is not None and pools[0] == pools[1]:
        text = "是同一个泳池内部的消息流；泳池内请用连线，消息流只画在泳池之间。"
        yield diagram.finding(node, "message-flow-inside-pool", text)


def _drawn_references(diagram: Diagram) -> Iterator[Finding]:
    for node in diagram.root.iter("{*}BPMNShape", "{*}BPMNEdge", "{*}BPMNPlane"):
        reference = node.get("bpmnElement")
        if reference is not None and reference not in diagram.ids:
            text = f"图形 {node.get('id') or ''} 所画的元素 {reference} 不存在，请在建模器里删除这个图形。"
            yield Finding(diagram.file, reference, "dangling-drawing", text)


def _flow_ids(diagram: Diagram, element_id: str | None) -> set[str | None]:
    return {flow.get("id") for flow in diagram.outgoing.get(element_id or "", [])}


def dangling(diagram: Diagram, node: etree._Element, text: str) -> Finding:
    """A finding for something that refers to nothing, at the nearest element with an id."""
    around = (node, *node.iterancestors())
    owner = next((each for each in around if each.get("id") and is_bpmn(each)), node)
    if kind_of(node).endswith("EventDefinition"):
        owner = next(iter(node.iterancestors()), node)
    return diagram.finding(owner, "dangling-reference", f"{text}，请改正或删除。")
