"""The rules for event sub-processes (BPMN 2.0, OMG formal/2013-12-09, 10.3.5 and 10.5.2): started by one event and by no flow,
beside the flow of the process or sub-process around them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.diagram import BPMN, Diagram, definitions_of, describe, kind_of, scope_of
from engine.findings import Finding
from engine.parsing import is_event_subprocess, is_interrupting

_HEARD_ONCE = {
    "messageEventDefinition": ("messageRef", "消息"),
    "errorEventDefinition": ("errorRef", "错误"),
    "escalationEventDefinition": ("escalationRef", "升级"),
}
"""What one event of a scope takes, so that another for the same would never happen. A signal reaches all."""


def event_subprocesses(diagram: Diagram) -> Iterator[Finding]:
    """What an event sub-process may not have, and which of several would never be started."""
    heard: dict[tuple[etree._Element | None, str, str | None], etree._Element] = {}
    for node in diagram.each("subProcess"):
        if not is_event_subprocess(node):
            continue
        yield from _itself(diagram, node)
        for start in (each for each in diagram.each("startEvent") if scope_of(each) is node):
            yield from _start(diagram, start)
            for definition in definitions_of(start):
                if kind_of(definition) not in _HEARD_ONCE:
                    continue
                attribute, word = _HEARD_ONCE[kind_of(definition)]
                key = (scope_of(node), kind_of(definition), definition.get(attribute))
                if (other := heard.setdefault(key, node)) is not node:
                    text = f"永远不会开始：同一层的{describe(other)}已由同一个{word}开始；请合并，或换一个{word}。"
                    yield diagram.finding(node, "same-trigger", text)


def _itself(diagram: Diagram, node: etree._Element) -> Iterator[Finding]:
    element_id = node.get("id") or ""
    if diagram.incoming.get(element_id) or diagram.outgoing.get(element_id):
        text = "是事件子流程，由它的开始事件触发，不能有进入或出去的连线；请删除连线，或取消“由事件触发”。"
        yield diagram.finding(node, "event-subprocess-flow", text)
    if any(
        node.find(BPMN + mark) is not None
        for mark in ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
    ):
        text = "是事件子流程，不能是循环或多实例；要重复，请让开始事件不中断，或在里面画循环。"
        yield diagram.finding(node, "repetition", text)


def _start(diagram: Diagram, start: etree._Element) -> Iterator[Finding]:
    kinds = {kind_of(each) for each in definitions_of(start)}
    if "errorEventDefinition" in kinds and not is_interrupting(start):
        yield diagram.finding(start, "wrong-trigger", "由错误触发，必须中断所在的流程（isInterrupting）。")
