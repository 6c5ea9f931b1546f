"""The one expression language: gateway conditions, timers, assignments, parameters, decision tables and conditional form
fields. Expressions are compiled once into closures over an allow-listed tree (`engine.grammar`); they reach variables,
literals and registered functions, and nothing of Python. What functions exist is the caller's business."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from engine.exceptions import ExpressionFailed
from engine.grammar import ANY_CELL_VALUE, parse_cell, parse_expression
from engine.nodes import (
    Binary,
    Call,
    Choice,
    Comparison,
    ExpressionRefused,
    Items,
    Literal,
    Node,
    Path,
    Unary,
    children,
)
from engine.operations import CALCULATE, COMPARE, STANDARD_FUNCTIONS, Failure, Function, number

__all__ = [
    "ANY_CELL_VALUE",
    "STANDARD_FUNCTIONS",
    "Evaluator",
    "ExpressionFailed",
    "ExpressionRefused",
    "Function",
    "read_cell_paths",
    "read_paths",
]

MAX_CACHED = 4_096

Compiled = Callable[[Mapping[str, Any], datetime], Any]


def read_paths(expression: str) -> set[tuple[str, ...]]:
    """Which variables, and which fields of them, an expression reads: `{("review_issue", "decision")}`."""
    return _paths(parse_expression(expression))


def read_cell_paths(cell: str) -> set[tuple[str, ...]]:
    """The same for a decision table's input cell."""
    return _paths(parse_cell(cell)) - {(ANY_CELL_VALUE,)}


def _paths(node: Node) -> set[tuple[str, ...]]:
    if isinstance(node, Path):
        return {node.names}
    return {path for child in children(node) for path in _paths(child)}


class Evaluator:
    """Compiles and evaluates expressions with the functions it was built with."""

    def __init__(self, functions: Mapping[str, Function] | None = None) -> None:
        self.functions: dict[str, Function] = {**STANDARD_FUNCTIONS, **(functions or {})}
        self._expression = lru_cache(maxsize=MAX_CACHED)(self._compile_expression)
        self._cell = lru_cache(maxsize=MAX_CACHED)(self._compile_cell)

    def check(self, expression: str) -> None:
        """Compile only: ExpressionRefused for a wrong grammar, an unknown function, a wrong number of arguments."""
        self._expression(expression)

    def check_cell(self, cell: str) -> None:
        """The same for a decision table's input cell."""
        self._cell(cell)

    def evaluate(self, expression: str, variables: Mapping[str, Any], *, now: datetime) -> Any:
        """The value of an expression; missing variables and fields are None. Raises ExpressionRefused, ExpressionFailed."""
        return self._run(self._expression(expression), expression, variables, now)

    def matches_cell(self, cell: str, value: Any, variables: Mapping[str, Any], *, now: datetime) -> bool:
        """Whether a decision table's input value passes the test in a cell."""
        scope = {**variables, ANY_CELL_VALUE: value}
        return bool(self._run(self._cell(cell), cell, scope, now))

    def _run(self, compiled: Compiled, expression: str, variables: Mapping[str, Any], now: datetime) -> Any:
        try:
            return compiled(variables, now)
        except Failure as failure:
            raise _failed(expression, str(failure)) from None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise _failed(expression, str(error) or type(error).__name__) from error

    def _compile_expression(self, expression: str) -> Compiled:
        return self._build(parse_expression(expression), expression)

    def _compile_cell(self, cell: str) -> Compiled:
        return self._build(parse_cell(cell), cell)

    def _build(self, node: Node, expression: str) -> Compiled:
        build = partial(self._build, expression=expression)
        match node:
            case Literal(value):
                return lambda variables, now: value
            case Path(names):
                return _reader(names)
            case Items(nodes):
                parts = [build(each) for each in nodes]
                return lambda variables, now: [part(variables, now) for part in parts]
            case Call(name, nodes):
                return self._call(name, [build(each) for each in nodes], expression)
            case Unary(sign, inner):
                return _unary(sign, build(inner))
            case Binary(sign, left, right):
                return _binary(sign, build(left), build(right))
            case Comparison(first, rest):
                return _comparison(build(first), [(COMPARE[sign], build(other)) for sign, other in rest])
            case Choice(condition, yes, no):
                return _choice(build(condition), build(yes), build(no))

    def _call(self, name: str, arguments: list[Compiled], expression: str) -> Compiled:
        function = self.functions.get(name)
        if function is None:
            raise ExpressionRefused(expression, name, "没有登记这个函数")
        try:
            inspect.signature(function).bind(None, *arguments)
        except TypeError:
            raise ExpressionRefused(expression, name, "参数个数不对") from None
        return lambda variables, now: function(now, *[argument(variables, now) for argument in arguments])


def _failed(expression: str, reason: str) -> ExpressionFailed:
    return ExpressionFailed(f"表达式“{expression}”计算失败：{reason}")


def _reader(names: tuple[str, ...]) -> Compiled:
    first, rest = names[0], names[1:]
    if not rest:
        return lambda variables, now: variables.get(first)

    def read(variables: Mapping[str, Any], now: datetime) -> Any:
        value = variables.get(first)
        for name in rest:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    return read


def _unary(sign: str, inner: Compiled) -> Compiled:
    if sign == "not":
        return lambda variables, now: not inner(variables, now)
    return lambda variables, now: -number(inner(variables, now))


def _binary(sign: str, left: Compiled, right: Compiled) -> Compiled:
    if sign == "and":
        return lambda variables, now: left(variables, now) and right(variables, now)
    if sign == "or":
        return lambda variables, now: left(variables, now) or right(variables, now)
    calculate = CALCULATE[sign]
    return lambda variables, now: calculate(left(variables, now), right(variables, now))


def _choice(condition: Compiled, yes: Compiled, no: Compiled) -> Compiled:
    return lambda variables, now: yes(variables, now) if condition(variables, now) else no(variables, now)


def _comparison(first: Compiled, rest: list[tuple[Callable[[Any, Any], bool], Compiled]]) -> Compiled:
    if len(rest) == 1:
        compare, other = rest[0]
        return lambda variables, now: compare(first(variables, now), other(variables, now))

    def run(variables: Mapping[str, Any], now: datetime) -> bool:
        left = first(variables, now)
        for compare, other in rest:
            right = other(variables, now)
            if not compare(left, right):
                return False
            left = right
        return True

    return run
