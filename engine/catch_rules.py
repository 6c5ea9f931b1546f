"""The rules for what is thrown and caught: messages have names, nothing stands twice on one host, and what is thrown is caught
around it (BPMN 2.0, 10.5.1 and 13.5.3; who catches is `engine.outward`'s)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.content_rules import Contents
from engine.diagram import (
    BPMN,
    Diagram,
    definitions_of,
    describe,
    kind_of,
    message_of,
    scope_of,
)
from engine.findings import Finding

_CODES = {"error": "errorCode", "escalation": "escalationCode"}
_WORDS = {"error": "错误", "escalation": "升级", "message": "消息", "signal": "信号"}


def messages(diagram: Diagram) -> Iterator[Finding]:
    """A message finds its way by its name; a task that sends or receives names one."""
    for node in diagram.each("message"):
        if not (node.get("name") or "").strip():
            yield diagram.finding(node, "message-without-name", "没有名称；消息按名称送达，请给它起一个。")
    for node in diagram.each("sendTask", "receiveTask"):
        if node.get("messageRef") is None and not definitions_of(node):
            yield diagram.finding(node, "dangling-reference", "没有选定消息，会直接走过去；请选定一个消息。")


def links(diagram: Diagram) -> Iterator[Finding]:
    """Links are not supported; those with flows on the wrong side would not be right anywhere."""
    for definition in diagram.each("linkEventDefinition"):
        node = definition.getparent()
        if node is None:
            continue
        element_id = node.get("id") or ""
        if kind_of(node) == "intermediateCatchEvent" and diagram.incoming.get(element_id):
            yield diagram.finding(node, "link-direction", "是链接的终点，不能有进入的连线。")
        if kind_of(node) == "intermediateThrowEvent" and diagram.outgoing.get(element_id):
            yield diagram.finding(node, "link-direction", "是链接的起点，不能有出去的连线。")


def hosts(diagram: Diagram) -> Iterator[Finding]:
    """Of two boundary events for the same thing on one activity nobody knows which one happens."""
    for host_id, events in diagram.boundaries.items():
        host = diagram.nodes.get(host_id)
        seen: dict[tuple[str, str | None], etree._Element] = {}
        for event in events:
            for caught in caught_by(diagram, event):
                other = seen.setdefault(caught, event)
                if other is not event and host is not None:
                    text = f"与{describe(other)}在{describe(host)}上等的是同一件事（{in_words(caught)}），请删除其中一个。"
                    yield diagram.finding(event, "same-event-twice", text)


def caught_by(diagram: Diagram, event: etree._Element) -> Iterator[tuple[str, str | None]]:
    """What an event takes: the kind, and the name or code; None: any."""
    for definition in definitions_of(event):
        kind = kind_of(definition).removesuffix("EventDefinition")
        if kind in _CODES:
            yield kind, _code(diagram, definition, kind)
        elif kind == "message" and (name := message_of(diagram, event)):
            yield kind, name
        elif kind == "signal" and (signal := diagram.ids.get(definition.get("signalRef") or "")) is not None:
            yield kind, signal.get("name")


def in_words(caught: tuple[str, str | None]) -> str:
    """How a sentence names what is caught."""
    kind, name = caught
    return f"{_WORDS[kind]}“{name}”" if name else f"任何{_WORDS[kind]}"


def _code(diagram: Diagram, definition: etree._Element, kind: str) -> str | None:
    thrown = diagram.ids.get(definition.get(f"{kind}Ref") or "")
    return None if thrown is None else thrown.get(_CODES[kind])


def uncaught(contents: Contents) -> Iterator[Finding]:
    """An end that throws what nothing around it catches: the instance would go on as if nothing had been thrown."""
    around = _Around(contents)
    for diagram in contents.diagrams:
        for node in diagram.each("endEvent"):
            for definition in definitions_of(node):
                kind = kind_of(definition).removesuffix("EventDefinition")
                if kind not in _CODES or diagram.ids.get(definition.get(f"{kind}Ref") or "") is None:
                    continue  # other things, and references to nothing, are not for here
                code = _code(diagram, definition, kind)
                if not around.catches(diagram, node, (kind, code)):
                    word = f"{_WORDS[kind]} {code}" if code else _WORDS[kind]
                    text = f"抛出的{word}没有谁捕获；请在外面加一个边界事件或事件子流程，或者改用普通的事件。"
                    yield diagram.finding(node, "uncaught", text)


class _Around:
    """Who stands around an element: the scopes that it lies in, and whoever calls its process. What a process is called by is
    asked once; one that calls itself adds nothing."""

    def __init__(self, contents: Contents) -> None:
        self.known: dict[tuple[str, str, str | None], bool] = {}
        self.callers: dict[str, list[tuple[Diagram, etree._Element]]] = {}
        for diagram in contents.diagrams:
            for node in diagram.each("callActivity"):
                self.callers.setdefault(node.get("calledElement") or "", []).append((diagram, node))

    def catches(self, diagram: Diagram, node: etree._Element, thrown: tuple[str, str | None]) -> bool:
        """Whether something around this element catches an error or escalation of this code."""
        scope = scope_of(node)
        while scope is not None:
            starts = [
                start
                for each in scope.iterchildren(BPMN + "subProcess")
                if each is not node
                for start in each.iterchildren(BPMN + "startEvent")
            ]
            if _any_catches(diagram, starts, thrown) or self._host_catches(diagram, scope, thrown):
                return True
            if kind_of(scope) == "process":
                return self._callers_catch(scope.get("id") or "", thrown)
            node, scope = scope, scope_of(scope)
        return False

    def _host_catches(self, diagram: Diagram, host: etree._Element, thrown: tuple[str, str | None]) -> bool:
        return _any_catches(diagram, diagram.boundaries.get(host.get("id") or "", []), thrown)

    def _callers_catch(self, process_id: str, thrown: tuple[str, str | None]) -> bool:
        key = (process_id, *thrown)
        if key not in self.known:
            self.known[key] = True
            calls = self.callers.get(process_id, [])
            self.known[key] = bool(calls) and all(
                self._host_catches(there, call, thrown) or self.catches(there, call, thrown)
                for there, call in calls
            )
        return self.known[key]


def _any_catches(diagram: Diagram, events: list[etree._Element], thrown: tuple[str, str | None]) -> bool:
    kind, code = thrown
    return any(
        kind_of(each) == f"{kind}EventDefinition" and _code(diagram, each, kind) in (None, code)
        for event in events
        for each in definitions_of(event)
    )
