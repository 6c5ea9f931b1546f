"""What a process's files may contain: every mistake at once, in the analyst's words, before anything is deployed.

Three layers, each looked at only when the one before found nothing: the files themselves (size, XML, JSON, YAML), the rules
of the `*_rules`, and at last the BPMN schema and the parser, for what no rule of ours says. Whatever bytes come in,
`validate` answers with findings and raises nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml
from lxml import etree

from engine import (
    call_rules,
    catch_rules,
    content_rules,
    diagram_rules,
    format_rules,
    id_rules,
    variable_rules,
)
from engine.advice import advice
from engine.content_rules import Contents
from engine.decisions import Decision, DecisionRefused, parse_decisions
from engine.diagram import BPMN, Diagram
from engine.exceptions import DiagramRefused
from engine.findings import Finding
from engine.specs import MAX_FILE, form_name, parse_definition, parse_xml

__all__ = ["Finding", "advise", "validate"]

MOST_FINDINGS = 200
MAX_YAML = 100_000
"""The largest YAML file in bytes: reading it takes seconds at that size."""
YAML = (".yaml", ".yml")
TEXTS = "texts.yaml"
_DECLARATIONS = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def validate(
    files: Mapping[str, str],
    *,
    operators: Collection[str],
    functions: Collection[str],
    given: Mapping[str, Collection[str]] | None = None,
) -> list[Finding]:
    """Every reason why these files of one process cannot be deployed; empty when they can.

    With mappings of operators and functions to the callables themselves their parameters are checked too; with what the
    program gives each process at its start (`given`, by the process's id) the diagram's declarations.
    """
    found: list[Finding] = []
    contents = _read(files, operators, functions, found)
    if contents is not None and not found:
        contents.given = given
        # First of all the size: the other rules may take their time over what a reader could read.
        found += (finding for diagram in contents.diagrams for finding in diagram_rules.size(diagram))
        found += content_rules.size(contents)
        found += () if found else _apply_rules(contents)
    if contents is not None and not found:
        found += (finding for diagram in contents.diagrams for finding in format_rules.schema(diagram))
    if not found:
        found += _parser_findings(files)
    return list(dict.fromkeys(found))[:MOST_FINDINGS]


DIAGRAM_RULES = (
    id_rules.ids,
    *diagram_rules.RULES,
    catch_rules.messages,
    catch_rules.links,
    catch_rules.hosts,
)
CONTENT_RULES = (
    id_rules.shared_ids,
    id_rules.clashes,
    call_rules.calls,
    *content_rules.RULES,
    call_rules.times,
    catch_rules.uncaught,
    variable_rules.names,
    variable_rules.given,
    variable_rules.conditions,
    variable_rules.lists,
)


def _apply_rules(contents: Contents) -> Iterator[Finding]:
    for diagram in contents.diagrams:
        for rule in DIAGRAM_RULES:
            yield from rule(diagram)
    for check in CONTENT_RULES:
        yield from check(contents)


def advise(files: Mapping[str, str]) -> list[Finding]:
    """What may be deployed but has no effect or is not drawn, for files that `validate` finds nothing in."""
    found: list[Finding] = []
    contents = _read(files, (), (), found)
    return found if contents is None or found else list(advice(contents))


def _read(
    files: Mapping[str, str], operators: Collection[str], functions: Collection[str], found: list[Finding]
) -> Contents | None:
    diagrams: list[Diagram] = []
    decisions: list[tuple[str, Decision]] = []
    forms: dict[str, tuple[str, Any]] = {}
    texts: tuple[str, Mapping[str, Any]] = ("", {})
    for file, body in files.items():
        if problem := _file_problem(file, body):
            found.append(problem)
        elif file.endswith((".bpmn", ".dmn")):
            root = _read_xml(file, body, found)
            if root is not None and file.endswith(".bpmn"):
                diagrams.append(Diagram(file, root))
            elif root is not None:
                decisions += _read_decisions(file, root, found)
        elif file.endswith(".form"):
            name = form_name(file)
            if name in forms:
                text = f"与 {forms[name][0]} 是同一个任务（{name}）的表单，请删除其中一个。"
                found.append(Finding(file, name, "id-clash", text))
            forms[name] = (file, _read_json(file, body, found))
        elif file.endswith(YAML):
            value = _read_yaml(file, body, found)
            if file.rsplit("/", 1)[-1] == TEXTS:
                texts = (file, value)
    if not any(file.endswith(".bpmn") for file in files):
        found.append(Finding("", "", "no-diagram", "没有流程图（.bpmn 文件）。"))
    return Contents(diagrams, decisions, forms, texts, operators, functions) if diagrams else None


def _file_problem(file: str, body: str) -> Finding | None:
    try:
        size = len(body.encode())
    except UnicodeEncodeError:
        return Finding(file, "", "not-text", "不是 UTF-8 编码的文字，请重新保存。")
    if size > MAX_FILE:
        text = f"文件有 {size / 1_000_000:.1f} MB，超过 1 MB；流程图不会这样大，请检查是否传错了文件。"
        return Finding(file, "", "too-large", text)
    if size > MAX_YAML and file.endswith(YAML):
        return Finding(file, "", "too-large", f"文件超过 {MAX_YAML // 1000} kB，请删减。")
    return None


def _read_xml(file: str, body: str, found: list[Finding]) -> etree._Element | None:
    if _DECLARATIONS.search(body):
        text = "文件里有 DOCTYPE 或 ENTITY 声明，出于安全不能使用；请删除这一行，或用建模器重新保存。"
        found.append(Finding(file, "", "doctype", text))
        return None
    try:
        root = parse_xml(file, body)
    except DiagramRefused:
        found.append(
            Finding(
                file, "", "not-xml", "不是完整的 XML 文件，可能传错了文件或文件已损坏；请用建模器重新保存。"
            )
        )
        return None
    if file.endswith(".bpmn") and (root.tag != BPMN + "definitions" or root.find(BPMN + "process") is None):
        text = "不是 BPMN 2.0 的流程图：最外层须是 BPMN 的 definitions，里面至少有一个流程。"
        found.append(Finding(file, "", "not-bpmn", text))
        return None
    return root


def _read_decisions(file: str, root: etree._Element, found: list[Finding]) -> list[tuple[str, Decision]]:
    try:
        decisions = parse_decisions(root)
    except DecisionRefused as refused:
        found.append(Finding(file, "", "bad-decision", f"{refused}。"))
        return []
    if not decisions:
        found.append(Finding(file, "", "bad-decision", "不是 DMN 决策表，或者里面没有决策。"))
    return [(file, decision) for decision in decisions]


def _read_json(file: str, body: str, found: list[Finding]) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        found.append(Finding(file, "", "not-json", "不是有效的 JSON，请用表单编辑器重新保存。"))
        return None


class _Plain(yaml.SafeLoader):
    """YAML without aliases: a few lines of them stand for more than any reader could walk through."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="alias", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def _read_yaml(file: str, body: str, found: list[Finding]) -> Mapping[str, Any]:
    try:
        value = yaml.load(body, _Plain)  # noqa: S506  (a safe loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"（第 {mark.line + 1} 行）" if mark is not None else ""
        found.append(
            Finding(
                file, "", "not-yaml", f"不是有效的 YAML{line}，请检查缩进、冒号和引号；不能用 & 和 * 引用。"
            )
        )
        return {}
    if not isinstance(value, Mapping):
        found.append(Finding(file, "", "not-yaml", "最外层须是“名称: 内容”的形式。"))
        return {}
    return value


def _parser_findings(files: Mapping[str, str]) -> Iterator[Finding]:
    try:
        parse_definition(files)
    except DiagramRefused as refused:
        for each in refused.findings:
            sentence = " ".join(each.sentence.split()).rstrip("。")
            yield Finding(each.file, each.element, "bpmn-format", f"{sentence}。")
    except Exception as error:  # noqa: BLE001 - the library raises whatever it trips over
        name = type(error).__name__
        file = next((file for file in files if file.endswith(".bpmn")), "")
        yield Finding(
            file, "", "bpmn-format", f"流程图无法解析（{name}：{' '.join(str(error).split())[:200]}）。"
        )
