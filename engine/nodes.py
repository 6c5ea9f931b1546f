"""The small tree of an expression, and the refusal of what has no place in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class ExpressionRefused(Exception):
    """表达式不合规则。"""

    def __init__(self, expression: str, part: str, reason: str) -> None:
        shown = expression if len(expression) <= 80 else expression[:77] + "…"
        place = f"中的“{part}”" if part and part != expression else ""
        super().__init__(f"表达式“{shown}”{place}不能使用：{reason}")
        self.expression, self.part, self.reason = expression, part, reason


@dataclass(frozen=True, slots=True)
class Literal:
    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Path:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    node: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Node
    yes: Node
    no: Node


Node = Literal | Path | Items | Call | Unary | Binary | Comparison | Choice


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below this one."""
    match node:
        case Items(nodes) | Call(_, nodes):
            yield from nodes
        case Unary(_, inner):
            yield inner
        case Binary(_, left, right):
            yield from (left, right)
        case Comparison(first, rest):
            yield first
            yield from (other for _, other in rest)
        case Choice(condition, yes, no):
            yield from (condition, yes, no)
        case _:
            return
