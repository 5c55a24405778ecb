"""The portal's form asks for what the template takes, stops what surely cannot work, and nothing else."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra import world
from tests.infra.form import ELEMENTS, FORM, FUNCTIONS, OUTPUTS, STEPS, Answers, evaluate
from tools.models import table

PARAMETERS = world.template()["parameters"]
OPENAI, PROXY = STEPS["openai"], STEPS["proxy"]
DEFAULT = table().default

ACCOUNT = {"id": world.ONE, "location": "swedencentral"}
REGIONS = {
    "value": [
        {"name": "Sweden Central"},
        {"name": "East US 2"},
        {"name": "East US 2 (Stage)"},
        {"name": "East US 2 EUAP"},
    ]
}
OWNER, CONTRIBUTOR = (
    {"value": [{"actions": ["*"], "notActions": not_actions}]}
    for not_actions in ([], ["Microsoft.Authorization/*/Write"])
)


def model(name: str, *, version: str = "1", **changes: Any) -> dict[str, Any]:
    """A model as Azure lists it for a region."""
    facts = {
        "name": name,
        "version": version,
        "lifecycleStatus": "GenerallyAvailable",
        "capabilities": {"chatCompletion": "true"},
        "skus": [{"name": "Standard"}, {"name": "GlobalStandard"}],
    }
    return {"kind": "OpenAI", "model": {**facts, **changes}}


MODELS = {"value": [model("gpt-new", version="2"), model(DEFAULT, version="2026-07-09")]}
# What a person who changes nothing answers, and what Azure answers when all is well.
CALM: Mapping[str, Any] = {
    "choice": "existing",
    "account": ACCOUNT,
    "facts": {
        "kind": "OpenAI",
        "properties": {"endpoint": "https://team-openai.openai.azure.com/", "disableLocalAuth": False},
    },
    "permissions": OWNER,
    "ownPermissions": OWNER,
    "regions": REGIONS,
    "accounts": {"value": [{"id": world.ONE, "name": "team-openai", "kind": "OpenAI", "location": "swedencentral"}]},
    "models": MODELS,
    "usages": {"value": []},
    "region": "swedencentral",
    "auth": "managed-identity",
    "assignRole": True,
    "capacity": 10,
    "listedModel": f"{DEFAULT}/2026-07-09",
}
ASKED = {
    "modelMapper": "",
    "clientName": "first",
    "entraAudiences": "",
    "origins": "*",
    "maximum": 40,
    "alwaysReady": 0,
    "memory": "2048",
    "logRetention": 30,
    "budget": "0",
    "again": False,
    "restore": False,
    "purgeProtection": False,
}
NEW: dict[str, Any] = {"choice": "new", "account": None, "facts": {"id": "/subscriptions/1"}}
CALLS = [name for name, one in OPENAI.items() if one["type"] == "Microsoft.Solutions.ArmApiControl"]


def answers(location: str = "swedencentral", proxy: Mapping[str, Any] | None = None, **openai: Any) -> Answers:
    return Answers(steps={"openai": {**CALM, **openai}, "proxy": {**ASKED, **(proxy or {})}}, location=location)


def visible(given: Answers) -> set[str]:
    """Return the names of what is shown on the page of Azure OpenAI."""
    return {name for name, one in OPENAI.items() if evaluate(one.get("visible", True), given)}


def outputs(given: Answers) -> dict[str, Any]:
    return {name: evaluate(text, given) for name, text in OUTPUTS.items()}


def blocking() -> set[str]:
    return {name for name in OPENAI if name.endswith("Anyway")}


REGIONAL: dict[str, Any] = {
    "facts": {"kind": "OpenAI", "properties": {"endpoint": "https://w.api.cognitive.microsoft.com/"}}
}
NO_KEYS: dict[str, Any] = {"facts": {"kind": "OpenAI", "properties": {"disableLocalAuth": True}}, "auth": "key-vault"}
NO_FLEX: dict[str, Any] = {**NEW, "location": "westus9"}
STOPPED = {"regionalAnyway": REGIONAL, "keysOffAnyway": NO_KEYS, "nowhereAnyway": NO_FLEX}


def test_what_surely_cannot_work_is_stopped_and_nothing_else_is() -> None:
    assert blocking() == STOPPED.keys()
    for name, given in STOPPED.items():
        assert visible(answers(**given)) & blocking() == {name}
    for given in ({}, NEW, {**NEW, "auth": "key-vault"}, {"auth": "key-vault"}):
        assert not visible(answers(**given)) & blocking()


@pytest.mark.parametrize("name", STOPPED)
def test_what_is_stopped_can_be_deployed_anyway_and_says_why(name: str) -> None:
    box = OPENAI[name]
    assert (box["type"], box["label"]) == ("Microsoft.Common.CheckBox", "Deploy anyway")
    assert (box["constraints"]["required"], box["defaultValue"]) == (True, False)
    names = list(OPENAI)
    reason = OPENAI[names[names.index(name) - 1]]
    assert (reason["type"], reason["visible"]) == ("Microsoft.Common.InfoBox", box["visible"])


MORE = {"id": world.TWO, "name": "foundry", "kind": "AIServices", "location": "eastus2"}


@pytest.mark.parametrize(
    ("name", "facts", "auth"),
    [
        ("regionalAnyway", {"endpoint": "https://w.api.cognitive.microsoft.com/"}, "managed-identity"),
        ("keysOffAnyway", {"disableLocalAuth": True}, "key-vault"),
    ],
)
def test_each_of_several_accounts_is_looked_at_but_not_those_that_are_not_chosen(
    name: str, facts: dict[str, Any], auth: str
) -> None:
    accounts = {"value": [{**MORE, "properties": facts}, {**MORE, "id": "other"}]}
    assert visible(answers(accounts=accounts, more=[world.TWO], auth=auth)) & blocking() == {name}
    for chosen in (None, [], ["other"]):
        assert not visible(answers(accounts=accounts, more=chosen, auth=auth)) & blocking()


UNSURE: dict[str, Any] = {
    "a call that failed": None,
    "an empty answer": {},
    "an empty list": {"value": []},
    "an unknown value": {"kind": "Other", "properties": {"endpoint": "https://x/", "disableLocalAuth": "maybe"}},
    "an error": {"error": {"code": "429"}},
}


@pytest.mark.parametrize("answer", UNSURE.values(), ids=UNSURE.keys())
@pytest.mark.parametrize("name", STOPPED)
def test_no_call_that_failed_and_no_empty_or_unknown_answer_stops(name: str, answer: Any) -> None:
    given = {**STOPPED[name], **dict.fromkeys(CALLS, answer)}
    assert not visible(answers(**given)) & blocking()


def test_a_list_of_regions_that_goes_on_stops_nothing() -> None:
    assert not visible(answers(**NO_FLEX, regions={**REGIONS, "nextLink": "https://more"})) & blocking()


@pytest.mark.parametrize("answer", UNSURE.values(), ids=UNSURE.keys())
@pytest.mark.parametrize("given", [{}, NEW], ids=["existing", "new"])
def test_whatever_azure_answers_everything_that_is_required_can_be_given(given: dict[str, Any], answer: Any) -> None:
    """A list that is required has something in it, or a box to type in takes its place."""
    asked = answers(**{**given, **dict.fromkeys(CALLS, answer)})
    for name in visible(asked):
        offered = OPENAI[name].get("constraints", {}).get("allowedValues")
        if OPENAI[name].get("constraints", {}).get("required") and offered is not None:
            assert evaluate(offered, asked), name
    shown = visible(asked)
    assert "namedModel" in shown if given else "namedRegion" in shown


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("given", [{}, NEW], ids=["existing", "new"])
def test_every_expression_can_be_evaluated_when_a_call_has_failed(given: dict[str, Any], call: str) -> None:
    asked = answers(**{**given, call: None, "namedRegion": "swedencentral", "namedModel": DEFAULT})
    for element in ELEMENTS:
        for text in world.strings(element):
            evaluate(text, asked)
    assert outputs(asked)["location"] == "swedencentral"


RIGHTS = ["*", "*/write", "Microsoft.Authorization/*", "Microsoft.Authorization/*/write"]


@pytest.mark.parametrize("action", [*RIGHTS, "Microsoft.Authorization/roleAssignments/write"])
def test_every_form_of_the_right_to_assign_roles_is_known(action: str) -> None:
    given = {"value": [{"actions": ["*/read"]}, {"actions": [action], "notActions": []}]}
    assert not visible(answers(permissions=given, ownPermissions=given)) & {"noRight", "noRightHere"}


def test_rights_only_warn() -> None:
    assert {"noRight", "noRightHere"} <= visible(answers(permissions=CONTRIBUTOR, ownPermissions=CONTRIBUTOR))
    assert {OPENAI[name]["type"] for name in ("noRight", "noRightHere")} == {"Microsoft.Common.InfoBox"}
    assert "noRight" not in visible(answers(permissions=CONTRIBUTOR, assignRole=False))
    assert "constraints" not in FORM["parameters"]["config"]["basics"]["resourceGroup"]


def test_an_account_of_another_kind_only_warns() -> None:
    shown = visible(answers(facts={"kind": "SpeechServices", "properties": {}}))
    assert "otherKind" in shown
    assert not shown & blocking()


def test_regions_of_the_test_of_azure_are_not_offered() -> None:
    offered = evaluate(OPENAI["region"]["constraints"]["allowedValues"], answers())
    assert [one["value"] for one in offered] == ["swedencentral", "eastus2"]


@pytest.mark.parametrize(
    ("where", "proposed"), [("eastus2", "East US 2"), ("canadaeast", "Canada Central"), ("westus9", "Sweden Central")]
)
def test_the_app_goes_where_the_account_is_or_nearby(where: str, proposed: str) -> None:
    asked = answers(account={**ACCOUNT, "location": where})
    assert evaluate(OPENAI["region"]["defaultValue"], asked) == proposed
    assert ("elsewhere" in visible(asked)) is (where != "eastus2")


def test_models_are_those_that_can_be_deployed_for_chat_in_azures_order() -> None:
    others = [
        model("no-chat", capabilities={"embeddings": "true"}),
        model("preview", lifecycleStatus="Preview"),
        model("regional", skus=[{"name": "Standard"}]),
        model("unknown", skus=None, capabilities=None),
        {**model("other"), "kind": "AIServices"},
    ]
    asked = answers(**NEW, models={"value": [*others, *MODELS["value"]]})
    offered = evaluate(OPENAI["listedModel"]["constraints"]["allowedValues"], asked)
    assert offered == [
        {"label": "gpt-new (2)", "value": "gpt-new/2"},
        {"label": f"{DEFAULT} (2026-07-09)", "value": f"{DEFAULT}/2026-07-09"},
    ]
    assert evaluate(OPENAI["listedModel"]["defaultValue"], asked) == f"{DEFAULT} (2026-07-09)"


def test_the_default_model_is_chosen_only_when_it_is_listed() -> None:
    asked = answers(**NEW, models={"value": [model("gpt-new")]})
    assert evaluate(OPENAI["listedModel"]["defaultValue"], asked) is None


@pytest.mark.parametrize(
    ("limit", "used", "warned"), [(0, 0, True), (100, 100, True), (100, 90, False), (1000, 0, False)]
)
def test_a_model_without_quota_gets_a_warning_that_stops_nothing(limit: int, used: int, warned: bool) -> None:
    usage = {"name": {"value": f"OpenAI.GlobalStandard.{DEFAULT}"}, "limit": limit, "currentValue": used}
    other = {"name": {"value": "OpenAI.GlobalStandard.other"}, "limit": 0, "currentValue": 0}
    shown = visible(answers(**NEW, usages={"value": [other, usage]}))
    assert ("noQuota" in shown) is warned
    assert not shown & blocking()


def test_a_listed_model_is_deployed_in_its_version_and_a_named_one_in_its_default_version() -> None:
    listed = outputs(answers(**NEW))["modelDeployments"]
    assert listed == [{"name": DEFAULT, "model": DEFAULT, "version": "2026-07-09", "capacity": 10}]
    named = outputs(answers(**NEW, models=None, namedModel="my-model"))["modelDeployments"]
    assert named == [{"name": "my-model", "model": "my-model", "capacity": 10}]
    assert outputs(answers())["modelDeployments"] == []


def test_more_accounts_are_chosen_from_a_list_without_the_first() -> None:
    both = [{"id": id_, "name": "n", "kind": "AIServices", "location": "l"} for id_ in (world.ONE.upper(), world.TWO)]
    speech = {"id": "x", "name": "s", "kind": "SpeechServices", "location": "l"}
    asked = answers(accounts={"value": [*both, speech]}, more=[world.TWO])
    offered = evaluate(OPENAI["more"]["constraints"]["allowedValues"], asked)
    assert offered == [{"label": "n (l)", "value": world.TWO}]
    assert outputs(asked)["openAiResources"] == [{"id": world.TWO}]
    assert outputs(answers(**NEW, more=[world.TWO]))["openAiResources"] == []


def test_every_output_is_a_parameter_of_the_same_type() -> None:
    types = {"string": str, "int": int, "bool": bool, "array": list, "object": dict, "secureObject": dict}
    for given in (
        answers(),
        answers(**NEW),
        answers(proxy={"budget": "50", "budgetEmails": "a@b.c", "more": '{"A": "b"}'}),
    ):
        for name, value in outputs(given).items():
            assert type(value) is types[PARAMETERS[name]["type"]], name


def test_a_parameter_without_a_default_is_an_output_of_the_form() -> None:
    assert {name for name, one in PARAMETERS.items() if "defaultValue" not in one} <= set(OUTPUTS)


def test_the_form_never_shows_or_asks_for_a_key() -> None:
    assert "clientKey" not in OUTPUTS
    assert not [one for one in ELEMENTS if one["type"] == "Microsoft.Common.PasswordBox"]


def test_the_private_network_is_not_on_the_form() -> None:
    assert "privateNetwork" not in OUTPUTS


def test_what_the_form_proposes_is_what_the_template_does_by_default() -> None:
    named = outputs(answers(proxy={name: _proposed(name) for name in ASKED}))
    same = named.keys() - {"location", "openAiResourceId", "openAiResources", "modelDeployments"}
    for name in same:
        assert named[name] == PARAMETERS[name]["defaultValue"], name


def _proposed(name: str) -> Any:
    element = PROXY[name]
    if "allowedValues" not in element.get("constraints", {}):
        return element.get("defaultValue")
    return next(o["value"] for o in element["constraints"]["allowedValues"] if o["label"] == element["defaultValue"])


def test_sliders_and_choices_stay_within_the_limits_of_their_parameters() -> None:
    for name, parameter in (("maximum", "maximumInstanceCount"), ("logRetention", "logRetentionInDays")):
        declared = PARAMETERS[parameter]
        assert declared["minValue"] <= PROXY[name]["min"] < PROXY[name]["max"] <= declared["maxValue"]
    assert PROXY["alwaysReady"]["max"] <= PARAMETERS["alwaysReadyInstances"]["maxValue"]
    memory = [int(one["value"]) for one in PROXY["memory"]["constraints"]["allowedValues"]]
    assert memory == PARAMETERS["instanceMemoryMB"]["allowedValues"]
    offered = [one["value"] for one in OPENAI["auth"]["constraints"]["allowedValues"]]
    assert offered == PARAMETERS["openAiAuth"]["allowedValues"]


def test_the_default_model_is_the_one_of_the_table() -> None:
    assert set(re.findall(r"gpt-\d[\w.]*-?\w*", json.dumps(OPENAI))) == {DEFAULT}


def test_every_element_that_is_named_exists_and_every_function_is_one_of_the_form() -> None:
    special = {"and", "filter", "if", "location", "map", "or", "steps", "subscription"}
    for text in world.strings(FORM):
        for step, name in re.findall(r"steps\('(\w+)'\)\.(\w+)", text):
            assert name in STEPS[step], text
        if text.startswith("["):
            assert set(re.findall(r"(\w+)\(", re.sub(r"'[^']*'", "''", text))) <= {*FUNCTIONS, *special}, text


def test_every_answer_is_used() -> None:
    """An element that nothing reads is a question for nothing; what deploys anyway only lets pass."""
    read = " ".join(world.strings(FORM))
    for step, elements in STEPS.items():
        for name, element in elements.items():
            if element["type"] != "Microsoft.Common.InfoBox" and name not in blocking():
                assert f"steps('{step}').{name}" in read


def test_the_providers_that_the_template_needs_are_registered_by_the_portal() -> None:
    used = {kind.partition("/")[0] for kind in world.types(world.template())}
    # Flex Consumption runs on Microsoft.App; the form makes no private network.
    always_there = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Network", "Microsoft.Resources"}
    registered = FORM["parameters"]["config"]["basics"]["subscription"]["resourceProviders"]
    assert set(registered) == used - always_there | {"Microsoft.App"}
