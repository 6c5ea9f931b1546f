"""The rules for what a diagram hands over to, and when: called processes and decision tables, and the times of timers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from lxml import etree

from engine.content_rules import Contents, constant
from engine.diagram import BPMN, Diagram, decision_of, kind_of, owner_id
from engine.expressions import ExpressionRefused
from engine.findings import Finding
from engine.grammar import Literal, parse_expression
from engine.nodes import Items
from engine.parsing import as_expression
from engine.timers import TimeRefused, due_from, parse_cycle

VERSIONS = frozenset(
    {"calledElementVersion", "calledElementVersionTag", "calledElementBinding", "bindingType", "versionTag"}
)
"""How other tools say which version of a process is called."""
LATEST = frozenset({"", "latest", "deployment"})
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def times(contents: Contents) -> Iterator[Finding]:
    """A time written out in a timer is a time."""
    for diagram in contents.diagrams:
        for node in diagram.each("timeDate", "timeDuration", "timeCycle"):
            owner, text = diagram.ids.get(owner_id(node)), constant(as_expression(node.text))
            if text is None or owner is None:
                if owner is not None and _is_number(node.text or ""):
                    shown = (node.text or "").strip()[:40]
                    yield diagram.finding(owner, "bad-time", f"的时间“{shown}”不是时间。")
                continue
            if problem := _other_kind(kind_of(node), text):
                yield diagram.finding(owner, "bad-time", problem)
                continue
            try:
                if kind_of(node) == "timeCycle":
                    parse_cycle(text, _ANY_TIME)
                else:
                    due_from(text, _ANY_TIME)
            except TimeRefused as refused:
                yield diagram.finding(owner, "bad-time", f"的时间不对：{refused}。")


def calls(contents: Contents) -> Iterator[Finding]:
    """Called processes and decision tables lie among the files; one process is the one to start."""
    processes = {node.get("id"): node for diagram in contents.diagrams for node in diagram.each("process")}
    decisions = {decision.id for _, decision in contents.decisions}
    for diagram in contents.diagrams:
        for node in diagram.each("callActivity"):
            yield from _called_process(diagram, node, processes)
        for node in diagram.each("businessRuleTask"):
            name = decision_of(node)
            if name not in decisions:
                text = f"所用的决策表 {name or '（空）'} 不存在；请检查 .dmn 文件里的决策编号。"
                yield diagram.finding(node, "dangling-reference", text)
    if len(contents.startable) != 1:
        file = contents.diagrams[0].file
        text = "须有且只有一个可执行（isExecutable）、且不被其他流程调用的流程。"
        yield Finding(file, "", "main-process", f"{text}现有 {len(contents.startable)} 个。")


def _other_kind(form: str, text: str) -> str | None:
    if form == "timeDate" and text.startswith("P"):
        return f"的时刻（timeDate）里写的是时长 {text[:40]}；请改用时长（timeDuration）。"
    if form == "timeDuration" and re.match(r"\d{4}-", text):
        return f"的时长（timeDuration）里写的是时刻 {text[:40]}；请改用时刻（timeDate）。"
    return None


def _is_number(text: str) -> bool:
    try:
        tree = parse_expression(text)
    except ExpressionRefused:
        return False
    return isinstance(tree, Items) or (isinstance(tree, Literal) and tree.value is not None)


def _called_process(
    diagram: Diagram, node: etree._Element, processes: Mapping[str | None, etree._Element]
) -> Iterator[Finding]:
    name = node.get("calledElement") or ""
    process = processes.get(name)
    if process is None:
        text = f"调用的流程 {name or '（空）'} 不存在；它须在同一个流程目录里。"
        yield diagram.finding(node, "dangling-reference", text)
    elif process.get("isExecutable", "true") != "true":
        text = f"调用的流程 {name} 不可执行；请把它设为可执行（isExecutable）。"
        yield diagram.finding(node, "dangling-reference", text)
    for each in (node, *node.iterfind(f"{BPMN}extensionElements/*")):
        for attribute, value in each.attrib.items():
            if etree.QName(attribute).localname in VERSIONS and value not in LATEST:
                text = (
                    f"指定了所调用流程的版本（{value}），它不存在：调用的总是一起发布的那一个；请删除版本。"
                )
                yield diagram.finding(node, "dangling-reference", text)
