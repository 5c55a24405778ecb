"""Templates that mean the same are the same, whoever wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.infra.arm import ArmError
from tools.infra.compare import differences
from tools.infra.template import translate

FOLDER = Path(__file__).parent / "samples" / "compiled"


def _ours() -> dict[str, Any]:
    return translate("main.bicep", lambda path: (FOLDER / path).read_text("utf-8"))


def _compiled() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "compiled.json").read_text("utf-8")))


def test_what_the_compiler_writes_as_a_list_with_ids_is_the_same() -> None:
    assert differences(_ours(), _compiled()) == []


def test_what_the_compiler_writes_with_symbols_is_the_same() -> None:
    """It names resources that are only read too, and depends on them."""
    compiled = _ours()
    vault, account = "Microsoft.KeyVault/vaults", "Microsoft.CognitiveServices/accounts"
    compiled["resources"] |= {
        "vault": {"existing": True, "type": vault, "apiVersion": "2024-11-01", "name": "kv"},
        "account": {
            "existing": True,
            "type": account,
            "apiVersion": "2025-06-01",
            "subscriptionId": "[split(parameters('names')[0], '/')[2]]",
            "resourceGroup": "[parameters('names')[0]]",
            "name": "[last(parameters('names'))]",
        },
    }
    secret = compiled["resources"]["secret"]
    secret["dependsOn"] = ["vault", "account"]
    secret["properties"]["value"] = "[listKeys('account', '2025-06-01').key1]"
    compiled["resources"]["whole"]["dependsOn"] = ["secret", "[format('parts[{0}]', copyIndex())]"]
    assert differences(_ours(), compiled) == []


def test_what_the_compiler_writes_of_a_subscription_is_the_same() -> None:
    folder = FOLDER.parent / "modules"
    ours = translate("main.bicep", lambda path: (folder / path).read_text("utf-8"))
    compiled: dict[str, Any] = json.loads(json.dumps(ours))
    name = "format('rg-{0}', parameters('names')[0])"
    group = f"format('/subscriptions/{{0}}/resourceGroups/{{1}}', subscription().subscriptionId, {name})"
    first = f"extensionResourceId({group}, 'Microsoft.Resources/deployments', 'first')"
    others = compiled["resources"]["others"]
    assert others["properties"]["parameters"]["text"]["value"] == "[reference('first').outputs.text.value]"
    others["properties"]["parameters"]["text"]["value"] = f"[reference({first}, '2025-04-01').outputs.text.value]"
    others["dependsOn"] = [f"[{first}]"]
    in_group = f"[subscriptionResourceId('Microsoft.Resources/resourceGroups', {name})]"
    compiled["resources"]["first"]["dependsOn"] = [in_group]
    compiled["resources"]["last"]["dependsOn"] = ["others", in_group]
    compiled["resources"] = list(compiled["resources"].values())
    # The outputs are left as they are: a list has no symbols that they could name.
    found = [line for line in differences(ours, compiled) if "/outputs/texts/" not in line]
    assert found == []


def _changed(path: str, value: object) -> dict[str, Any]:
    template = _ours()
    *above, last = path.split("/")
    node = template
    for name in above:
        node = node[name]
    node[last] = value
    return template


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("parameters/keys/type", "string", "/parameters/keys/type"),
        ("variables/flags/plain", 1, "/variables/flags/plain"),
        ("resources/identity/location", "[parameters('names')[0]]", "/location"),
        ("resources/identity/name", "other", "only in theirs"),
        ("resources/role/dependsOn", [], "/dependsOn"),
        ("resources/secret/condition", "[parameters('keys')]", "/condition"),
        ("resources/role/scope", "Microsoft.KeyVault/vaults/other", "only in theirs"),
        ("resources/parts/copy/count", "[length(range(0, 2))]", "/copy/count"),
        ("resources/secret/properties/value", "x", "/properties/value"),
        ("outputs/texts/copy/input", "[parameters('names')[copyIndex()]]", "/outputs/texts/copy/input"),
        ("resources/whole/properties/parameters/text/value", "on kv2", "/parameters/text/value"),
    ],
)
def test_a_difference_is_named_with_its_place(path: str, value: object, place: str) -> None:
    found = differences(_ours(), _changed(path, value))
    assert found
    assert any(place in line for line in found)


def test_an_argument_of_a_form_that_is_not_known_is_no_guess() -> None:
    with pytest.raises(ArmError):
        differences(_ours(), _changed("resources/whole/properties/parameters/text", "[createObject('value', 1)]"))


def test_the_order_of_what_is_depended_on_says_nothing() -> None:
    turned = _ours()
    turned["resources"]["whole"]["dependsOn"] = turned["resources"]["whole"]["dependsOn"][::-1]
    assert differences(_ours(), turned) == []
