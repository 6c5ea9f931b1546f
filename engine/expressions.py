"""The one expression language: gateway conditions, timers, assignments, parameters, decision tables and conditional form
fields. Expressions are compiled once into closures over an allow-listed tree (`engine.grammar`); they reach variables,
literals and registered functions, and nothing of Python. What functions exist is the caller's business."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from engine.exceptions import ExpressionFailed
from engine.grammar import (
    ANY_CELL_VALUE,
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
    parse_cell,
    parse_expression,
)

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
MAX_TEXT = 20_000
MAX_ITEMS = 1_000
MAX_NUMBER = 10**15

Function = Callable[..., Any]
"""`fn(now, *args)`: `now` is an aware UTC datetime, args and result are JSON values or aware datetimes."""

Compiled = Callable[[Mapping[str, Any], datetime], Any]


class _Failure(Exception):
    """Why a part failed; the evaluator adds the expression."""


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
        except _Failure as failure:
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
                return _comparison(build(first), [(_COMPARE[sign], build(other)) for sign, other in rest])
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
    return lambda variables, now: -_number(inner(variables, now))


def _binary(sign: str, left: Compiled, right: Compiled) -> Compiled:
    if sign == "and":
        return lambda variables, now: left(variables, now) and right(variables, now)
    if sign == "or":
        return lambda variables, now: left(variables, now) or right(variables, now)
    calculate = _CALCULATE[sign]
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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> int | float:
    if not _is_number(value):
        raise _Failure(f"{_shown(value)}不是数字")
    if abs(value) > MAX_NUMBER:
        raise _Failure("数字过大")
    return value


def _shown(value: Any) -> str:
    return "空值" if value is None else f"“{str(value)[:40]}”"


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise _Failure("文字过长")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_ITEMS:
            raise _Failure("列表过长")
        return left + right
    return _number(_number(left) + _number(right))


def _subtract(left: Any, right: Any) -> int | float:
    return _number(left) - _number(right)


def _multiply(left: Any, right: Any) -> int | float:
    return _number(_number(left) * _number(right))


def _divide(left: Any, right: Any) -> float:
    if _number(right) == 0:
        raise _Failure("除数为零")
    return _number(left) / right


_CALCULATE: dict[str, Callable[[Any, Any], Any]] = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide}


def _equal(left: Any, right: Any) -> bool:
    # Python takes True for 1; an analyst does not.
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return left == right


def _ordered(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if _is_number(left) and _is_number(right):
        return compare(left, right)
    for kind in (str, datetime):
        if isinstance(left, kind) and isinstance(right, kind):
            return compare(left, right)
    raise _Failure(f"{_shown(left)}和{_shown(right)}不能比较大小")


def _within(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    if isinstance(right, Sequence):
        return any(_equal(left, item) for item in right)
    raise _Failure(f"{_shown(right)}不是列表")


def _matches(left: Any, right: Any) -> bool:
    return _within(left, right) if isinstance(right, list) else _equal(left, right)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": partial(_ordered, operator.lt),
    "<=": partial(_ordered, operator.le),
    ">": partial(_ordered, operator.gt),
    ">=": partial(_ordered, operator.ge),
    "in": _within,
    "not in": lambda left, right: not _within(left, right),
    "matches": _matches,
}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _count(now: datetime, values: Any) -> int:
    return len(values) if isinstance(values, str | Mapping) else len(_listed(values))


def _unique(now: datetime, values: Any) -> list[Any]:
    kept: list[Any] = []
    for value in _listed(values):
        if value is not None and not any(_equal(value, other) for other in kept):
            kept.append(value)
    return kept


def _sum(now: datetime, values: Any) -> int | float:
    return sum(_number(value) for value in _listed(values))


def _smallest(now: datetime, values: Any) -> Any:
    return min((value for value in _listed(values) if value is not None), default=None)


def _largest(now: datetime, values: Any) -> Any:
    return max((value for value in _listed(values) if value is not None), default=None)


def _string(now: datetime, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(_number(value))


def _now(now: datetime) -> datetime:
    return now


STANDARD_FUNCTIONS: dict[str, Function] = {
    "count": _count,
    "unique": _unique,
    "sum": _sum,
    "min": _smallest,
    "max": _largest,
    "string": _string,
    "now": _now,
}
"""Functions that every evaluator knows: `count(list or text)`, `unique(list)`, `sum`, `min`, `max`, `string`, `now()`."""
