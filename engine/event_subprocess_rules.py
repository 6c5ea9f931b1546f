"""The rules for event sub-processes (BPMN 2.0, OMG formal/2013-12-09, 10.3.5 and 10.5.2): started by one event and by no flow,
beside the flow of the process or sub-process around them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.catch_rules import caught_by, in_words
from engine.diagram import BPMN, Diagram, definitions_of, describe, kind_of, scope_of
from engine.findings import Finding
from engine.parsing import is_event_subprocess, is_interrupting


def event_subprocesses(diagram: Diagram) -> Iterator[Finding]:
    """What an event sub-process may not have, and which of several would never be started."""
    heard: dict[tuple[etree._Element | None, tuple[str, str | None]], etree._Element] = {}
    for node in diagram.each("subProcess"):
        if not is_event_subprocess(node):
            continue
        yield from _itself(diagram, node)
        for start in node.iterchildren(BPMN + "startEvent"):
            yield from _start(diagram, start)
            for caught in caught_by(diagram, start):
                other = heard.setdefault((scope_of(node), caught), node)
                # A signal reaches all that wait for it.
                if other is not node and caught[0] != "signal":
                    text = f"永远不会开始：同一层的{describe(other)}等的是同一件事（{in_words(caught)}），请合并。"
                    yield diagram.finding(node, "same-event-twice", text)


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
