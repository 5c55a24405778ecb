"""Azure Resource Manager in small: deploys a template into values, and refuses what Azure would refuse.

It evaluates conditions, loops, modules, parameters and outputs. A reference to a resource that is not deployed, or that
is not among what a resource depends on, is an error.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from tests.infra import functions
from tests.infra.deployment import DEPLOYMENTS, Deployment, Json, Place, Resource
from tools.infra import arm
from tools.infra.arm import Call, Item, Value

# What Azure adds to a resource: its body and its name in, what `reference` shows out.
Facts = Callable[["Resource"], Mapping[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A template being deployed, and where in it an expression stands."""

    template: Mapping[str, Json]
    given: Mapping[str, Json]
    place: Place
    facts: Facts
    made: dict[str, list[Resource]] = field(default_factory=dict)
    deep: list[Resource] = field(default_factory=list)
    path: tuple[str, ...] = ()
    reachable: frozenset[str] | None = None
    waited: frozenset[tuple[str, ...]] = frozenset()
    indexes: Mapping[str, int] = field(default_factory=dict)
    lambdas: Mapping[str, Json] = field(default_factory=dict)


def deploy(template: Mapping[str, Json], given: Mapping[str, Json], facts: Facts, place: Place) -> Deployment:
    """Deploy a template and return what that makes; raise AssertionError for what Azure would refuse."""
    frame = _Frame(template=template, given=given, place=place, facts=facts)
    outputs = _deployed(frame)
    return Deployment(resources=tuple(frame.deep), outputs=outputs)


def _deployed(frame: _Frame) -> dict[str, Json]:
    for symbol in _ordered(frame.template["resources"]):
        _make(symbol, frame)
    return {name: _output(one, frame) for name, one in frame.template.get("outputs", {}).items()}


def _ordered(resources: Mapping[str, Json]) -> Iterator[str]:
    """Yield symbols so that each comes after what it depends on."""
    left = dict(resources)
    while left:
        ready = [symbol for symbol, one in left.items() if not left.keys() & set(one.get("dependsOn", []))]
        assert ready, f"a circle of dependencies in {sorted(left)}"
        for symbol in ready:
            del left[symbol]
        yield from ready


def _before(symbol: str, resources: Mapping[str, Json]) -> frozenset[str]:
    """Return everything that a resource waits for, directly or not."""
    direct = resources[symbol].get("dependsOn", [])
    assert set(direct) <= resources.keys(), f"{symbol} depends on something that is not in the template"
    return frozenset(direct).union(*(_before(one, resources) for one in direct))


def _make(symbol: str, frame: _Frame) -> None:
    one = frame.template["resources"][symbol]
    before = _before(symbol, frame.template["resources"])
    inner = replace(frame, reachable=before, waited=frame.waited | {(*frame.path, one) for one in before})
    count = evaluate(one["copy"]["count"], inner) if "copy" in one else 1
    for index in range(count):
        at = replace(inner, indexes={**inner.indexes, "": index}) if "copy" in one else inner
        if evaluate(one.get("condition", True), at):
            resource = _made(symbol, one, at)
            frame.made.setdefault(symbol, []).append(resource)
            frame.deep.append(resource)


def _made(symbol: str, one: Mapping[str, Json], frame: _Frame) -> Resource:
    path = (*frame.path, symbol)
    kept = {key: value for key, value in one.items() if key not in ("copy", "condition", "dependsOn")}
    name = evaluate(kept["name"], frame)
    where = replace(
        frame.place,
        subscription=evaluate(kept.get("subscriptionId", frame.place.subscription), frame),
        group=evaluate(kept.get("resourceGroup", frame.place.group), frame),
    )
    own = frame.reachable or frozenset()
    make = partial(Resource, type=kept["type"], name=name, path=path, after=own, id=_id(kept["type"], name, where))
    if kept["type"] != DEPLOYMENTS:
        return make(body=evaluate(kept, frame))
    arguments = {key: _argument(value, frame) for key, value in kept["properties"]["parameters"].items()}
    template = kept["properties"]["template"]
    assert arguments.keys() <= template.get("parameters", {}).keys(), f"{path} passes too much"
    inner = replace(frame, template=template, given=arguments, place=where, path=path)
    below = replace(inner, made={}, reachable=None, indexes={}, lambdas={})
    return make(body={"parameters": arguments}, outputs=_deployed(below))


def _argument(argument: Mapping[str, Json], frame: _Frame) -> Json:
    if "copy" not in argument:
        return evaluate(argument["value"], frame)
    (loop,) = argument["copy"]
    return _looped(loop, loop["name"], frame)


def _output(output: Mapping[str, Json], frame: _Frame) -> Json:
    return _looped(output["copy"], "", frame) if "copy" in output else evaluate(output["value"], frame)


def _looped(loop: Mapping[str, Json], name: str, frame: _Frame) -> list[Json]:
    count = evaluate(loop["count"], frame)
    return [evaluate(loop["input"], replace(frame, indexes={**frame.indexes, name: i})) for i in range(count)]


