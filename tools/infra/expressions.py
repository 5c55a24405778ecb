"""Reads the expressions of Bicep from a syntax tree.

The grammar of the tree binds `a ?? b.c` as `(a ?? b).c`, so operators are not taken from its nesting: an expression is
laid flat into its atoms and operators and put together again by the precedence that Bicep documents.
https://learn.microsoft.com/azure/azure-resource-manager/bicep/operators#operator-precedence-and-associativity
"""

import re
from collections.abc import Iterator

from tree_sitter import Node

from tools.infra.syntax import (
    Access,
    BicepError,
    Call,
    Choice,
    Conditional,
    Expression,
    Lambda,
    Literal,
    Loop,
    Name,
    Operation,
    Record,
    Sequence,
    Text,
)

_BINARY = {
    "??": 1,
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("==", "!=", "=~", "!~"), 4),
    **dict.fromkeys(("<", "<=", ">", ">="), 5),
    **dict.fromkeys(("+", "-"), 6),
    **dict.fromkeys(("*", "/", "%"), 7),
}
_COMPOUND = {
    "binary_expression",
    "unary_expression",
    "ternary_expression",
    "member_expression",
    "subscript_expression",
    "call_expression",
    "lambda_expression",
    "parenthesized_expression",
}
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|(.))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read(node: Node) -> Expression:
    """Return the expression of a node; raise `BicepError` if it is not supported."""
    flat = _Flat(list(_flatten(node)))
    expression = flat.expression()
    if flat.peek() is not None:
        raise error(node, "is not understood to its end")
    return expression


def error(node: Node, problem: str) -> BicepError:
    """Return an error that quotes a node and names its line."""
    return BicepError(f"line {node.start_point.row + 1}: {text_of(node)[:60]!r} {problem}")


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode()


def string(node: Node) -> Text:
    """Return a string with its interpolated expressions."""
    quotes = "'''" if text_of(node).startswith("'''") else "'"
    source, start = node.text or b"", node.start_byte
    pieces: list[str | Expression] = []
    at = len(quotes)
    for child in (one for one in node.named_children if one.type == "interpolation"):
        pieces += [_said(source[at : child.start_byte - start], quotes), read(child.named_children[0])]
        at = child.end_byte - start
    pieces.append(_said(source[at : -len(quotes)], quotes))
    return Text(tuple(piece for piece in pieces if piece != ""))


def _said(source: bytes, quotes: str) -> str:
    """Return text without escapes; text in triple quotes has none, and loses a leading line break."""
    text = source.decode()
    return _ESCAPE.sub(_unescaped, text) if quotes == "'" else text.removeprefix("\n")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2])


def _flatten(node: Node) -> Iterator[Node]:
    if node.type not in _COMPOUND:
        yield node
        return
    for child in node.children:
        yield from _flatten(child)


class _Flat:
    """Atoms and operators in the order of the source, read from left to right."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = [node for node in nodes if node.type != "comment"]
        self._at = 0

    def peek(self, ahead: int = 0) -> str | None:
        """Return the type of a node further on."""
        at = self._at + ahead
        return self._nodes[at].type if at < len(self._nodes) else None

    def expression(self) -> Expression:
        """Read a whole expression."""
        if self.peek(1) == "=>":
            item = text_of(self._take())
            self._take("=>")
            return Lambda(item, self.expression())
        left = self._binary(1)
        if self.peek() != "?":
            return left
        self._take("?")
        yes = self.expression()
        self._take(":")
        return Choice(left, yes, self.expression())

    def _binary(self, lowest: int) -> Expression:
        left = self._unary()
        while (operator := self.peek()) is not None and _BINARY.get(operator, 0) >= lowest:
            self._take()
            left = Operation(operator, (left, self._binary(_BINARY[operator] + 1)))
        return left

    def _unary(self) -> Expression:
        if self.peek() in ("!", "-"):
            return Operation(text_of(self._take()), (self._unary(),))
        return self._postfix()

    def _postfix(self) -> Expression:
        left = self._primary()
        while self.peek() in (".", ".?", "[", "!"):
            sign = text_of(self._take())
            if sign == "[":
                safe = self.peek() == "?" and self._take() is not None
                left = Access(left, self.expression(), safe)
                self._take("]")
            elif sign != "!":  # `!` only tells the compiler that a value is not null
                left = self._member(left, safe=sign == ".?")
        return left

    def _member(self, left: Expression, *, safe: bool) -> Expression:
        name = text_of(self._take())
        if self.peek() == "arguments":
            return Call(name, _arguments(self._take()), left)
        return Access(left, Text((name,)), safe)

    def _primary(self) -> Expression:
        node = self._take()
        if node.type == "(":
            inner = self.expression()
            self._take(")")
            return inner
        if node.type == "identifier" and self.peek() == "arguments":
            return Call(text_of(node), _arguments(self._take()))
        return _atom(node)

    def _take(self, expected: str | None = None) -> Node:
        if self._at >= len(self._nodes):
            raise error(self._nodes[-1], "ends too early")
        node = self._nodes[self._at]
        if expected not in (None, node.type):
            raise error(node, f"stands where {expected} should")
        self._at += 1
        return node


def _arguments(node: Node) -> tuple[Expression, ...]:
    return tuple(read(child) for child in node.named_children if child.type != "comment")


def _atom(node: Node) -> Expression:
    match node.type:
        case "identifier":
            return Name(text_of(node))
        case "number":
            return Literal(int(text_of(node)))
        case "boolean":
            return Literal(text_of(node) == "true")
        case "null":
            return Literal(None)
        case "string":
            return string(node)
        case _:
            return _compound(node)


def _compound(node: Node) -> Expression:
    children = [child for child in node.named_children if child.type not in ("comment", "diagnostic_comment")]
    match node.type:
        case "object":
            return Record(tuple(_property(child) for child in children))
        case "array":
            return Sequence(tuple(read(child) for child in children))
        case "for_statement":
            return _loop(node, children)
        case "if_statement":
            return Conditional(read(children[0]), read(children[1]))
        case _:
            raise error(node, f"is not understood: {node.type}")


def _property(node: Node) -> tuple[Text, Expression]:
    key, value = (child for child in node.named_children if child.type != "comment")
    return string(key) if key.type == "string" else Text((text_of(key),)), read(value)


def _loop(node: Node, children: list[Node]) -> Loop:
    if len(children) != 3:
        raise error(node, "is a loop of a form that is not known")
    variables, of, body = children
    names = [text_of(child) for child in variables.named_children] or [text_of(variables)]
    return Loop(names[0], names[1] if len(names) > 1 else None, read(of), read(body))
