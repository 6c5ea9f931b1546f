"""The rules for gateways: joins, directions that contradict the flows, and what an event gateway may lead to (BPMN 2.0, 10.6 and
13.4)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.diagram import GATEWAYS, Diagram, describe, kind_of, message_of
from engine.findings import Finding

_MANY_IN_ONE_OUT = "Converging（汇合）：须有多条进入、一条出去的连线"
_ONE_IN_MANY_OUT = "Diverging（分支）：须有一条进入、多条出去的连线"
_MANY_BOTH_WAYS = "Mixed（汇合并分支）：进入和出去的连线都须有多条"


def joins(diagram: Diagram) -> Iterator[Finding]:
    """Joins on a cycle fire early (122 of 200 random walks)."""
    for node in diagram.each("parallelGateway", "inclusiveGateway"):
        if diagram.is_on_cycle(node.get("id") or ""):
            yield diagram.finding(
                node,
                "join-on-cycle",
                "在回路上，会提前放行或永远等待；请把会重复的部分放进子流程，或改用排他网关。",
            )


def directions(diagram: Diagram) -> Iterator[Finding]:
    """`gatewayDirection` says again what the flows say; where they differ nobody knows what was meant."""
    for node in diagram.each(*sorted(GATEWAYS)):
        element_id = node.get("id") or ""
        many_in = len(diagram.incoming.get(element_id, [])) > 1
        many_out = len(diagram.outgoing.get(element_id, [])) > 1
        wanted = {
            "Converging": (many_in and not many_out, _MANY_IN_ONE_OUT),
            "Diverging": (many_out and not many_in, _ONE_IN_MANY_OUT),
            "Mixed": (many_in and many_out, _MANY_BOTH_WAYS),
        }.get(node.get("gatewayDirection") or "")
        if wanted is not None and not wanted[0]:
            text = f"的方向（gatewayDirection）与连线不符：{wanted[1]}；请改连线，或把方向改为 Unspecified。"
            yield diagram.finding(node, "gateway-direction", text)


def event_gateways(diagram: Diagram) -> Iterator[Finding]:
    """An event gateway waits for the first of several events, which are its own."""
    for node in diagram.each("eventBasedGateway"):
        targets = [
            diagram.nodes[target]
            for flow in diagram.outgoing.get(node.get("id") or "", [])
            if (target := flow.get("targetRef") or "") in diagram.nodes
        ]
        if len(targets) == 1:
            yield diagram.finding(
                node, "event-gateway", "只有一条出去的连线，没有什么可等的先后；请直接连线。"
            )
        for text in _target_problems(diagram, targets):
            yield diagram.finding(node, "event-gateway", text)


def _target_problems(diagram: Diagram, targets: list[etree._Element]) -> Iterator[str]:
    for target in targets:
        element_id = target.get("id") or ""
        if kind_of(target) not in ("intermediateCatchEvent", "receiveTask"):
            yield f"后面只能是中间捕获事件或接收任务，不能是{describe(target)}。"
        elif len(diagram.incoming.get(element_id, [])) > 1:
            yield f"后面的{describe(target)}还有别的连线进入；它只能从这个网关进入。"
        elif diagram.boundaries.get(element_id):
            yield f"后面的{describe(target)}不能带有边界事件。"
    messages = [(kind_of(target), name) for target in targets if (name := message_of(diagram, target))]
    if len({kind for kind, _ in messages}) > 1:
        yield "后面的消息事件和接收任务不能混用，请只用一种。"
    names = [name for _, name in messages]
    for name in dict.fromkeys(each for each in names if names.count(each) > 1):
        yield f"后面有几处等待同一个消息“{name}”，不知道该走哪一条。"
