"""The rules for what stands in a process's files: people, forms, operators, expressions, decision tables and texts must
fit one another. What they look like in the diagram is `engine.diagram_rules`'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

from lxml import etree

from engine import form_schema, paces
from engine.decisions import Decision
from engine.diagram import (
    BPMN,
    SPIFF,
    Diagram,
    describe,
    kind_of,
    operator_of,
    properties_of,
)
from engine.expressions import Evaluator, ExpressionRefused
from engine.findings import Finding
from engine.grammar import Call, Literal, Node, children, parse_cell, parse_expression
from engine.names import identifier
from engine.specs import (
    EXPRESSION_PROPERTIES,
    PAGE_PROPERTIES,
    WORD_PROPERTIES,
    expressions_of,
    page_words_of,
    written_expressions,
)

PROPERTIES = (*EXPRESSION_PROPERTIES, *WORD_PROPERTIES, *PAGE_PROPERTIES)
PROCESS_PROPERTY = re.compile(r"phase\.[a-z]+(\.empty)?")
"""What may be written at the process itself: the name of a phase in lists, and what an empty list of it says."""
MOST_IN_EXPRESSIONS = 200_000
"""Characters of all expressions of a process: about a second's work."""
EACH_COUNTS_AS = 20
"""Characters that the overhead of one expression is worth."""
_WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class Contents:
    """The files of one process, read: what its rules compare."""

    diagrams: list[Diagram]
    decisions: list[tuple[str, Decision]]
    """With the file of each."""
    forms: Mapping[str, tuple[str, Any]]
    """By the identifier of the task: file and schema."""
    texts: tuple[str, Mapping[str, Any]]
    """The file texts.yaml and its templates; both empty where there is none."""
    operators: Collection[str]
    functions: Collection[str]
    given: Mapping[str, Collection[str]] | None = None
    """By the id of a process: the variables that the program gives it at its start. None: nobody knows."""
    evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        known = self.functions
        # With the functions themselves the number of arguments is checked too; of a mere name any number will do.
        named = known if isinstance(known, Mapping) else dict.fromkeys(known, _anything)
        self.evaluator = Evaluator(named)

    @cached_property
    def user_tasks(self) -> dict[str, tuple[Diagram, etree._Element]]:
        """Every user task by id."""
        return {
            node.get("id") or "": (diagram, node)
            for diagram in self.diagrams
            for node in diagram.each("userTask")
        }

    @property
    def processes(self) -> list[etree._Element]:
        """Every process of every diagram."""
        return [node for diagram in self.diagrams for node in diagram.each("process")]

    @cached_property
    def startable(self) -> list[str]:
        """The processes that may be started: executable, and called by no other."""
        called = {
            node.get("calledElement") for diagram in self.diagrams for node in diagram.each("callActivity")
        }
        return [
            node.get("id") or ""
            for node in self.processes
            if node.get("id") not in called and node.get("isExecutable", "true") == "true"
        ]

    @property
    def main_process(self) -> str | None:
        """The one process to start, if there is just one."""
        return self.startable[0] if len(self.startable) == 1 else None

    def problem(self, text: str, *, cell: bool = False) -> tuple[str, str] | None:
        """Why an expression is refused (rule, sentence), or None."""
        try:
            (self.evaluator.check_cell if cell else self.evaluator.check)(text)
        except ExpressionRefused as refused:
            return (
                "unknown-function" if self._calls_unknown(text, cell) else "bad-expression"
            ), f"{refused}。"
        return None

    def _calls_unknown(self, text: str, cell: bool) -> bool:
        try:
            tree = parse_cell(text) if cell else parse_expression(text)
        except ExpressionRefused:
            return False
        return any(name not in self.evaluator.functions for name in _called(tree))


def _anything(*arguments: Any) -> Any:
    return None


def _called(node: Node) -> Iterator[str]:
    if isinstance(node, Call):
        yield node.name
    for child in children(node):
        yield from _called(child)


def size(contents: Contents) -> Iterator[Finding]:
    """How much there is to read in expressions and forms; whatever is more is not looked at any further."""
    found = Counter[str]()
    for diagram in contents.diagrams:
        found[diagram.file] += sum(
            len(text) + EACH_COUNTS_AS for _, text in written_expressions(diagram.root)
        )
    for file, decision in contents.decisions:
        found[file] += sum(
            len(text) + EACH_COUNTS_AS for text in (*decision.expressions(), *decision.cells())
        )
    total = 0
    for file, amount in found.items():
        total += amount
        if total > MOST_IN_EXPRESSIONS:
            text = f"表达式太多（超过 {MOST_IN_EXPRESSIONS // 1000} 千字符），请删减，或者把一部分移到决策表和另一个流程里。"
            yield Finding(file, "", "too-many-expressions", text)
            return
    for file, schema in contents.forms.values():
        if form_schema.is_crowded(schema):
            text = f"表单的字段超过 {form_schema.MOST_FIELDS} 个，请分成几个步骤填写。"
            yield Finding(file, "", "too-many-elements", text)


