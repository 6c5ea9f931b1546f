"""The grammar of expressions: text in, a small tree out. Nothing is evaluated here and no Python is parsed: what this file
does not know does not exist. `engine.expressions` turns the tree into something that runs; docs/expressions.md is the
grammar for analysts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

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

__all__ = ["ANY_CELL_VALUE", "WORDS", "Call", "Literal", "Node", "children", "parse_cell", "parse_expression"]

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_NODES = 400

ANY_CELL_VALUE = "?"
"""The name under which a decision table's input stands in its own cells."""


_TOKEN = re.compile(
    r"""(?P<number>\d+(?:\.\d+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<sign><=|>=|==|!=|<>|\.\.|[-+*/=<>()\[\],.?])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "then", "else"})
_FOREIGN = frozenset(
    {
        "lambda",
        "for",
        "while",
        "def",
        "class",
        "import",
        "from",
        "yield",
        "await",
        "async",
        "global",
        "nonlocal",
    }
    | {"del", "return", "raise", "try", "with", "assert", "exec", "eval", "some", "every", "satisfies"}
)
WORDS = _WORDS | _FOREIGN | _CONSTANTS.keys()
"""What cannot be the name of a variable."""

_SAME = {"=": "==", "<>": "!="}
_COMPARING = frozenset({"=", "==", "!=", "<>", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse_expression(text: str) -> Node:
    """The tree of one expression; a leading `=` (as form-js writes it) is dropped. Raises ExpressionRefused."""
    stripped = text.strip()
    if stripped.startswith("=") and not stripped.startswith("=="):
        stripped = stripped[1:].strip()
    parser = _Parser(stripped)
    node = parser.choice()
    parser.finish()
    return node


def parse_cell(text: str) -> Node:
    """The test that a decision table's input cell stands for, over the name `?`: `-`, `"a","b"`, `> 5`, `[1..5]`, `not(…)`."""
    stripped = text.strip()
    if stripped in ("", "-"):
        return Literal(True)
    parser = _Parser(stripped, cell=True)
    node = parser.cell_tests()
    parser.finish()
    return node


class _Parser:
    def __init__(self, text: str, *, cell: bool = False) -> None:
        self.text = text
        self.cell = cell
        self.nodes = 0
        self.depth = 0
        if not text:
            raise ExpressionRefused(text, "", "内容为空")
        if len(text) > MAX_LENGTH:
            raise ExpressionRefused(text, "", f"超过 {MAX_LENGTH} 个字符")
        self.tokens = list(self._split())
        self.position = 0

    def _split(self) -> Iterator[_Token]:
        position = 0
        while position < len(self.text):
            if self.text[position].isspace():
                position += 1
                continue
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise self.refusal(self.text[position], "没有这种写法")
            kind = match.lastgroup or "sign"
            yield _Token(kind, match.group())
            position = match.end()

    def refusal(self, part: str, reason: str) -> ExpressionRefused:
        return ExpressionRefused(self.text, part, reason)

    def peek(self, ahead: int = 0) -> _Token:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else _Token("end", "")

    def take(self) -> _Token:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, *texts: str) -> str | None:
        token = self.peek()
        if token.kind in ("sign", "name") and token.text in texts:
            self.position += 1
            return token.text
        return None

    def expect(self, text: str) -> None:
        if self.accept(text) is None:
            found = self.peek()
            raise self.refusal(found.text, f"这里应当是“{text}”")

    def finish(self) -> None:
        left = self.peek()
        if left.kind != "end":
            reason = (
                "不能用下标"
                if left.text == "["
                else "不能只对对象的成员调用函数"
                if left.text == "("
                else "这里多了内容"
            )
            raise self.refusal(left.text, reason)

    def made(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refusal("", "内容过于复杂")
        return node

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refusal("", f"嵌套超过 {MAX_DEPTH} 层")

    def choice(self) -> Node:
        self.enter()
        if self.accept("if"):
            condition = self.choice()
            self.expect("then")
            yes = self.choice()
            self.expect("else")
            node: Node = self.made(Choice(condition, yes, self.choice()))
        else:
            node = self.either()
            if self.accept("if"):
                condition = self.either()
                self.expect("else")
                node = self.made(Choice(condition, node, self.choice()))
        self.depth -= 1
        return node

    def either(self) -> Node:
        node = self.both()
        while self.accept("or"):
            node = self.made(Binary("or", node, self.both()))
        return node

    def both(self) -> Node:
        node = self.negation()
        while self.accept("and"):
            node = self.made(Binary("and", node, self.negation()))
        return node

    def negation(self) -> Node:
        if self.accept("not"):
            self.enter()
            node = self.made(Unary("not", self.negation()))
            self.depth -= 1
            return node
        return self.comparison()

    def comparison(self) -> Node:
        first = self.total()
        rest: list[tuple[str, Node]] = []
        while (operator := self.comparator()) is not None:
            rest.append((operator, self.total()))
        return self.made(Comparison(first, tuple(rest))) if rest else first

    def comparator(self) -> str | None:
        token = self.peek()
        if token.kind == "sign" and token.text in _COMPARING:
            self.position += 1
            return _SAME.get(token.text, token.text)
        if self.accept("in"):
            return "in"
        if token == _Token("name", "not") and self.peek(1) == _Token("name", "in"):
            self.position += 2
            return "not in"
        if self.accept("is"):
            return "!=" if self.accept("not") else "=="
        return None

    def total(self) -> Node:
        node = self.product()
        while (operator := self.accept("+", "-")) is not None:
            node = self.made(Binary(operator, node, self.product()))
        return node

    def product(self) -> Node:
        node = self.signed()
        while (operator := self.accept("*", "/")) is not None:
            node = self.made(Binary(operator, node, self.signed()))
        return node

    def signed(self) -> Node:
        if self.accept("-"):
            self.enter()
            node = self.made(Unary("-", self.signed()))
            self.depth -= 1
            return node
        return self.primary()

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.made(Literal(self.number(token.text)))
        if token.kind == "text":
            return self.made(Literal(self.unescaped(token.text)))
        if token.kind == "name":
            return self.named(token.text)
        if token.text == "(":
            return self.bracketed()
        if token.text == "[":
            return self.made(Items(tuple(self.series("]"))))
        if token.text == ANY_CELL_VALUE and self.cell:
            return self.made(Path((ANY_CELL_VALUE,)))
        raise self.refusal(token.text, "表达式不完整" if token.kind == "end" else "这里不能出现它")

    def bracketed(self) -> Node:
        node = self.choice()
        if self.accept(")"):
            return node
        self.expect(",")
        return self.made(Items((node, *self.series(")"))))

    def series(self, closing: str) -> Iterator[Node]:
        while not self.accept(closing):
            yield self.choice()
            if self.accept(closing):
                return
            self.expect(",")

    def named(self, name: str) -> Node:
        if name in _CONSTANTS:
            return self.made(Literal(_CONSTANTS[name]))
        names = [self.plain_name(name)]
        while self.accept("."):
            following = self.take()
            if following.kind != "name":
                raise self.refusal(following.text, "“.”后面应当是名称")
            names.append(self.plain_name(following.text))
        if self.peek() == _Token("sign", "("):
            if len(names) > 1:
                raise self.refusal(".".join(names), "不能调用对象的成员，只能调用登记过的函数")
            self.take()
            return self.made(Call(name, tuple(self.series(")"))))
        return self.made(Path(tuple(names)))

    def plain_name(self, name: str) -> str:
        if name in _FOREIGN or name in _WORDS:
            raise self.refusal(name, "这里不能用这个词")
        if name.startswith("_") or "__" in name:
            raise self.refusal(name, "名称不能以下划线开头，也不能有连续的下划线")
        return name

    def number(self, text: str) -> int | float:
        if len(text) > 18:
            raise self.refusal(text, "数字过长")
        return float(text) if "." in text else int(text)

    def unescaped(self, text: str) -> str:
        def plain(match: re.Match[str]) -> str:
            code = match.group(1)
            if len(code) == 5:
                return chr(int(code[1:], 16))
            if code not in _ESCAPED:
                raise self.refusal("\\" + code, "没有这种转义")
            return _ESCAPED[code]

        return _ESCAPE.sub(plain, text[1:-1])

    def cell_tests(self) -> Node:
        if self.peek() == _Token("name", "not") and self.peek(1) == _Token("sign", "("):
            self.position += 2
            node: Node = self.made(Unary("not", self.alternatives()))
            self.expect(")")
            return node
        return self.alternatives()

    def alternatives(self) -> Node:
        node = self.cell_test()
        while self.accept(","):
            node = self.made(Binary("or", node, self.cell_test()))
        return node

    def cell_test(self) -> Node:
        value = Path((ANY_CELL_VALUE,))
        token = self.peek()
        if token.kind == "sign" and token.text in _COMPARING:
            self.position += 1
            return self.made(Comparison(value, ((_SAME.get(token.text, token.text), self.total()),)))
        interval = self.interval(value)
        if interval is not None:
            return interval
        start = self.position
        node = self.choice()
        if any(token.text == ANY_CELL_VALUE for token in self.tokens[start : self.position]):
            return node
        return self.made(Comparison(value, (("matches", node),)))

    def interval(self, value: Path) -> Node | None:
        if self.peek().text not in ("[", "(", "]") or self.peek().kind != "sign":
            return None
        start, nodes = self.position, self.nodes
        opening = self.take().text
        if self.peek().text in ("[", "(", "]"):
            self.position = start
            return None
        low = self.total()
        if not self.accept(".."):
            self.position, self.nodes = start, nodes
            return None
        high = self.total()
        closing = self.accept("]", ")", "[")
        if closing is None:
            raise self.refusal(self.peek().text, "区间没有写完")
        least = (">=" if opening == "[" else ">", low)
        most = ("<=" if closing == "]" else "<", high)
        return self.made(Binary("and", Comparison(value, (least,)), Comparison(value, (most,))))
