"""The rules for what expressions say: every name that is read is written by a step or declared as given at the start, what is
given is what the program gives, a condition decides something, a list is one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lxml import etree

from engine import form_schema
from engine.content_rules import Contents
from engine.diagram import (
    BPMN,
    SPIFF,
    Diagram,
    decision_of,
    describe,
    kind_of,
    owner_id,
    properties_of,
)
from engine.expressions import ExpressionRefused, read_cell_paths, read_paths
from engine.findings import Finding
from engine.form_schema import INPUTS, walk
from engine.grammar import Literal, Node, children, parse_expression
from engine.id_rules import variable_of
from engine.names import as_read, identifier, is_ncname
from engine.nodes import Binary, Call, Choice, Items, Path, Unary
from engine.specs import written_expressions

COUNTS = frozenset({"nrOfInstances", "nrOfCompletedInstances", "nrOfActiveInstances"})
"""What a completion condition may read besides."""
ME = "me"
"""What a form knows of who fills it in."""
MOST_INSTANCES = 500
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TIMES = ("timeDate", "timeDuration", "timeCycle")


def written(contents: Contents) -> set[str]:
    """The variables that a step may write."""
    outputs = {decision.id: decision.outputs for _, decision in contents.decisions}
    names: set[str] = set()
    for diagram in contents.diagrams:
        for node in diagram.nodes.values():
            names.add(variable_of(node) or "")
            result = properties_of(node).get("resultVariable", "")
            names.add(result)
            if kind_of(node) == "businessRuleTask" and not result:
                names.update(outputs.get(decision_of(node), ()))
        for node in diagram.root.iter(SPIFF + "serviceTaskOperator"):
            names.add(node.get("resultVariable") or "")
        names |= {as_read(node.text or "") for node in diagram.each("loopDataOutputRef")}
        for node in diagram.each("inputDataItem"):
            names.add(identifier(node.get("name") or node.get("id") or ""))
    return names - {""}


def declared(process: etree._Element) -> list[str]:
    """The variables that a process says it is given at its start: its properties, called by their names, or else by their ids;
    but not those that a list is collected in, nor those that stand for a field of another (`issue.evaluators`)."""
    collected = {as_read(node.text or "") for node in process.iter(BPMN + "loopDataOutputRef")}
    found: list[str] = []
    for node in process.iter(BPMN + "property"):
        name, read = node.get("name") or "", as_read(node.get("id") or "")
        found.append(name if "." not in read and _VARIABLE.fullmatch(name) else read)
    return [name for name in dict.fromkeys(found) if "." not in name and name not in collected]


def _known(contents: Contents) -> set[str]:
    # A called process is given what its caller has; what it declares must come from somewhere as well.
    main = contents.main_process
    given_names = {
        name
        for process in contents.processes
        if main is None or process.get("id") == main
        for name in declared(process)
    }
    return written(contents) | given_names


def names(contents: Contents) -> Iterator[Finding]:
    """A name that nothing writes and nobody gives is a slip of the pen; it would be read as nothing."""
    known = _known(contents)
    for diagram in contents.diagrams:
        for node, expression in written_expressions(diagram.root):
            if kind_of(node) == "loopDataInputRef":
                continue  # the rule for lists says it better
            more = COUNTS if kind_of(node) == "completionCondition" else ()
            for name in _unknown(expression, known, more):
                yield _unknown_in_diagram(diagram, node, expression, name)
        for process in diagram.each("process"):
            for name in sorted(set(declared(process)) - known):
                text = f"声明的变量 {name} 没有谁给出：调用这个流程的流程里没有它；请检查拼写，或者删除声明。"
                yield Finding(diagram.file, name, "unknown-variable", text)
    for file, decision in contents.decisions:
        for expression, cell in (
            *((each, False) for each in decision.expressions()),
            *((each, True) for each in decision.cells()),
        ):
            for name in _unknown(expression, known, (), cell=cell):
                word = f"决策表“{decision.name}”"
                yield Finding(file, decision.id, "unknown-variable", _sentence(word, expression, name))
    yield from _form_names(contents)


def _unknown(
    expression: str, known: Collection[str], more: Collection[str], *, cell: bool = False
) -> list[str]:
    try:
        paths = read_cell_paths(expression) if cell else read_paths(expression)
    except ExpressionRefused:
        return []  # reported as such
    return sorted({path[0] for path in paths if path[0] not in known and path[0] not in more})


def _unknown_in_diagram(diagram: Diagram, node: etree._Element, expression: str, name: str) -> Finding:
    owner = diagram.ids.get(owner_id(node))
    word = describe(owner) if owner is not None else ""
    if kind_of(node) in _TIMES and expression == name:
        text = (
            f"{word}的时间“{name}”既不是 ISO 8601 的写法（如 P15D、2026-12-31T17:00:00+08:00、R3/P1D），"
            "也不是流程里的变量。"
        )
        return Finding(diagram.file, owner_id(node), "bad-time", text)
    return Finding(diagram.file, owner_id(node), "unknown-variable", _sentence(word, expression, name))


def _sentence(word: str, expression: str, name: str) -> str:
    shown = expression if len(expression) <= 80 else f"{expression[:77]}…"
    return (
        f"{word}：表达式“{shown}”读取变量 {name}，流程里没有哪一步写入它，也没有声明为启动时给出的；"
        "请检查拼写，或者在流程里声明它（bpmn:property）。"
    )


def _form_names(contents: Contents) -> Iterator[Finding]:
    # A form sees its own fields, who fills it in, and what the process was given: nothing of other steps.
    known = {name for process in contents.processes for name in declared(process)} | {ME}
    for file, schema in contents.forms.values():
        if not isinstance(schema, dict) or any(True for _ in form_schema.problems(schema)):
            continue  # reported as such
        keys = {str(component["key"]) for _, component in walk(schema) if component.get("type") in INPUTS}
        for place, expression in form_schema.conditions(schema):
            for name in _unknown(expression, known, keys):
                text = (
                    f"字段 {place}：表达式“{expression[:80]}”读取 {name}，表单里没有这个字段，"
                    "也不是启动流程时给出的内容；请检查拼写。"
                )
                yield Finding(file, place, "unknown-variable", text)


def given(contents: Contents) -> Iterator[Finding]:
    """What the diagram declares and what the program gives at the start are the same."""
    main = contents.main_process
    if contents.given is None or main is None or main not in contents.given:
        return
    gives = set(contents.given[main])
    known = "、".join(sorted(gives)) or "（无）"
    for diagram in contents.diagrams:
        for process in diagram.each("process"):
            says = set(declared(process))
            if process.get("id") != main:
                continue
            for name in sorted(says - gives):
                text = f"声明为启动时给出的变量 {name}，程序并不给出；给出的有：{known}。请删除声明，或者由一步写入它。"
                yield Finding(diagram.file, name, "not-given", text)
            for name in sorted(gives - says):
                element = f'<bpmn:property id="given_{name}" name="{name}"/>'
                text = f"没有声明程序在启动时给出的变量 {name}；请在流程里加上 {element}。"
                yield diagram.finding(process, "not-declared", text)


def conditions(contents: Contents) -> Iterator[Finding]:
    """A condition is neither always the same nor something that is neither true nor false."""
    for diagram in contents.diagrams:
        for node in diagram.each("conditionExpression", "completionCondition", "loopCondition", "condition"):
            owner = diagram.ids.get(owner_id(node))
            tree = _tree(node.text or "")
            if owner is None or tree is None:
                continue
            shown = (node.text or "").strip()[:80]
            if not _reads(tree):
                text = (
                    f'的条件“{shown}”总是同一个结果，什么也决定不了；请写成比较，例如 fill.answer = "yes"。'
                )
                yield diagram.finding(owner, "constant-condition", text)
            elif not _may_be_true(tree):
                text = f"的条件“{shown}”得不到真或假；请写成比较，例如 fill.count > 3。"
                yield diagram.finding(owner, "constant-condition", text)


def _tree(text: str) -> Node | None:
    try:
        return parse_expression(text)
    except ExpressionRefused:
        return None  # reported as such


def _reads(tree: Node) -> bool:
    return isinstance(tree, Path | Call) or any(_reads(child) for child in children(tree))


def _may_be_true(tree: Node) -> bool:
    match tree:
        case Choice(_, yes, no):
            return any(_may_be_true(each) or isinstance(each, Literal) for each in (yes, no))
        case Binary(sign, left, right):
            return sign in ("and", "or") and _may_be_true(left) and _may_be_true(right)
        case Unary(sign, _):
            return sign == "not"
        case Items() | Literal():
            return False
        case _:
            return True


def lists(contents: Contents) -> Iterator[Finding]:
    """What an activity is repeated over, and what its results are collected in, is there."""
    known = _known(contents)
    for diagram in contents.diagrams:
        for node in diagram.each("loopDataInputRef", "loopDataOutputRef"):
            owner = diagram.ids.get(owner_id(node))
            text = (node.text or "").strip()
            if owner is None or not text:
                continue
            if problem := _reference_problem(text, known, kind_of(node)):
                yield diagram.finding(owner, "list-reference", problem)
        for node in diagram.each("loopCardinality"):
            owner, tree = diagram.ids.get(owner_id(node)), _tree(node.text or "")
            if owner is not None and isinstance(tree, Literal) and not _is_number_of_instances(tree.value):
                text = f"的次数“{(node.text or '').strip()[:40]}”须是 0 到 {MOST_INSTANCES} 之间的整数。"
                yield diagram.finding(owner, "list-reference", text)


def _reference_problem(text: str, known: Collection[str], kind: str) -> str:
    read = as_read(text)
    if kind == "loopDataOutputRef" and (not is_ncname(text) or "." in read):
        return f"收集结果的“{text[:80]}”须是一个变量，不能是字段或表达式。"
    tree = _tree(read)
    if kind == "loopDataInputRef" and tree is not None and not _reads(tree) and not isinstance(tree, Items):
        return f"所依据的“{text[:80]}”不是列表。"
    missing = _unknown(read, known, ()) if kind == "loopDataInputRef" else []
    if missing:
        return (
            f"所依据的列表 {text[:80]} 不存在：流程里没有哪一步写入 {missing[0]}，也没有声明为启动时给出的。"
        )
    return ""


def _is_number_of_instances(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_INSTANCES
