"""What may be deployed and yet deserves a word: what is not drawn, and what stands in the diagram and has no effect. Files of
other tools are full of it; it is kept and passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from engine.content_rules import Contents
from engine.diagram import BPMN, SPIFF, Diagram, is_bpmn, kind_of, starts_process
from engine.findings import Finding

_NAMESPACE = "http://www.omg.org/spec/BPMN/20100524/DI", "http://www.omg.org/spec/DD/20100524/"
_SEEN_ONLY = {
    "textAnnotation": "文字注释",
    "group": "组",
    "dataObject": "数据对象",
    "dataStore": "数据存储",
    "dataInput": "数据输入",
    "dataOutput": "数据输出",
    "dataInputAssociation": "数据关联",
    "dataOutputAssociation": "数据关联",
}


def advice(contents: Contents) -> Iterator[Finding]:
    """Everything worth a word, for files that have no mistakes."""
    for diagram in contents.diagrams:
        yield from _not_drawn(diagram)
        yield from _not_waited_for(diagram)
        yield from _seen_only(diagram)
        yield from _foreign(diagram)


def _not_drawn(diagram: Diagram) -> Iterator[Finding]:
    drawn = {node.get("bpmnElement") for node in diagram.root.iter("{*}BPMNShape", "{*}BPMNEdge")}
    for node in (*diagram.nodes.values(), *diagram.flows):
        if node.get("id") not in drawn:
            yield diagram.finding(node, "not-drawn", "没有画在图上，别人看不到它。")


def _not_waited_for(diagram: Diagram) -> Iterator[Finding]:
    for node in diagram.each("startEvent"):
        if node.find(BPMN + "messageEventDefinition") is not None and starts_process(node):
            text = "由消息触发；流程由程序启动，不等这个消息，其余照常。"
            yield diagram.finding(node, "not-waited-for", text)


def _seen_only(diagram: Diagram) -> Iterator[Finding]:
    counts = Counter(_SEEN_ONLY[kind_of(node)] for node in diagram.each(*_SEEN_ONLY))
    counts["没有流程的泳池"] = sum(1 for node in diagram.each("participant") if not node.get("processRef"))
    found = "、".join(f"{word} {count} 个" for word, count in counts.items() if count)
    if found:
        text = f"图上有{found}：保留，只供阅读，不影响办理；数据由变量保存。"
        yield Finding(diagram.file, "", "passed-over", text)


def _foreign(diagram: Diagram) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    for node in diagram.root.iter(etree.Element):
        names = [node.tag, *node.attrib] if is_bpmn(node) else [node.tag]
        counts.update(_vendor(str(name)) for name in names)
    del counts[""]
    for namespace, count in counts.items():
        text = f"有 {count} 处其他工具的扩展（{namespace[:120]}）：保留，不起作用。"
        yield Finding(diagram.file, "", "passed-over", text)


def _vendor(name: str) -> str:
    namespace = etree.QName(name).namespace or ""
    ours = (BPMN[1:-1], SPIFF[1:-1], "http://www.w3.org/2001/XMLSchema-instance")
    return "" if namespace in ours or namespace.startswith(_NAMESPACE) else namespace