def people(contents: Contents) -> Iterator[Finding]:
    """Every user task has somebody to do it, and a form; every form has its task."""
    for element_id, (diagram, node) in contents.user_tasks.items():
        properties = properties_of(node)
        if not properties.get("candidateGroups") and not properties.get("assignee"):
            yield diagram.finding(
                node, "no-people", "没有办理人；请写 candidateGroups（候选组）或 assignee（指定的人）。"
            )
        if identifier(element_id) not in contents.forms:
            name = f"{diagram.file.removesuffix('.bpmn')}/{identifier(element_id)}.form"
            yield diagram.finding(node, "form-missing", f"没有表单；请添加文件 {name}。")
    named = {identifier(element_id) for element_id in contents.user_tasks}
    for name, (file, _) in contents.forms.items():
        if name not in named:
            text = f"表单没有对应的用户任务：流程图里没有编号为 {name} 的用户任务；请改名或删除。"
            yield Finding(file, name, "form-without-task", text)


def forms(contents: Contents) -> Iterator[Finding]:
    """Forms keep to the subset that is drawn and checked here."""
    for file, schema in contents.forms.values():
        try:
            problems = list(form_schema.problems(schema))
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
            problems = [("", "表单不是 form-js 的格式，请用表单编辑器重新保存。")]
        for place, sentence in problems:
            text = f"字段 {place}：{sentence}" if place else sentence
            yield Finding(file, place, "form-unsupported", text)
        if problems:
            continue
        for place, expression in form_schema.conditions(schema):
            if problem := contents.problem(expression):
                yield Finding(file, place, problem[0], f"字段 {place}：{problem[1]}")


def properties(contents: Contents) -> Iterator[Finding]:
    """A property that nobody reads is a typing mistake, and a status needs its phase."""
    for diagram in contents.diagrams:
        for node in diagram.flow_nodes():
            yield from _pace(contents, diagram, node)
        for node in diagram.root.iter(SPIFF + "property"):
            owner = next((each for each in node.iterancestors() if each.get("id")), node)
            name = node.get("name")
            if kind_of(owner) == "process":
                known, fits = "phase.<阶段>、phase.<阶段>.empty", PROCESS_PROPERTY.fullmatch(name or "")
            else:
                known, fits = "、".join(PROPERTIES), name in PROPERTIES
            if not fits or not (node.get("value") or "").strip():
                text = f"的属性 {name or '（空）'} 不认识或没有值；可用的有：{known}。"
                yield diagram.finding(owner, "bad-property", text)
        for node in diagram.flow_nodes():
            yield from _words(diagram, node, properties_of(node))


def _pace(contents: Contents, diagram: Diagram, node: etree._Element) -> Iterator[Finding]:
    """A timer that runs only while its task is unclaimed stands on a task that one person claims."""
    pace = properties_of(node).get(paces.PROPERTY)
    if pace is None:
        return
    known = paces.list_paces(contents.evaluator.functions)
    if pace not in known:
        text = f"的 {paces.PROPERTY} 应是 {'、'.join(known)} 之一，表示停下时剩余的时间怎样计算。"
        yield diagram.finding(node, "bad-property", text)
    _, host = contents.user_tasks.get(node.get("attachedToRef") or "", (diagram, None))
    timed = node.find(BPMN + "timerEventDefinition") is not None and kind_of(node) == "boundaryEvent"
    if not timed or host is None or not properties_of(host).get("candidateGroups"):
        text = f"的 {paces.PROPERTY} 只能写在有候选组（candidateGroups）的用户任务的边界定时上。"
        yield diagram.finding(node, "bad-property", text)
    elif (
        properties_of(host).get("assignee")
        or host.find(BPMN + "multiInstanceLoopCharacteristics") is not None
    ):
        text = f"的 {paces.PROPERTY} 不能用：所在的任务有指定的人，或者由几个人各办一份，不会等人认领。"
        yield diagram.finding(node, "bad-property", text)


def _words(diagram: Diagram, node: etree._Element, found: Mapping[str, str]) -> Iterator[Finding]:
    if ("status" in found or "statusClaimed" in found) and "phase" not in found:
        yield diagram.finding(node, "status-without-phase", "写了状态文字（status），还须写阶段（phase）。")
    if "statusClaimed" in found and "status" not in found:
        yield diagram.finding(
            node, "status-without-phase", "写了认领后的状态（statusClaimed），还须写状态（status）。"
        )
    for name in ("phase", "resultVariable"):
        if name in found and not _WORD.fullmatch(found[name]):
            yield diagram.finding(node, "bad-property", f"的 {name} 须是小写英文单词，不加引号。")


