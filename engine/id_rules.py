"""The rules for ids: any NCName is one (`engine.names`), and what is named after it must not be named after another as well:
variables, forms, the library's own parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from engine.content_rules import Contents
from engine.diagram import BPMN, SPIFF, Diagram, is_bpmn, kind_of, properties_of, scope_of
from engine.findings import Finding
from engine.names import MAX_ID, identifier, is_ncname
from engine.specs import FLOW_NODES

OWN_PARTS = (".BoundaryEventSplit", ".BoundaryEventJoin")
"""What the library puts behind an id to name parts of its own."""
SHARED = ("message", "signal", "error", "escalation")
"""What is looked for by its id in all files of a process, and may be said in several."""


def ids(diagram: Diagram) -> Iterator[Finding]:
    """An id is there, is one, and is nobody else's in its file."""
    for node in (*diagram.flow_nodes(), *diagram.each("process")):
        element_id = node.get("id") or ""
        if not is_ncname(element_id):
            text = "的编号须以字母或下划线开头，只含字母、数字、下划线、短横和点，中间没有空格。"
            yield diagram.finding(node, "bad-id", text)
        elif len(element_id.encode()) > MAX_ID:
            yield Finding(
                diagram.file,
                element_id[:40],
                "bad-id",
                f"编号 {element_id[:40]}… 过长，不能超过 {MAX_ID} 个字节（汉字每个占三个）；请换一个短的。",
            )
        elif (other := element_id.rpartition(".")[0]) in diagram.nodes and element_id.endswith(OWN_PARTS):
            yield diagram.finding(node, "reserved-id", f"的编号是内部为 {other} 的边界事件保留的，请换一个。")
    counts = Counter(node.get("id") for node in diagram.root.iter() if is_bpmn(node) and node.get("id"))
    for element_id, count in counts.items():
        if count > 1:
            text = f"编号 {element_id} 用了 {count} 次，每个元素须有自己的编号。"
            yield Finding(diagram.file, element_id or "", "duplicate-id", text)


def shared_ids(contents: Contents) -> Iterator[Finding]:
    """Of two files that say different things by one id, one would be forgotten; so would one of two decision tables."""
    seen: dict[str, tuple[str, tuple[str | None, ...]]] = {}
    for diagram in contents.diagrams:
        for node in diagram.each(*sorted(FLOW_NODES), "process", *SHARED):
            element_id, says = node.get("id") or "", _says(node)
            other, says_there = seen.setdefault(element_id, (diagram.file, says))
            if other != diagram.file and (kind_of(node) not in SHARED or says != says_there):
                text = f"编号 {element_id} 在 {other} 里已经用过，每个元素须有自己的编号。"
                yield Finding(diagram.file, element_id, "duplicate-id", text)
    counts = Counter(decision.id for _, decision in contents.decisions)
    for file, decision in contents.decisions:
        if counts[decision.id] > 1:
            text = f"编号为 {decision.id} 的决策表有 {counts[decision.id]} 张，请改成不同的编号。"
            yield Finding(file, decision.id, "duplicate-id", text)


def clashes(contents: Contents) -> Iterator[Finding]:
    """No two elements write the variable that is made of their ids, and none what an operator keeps there."""
    seen: dict[str, str] = {}
    forms: dict[str, str] = {}
    kept = {name for diagram in contents.diagrams for name in _kept(diagram)}
    for diagram in contents.diagrams:
        for node in diagram.nodes.values():
            variable, element_id = variable_of(node), node.get("id") or ""
            if variable is None:
                continue
            if variable in kept:
                text = f"的编号与变量 {variable} 相同，办理结果会把它覆盖；请换一个编号。"
                yield diagram.finding(node, "id-clash", text)
            other = seen.setdefault(variable, element_id)
            if kind_of(node) == "userTask" and other == element_id:
                other = forms.setdefault(variable.casefold(), element_id)
            if other != element_id:
                text = f"的编号与 {other} 只差标点或大小写：变量或表单文件都会叫 {variable}，分不开；请换一个编号。"
                yield diagram.finding(node, "id-clash", text)


def variable_of(node: etree._Element) -> str | None:
    """The variable that an element's answers or message go to, if it has any of its own."""
    kind = kind_of(node)
    scope = scope_of(node)
    waits = kind in ("boundaryEvent", "intermediateCatchEvent") or (
        # A process is started by the program, not by a message; an event sub-process is by its own.
        kind == "startEvent" and scope is not None and kind_of(scope) == "subProcess"
    )
    catches = kind == "receiveTask" or (waits and node.find(BPMN + "messageEventDefinition") is not None)
    if catches:
        return (node.findtext(f".//{SPIFF}messageVariable") or "").strip() or identifier(node.get("id") or "")
    return identifier(node.get("id") or "") if kind == "userTask" else None


def _says(node: etree._Element) -> tuple[str | None, ...]:
    return (kind_of(node), node.get("name"), node.get("errorCode"), node.get("escalationCode"))


def _kept(diagram: Diagram) -> Iterator[str | None]:
    for node in diagram.root.iter(SPIFF + "serviceTaskOperator"):
        yield node.get("resultVariable")
    for node in diagram.flow_nodes():
        yield properties_of(node).get("resultVariable")