def _id(kind: str, name: str, place: Place) -> str:
    provider, *types = kind.split("/")
    path = "/".join(f"{one}/{part}" for one, part in zip(types, name.split("/"), strict=True))
    return f"{place.group_id}/providers/{provider}/{path}"


def evaluate(node: Json, frame: _Frame) -> Json:
    """Return a part of a template with its expressions evaluated."""
    if isinstance(node, dict):
        return {evaluate(key, frame): evaluate(value, frame) for key, value in node.items()}
    if isinstance(node, list):
        return [evaluate(item, frame) for item in node]
    if isinstance(node, str) and arm.is_expression(node):
        return _value(arm.read(node), frame)
    return node.replace("[[", "[", 1) if isinstance(node, str) and node.startswith("[[") else node


def _value(value: Value, frame: _Frame) -> Json:
    match value:
        case Item(of, key):
            return _value(of, frame)[_value(key, frame)]
        case Call("if", (condition, yes, no)):
            return _value(yes if _value(condition, frame) else no, frame)
        case Call("map", (of, Call("lambda", (str(item), body)))):
            bound = [replace(frame, lambdas={**frame.lambdas, item: one}) for one in _value(of, frame)]
            return [_value(body, one) for one in bound]
        case Call(name, arguments):
            given = [_value(argument, frame) for argument in arguments]
            return functions.PURE[name](*given) if name in functions.PURE else _ASKING[name](frame, *given)
        case _:
            return value


def _parameter(frame: _Frame, name: str) -> Json:
    declared = frame.template["parameters"][name]
    if name in frame.given:
        value = frame.given[name]
    else:
        assert "defaultValue" in declared, f"{frame.path} lacks {name}"
        value = evaluate(declared["defaultValue"], frame)
    assert value in declared.get("allowedValues", [value]), f"{name} is {value}"
    return value


def _reference(frame: _Frame, target: str, _version: str = "") -> Json:
    if target.startswith("/"):
        return frame.facts(_read(frame, target))
    symbol, _, index = target.removesuffix("]").partition("[")
    assert frame.reachable is None or symbol in frame.reachable, f"{frame.path} does not wait for {symbol}"
    assert symbol in frame.made, f"{symbol} is not deployed"
    resource = frame.made[symbol][int(index or 0)]
    if resource.type == DEPLOYMENTS:
        return {"outputs": {name: {"value": value} for name, value in resource.outputs.items()}}
    return {**resource.body.get("properties", {}), **frame.facts(resource)}


def _read(frame: _Frame, target: str) -> Resource:
    """Return a resource by its id: one of this deployment, which must be waited for, or one that was there before."""
    for one in frame.deep:
        if one.id == target:
            assert any(one.path[: n + 1] in frame.waited for n in range(len(one.path))), f"{frame.path} reads too early"
            return one
    kind, name = _parsed(target)
    return Resource(id=target, type=kind, name=name, body={}, path=())


def _list_keys(frame: _Frame, target: str, _version: str) -> Json:
    assert frame.facts(_read(frame, target))
    return {"key1": f"key of {target}"}


def _parsed(resource_id: str) -> tuple[str, str]:
    provider, *rest = resource_id.rsplit("/providers/", maxsplit=1)[-1].split("/")
    return f"{provider}/{'/'.join(rest[::2])}", "/".join(rest[1::2])


def _resource_id(frame: _Frame, *parts: str) -> str:
    at = next(i for i, part in enumerate(parts) if part.startswith("Microsoft.") and "/" in part)
    names = ("subscription", "group")[2 - at :]
    return _id(parts[at], "/".join(parts[at + 1 :]), replace(frame.place, **dict(zip(names, parts[:at], strict=True))))


def _at_subscription(frame: _Frame, kind: str, name: str) -> str:
    return f"/subscriptions/{frame.place.subscription}/providers/{kind}/{name}"


_ASKING: dict[str, Callable[..., Json]] = {
    "copyIndex": lambda frame, name="": frame.indexes[name],
    "deployer": lambda _: {"objectId": functions.guid("deployer"), "tenantId": functions.guid("tenant")},
    "environment": lambda _: {"portal": "https://portal.azure.com", "suffixes": {"storage": "core.windows.net"}},
    "lambdaVariables": lambda frame, name: frame.lambdas[name],
    "listKeys": _list_keys,
    "newGuid": lambda _: str(uuid.uuid4()),
    "parameters": _parameter,
    "reference": _reference,
    "resourceGroup": lambda frame: {"id": frame.place.group_id, "location": frame.place.location},
    "resourceId": _resource_id,
    "subscriptionResourceId": _at_subscription,
    "tenant": lambda _: {"tenantId": functions.guid("tenant")},
    "variables": lambda frame, name: evaluate(frame.template["variables"][name], frame),
}
