"""Translates a Bicep file, with the modules that it names, into an ARM template.

Resources stand under their symbols (language version 2.0), and those that are only read do not stand in it at all.
"""

from collections.abc import Callable
from pathlib import PurePosixPath

from tools.infra import arm, source, symbols, syntax
from tools.infra.arm import Call
from tools.infra.symbols import Scope, Target
from tools.infra.syntax import BicepError, Declaration, Expression, Record
from tools.infra.values import Json, group_of, inside, json_of, looped, name_of, plainly, value_of

Load = Callable[[str], str]

_SCHEMAS = {
    "resourceGroup": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "subscription": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
}
_DEPLOYMENTS_VERSION = "2022-09-01"
_SECURE = {"string": "securestring", "object": "secureObject"}
_BOUNDS = {
    "allowed": "allowedValues",
    "minValue": "minValue",
    "maxValue": "maxValue",
    "minLength": "minLength",
    "maxLength": "maxLength",
}
_OWN = ("dependsOn", "name", "parent", "scope")


def translate(path: str, load: Load) -> dict[str, Json]:
    """Return the template of the Bicep file at a path; `load` returns the text of a file.

    Raises `BicepError` for what is no Bicep and for what goes beyond the part of it that is known here.
    """
    file = source.parse(load(path))
    scope = Scope(file)
    deployed = [one for one in file.declarations if one.kind in ("resource", "module") and not one.existing]
    template: dict[str, Json] = {
        "$schema": _SCHEMAS[file.target],
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "parameters": {one.name: _parameter(one, scope) for one in file.of("param")},
        "variables": {one.name: json_of(_given(one), scope) for one in file.of("var")},
        "resources": {
            one.name: _resource(one, scope) if one.kind == "resource" else _module(one, scope, path, load)
            for one in deployed
        },
        "outputs": {one.name: _output(one, scope) for one in file.of("output")},
    }
    return {name: section for name, section in template.items() if section != {} or name == "resources"}


def _given(declaration: Declaration) -> Expression:
    if declaration.value is None:
        raise BicepError(f"{declaration.name} has no value")
    return declaration.value


def _metadata(declaration: Declaration, scope: Scope) -> dict[str, Json]:
    metadata: dict[str, Json] = {}
    if more := declaration.decorator("metadata"):
        values = json_of(more.arguments[0], scope)
        metadata |= values if isinstance(values, dict) else {}
    if description := declaration.decorator("description"):
        metadata["description"] = json_of(description.arguments[0], scope)
    return {"metadata": metadata} if metadata else {}


def _parameter(declaration: Declaration, scope: Scope) -> Json:
    secure = declaration.decorator("secure") is not None
    parameter: dict[str, Json] = {"type": _SECURE[declaration.type] if secure else declaration.type}
    if declaration.value is not None:
        parameter["defaultValue"] = json_of(declaration.value, scope)
    for name, member in _BOUNDS.items():
        if decorator := declaration.decorator(name):
            parameter[member] = json_of(decorator.arguments[0], scope)
    return parameter | _metadata(declaration, scope)


def _output(declaration: Declaration, scope: Scope) -> Json:
    output: dict[str, Json] = {"type": declaration.type, **_metadata(declaration, scope)}
    loop = symbols.loop_of(declaration)
    if loop is None:
        return output | {"value": json_of(_given(declaration), scope)}
    inner = looped(loop, Call("copyIndex"), scope)
    return output | {"copy": {"count": _count(loop, scope), "input": json_of(loop.body, inner)}}


def _count(loop: syntax.Loop, scope: Scope) -> str:
    return arm.write(Call("length", (value_of(loop.of, scope),)))


def _envelope(declaration: Declaration, scope: Scope) -> dict[str, Json]:
    """Return when and how often a resource or a module is deployed."""
    envelope: dict[str, Json] = {}
    if declaration.decorator("onlyIfNotExists"):
        envelope["@options"] = {"onlyIfNotExists": []}
    condition = symbols.condition_of(declaration)
    if condition is not None:
        envelope["condition"] = json_of(condition, inside(Target(declaration), scope))
    loop = symbols.loop_of(declaration)
    if loop is not None:
        copy: dict[str, Json] = {"name": declaration.name, "count": _count(loop, scope)}
        if batch := declaration.decorator("batchSize"):
            copy |= {"mode": "serial", "batchSize": json_of(batch.arguments[0], scope)}
        envelope["copy"] = copy
    return envelope


def _resource(declaration: Declaration, scope: Scope) -> Json:
    kind, version = symbols.resource_type(declaration)
    body, inner = symbols.body(declaration), inside(Target(declaration), scope)
    resource = _envelope(declaration, scope) | {"type": kind, "apiVersion": version}
    resource["name"] = plainly(name_of(Target(declaration), scope))
    if (extended := body.get("scope")) is not None:
        resource["scope"] = json_of(syntax.Access(extended, syntax.Text(("id",))), inner)
    for key, value in body.entries:
        if (name := source.plain(key)) not in _OWN:
            resource[name] = json_of(value, inner)
    return resource | _depends_on(declaration, scope)


def _depends_on(declaration: Declaration, scope: Scope) -> dict[str, Json]:
    names = symbols.dependencies(declaration, scope)
    return {"dependsOn": list[Json](names)} if names else {}


def _module(declaration: Declaration, scope: Scope, path: str, load: Load) -> Json:
    body, inner = symbols.body(declaration), inside(Target(declaration), scope)
    given = body.get("params") or Record(())
    if not isinstance(given, Record):
        raise BicepError(f"the params of {declaration.name} are no object")
    module = _envelope(declaration, scope) | {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": _DEPLOYMENTS_VERSION,
        "name": plainly(name_of(Target(declaration), scope)),
    }
    if (place := body.get("scope")) is not None:
        module |= _place(place, inner)
    module["properties"] = {
        "expressionEvaluationOptions": {"scope": "inner"},
        "mode": "Incremental",
        "parameters": {source.plain(key): _argument(value, inner) for key, value in given.entries},
        "template": translate(str(PurePosixPath(path).parent / declaration.type), load),
    }
    return module | _depends_on(declaration, scope)


def _place(place: Expression, scope: Scope) -> dict[str, Json]:
    group = symbols.target(place, scope)
    if group is not None:
        return {"resourceGroup": plainly(name_of(group, scope))}
    subscription, name = group_of(place, scope)
    return {"subscriptionId": plainly(subscription), "resourceGroup": plainly(name)}


def _argument(value: Expression, scope: Scope) -> Json:
    if not isinstance(value, syntax.Loop):
        return {"value": json_of(value, scope)}
    inner = looped(value, Call("copyIndex", ("value",)), scope)
    return {"copy": [{"name": "value", "count": _count(value, scope), "input": json_of(value.body, inner)}]}
