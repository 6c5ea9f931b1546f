"""What the operators of expressions do with values, and the functions that every expression may call. Bounded, and strict where
Python is lenient: a truth value is no number, text is not multiplied, an order with null is false."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

MAX_TEXT = 20_000
MAX_ITEMS = 1_000
MAX_NUMBER = 10**15

Function = Callable[..., Any]
"""`fn(now, *args)`: `now` is an aware UTC datetime, args and result are JSON values or aware datetimes."""


class Failure(Exception):
    """Why a part failed; the evaluator adds the expression."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> int | float:
    if not _is_number(value):
        raise Failure(f"{_shown(value)}不是数字")
    if abs(value) > MAX_NUMBER:
        raise Failure("数字过大")
    return value


def _shown(value: Any) -> str:
    return "空值" if value is None else f"“{str(value)[:40]}”"


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise Failure("文字过长")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_ITEMS:
            raise Failure("列表过长")
        return left + right
    return number(number(left) + number(right))


def _subtract(left: Any, right: Any) -> int | float:
    return number(left) - number(right)


def _multiply(left: Any, right: Any) -> int | float:
    return number(number(left) * number(right))


def _divide(left: Any, right: Any) -> float:
    if number(right) == 0:
        raise Failure("除数为零")
    return number(left) / right


CALCULATE: dict[str, Callable[[Any, Any], Any]] = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide}


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
    raise Failure(f"{_shown(left)}和{_shown(right)}不能比较大小")


def _within(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    if isinstance(right, Sequence):
        return any(_equal(left, item) for item in right)
    raise Failure(f"{_shown(right)}不是列表")


def _matches(left: Any, right: Any) -> bool:
    return _within(left, right) if isinstance(right, list) else _equal(left, right)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
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
    return sum(number(value) for value in _listed(values))


def _smallest(now: datetime, values: Any) -> Any:
    return min((value for value in _listed(values) if value is not None), default=None)


def _largest(now: datetime, values: Any) -> Any:
    return max((value for value in _listed(values) if value is not None), default=None)


def _string(now: datetime, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(number(value))


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
