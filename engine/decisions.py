"""Decision tables (DMN): parsed into plain data, decided with the one expression language. An input cell is a test
(`-`, `"a","b"`, `> 5`, `[1..5]`, `not(…)`), an output cell an expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from engine.exceptions import ExpressionFailed
from engine.expressions import Evaluator, read_cell_paths, read_paths

HIT_POLICIES = ("UNIQUE", "FIRST", "ANY", "COLLECT", "RULE ORDER")


class DecisionRefused(Exception):
    """这个决策表不能使用。"""


@dataclass(frozen=True, slots=True)
class Rule:
    tests: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision table."""

    id: str
    name: str
    hit_policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[Rule, ...]

    def decide(self, variables: Mapping[str, Any], evaluator: Evaluator, now: datetime) -> dict[str, Any]:
        """The outputs by name; with COLLECT and RULE ORDER each a list. No rule matches: every output is None."""
        values = [evaluator.evaluate(each, variables, now=now) for each in self.inputs]
        results: list[tuple[Any, ...]] = []
        for rule in self.rules:
            if all(
                evaluator.matches_cell(test, value, variables, now=now)
                for test, value in zip(rule.tests, values, strict=True)
            ):
                results.append(tuple(evaluator.evaluate(text, variables, now=now) for text in rule.values))
                if self.hit_policy == "FIRST":
                    break
        if self.hit_policy in ("COLLECT", "RULE ORDER"):
            return {name: [result[index] for result in results] for index, name in enumerate(self.outputs)}
        if any(result != results[0] or self.hit_policy == "UNIQUE" for result in results[1:]):
            raise ExpressionFailed(f"决策表“{self.name}”有多条规则同时成立")
        return dict(zip(self.outputs, results[0] if results else (None,) * len(self.outputs), strict=True))

    def expressions(self) -> Iterator[str]:
        """Every expression of the table but its input cells."""
        yield from self.inputs
        yield from (value for rule in self.rules for value in rule.values)

    def cells(self) -> Iterator[str]:
        """Every input cell."""
        yield from (test for rule in self.rules for test in rule.tests)

    def reads(self) -> set[tuple[str, ...]]:
        """The variables that the table reads."""
        paths = {path for text in self.expressions() for path in read_paths(text)}
        return paths | {path for cell in self.cells() for path in read_cell_paths(cell)}


def parse_decisions(root: etree._Element) -> list[Decision]:
    """The decision tables of one DMN file. Raises DecisionRefused with a Chinese sentence."""
    return [_decision(node) for node in root.iterfind("{*}decision")]


def _decision(node: etree._Element) -> Decision:
    name = node.get("name") or node.get("id") or ""
    table = node.find("{*}decisionTable")
    if table is None:
        raise DecisionRefused(f"决策“{name}”不是决策表")
    policy = table.get("hitPolicy", "UNIQUE")
    if policy not in HIT_POLICIES or table.get("aggregation"):
        raise DecisionRefused(f"决策表“{name}”的命中策略“{policy}”不受支持")
    inputs = tuple(_text(each.find("{*}inputExpression")) for each in table.iterfind("{*}input"))
    outputs = tuple(each.get("name") or "" for each in table.iterfind("{*}output"))
    if not all(inputs) or not all(outputs):
        raise DecisionRefused(f"决策表“{name}”的每个输入列须有表达式，每个输出列须有名称")
    rules = tuple(_rule(each, name, len(inputs), len(outputs)) for each in table.iterfind("{*}rule"))
    return Decision(node.get("id") or "", name, policy, inputs, outputs, rules)


def _rule(node: etree._Element, name: str, inputs: int, outputs: int) -> Rule:
    tests = tuple(_text(each) or "-" for each in node.iterfind("{*}inputEntry"))
    values = tuple(_text(each) or "null" for each in node.iterfind("{*}outputEntry"))
    if len(tests) != inputs or len(values) != outputs:
        raise DecisionRefused(f"决策表“{name}”有一行的格数与列数不符")
    return Rule(tests, values)


def _text(node: etree._Element | None) -> str:
    text = None if node is None else node.find("{*}text")
    return "" if text is None else (text.text or "").strip()
