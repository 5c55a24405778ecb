"""Brings templates into a canonical form, in which templates with the same meaning are equal.

Bicep's compiler writes resources as a list or under their symbols, refers to them by id or by symbol, and has several
ways to write an expression. Here a resource is called by its type and name and is referred to by its id, expressions
are read, and what says nothing about the deployment (who generated the template, the version of the deployments' own
API) is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.infra import arm
from tools.infra.arm import Call, Item, Value
from tools.infra.values import Json

DEPLOYMENTS = "Microsoft.Resources/deployments"
_FLAT = {"and", "or", "coalesce"}
_GROUP = "/resourceGroups/"
_HERE = Item(Call("subscription"), "subscriptionId")
_PATH = re.compile(r"([\w.]+/\w+)/(.*)")
_PLACE = re.compile(r"\{\{|\}\}|\{(\d+)\}")


@dataclass(frozen=True, slots=True)
class Resources:
    """What is known of a template's resources.

    `ids` are theirs by symbol; `loops` names loops by the id that their resources share; `only_read` are the ids of
    resources that the template does not deploy.
    """

    ids: Mapping[str, Call] = field(default_factory=dict)
    loops: Mapping[Value, str] = field(default_factory=dict)
    only_read: frozenset[Value] = frozenset()

    def of_symbol(self, symbol: Value) -> Value:
        """Return the id behind what `reference` or `dependsOn` was given: a symbol, one of a loop with its index."""
        if isinstance(symbol, str):
            return self.ids.get(symbol, symbol)
        if isinstance(symbol, Call) and symbol.name == "concat" and len(symbol.arguments) == 3:
            head, index, tail = symbol.arguments
            name = head[:-1] if isinstance(head, str) and tail == "]" else ""
            return _indexed(self.ids[name], index) if name in self.ids else symbol
        return symbol


def canonical(template: dict[str, Json]) -> Json:
    """Return a template in canonical form."""
    listed = template.get("resources", {})
    pairs = list(listed.items()) if isinstance(listed, dict) else [("", one) for one in _list(listed)]
    given = [(symbol, one) for symbol, one in pairs if isinstance(one, dict)]
    ids = {symbol: _own_id(one) for symbol, one in given if symbol}
    loops: dict[Value, str] = {_own_id(one): _text(_dict(one["copy"])["name"]) for _, one in given if "copy" in one}
    known = Resources(ids, loops, frozenset(_own_id(one) for _, one in given if one.get("existing")))
    sections = {name: _json(template.get(name, {}), known) for name in ("parameters", "variables", "outputs")}
    deployed = [one for _, one in given if not one.get("existing")]
    return {**sections, "resources": {_label(one, known): _resource(one, known) for one in deployed}}


def _resource(resource: dict[str, Json], known: Resources) -> Json:
    left_out = {"dependsOn", "name", "properties", "scope", "type"}
    left_out |= {"apiVersion"} if resource["type"] == DEPLOYMENTS else set()
    found = {name: _json(value, known) for name, value in resource.items() if name not in left_out}
    properties = dict(_dict(resource.get("properties", {})))
    if "template" in properties:
        found["template"] = canonical(_dict(properties.pop("template")))
        properties["parameters"] = {
            name: _argument(value) for name, value in _dict(properties.get("parameters", {})).items()
        }
    found["properties"] = _json(properties, known)
    needed = {_dependency(_text(one), known) for one in _list(resource.get("dependsOn", []))}
    found["dependsOn"] = list[Json](sorted(needed - {""}))
    return found


def _dependency(text: str, known: Resources) -> str:
    """Return a loop's name or an id; nothing for a resource that is only read."""
    if text in known.loops.values():
        return text
    value = known.of_symbol(_value(arm.read(text) if arm.is_expression(text) else text, known))
    if not isinstance(value, Call) or value in known.only_read:
        return ""
    return known.loops.get(_indexed(value, Call("copyIndex")), arm.write(value))


def _argument(argument: Json) -> Json:
    """Return a module's argument; the compiler also writes `if(c, createObject('value', a), ...)` for a choice."""
    if not isinstance(argument, str):
        return argument
    match arm.read(argument):
        case Call("if", (condition, Call("createObject", ("value", yes)), Call("createObject", ("value", no)))):
            return {"value": arm.write(Call("if", (condition, yes, no)))}
        case other:
            raise arm.ArmError(f"{arm.write(other)} is no argument that is known")


def _label(resource: dict[str, Json], known: Resources) -> str:
    """Return the name of a resource: its id, and its scope if it belongs to another resource."""
    scope = _text(resource.get("scope", ""))
    on = _value(arm.read(scope) if arm.is_expression(scope) else scope, known)
    pieces = on.arguments if isinstance(on, Call) and on.name == "concat" else (on,)
    path = _PATH.match(pieces[0]) if isinstance(pieces[0], str) else None
    if path is not None:
        on = Call("id", (path[1], _joined([path[2], *pieces[1:]])))
    return f"{arm.write(_own_id(resource))} on {arm.write(on)}" if scope else arm.write(_own_id(resource))


