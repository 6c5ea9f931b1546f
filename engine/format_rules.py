"""What the schema of BPMN says about a diagram, in the analyst's words: asked last, for what no rule of ours says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

from lxml import etree
from SpiffWorkflow.spiff.parser import VALIDATOR

from engine.diagram import KINDS_IN_WORDS, Diagram, is_bpmn
from engine.findings import Finding

MOST_TOLD = 20
_ELEMENT = re.compile(
    r"Element '(?:\{[^}]*\})?([^']*)'(?:, attribute '(?:\{[^}]*\})?([^']*)')?: (.*)", re.DOTALL
)
_NAMED = re.compile(r"'(?:\{[^}]*\})?([^']*)'")
_lock = threading.Lock()  # a schema keeps the log of its last validation


def schema(diagram: Diagram) -> Iterator[Finding]:
    """Where a file is not built as BPMN 2.0 builds its files."""
    with _lock:
        VALIDATOR.preprocess(diagram.root)
        VALIDATOR.validator.validate(diagram.root)
        errors = [(int(each.line), str(each.message)) for each in VALIDATOR.validator.error_log][:MOST_TOLD]
    if not errors:
        return
    lines: dict[int, etree._Element] = {}
    for node in diagram.root.iter(etree.Element):
        if node.sourceline is not None:
            lines.setdefault(node.sourceline, node)
    for line, message in errors:
        node = lines.get(line)
        yield Finding(diagram.file, _id_around(node), "bpmn-format", _sentence(line, message))


def _id_around(node: etree._Element | None) -> str:
    around = () if node is None else (node, *node.iterancestors())
    return next((each.get("id") or "" for each in around if is_bpmn(each) and each.get("id")), "")


def _sentence(line: int, message: str) -> str:
    where = f"第 {line} 行不符合 BPMN 2.0 的格式："
    match = _ELEMENT.match(message)
    if match is None:
        return f"{where}{' '.join(message.split())[:300].rstrip('.。')}；请用建模器重新保存。"
    element, attribute, problem = match.groups()
    named = _NAMED.search(problem)
    word = KINDS_IN_WORDS.get(element, element)[:80]
    value = (named.group(1) if named else "")[:80]
    if "not expected" in problem:
        return f"{where}{word}（{element[:80]}）不该在这里，可能是拼错了，或者放错了位置和次序；请删除它，或用建模器重新保存。"
    if "required but missing" in problem:
        return f"{where}{word}缺少 {value}；请补上。"
    if "not allowed" in problem:
        return f"{where}{word}不能有 {attribute or value}；请删除它。"
    if "Missing child" in problem:
        return f"{where}{word}里缺少必需的内容；请补上，或用建模器重新保存。"
    if attribute or "not a valid value" in problem or "not accepted" in problem:
        return f"{where}{word}的{f' {attribute} ' if attribute else '内容'}不能是“{value}”；请改正。"
    return f"{where}{word}：{' '.join(problem.split())[:200].rstrip('.。')}；请用建模器重新保存。"
