"""The rules for the shape of a diagram, over and above what the parser itself refuses (it accepts much that then fails,
or silently does something else). Each rule is a generator from a diagram to findings; RULES lists them in the order in
which an analyst wants to read them. The traps behind them are in BPMN 2.0 (OMG formal/2013-12-09) chapters 7, 10 and 13
and in what SpiffWorkflow 3.2.0 does with the same diagrams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from engine import gateway_rules
from engine.diagram import (
    ACTIVITIES,
    BPMN,
    EVENTS,
    GATEWAYS,
    KINDS_IN_WORDS,
    TASKS,
    Diagram,
    definitions_of,
    describe,
    has_text,
    is_bpmn,
    kind_of,
    scope_of,
    starts_process,
)
from engine.event_subprocess_rules import event_subprocesses
from engine.findings import Finding
from engine.parsing import is_event_subprocess, is_interrupting
from engine.reference_rules import dangling, references
from engine.specs import FLOW_NODES, MAX_ELEMENTS

Rule = Callable[[Diagram], Iterator[Finding]]

LONGEST_CHAIN = 150
"""How many elements may follow one another: the library's parser descends once for each, and Python's stack ends."""

MOST_FLOWS = 1_000

_UNSUPPORTED = {
    "manualTask": "没有办理人也没有表单，请改用用户任务",
    "complexGateway": "请改用排他网关或包容网关",
    "transaction": "不支持事务，请改用普通的子流程",
    "adHocSubProcess": "不支持没有先后次序的子流程，请把顺序画出来",
    "compensateEventDefinition": "不支持补偿，请把要撤销的步骤画出来",
    "cancelEventDefinition": "不支持取消事件，它只用于事务",
    "linkEventDefinition": "不支持链接事件，请直接连线",
    "complexBehaviorDefinition": "不支持多实例的复杂行为",
    "correlationProperty": "不支持消息关联，消息直接送到所属的问题",
    "eventDefinitionRef": "触发条件须写在事件里，不能引用别处的",
    "import": "不能引入别的文件，请把调用的流程放进同一个流程目录",
    "globalTask": "不支持全局任务",
    "globalUserTask": "不支持全局任务",
    "callChoreography": "不支持编排图",
    "choreography": "不支持编排图",
    "conversation": "不支持会话图",
}
_CATCHING = frozenset({"message", "timer", "signal", "conditional"})
_ALLOWED_EVENTS = {
    "startEvent": frozenset[str](),
    "endEvent": frozenset({"terminate", "error", "escalation", "message"}),
    "intermediateThrowEvent": frozenset({"escalation", "message", "signal"}),
    "intermediateCatchEvent": _CATCHING,
    "boundaryEvent": _CATCHING | {"error", "escalation"},
}
_EVENTS_IN_WORDS = {
    "message": "消息",
    "timer": "定时",
    "signal": "信号",
    "error": "错误",
    "escalation": "升级",
    "conditional": "条件",
    "terminate": "终止",
}


def scripts(diagram: Diagram) -> Iterator[Finding]:
    """No script runs here, in whatever disguise it comes."""
    for node in diagram.root.iter():
        kind = kind_of(node)
        if kind in ("scriptTask", "script", "globalScriptTask"):
            if kind == "script" and is_bpmn(node):
                continue  # its task is reported
            yield diagram.finding(
                node, "script", "是脚本，流程图里不能有脚本；请改用服务任务，由登记过的操作完成。"
            )
        elif kind in ("preScript", "postScript") and has_text(node):
            owner = next((each for each in node.iterancestors() if kind_of(each) in FLOW_NODES), node)
            yield diagram.finding(
                owner, "script", f"带有脚本（{kind}），流程图里不能有脚本；请删除，改用服务任务。"
            )


def unsupported(diagram: Diagram) -> Iterator[Finding]:
    """What BPMN knows and this engine does not."""
    for node in diagram.each(*_UNSUPPORTED):
        parent = node.getparent()
        word = describe(node) if kind_of(node) in KINDS_IN_WORDS or parent is None else describe(parent)
        yield Finding(
            diagram.file, _place(node), "unsupported", f"{word}不能使用：{_UNSUPPORTED[kind_of(node)]}。"
        )
    for node in diagram.each(*EVENTS):
        if len(definitions_of(node)) > 1:
            yield diagram.finding(node, "several-triggers", "有多个触发条件，请拆成几个事件。")


def flows(diagram: Diagram) -> Iterator[Finding]:
    """Where flows must be, may not be, and need conditions."""
    for node in diagram.flow_nodes():
        kind, element_id = kind_of(node), node.get("id") or ""
        leaving, arriving = diagram.outgoing.get(element_id, []), diagram.incoming.get(element_id, [])
        if kind in ("startEvent", "boundaryEvent") and arriving:
            yield diagram.finding(node, "incoming-flow", "不能有进入的连线。")
        if kind == "endEvent" and leaving:
            yield diagram.finding(node, "outgoing-flow", "不能有出去的连线。")
        if kind != "endEvent" and not leaving and not is_event_subprocess(node):
            rule = "gateway-without-flow" if kind in GATEWAYS else "dead-end"
            yield diagram.finding(node, rule, "没有出去的连线，流程到这里就停住了；请连到下一步或结束事件。")
        if len(leaving) > 1 and kind not in GATEWAYS and kind != "startEvent":
            yield diagram.finding(
                node, "several-flows", "有多条出去的连线；请在它后面用网关说明是任选其一还是同时进行。"
            )
        if kind == "startEvent" and len(leaving) > 1:
            yield diagram.finding(node, "several-flows", "有多条出去的连线；同时开始请用并行网关。")
        yield from _conditions(diagram, node, leaving)


def _conditions(diagram: Diagram, node: etree._Element, leaving: list[etree._Element]) -> Iterator[Finding]:
    deciding = kind_of(node) in ("exclusiveGateway", "inclusiveGateway")
    for flow in leaving:
        condition = flow.find(BPMN + "conditionExpression")
        if condition is not None and not deciding:
            yield diagram.finding(
                flow, "condition-ignored", f"上的条件不起作用：{describe(node)}不是排他网关或包容网关。"
            )
        elif condition is not None and condition.get("language"):
            yield diagram.finding(
                flow,
                "bad-expression",
                f"的条件用了语言 {condition.get('language')}；只有一种表达式，请不要写语言。",
            )
        elif (
            deciding
            and len(leaving) > 1
            and not has_text(condition)
            and flow.get("id") != node.get("default")
        ):
            yield diagram.finding(
                flow, "flow-without-condition", f"从{describe(node)}出去，却没有条件，也不是默认出口。"
            )


def events(diagram: Diagram) -> Iterator[Finding]:
    """Each event has the one trigger its place allows."""
    for node in diagram.each(*EVENTS):
        kind = kind_of(node)
        definitions = definitions_of(node)
        starts_handler = kind == "startEvent" and is_event_subprocess(scope_of(node))
        if not definitions and (starts_handler or kind in ("boundaryEvent", "intermediateCatchEvent")):
            yield diagram.finding(node, "event-without-trigger", "没有触发条件；请选定时、消息等。")
        for definition in definitions:
            trigger = kind_of(definition).removesuffix("EventDefinition")
            # An event sub-process is started by what may stand at a boundary.
            allowed = _ALLOWED_EVENTS["boundaryEvent" if starts_handler else kind]
            if kind_of(definition) in _UNSUPPORTED or trigger in allowed:
                continue
            if trigger == "message" and starts_process(node):
                continue  # the program starts it: passed over
            word = _EVENTS_IN_WORDS.get(trigger, trigger)
            yield diagram.finding(node, "wrong-trigger", f"不能用{word}作触发条件。")
        for definition in definitions:
            if kind_of(definition) == "timerEventDefinition":
                times = [
                    each for each in definition if kind_of(each) in ("timeDate", "timeDuration", "timeCycle")
                ]
                if len(times) != 1 or not has_text(times[0]):
                    yield diagram.finding(
                        node, "timer-without-time", "须写明时间：时刻、时长或周期，只写一种。"
                    )
            elif kind_of(definition) == "conditionalEventDefinition" and not has_text(
                definition.find(BPMN + "condition")
            ):
                yield diagram.finding(node, "condition-missing", "须写明条件。")


def boundaries(diagram: Diagram) -> Iterator[Finding]:
    """A boundary event stands on an activity of its own scope that can cause it."""
    for node in diagram.each("boundaryEvent"):
        host = diagram.nodes.get(node.get("attachedToRef") or "")
        if host is None:
            text = f"所附着的 {node.get('attachedToRef') or '（空）'} 不存在"
            yield dangling(diagram, node, text)
        elif (
            kind_of(host) not in ACTIVITIES
            or scope_of(host) is not scope_of(node)
            or is_event_subprocess(host)
        ):
            yield diagram.finding(
                node,
                "boundary-host",
                f"不能附着在{describe(host)}上，只能附着在同一层的任务、子流程或调用活动上。",
            )
        else:
            triggers = {kind_of(each) for each in definitions_of(node)}
            if "errorEventDefinition" in triggers and not is_interrupting(node):
                yield diagram.finding(node, "wrong-trigger", "是错误事件，必须中断所附着的活动。")
            thrown = triggers & {"errorEventDefinition", "escalationEventDefinition"}
            if thrown and kind_of(host) in TASKS:
                yield diagram.finding(
                    node,
                    "boundary-host",
                    f"永远不会发生：{describe(host)}不会抛出错误或升级，只有子流程和调用活动会。",
                )


def scopes(diagram: Diagram) -> Iterator[Finding]:
    """Each process and subprocess has one start and an end, and all of it can be reached."""
    starts: list[str] = []
    startless: list[etree._Element | None] = []
    for scope in diagram.scopes():
        inside = [node for node in scope.iter() if kind_of(node) in FLOW_NODES and scope_of(node) is scope]
        begin = [node for node in inside if kind_of(node) == "startEvent"]
        starts += [node.get("id") or "" for node in begin]
        if not begin:
            startless.append(scope)
            yield diagram.finding(scope, "no-start", "没有开始事件。")
        elif len(begin) > 1:
            yield diagram.finding(scope, "several-starts", f"有 {len(begin)} 个开始事件，只能有一个。")
        if not any(kind_of(node) == "endEvent" for node in inside):
            yield diagram.finding(scope, "no-end", "没有结束事件。")
    reached = diagram.reachable(starts)
    for element_id, node in diagram.nodes.items():
        # A boundary event without its host is reported as such, a scope without a start as that; an event
        # sub-process is not walked to.
        told = kind_of(node) == "boundaryEvent" or scope_of(node) in startless or is_event_subprocess(node)
        if element_id not in reached and not told:
            yield diagram.finding(node, "unreachable", "从开始事件走不到；请连上或者删除。")


def repetitions(diagram: Diagram) -> Iterator[Finding]:
    """A repeated activity says over what, and repeats in one way only; it neither waits for several tokens nor makes several."""
    for node in diagram.each(*sorted(ACTIVITIES)):
        if sum(1 for each in node if is_bpmn(each) and kind_of(each).endswith("LoopCharacteristics")) > 1:
            yield diagram.finding(node, "repetition", "既是循环又是多实例，只能用一种；请删除另一种。")
        for attribute in ("startQuantity", "completionQuantity"):
            if (node.get(attribute) or "1").strip() != "1":
                text = f"的 {attribute} 不是 1，不能使用；请用并行网关或多实例画出来。"
                yield diagram.finding(node, "unsupported", text)
    for node in diagram.each("multiInstanceLoopCharacteristics"):
        over = [
            each
            for each in node
            if kind_of(each) in ("loopCardinality", "loopDataInputRef") and has_text(each)
        ]
        owner = node.getparent()
        if owner is not None and len(over) != 1:
            yield diagram.finding(owner, "repetition", "是多实例，须写明次数或所依据的列表，只写一种。")
    for node in diagram.each("standardLoopCharacteristics"):
        owner = node.getparent()
        if owner is not None and not has_text(node.find(BPMN + "loopCondition")):
            yield diagram.finding(owner, "repetition", "是循环，须写明循环的条件。")


def size(diagram: Diagram) -> Iterator[Finding]:
    """What the parser and a reader can bear; whatever is larger is not looked at any further."""
    if sum(1 for _ in diagram.flow_nodes()) > MAX_ELEMENTS or len(diagram.flows) > MOST_FLOWS:
        text = f"元素超过 {MAX_ELEMENTS} 个（或连线超过 {MOST_FLOWS} 条），请把一部分移到另一个流程，用调用活动连接。"
        yield Finding(diagram.file, "", "too-many-elements", text)
        return
    scopes = sum(1 for _ in diagram.scopes())
    if scopes > MAX_ELEMENTS:
        text = f"流程和子流程有 {scopes} 个，超过 {MAX_ELEMENTS} 个，请分成几个文件。"
        yield Finding(diagram.file, "", "too-many-elements", text)
        return
    deepest, where = diagram.longest_descent()
    if deepest > LONGEST_CHAIN:
        text = f"之前连续的步骤超过 {LONGEST_CHAIN} 个，请用子流程分段。"
        yield diagram.finding(diagram.nodes[where], "chain-too-long", text)


RULES: tuple[Rule, ...] = (
    scripts,
    unsupported,
    references,
    scopes,
    flows,
    gateway_rules.joins,
    gateway_rules.directions,
    gateway_rules.event_gateways,
    events,
    boundaries,
    event_subprocesses,
    repetitions,
)


def _place(node: etree._Element) -> str:
    if kind_of(node).endswith("EventDefinition") or not node.get("id"):
        parent = node.getparent()
        return "" if parent is None else parent.get("id") or ""
    return node.get("id") or ""