def operators(contents: Contents) -> Iterator[Finding]:
    """Service tasks and `onComplete` name operators that exist, with the parameters these take."""
    for diagram in contents.diagrams:
        for node in diagram.each("serviceTask"):
            operator = operator_of(node)
            if operator is None or not operator.get("id"):
                yield diagram.finding(node, "operator-missing", "没有选定操作。")
            else:
                yield from _parameters(contents, diagram, node, operator)
        for node in diagram.flow_nodes():
            name = properties_of(node).get("onComplete")
            if name is not None and kind_of(node) != "userTask":
                yield diagram.finding(node, "bad-property", "不是用户任务，不能有 onComplete。")
            elif name is not None and name not in contents.operators:
                yield _unknown_operator(contents, diagram, node, name)


def _parameters(
    contents: Contents, diagram: Diagram, node: etree._Element, operator: etree._Element
) -> Iterator[Finding]:
    name = operator.get("id") or ""
    if name not in contents.operators:
        yield _unknown_operator(contents, diagram, node, name)
        return
    given: list[str] = []
    for parameter in operator.iter(SPIFF + "parameter"):
        if not all(parameter.get(attribute) for attribute in ("id", "value", "type")):
            text = f"的参数 {parameter.get('id') or '（未命名）'} 须有名称、类型和值。"
            yield diagram.finding(node, "operator-parameters", text)
        given.append(parameter.get("id") or "")
    if len(set(given)) != len(given):
        yield diagram.finding(node, "operator-parameters", "有同名的参数。")
    if isinstance(contents.operators, Mapping):
        wanted, needed = _signature(contents.operators[name])
        for each in sorted(set(given) - wanted):
            yield diagram.finding(node, "operator-parameters", f"的操作 {name} 没有参数 {each}。")
        for each in sorted(needed - set(given)):
            yield diagram.finding(node, "operator-parameters", f"的操作 {name} 还需要参数 {each}。")
    variable = operator.get("resultVariable")
    if variable and not _WORD.fullmatch(variable):
        yield diagram.finding(node, "bad-property", "的 resultVariable 须是小写英文单词，不加引号。")


def _signature(function: Callable[..., Any]) -> tuple[set[str], set[str]]:
    """The parameters an operator takes after its context, and those it cannot do without."""
    parameters = list(signature(function).parameters.values())[1:]
    return {each.name for each in parameters}, {
        each.name for each in parameters if each.default is Parameter.empty
    }


def _unknown_operator(contents: Contents, diagram: Diagram, node: etree._Element, name: str) -> Finding:
    known = "、".join(sorted(contents.operators)) or "（无）"
    return diagram.finding(
        node, "unknown-operator", f"用了不存在的操作 {name or '（空）'}；可用的有：{known}。"
    )


def texts(contents: Contents) -> Iterator[Finding]:
    """A parameter `template` names a text of texts.yaml, where each has its title and words."""
    file, templates = contents.texts
    for name, text in templates.items():
        if not isinstance(text, Mapping) or not all(
            isinstance(text.get(part), str) and text[part].strip() for part in ("title", "text")
        ):
            yield Finding(file, str(name), "bad-text", f"文字 {name} 须有 title 和 text，且都不为空。")
    for diagram in contents.diagrams:
        for node in diagram.each("serviceTask"):
            for parameter in node.iter(SPIFF + "parameter"):
                name = constant(parameter.get("value") or "") if parameter.get("id") == "template" else None
                if name is not None and name not in templates:
                    yield diagram.finding(
                        node, "text-missing", f"要发的文字 {name} 不在 texts.yaml 里，请补上。"
                    )


def constant(expression: str) -> str | None:
    """The text that an expression is, if it is nothing but a text."""
    try:
        tree = parse_expression(expression)
    except ExpressionRefused:
        return None
    return tree.value if isinstance(tree, Literal) and isinstance(tree.value, str) else None


def expressions(contents: Contents) -> Iterator[Finding]:
    """Every expression of the diagrams and decision tables compiles and calls only what exists."""
    for diagram in contents.diagrams:
        for element_id, expression in (*expressions_of(diagram.root), *page_words_of(diagram.root)):
            if problem := contents.problem(expression):
                node = diagram.ids.get(element_id)
                word = describe(node) if node is not None else element_id
                yield Finding(diagram.file, element_id, problem[0], f"{word}：{problem[1]}")
    for file, decision in contents.decisions:
        for expression, cell in (
            *((each, False) for each in decision.expressions()),
            *((each, True) for each in decision.cells()),
        ):
            if problem := contents.problem(expression, cell=cell):
                yield Finding(file, decision.id, problem[0], f"决策表“{decision.name}”：{problem[1]}")


RULES: tuple[Callable[[Contents], Iterator[Finding]], ...] = (
    people,
    properties,
    operators,
    expressions,
    texts,
    forms,
)
