"""Deploys a template without Azure: Microsoft's compiler says what would be made, with which properties.

A snapshot leaves open what Azure only knows afterwards, as `reference(…)` and `listKeys(…)`. A second one evaluates
these expressions, with a variable of the test in the place of each.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra import arm
from tests.infra.arm import Call, Item, Value
from tests.infra.deployment import Deployment, Json, Place, Resource, Step
from tests.infra.language_server import server

_HEAD = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "languageVersion": "2.0",
}
_FOLDER = "BICEP_SNAPSHOTS"  # shared by the processes of one run, so that each snapshot is made once
DEPLOYMENTS = "Microsoft.Resources/deployments"
DEPLOYER = {"objectId": "55555555-5555-5555-5555-555555555555", "tenantId": Place().tenant}
ENVIRONMENT = {"portal": "https://portal.azure.com", "suffixes": {"storage": "core.windows.net"}}
# Functions whose answer only Azure knows, and the variable that a test gives in its place.
_VARIABLES = {
    "deployer": ("deployer",),
    "environment": ("environment",),
    "listKeys": ("keys", "by id"),
    "newGuid": ("guid",),
    "parameters": ("parameters",),
    "reference": ("references", "by id"),
    "utcNow": ("dates",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a test knows in the place of Azure.

    `references` is what `reference` shows, by id. `parameters` are those of nested deployments that a snapshot leaves
    in the branches of a condition.
    """

    references: Mapping[str, Json] = field(default_factory=dict)
    parameters: Mapping[str, Json] = field(default_factory=dict)


Later = Callable[[Sequence[Resource]], Known]


def keep_in(folder: Path) -> None:
    """Keep the snapshots of this run in a folder."""
    os.environ[_FOLDER] = str(folder)


def snapshot(template: Mapping[str, Json], given: Mapping[str, Json], place: Place) -> dict[str, Json]:
    """Return Microsoft's snapshot of a template with parameters."""
    text = json.dumps(template)
    return dict(json.loads(_snapshot(text, parameters("template.json", given), json.dumps(place.metadata))))


def snapshot_of(path: Path, place: Place) -> str:
    """Return the snapshot of a file of parameters, as `bicep snapshot` writes it."""
    return str(server().ask("getSnapshot", path=str(path), metadata=place.metadata, externalInputs=[])["snapshot"])


@cache
def _snapshot(template: str, given: str, metadata: str) -> str:
    name = hashlib.sha256("\0".join((template, given, metadata)).encode()).hexdigest()
    kept = Path(os.environ.get(_FOLDER, os.devnull)) / name
    if kept.is_file():
        return kept.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "template.json").write_text(template, "utf-8")
        asking = Path(folder) / "asking.bicepparam"
        asking.write_text(given, "utf-8")
        answer = server().ask("getSnapshot", path=str(asking), metadata=json.loads(metadata), externalInputs=[])
    if kept.parent.is_dir():
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(answer["snapshot"], "utf-8")
        partial.rename(kept)
    return str(answer["snapshot"])


def parameters(template: str, given: Mapping[str, Json]) -> str:
    """Return a file of parameters for a template."""
    return "".join((f"using '{template}'\n", *(f"\nparam {name} = {literal(one)}\n" for name, one in given.items())))


def literal(value: Json, indent: str = "") -> str:
    """Return a value as Bicep writes it."""
    inner = indent + "  "
    match value:
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"
        case list() | dict() if not value:
            return "[]" if isinstance(value, list) else "{}"
        case list():
            return "[\n" + "".join(f"{inner}{literal(item, inner)}\n" for item in value) + indent + "]"
        case dict():
            lines = (f"{inner}{_key(key)}: {literal(item, inner)}\n" for key, item in value.items())
            return "{\n" + "".join(lines) + indent + "}"
        case _:
            return json.dumps(value)


def _key(name: str) -> str:
    return name if name.isidentifier() else literal(name)


def deploy(template: Mapping[str, Json], given: Mapping[str, Json], place: Place, later: Later) -> Deployment:
    """Return what a template makes, with what is known only afterwards from a test."""
    made = snapshot(template, given, place)
    resources = [_resource(one) for one in made["predictedResources"]]
    secret = {**_secure_defaults(template), **given}
    finished = evaluated([made["predictedResources"], made["outputs"]], secret, later(resources), place)
    there = tuple(_resource(one) for one in finished[0] if one.get("condition", True))
    return Deployment(resources=there, outputs=finished[1], diagnostics=tuple(made["diagnostics"]))


