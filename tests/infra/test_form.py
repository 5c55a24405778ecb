"""The portal's form asks for what the template takes, in the same types."""

import json
import re
from typing import Any

import pytest

from tests.infra import arm, world
from tests.infra.arm import Call, Item, Value

FORM: dict[str, Any] = json.loads((world.INFRA / "createUiDefinition.json").read_text("utf-8"))
PARAMETERS = world.template()["parameters"]
OUTPUTS: dict[str, str] = FORM["parameters"]["outputs"]
STEPS: dict[str, dict[str, Any]] = {
    step["name"]: {element["name"]: element for element in step["elements"]} for step in FORM["parameters"]["steps"]
}
ELEMENTS = [element for step in STEPS.values() for element in step.values()]

# What an element gives, and what a function does.
# https://learn.microsoft.com/azure/azure-resource-manager/managed-applications/create-uidefinition-elements
GIVES = {
    "Microsoft.Common.CheckBox": "bool",
    "Microsoft.Common.DropDown": "string",
    "Microsoft.Common.OptionsGroup": "string",
    "Microsoft.Common.Slider": "int",
    "Microsoft.Common.TextBox": "string",
    "Microsoft.Solutions.ResourceSelector": "resource",
}
SILENT = {"Microsoft.Common.InfoBox", "Microsoft.Solutions.ArmApiControl"}
RETURNS = {
    "and": "bool",
    "concat": "string",
    "equals": "bool",
    "location": "string",
    "parse": "array",
    "split": "array",
}


def _type(value: Value) -> str:
    match value:
        case str() | int():
            return "string" if isinstance(value, str) else "int"
        case Item(Item(Call("steps", (str(step),)), str(name)), "id" | "location"):
            assert GIVES[STEPS[step][name]["type"]] == "resource"
            return "string"
        case Item(Call("steps", (str(step),)), str(name)):
            return GIVES[STEPS[step][name]["type"]]
        case Call("if", (_, yes, no)) | Call("coalesce", (yes, no)):
            assert _type(yes) == _type(no)
            return _type(yes)
        case Call("parse", (text,)):
            return "array" if "'[" in arm.write(text) else "object"
    assert isinstance(value, Call)
    return RETURNS[value.name]


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_of_the_form_is_a_parameter_of_the_same_type(name: str) -> None:
    declared = PARAMETERS[name]["type"]
    assert _type(arm.read(OUTPUTS[name])) == {"secureObject": "object"}.get(declared, declared)


def test_a_parameter_without_a_default_is_an_output_of_the_form() -> None:
    assert {name for name, one in PARAMETERS.items() if "defaultValue" not in one} <= set(OUTPUTS)


def test_the_form_never_shows_or_asks_for_a_key() -> None:
    assert "clientKey" not in OUTPUTS
    assert not [one for one in ELEMENTS if one["type"] == "Microsoft.Common.PasswordBox"]


def test_the_private_network_is_not_on_the_form() -> None:
    assert "privateNetwork" not in OUTPUTS


@pytest.mark.parametrize(("step", "name", "parameter"), [("openai", "auth", "openAiAuth")])
def test_the_choices_of_the_form_are_those_of_the_parameter(step: str, name: str, parameter: str) -> None:
    offered = [one["value"] for one in STEPS[step][name]["constraints"]["allowedValues"]]
    assert offered == PARAMETERS[parameter]["allowedValues"]


def test_what_the_form_proposes_is_what_the_template_does_by_default() -> None:
    proposed = STEPS["proxy"]["maximum"]["defaultValue"], STEPS["proxy"]["origins"]["defaultValue"].split(",")
    assert proposed == (
        PARAMETERS["maximumInstanceCount"]["defaultValue"],
        PARAMETERS["allowedOrigins"]["defaultValue"],
    )
    model, capacity = STEPS["openai"]["model"]["defaultValue"], STEPS["openai"]["capacity"]["defaultValue"]
    expected = [{"name": model, "model": model, "capacity": capacity}]
    assert PARAMETERS["modelDeployments"]["defaultValue"] == expected


def test_sliders_stay_within_the_limits_of_their_parameters() -> None:
    maximum, parameter = STEPS["proxy"]["maximum"], PARAMETERS["maximumInstanceCount"]
    assert parameter["minValue"] <= maximum["min"] < maximum["max"] <= parameter["maxValue"]


def test_every_element_that_is_named_exists() -> None:
    for text in world.strings(FORM):
        for step, name in re.findall(r"steps\('(\w+)'\)\.(\w+)", text):
            assert name in STEPS[step], text


def test_every_expression_has_its_brackets_and_only_functions_of_the_form() -> None:
    known = {"steps", "subscription", "toLower", "replace", "contains", "empty", "not", "or", "if", "coalesce", "first"}
    known |= {"map", "filter", "string", *RETURNS}
    for text in world.strings(FORM):
        if not text.startswith("["):
            continue
        code = re.sub(r"'[^']*'", "''", text)
        assert text.endswith("]")
        assert code.count("(") == code.count(")")
        assert set(re.findall(r"(\w+)\(", code)) <= known, text


def test_every_element_is_of_a_kind_that_is_known() -> None:
    assert {one["type"] for one in ELEMENTS} <= {*GIVES, *SILENT}


def test_every_answer_is_used() -> None:
    """An element that nothing reads is a question for nothing."""
    read = " ".join(world.strings(FORM))
    blocking = {"wrongKind"}
    for step, elements in STEPS.items():
        for name, element in elements.items():
            if element["type"] in GIVES and name not in blocking:
                assert f"steps('{step}').{name}" in read


def test_the_kind_of_the_picked_account_is_checked_and_a_wrong_one_stops_the_form() -> None:
    check = STEPS["openai"]["wrongKind"]
    assert check["constraints"]["required"] is True
    assert "facts.kind" in check["visible"]
    assert all(kind in check["constraints"]["validations"][0]["isValid"] for kind in ("'OpenAI'", "'AIServices'"))


def test_rights_and_providers_are_checked_before_anything_is_asked() -> None:
    basics = FORM["parameters"]["config"]["basics"]
    (right,) = basics["resourceGroup"]["constraints"]["validations"]
    assert right["permission"] == "Microsoft.Authorization/roleAssignments/write"
    used = {kind.partition("/")[0] for kind in world.types(world.template())}
    # Flex Consumption runs on Microsoft.App; the form makes no private network.
    always_there = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Network", "Microsoft.Resources"}
    assert set(basics["subscription"]["resourceProviders"]) == used - always_there | {"Microsoft.App"}


def test_the_app_goes_where_the_account_is() -> None:
    location = OUTPUTS["location"]
    assert location == "[if(equals(steps('openai').choice, 'existing'), steps('openai').region, location())]"
    assert "steps('openai').account.location" in STEPS["openai"]["region"]["defaultValue"]


def test_models_become_deployments_of_their_own_name() -> None:
    pieces = re.findall(r"'([^']*)'", OUTPUTS["modelDeployments"])
    text = "".join(piece if piece.startswith(("[", '"', "}")) else "" for piece in pieces)
    assert json.loads(text.replace('":""', '":"x"').replace('":}', '":1}')) == [
        {"name": "x", "model": "x", "capacity": 1}
    ]
