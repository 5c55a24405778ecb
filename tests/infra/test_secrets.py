"""Keys go into the vault and nowhere else, and what somebody uses is not replaced."""

import re
from typing import Any

import pytest

from tests.infra import arm, world
from tests.infra.snapshot import listed

ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())
SECRETS = "Microsoft.KeyVault/vaults/secrets"


@ways
def test_a_key_is_in_secrets_of_the_vault_only(way: dict[str, Any]) -> None:
    deployment = world.deployed(way)
    elsewhere = [one.body for one in deployment.resources if one.type != SECRETS]
    for text in (str(elsewhere), str(deployment.outputs)):
        assert world.CLIENT_KEY not in text
        assert "key of /subscriptions" not in text


def test_a_key_of_azure_openai_is_asked_for_where_it_is_written_only() -> None:
    """No parameter of a module and no output holds it."""
    for template in world.every_template(world.azd_template()):
        asking = [one for one in listed(template) if one["type"] != SECRETS and "listKeys(" in str(_own(one))]
        assert asking == []


def test_the_client_key_passes_secure_parameters_only() -> None:
    template = world.azd_template()
    assert _insecure(template, "clientKey") == []
    assert _insecure(template, "extraSettings") == []


def test_no_output_of_any_module_asks_for_keys_or_names_one() -> None:
    for output in _outputs(world.azd_template()):
        text = str(output.get("value", output.get("copy", {}).get("input")))
        asked = {call.name for call in arm.calls(arm.read(text))} if arm.is_expression(text) else set()
        assert not [name for name in asked if name.startswith("list")]
        assert "ConnectionString" not in text
        assert "clientKey" not in text


@ways
def test_the_vault_holds_one_key_for_each_account_when_keys_are_used_and_none_otherwise(way: dict[str, Any]) -> None:
    deployment = world.deployed(way)
    accounts = bool(way.get("openAiResourceId")) + len(way.get("openAiResources", ())) or 1
    secrets = {one.name.split("/")[1]: one.body["properties"]["value"] for one in deployment.of_type(SECRETS)}
    keys = {name: value for name, value in secrets.items() if not name.startswith("client-")}
    assert len(keys) == (accounts if way.get("openAiAuth") == "key-vault" else 0)
    assert all(value.startswith("key of /subscriptions") for value in keys.values())
    assert len(set(keys.values())) == len(keys)


def test_a_single_accounts_key_has_the_name_that_the_app_looks_for() -> None:
    deployment = world.deployed(world.WAYS["one existing account with keys"])
    assert {one.name.split("/")[1] for one in deployment.of_type(SECRETS)} == {"client-first", "azure-openai-key"}


def test_a_new_account_takes_keys_only_when_they_are_asked_for() -> None:
    off = [world.deployed(way).only(world.ACCOUNTS).body["properties"]["disableLocalAuth"] for way in ({}, _KEYS)]
    assert off == [True, False]


_KEYS = {"openAiAuth": "key-vault"}


def test_the_first_client_key_is_random_and_long() -> None:
    """Two GUIDs of Azure's own making, of 122 random bits each, and nothing else."""
    default = world.template()["parameters"]["clientKey"]["defaultValue"]
    assert {call.name for call in arm.calls(arm.read(default))} == {"format", "newGuid", "replace"}
    assert default.count("newGuid()") == 2


def test_the_first_client_key_is_not_replaced_by_deploying_again() -> None:
    """Azure looks whether the secret is there, and leaves it alone when it is."""
    (module,) = [one for one in world.every_template(world.template()) if "clientKey" in one.get("parameters", {})][1:]
    assert module["languageVersion"] == "2.0"
    assert module["resources"]["secret"]["@options"] == {"onlyIfNotExists": []}


def test_no_other_resource_but_a_budget_is_skipped_when_it_exists() -> None:
    every = [one for template in world.every_template(world.template()) for one in listed(template)]
    kept = {one["type"] for one in every if "onlyIfNotExists" in one.get("@options", {})}
    assert kept == {SECRETS, "Microsoft.Consumption/budgets"}


def test_no_client_key_is_made_when_nobody_is_named() -> None:
    deployment = world.deployed({"clientName": ""})
    assert deployment.of_type(SECRETS) == []
    assert deployment.outputs["readKeyCommand"] == ""


def test_the_outputs_say_how_to_read_the_client_key() -> None:
    outputs = world.deployed({"clientName": "team"}).outputs
    vault = outputs["keyVaultName"]
    command = f"az keyvault secret show --vault-name {vault} --name client-team --query value --output tsv"
    assert outputs["readKeyCommand"] == command
    assert re.fullmatch(
        rf"https://portal.azure.com/#@[0-9a-f-]+/resource/.*/vaults/{vault}/secrets", outputs["readKeyPortal"]
    )


def test_purge_protection_is_left_out_rather_than_off() -> None:
    off, on = (world.deployed({"vaultPurgeProtection": value}) for value in (False, True))
    vaults = [one.only("Microsoft.KeyVault/vaults").body["properties"] for one in (off, on)]
    assert [one["enablePurgeProtection"] for one in vaults] == [None, True]
    assert [(one["enableSoftDelete"], one["softDeleteRetentionInDays"]) for one in vaults] == [(True, 7)] * 2


def test_what_was_deleted_with_the_group_is_brought_back_when_it_is_asked_for() -> None:
    modes = {
        (
            deployment.only("Microsoft.KeyVault/vaults").body["properties"]["createMode"],
            deployment.only(world.ACCOUNTS).body["properties"]["restore"],
        )
        for deployment in (world.deployed(), world.deployed(world.WAYS["brought back"]))
    }
    assert modes == {("default", None), ("recover", True)}


def _own(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without the template of its module."""
    properties = resource.get("properties", {})
    return resource if "template" not in properties else {**resource, "properties": properties.get("parameters")}


def _insecure(template: Any, name: str) -> list[str]:
    """Return the types of the parameters of a name that are not secure, in all modules."""
    declared = [one.get("parameters", {}).get(name, {"type": "secure"}) for one in world.every_template(template)]
    return [one["type"] for one in declared if not one["type"].startswith("secure")]


def _outputs(template: Any) -> list[dict[str, Any]]:
    return [output for one in world.every_template(template) for output in one.get("outputs", {}).values()]