def _secure_defaults(template: Mapping[str, Json]) -> dict[str, Json]:
    """Return the defaults of secure parameters, whose values a snapshot never shows."""
    declared = template["parameters"].items()
    return {name: one["defaultValue"] for name, one in declared if one["type"].startswith("secure")}


def steps(template: Mapping[str, Json], given: Mapping[str, Json], place: Place) -> list[Step]:
    """Return the resources and nested deployments of a template, not those within these."""
    probes = {f"probe{number}": _probe(one) for number, one in enumerate(listed(template))}
    asking = {**template, "resources": [], "outputs": probes}
    found = evaluated(snapshot(asking, given, place)["outputs"], {**given}, Known(), place)
    every = [one for value in found.values() for one in (value if isinstance(value, list) else [value]) if one["made"]]
    return [
        Step(id=_id(one), loop=one["loop"], after=frozenset(one["after"]), is_module=one["type"] == DEPLOYMENTS)
        for one in every
    ]


def listed(template: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the resources of a template, which has them with or without symbols."""
    resources = template["resources"]
    return list(resources.values()) if isinstance(resources, dict) else list(resources)


def _probe(resource: Mapping[str, Json]) -> dict[str, Json]:
    """Return an output that says where a resource is deployed, under which name and after what."""
    said = {
        "made": resource.get("condition", True),
        "type": resource["type"],
        "name": resource["name"],
        "subscription": resource.get("subscriptionId", "[subscription().subscriptionId]"),
        "group": resource.get("resourceGroup", "[resourceGroup().name]"),
        "loop": resource.get("copy", {}).get("name", ""),
        "after": resource.get("dependsOn", []),
    }
    if "copy" in resource:
        return {"type": "array", "copy": {"count": resource["copy"]["count"], "input": said}}
    return {"type": "object", "value": said}


def _id(probed: Mapping[str, str]) -> str:
    group = f"/subscriptions/{probed['subscription']}/resourceGroups/{probed['group']}"
    return f"{group}/providers/{probed['type']}/{probed['name']}"


def evaluated(node: Json, given: Mapping[str, Json], known: Known, place: Place) -> Json:
    """Return a part of a snapshot with what it left open evaluated."""
    variables = {
        "references": {key.lower(): value for key, value in known.references.items()},
        "keys": {key.lower(): {"key1": f"key of {key}"} for key in known.references},
        "parameters": {**given, **known.parameters},
        "deployer": DEPLOYER,
        "dates": {"yyyy-MM-01": "2026-12-01"},
        "environment": ENVIRONMENT,
        "guid": "66666666-6666-6666-6666-666666666666",
    }
    outputs = {"all": {"type": "object", "value": {"it": _closed(node)}}}
    answer = snapshot({**_HEAD, "variables": variables, "resources": {}, "outputs": outputs}, {}, place)
    assert answer["diagnostics"] == []
    left = list(expressions(answer["outputs"]))
    assert left == [], left[0]
    return answer["outputs"]["all"]["it"]


def _closed(node: Json) -> Json:
    if isinstance(node, dict):
        return {key: _closed(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_closed(item) for item in node]
    return arm.write(_known(arm.read(node))) if isinstance(node, str) and arm.is_expression(node) else node


def _known(value: Value) -> Value:
    """Return an expression with a variable in the place of what only Azure knows."""
    if isinstance(value, Item):
        return Item(_known(value.of), _known(value.key))
    if not isinstance(value, Call):
        return value
    arguments = tuple(_known(argument) for argument in value.arguments)
    if value.name not in _VARIABLES:
        return Call(value.name, arguments)
    name, *keys = _VARIABLES[value.name]
    variable = Call("variables", (name,))
    return Item(variable, Call("toLower", arguments[:1])) if "by id" in keys else _by_name(variable, arguments)


def _by_name(variable: Value, arguments: tuple[Value, ...]) -> Value:
    return Item(variable, arguments[0]) if arguments else variable


def _resource(one: Mapping[str, Any]) -> Resource:
    body = {key: value for key, value in one.items() if key not in ("id", "condition")}
    return Resource(id=one["id"], type=one["type"], name=one["name"], body=body)


def expressions(node: Json) -> Iterator[str]:
    """Yield every text in a JSON value that is an expression."""
    if isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from expressions(value)
    elif isinstance(node, str) and _can_be_read(node):
        yield node


def _can_be_read(text: str) -> bool:
    """Tell whether a text is an expression and not, for example, a JSON array."""
    try:
        return arm.is_expression(text) and arm.read(text) is not None
    except arm.ArmError:
        return False
