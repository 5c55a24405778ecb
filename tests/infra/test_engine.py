"""The engine that the tests judge with refuses what Azure refuses."""

from typing import Any

import pytest

from tests.infra import functions
from tests.infra.deployment import Deployment, Place
from tests.infra.engine import deploy

VAULT = "Microsoft.KeyVault/vaults"


def _deployed(resources: dict[str, Any], given: dict[str, Any] | None = None, **sections: Any) -> Deployment:
    return deploy({"resources": resources, **sections}, given or {}, lambda _: {"there": True}, Place())


def _vault(name: str, **more: object) -> dict[str, Any]:
    return {"type": VAULT, "name": name, **more}


def _module(template: dict[str, Any], parameters: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    properties = {"parameters": parameters or {}, "template": template}
    return {"type": "Microsoft.Resources/deployments", "name": "m", "properties": properties, **more}


ABSENT = {"a": _vault("a", condition=False), "b": _vault("b", x="[reference('a')]", dependsOn=["a"])}
NOT_AWAITED = {"a": _vault("a"), "b": _vault("b", x="[reference('a')]")}
CIRCLE = {"a": _vault("a", dependsOn=["b"]), "b": _vault("b", dependsOn=["a"])}
UNKNOWN = {"a": _vault("a", dependsOn=["c"])}
TOO_EARLY = {"a": _vault("a"), "b": _vault("b", x=f"[reference(resourceId('{VAULT}', 'a'), '1')]")}
KEY_TOO_EARLY = {"a": _vault("a"), "b": _vault("b", x=f"[listKeys(resourceId('{VAULT}', 'a'), '1')]")}
EMPTY_SPLIT = {"a": _vault("[split('', '/')[0]]")}
LACKING = {"a": _module({"parameters": {"p": {"type": "string"}}, "resources": {"v": _vault("[parameters('p')]")}})}
TOO_MUCH = {"a": _module({"resources": {}}, {"p": {"value": 1}})}


@pytest.mark.parametrize(
    "resources",
    [ABSENT, NOT_AWAITED, CIRCLE, UNKNOWN, TOO_EARLY, KEY_TOO_EARLY, EMPTY_SPLIT, LACKING, TOO_MUCH],
    ids=["absent", "not awaited", "circle", "unknown", "too early", "key", "empty split", "lacking", "too much"],
)
def test_what_azure_refuses_is_refused(resources: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        _deployed(resources)


def test_a_value_outside_of_what_is_allowed_is_refused() -> None:
    parameters = {"p": {"type": "string", "allowedValues": ["a"]}}
    with pytest.raises(AssertionError):
        _deployed({"a": _vault("[parameters('p')]")}, {"p": "b"}, parameters=parameters)


def test_a_branch_that_is_not_taken_asks_nothing() -> None:
    resources = {"a": _vault("a", condition=False), "b": _vault("[if(true(), 'b', reference('a').x)]", dependsOn=["a"])}
    assert [one.name for one in _deployed(resources).resources] == ["b"]


def test_a_module_may_read_what_its_caller_waited_for() -> None:
    reading = {"resources": {}, "outputs": {"o": {"value": f"[reference(resourceId('{VAULT}', 'a'), '1').there]"}}}
    resources = {"a": _vault("a"), "b": _module(reading, dependsOn=["a"])}
    outputs = {"o": {"value": "[reference('b').outputs.o.value]"}}
    assert _deployed(resources, outputs=outputs).outputs == {"o": True}


def test_loops_make_one_of_each() -> None:
    copy = {"name": "a", "count": "[length(createArray('x', 'y'))]"}
    resources = {"a": _vault("[format('{0}-{1}', createArray('x', 'y')[copyIndex()], copyIndex())]", copy=copy)}
    assert [one.name for one in _deployed(resources).resources] == ["x-0", "y-1"]


def test_names_are_the_same_for_the_same_group_only() -> None:
    assert functions.unique_string("a", "b") == functions.unique_string("a", "b") != functions.unique_string("a", "c")
    assert len(functions.unique_string("a")) == 13
