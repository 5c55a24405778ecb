"""The expressions of ARM templates as values, and how they are written and parsed.

https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:''|[^'])*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[()\[\],.]))")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class ArmError(Exception):
    """A string is not an expression of an ARM template."""


@dataclass(frozen=True, slots=True)
class Call:
    """A template function with its arguments."""

    name: str
    arguments: tuple["Value", ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A property or an item of a value."""

    of: "Value"
    key: "Value"


Value = Call | Item | str | int


def is_expression(text: str) -> bool:
    """Tell whether a string of a template is an expression."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def write(value: Value) -> str:
    """Return an expression as a string of a template."""
    return f"[{_written(value)}]"


def read(text: str) -> Value:
    """Return the expression in a string of a template; raise `ArmError` if it is not one."""
    tokens = list(_tokens(text[1:-1]))
    value, rest = _value(tokens)
    if rest:
        raise ArmError(f"{text} does not end where it should")
    return value


def calls(value: Value) -> Iterator[Call]:
    """Yield every call in a value, the outer ones first."""
    if isinstance(value, Call):
        yield value
        for argument in value.arguments:
            yield from calls(argument)
    elif isinstance(value, Item):
        yield from calls(value.of)
        yield from calls(value.key)


def _written(value: Value) -> str:
    match value:
        case Call(name, arguments):
            return f"{name}({', '.join(map(_written, arguments))})"
        case Item(of, key):
            plain = isinstance(key, str) and _IDENTIFIER.fullmatch(key)
            return f"{_written(of)}.{key}" if plain else f"{_written(of)}[{_written(key)}]"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return str(value)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ArmError(f"{text[at : at + 40]!r} is no expression")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _value(tokens: list[tuple[str, str]]) -> tuple[Value, list[tuple[str, str]]]:
    value, tokens = _primary(tokens)
    while tokens and tokens[0][1] in (".", "["):
        if tokens[0][1] == ".":
            value, tokens = Item(value, _taken(tokens[1:], "name")), tokens[2:]
        else:
            key, tokens = _value(tokens[1:])
            _expect(tokens, "]")
            value, tokens = Item(value, key), tokens[1:]
    return value, tokens


def _primary(tokens: list[tuple[str, str]]) -> tuple[Value, list[tuple[str, str]]]:
    kind, text = tokens[0] if tokens else ("end", "")
    if kind == "text":
        return text[1:-1].replace("''", "'"), tokens[1:]
    if kind == "number":
        return int(text), tokens[1:]
    name = _taken(tokens, "name")
    _expect(tokens[1:], "(")
    arguments, tokens = _arguments(tokens[2:])
    return Call(name, arguments), tokens


def _arguments(tokens: list[tuple[str, str]]) -> tuple[tuple[Value, ...], list[tuple[str, str]]]:
    arguments: list[Value] = []
    while tokens and tokens[0][1] != ")":
        value, tokens = _value(tokens)
        arguments.append(value)
        if tokens and tokens[0][1] == ",":
            tokens = tokens[1:]
    _expect(tokens, ")")
    return tuple(arguments), tokens[1:]


def _taken(tokens: list[tuple[str, str]], kind: str) -> str:
    if not tokens or tokens[0][0] != kind:
        raise ArmError(f"a {kind} should stand before {tokens[:3]}")
    return tokens[0][1]


def _expect(tokens: list[tuple[str, str]], sign: str) -> None:
    if not tokens or tokens[0] != ("sign", sign):
        raise ArmError(f"{sign} should stand before {tokens[:3]}")
