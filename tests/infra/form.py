"""The portal's form in small: reads the expressions of createUiDefinition.json, and evaluates them with answers.

https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/create-uidefinition-functions
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.infra import world

FORM: dict[str, Any] = json.loads((world.INFRA / "createUiDefinition.json").read_text("utf-8"))
OUTPUTS: dict[str, str] = FORM["parameters"]["outputs"]
STEPS: dict[str, dict[str, dict[str, Any]]] = {
    step["name"]: {element["name"]: element for element in step["elements"]} for step in FORM["parameters"]["steps"]
}
ELEMENTS = [element for step in STEPS.values() for element in step.values()]

_TOKEN = re.compile(r"\s*('(?:''|[^'])*'|=>|-?\d+|[A-Za-z_]\w*|[()\[\],.])")
Json = Any
# What an expression is: a function of the answers and of the variables of the lambdas around it.
Evaluate = Callable[["Answers", Mapping[str, Json]], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a person has chosen and what Azure has answered, by step and name; a call that failed is None."""

    steps: Mapping[str, Mapping[str, Json]]
    location: str = "swedencentral"
    subscription: Mapping[str, Json] = field(default_factory=lambda: {"id": "/subscriptions/1"})


def _contains(container: Json, item: Json) -> bool:
    assert container is not None, "contains(null, …) is an error"
    return item in container


def _property(value: Json, key: Json) -> Json:
    """Return a member; one of nothing is nothing, as in the portal."""
    if isinstance(value, list):
        return value[key] if key < len(value) else None
    return None if value is None else value.get(key)


FUNCTIONS: dict[str, Callable[..., Json]] = {
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": lambda *parts: "".join(parts),
    "contains": _contains,
    "empty": lambda value: not value,
    "equals": lambda left, right: left == right,
    "first": lambda items: items[0] if items else None,
    "int": int,
    "last": lambda items: items[-1] if items else None,
    "lessOrEquals": lambda left, right: left <= right,
    "not": lambda value: not value,
    "parse": json.loads,
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, separator: text.split(separator),
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "sub": lambda left, right: left - right,
    "toLower": lambda text: (text or "").lower(),
}
# These do not evaluate all of their arguments, or need the answers.
_SPECIAL: dict[str, Callable[..., Json]] = {
    "and": lambda answers, names, *parts: all(part(answers, names) for part in parts),
    "filter": lambda answers, names, of, test: [one for one in of(answers, names) if test(answers, names)(one)],
    "if": lambda answers, names, test, yes, no: (yes if test(answers, names) else no)(answers, names),
    "location": lambda answers, _: answers.location,
    "map": lambda answers, names, of, change: [change(answers, names)(one) for one in of(answers, names)],
    "or": lambda answers, names, *parts: any(part(answers, names) for part in parts),
    "steps": lambda answers, names, name: answers.steps.get(name(answers, names), {}),
    "subscription": lambda answers, _: answers.subscription,
}


def evaluate(text: Json, answers: Answers) -> Json:
    """Return the value of a text of the form."""
    if not isinstance(text, str) or not text.startswith("["):
        return text
    return read(text)(answers, {})


def read(text: str) -> Evaluate:
    """Return the expression in a text."""
    tokens = _TOKEN.findall(text[1:-1])
    assert "".join(tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text[1:-1]), text
    found, rest = _value(tokens)
    assert not rest, rest
    return found


def _value(tokens: list[str]) -> tuple[Evaluate, list[str]]:
    value, tokens = _primary(tokens)
    while tokens and tokens[0] in (".", "["):
        if tokens[0] == ".":
            value, tokens = _member(value, _constant(tokens[1])), tokens[2:]
        else:
            key, tokens = _value(tokens[1:])
            assert tokens[0] == "]"
            value, tokens = _member(value, key), tokens[1:]
    return value, tokens


def _primary(tokens: list[str]) -> tuple[Evaluate, list[str]]:
    token, *rest = tokens
    if token == "(":
        name, close, arrow, *rest = rest
        assert (close, arrow) == (")", "=>")
        body, rest = _value(rest)
        return _lambda(name, body), rest
    if token[0] == "'":
        return _constant(token[1:-1].replace("''", "'")), rest
    if token.lstrip("-").isdigit():
        return _constant(int(token)), rest
    if rest[:1] == ["("]:
        return _call(token, rest[1:])
    literal = {"true": True, "false": False, "null": None}
    return (_constant(literal[token]) if token in literal else lambda _, names: names[token]), rest


def _call(name: str, tokens: list[str]) -> tuple[Evaluate, list[str]]:
    arguments: list[Evaluate] = []
    while tokens[0] != ")":
        argument, tokens = _value(tokens)
        arguments.append(argument)
        tokens = tokens[1:] if tokens[0] == "," else tokens
    if name in _SPECIAL:
        special = _SPECIAL[name]
        return lambda answers, names: special(answers, names, *arguments), tokens[1:]
    function = FUNCTIONS[name]
    return lambda answers, names: function(*(one(answers, names) for one in arguments)), tokens[1:]


def _constant(value: Json) -> Evaluate:
    return lambda _, __: value


def _member(of: Evaluate, key: Evaluate) -> Evaluate:
    return lambda answers, names: _property(of(answers, names), key(answers, names))


def _lambda(name: str, body: Evaluate) -> Evaluate:
    return lambda answers, names: lambda one: body(answers, {**names, name: one})