def _own_id(resource: dict[str, Json]) -> Call:
    texts = [_text(resource[member]) for member in ("name", "subscriptionId", "resourceGroup") if member in resource]
    values = [_value(arm.read(text) if arm.is_expression(text) else text, Resources()) for text in texts]
    return Call("id", (_text(resource["type"]), *values))


def _json(node: Json, known: Resources) -> Json:
    match node:
        case dict():
            return {_shown(key, known): _json(value, known) for key, value in node.items() if key != "_generator"}
        case list():
            return [_json(item, known) for item in node]
        case str() if arm.is_expression(node):
            return _unfolded(_value(arm.read(node), known))
        case _:
            return node


def _shown(key: str, known: Resources) -> str:
    return arm.write(_value(arm.read(key), known)) if arm.is_expression(key) else key


def _unfolded(value: Value) -> Json:
    """Return arrays, objects and constants as JSON; a template may also write them as calls."""
    match value:
        case Call("createArray", items):
            return [_unfolded(item) for item in items]
        case Call("createObject", entries):
            keys, values = entries[::2], entries[1::2]
            return {str(key): _unfolded(one) for key, one in zip(keys, values, strict=True)}
        case Call("true" | "false" | "null" as name, ()):
            return {"true": True, "false": False, "null": None}[name]
        case Call() | Item():
            return arm.write(value)
        case _:
            return value


def _value(value: Value, known: Resources) -> Value:
    match value:
        case Item(of, key):
            return Item(_value(of, known), _value(key, known))
        case Call(name, arguments):
            return _call(name, tuple(_value(one, known) for one in arguments), known)
        case _:
            return value


def _call(name: str, arguments: tuple[Value, ...], known: Resources) -> Value:
    if name == "format" and isinstance(arguments[0], str):
        return _joined(_placed(arguments[0], arguments[1:]))
    if name in _FLAT:
        inner = [one.arguments if isinstance(one, Call) and one.name == name else (one,) for one in arguments]
        return Call(name, tuple(one for group in inner for one in group))
    if name in ("resourceId", "subscriptionResourceId", "extensionResourceId"):
        return _id(name, arguments)
    if name == "reference":
        full = ("full",) if arguments[2:] == ("full",) else ()
        return Call("reference", (known.of_symbol(arguments[0]), *full))
    if name.startswith("list") and arguments:
        return Call(name, (known.of_symbol(arguments[0]), *arguments[1:]))
    return Call(name, arguments)


def _id(function: str, arguments: tuple[Value, ...]) -> Value:
    """Return the parts of an id: type, name, and the subscription and group if they are not the deployment's."""
    at = next((i for i, one in enumerate(arguments) if isinstance(one, str) and re.match(r"[\w.]+/", one)), None)
    if at is None:
        return Call(function, arguments)
    place: tuple[Value, ...] = arguments[:at]
    match place:
        case (Call("concat", ("/subscriptions/", subscription, str(text), *rest)),) if text.startswith(_GROUP):
            group = _joined([text.removeprefix(_GROUP), *rest])
            place = (group,) if subscription == _HERE else (subscription, group)
    segments = [piece for segment in arguments[at + 1 :] for piece in (segment, "/")][:-1]
    return Call("id", (arguments[at], _joined(segments), *place))


def _placed(text: str, inserted: tuple[Value, ...]) -> list[Value]:
    pieces: list[Value] = []
    at = 0
    for match in _PLACE.finditer(text):
        pieces += [text[at : match.start()], inserted[int(match[1])] if match[1] else match[0][0]]
        at = match.end()
    return [*pieces, text[at:]]


def _joined(pieces: list[Value]) -> Value:
    """Return text as one sequence of plain text and values, however it was concatenated."""
    run: list[Value] = []
    for piece in pieces:
        for one in piece.arguments if isinstance(piece, Call) and piece.name == "concat" else (piece,):
            if isinstance(one, str) and run and isinstance(run[-1], str):
                run[-1] += one
            elif one != "":
                run.append(one)
    return run[0] if len(run) == 1 else Call("concat", tuple(run))


def _indexed(value: Value, index: Value) -> Value:
    """Return a value of a loop's resource with another index."""
    match value:
        case Call("copyIndex", ()):
            return index
        case Call(name, arguments):
            return Call(name, tuple(_indexed(one, index) for one in arguments))
        case Item(of, key):
            return Item(_indexed(of, index), _indexed(key, index))
        case _:
            return value


def _dict(node: Json) -> dict[str, Json]:
    return node if isinstance(node, dict) else {}


def _list(node: Json) -> list[Json]:
    return node if isinstance(node, list) else []


def _text(node: Json) -> str:
    return str(node)
