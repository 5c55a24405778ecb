"""Whatever is asked for, the resources fit together and come in the right order."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra import world
from tests.infra.deployment import DEPLOYMENTS, Deployment, Place
from tools.infra import arm

ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())
STORAGE_ROLES, PAUSES, PACKAGE = ("storageRoles",), ("pauses",), ("package",)


@ways
def test_every_way_to_deploy_gives_a_consistent_graph(way: dict[str, Any]) -> None:
    """The engine refuses references to what is not there, or not waited for."""
    ids = [one.id for one in world.deployed(way).resources if one.type != DEPLOYMENTS]
    assert len(set(ids)) == len(ids) > 15


@ways
def test_every_deployment_of_a_group_has_a_name_of_its_own(way: dict[str, Any]) -> None:
    ids = [one.id.lower() for one in world.deployed(way).of_type(DEPLOYMENTS)]
    assert len(set(ids)) == len(ids)
    assert all(len(one.rpartition("/")[2]) <= 64 for one in ids)


@ways
def test_the_package_comes_after_everything_else(way: dict[str, Any]) -> None:
    if way.get("packageUri") == "":
        assert world.deployed(way).of_type("Microsoft.Web/sites/extensions") == []
        return
    deployment = world.deployed(way)
    last = next(one for one in deployment.resources if one.path == PACKAGE)
    others = {one.path[0] for one in deployment.resources} - {"package"}
    assert others == last.after & others


def test_the_package_waits_until_the_role_on_the_storage_has_spread() -> None:
    paths = [one.path for one in world.deployed({"pauseCount": 30}).resources]
    assert paths.count(PAUSES) == 30
    assert paths.index(STORAGE_ROLES) < paths.index(PAUSES)
    assert len(paths) - 1 - paths[::-1].index(PAUSES) < paths.index(PACKAGE)
    assert world.template()["resources"]["pauses"]["copy"]["batchSize"] == 1


def test_deployments_of_models_are_made_one_after_the_other() -> None:
    models = world.template()["resources"]["newAccount"]["properties"]["template"]["resources"]["models"]
    assert models["copy"] | {"count": ""} == {"name": "models", "count": "", "mode": "serial", "batchSize": 1}


def test_a_model_without_a_version_gets_none() -> None:
    given = {"modelDeployments": [{"name": "a", "model": "gpt-4.1"}, {"name": "b", "model": "gpt-4.1", "version": "1"}]}
    models = world.deployed(given).of_type(f"{world.ACCOUNTS}/deployments")
    assert [one.body["properties"]["model"]["version"] for one in models] == [None, "1"]
    assert [one.body["sku"] for one in models] == [{"name": "GlobalStandard", "capacity": 10}] * 2


@ways
def test_an_existing_account_is_never_changed(way: dict[str, Any]) -> None:
    deployment = world.deployed(way)
    existing = any(way.get(name) for name in ("openAiResourceId", "openAiResources"))
    assert len(deployment.of_type(world.ACCOUNTS)) == (0 if existing else 1)
    assert not set(world.EXISTING) & {one.id for one in deployment.resources}
    assert bool(deployment.of_type(f"{world.ACCOUNTS}/deployments")) is not existing


@ways
def test_without_a_private_network_there_is_none_and_with_one_nothing_is_public_but_the_app(
    way: dict[str, Any],
) -> None:
    deployment = world.deployed(way)
    private = way.get("privateNetwork", False)
    kinds = ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults", world.ACCOUNTS)
    access = {one.body["properties"]["publicNetworkAccess"] for kind in kinds for one in deployment.of_type(kind)}
    assert access == ({"Disabled"} if private else {"Enabled"})
    network = [one for one in deployment.resources if one.type.startswith("Microsoft.Network/")]
    assert bool(network) is private
    site = deployment.only("Microsoft.Web/sites").body["properties"]
    assert site["publicNetworkAccess"] == "Enabled"
    assert (site["virtualNetworkSubnetId"] or "").endswith("/subnets/app") is private


def test_each_private_endpoint_leads_to_a_service_whose_zone_is_in_the_network() -> None:
    deployment = world.deployed({**world.WAYS["several accounts"], "privateNetwork": True})
    zones = {one.id for one in deployment.of_type("Microsoft.Network/privateDnsZones")}
    groups = deployment.of_type("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    led_to = {one["properties"]["privateDnsZoneId"] for g in groups for one in _configs(g.body)}
    assert led_to == zones
    targets = {
        (connection["properties"]["privateLinkServiceId"].split("/")[-2], *connection["properties"]["groupIds"])
        for one in deployment.of_type("Microsoft.Network/privateEndpoints")
        for connection in one.body["properties"]["privateLinkServiceConnections"]
    }
    accounts = ("accounts", "account")
    assert targets == {("storageAccounts", "blob"), ("storageAccounts", "table"), ("vaults", "vault"), accounts}


def test_the_subnet_of_the_app_is_handed_to_flex_consumption() -> None:
    network = world.deployed({"privateNetwork": True}).only("Microsoft.Network/virtualNetworks").body["properties"]
    app, endpoints = network["subnets"]
    assert app["properties"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"
    assert (app["properties"]["addressPrefix"], endpoints["properties"]["addressPrefix"]) == (
        "10.91.0.0/24",
        "10.91.1.0/24",
    )


def test_no_location_name_scope_loop_or_condition_asks_azure() -> None:
    """Azure wants to know these before it deploys anything."""
    for place, value in _fixed(world.azd_template()):
        asked = {call.name for call in arm.calls(arm.read(value))} if arm.is_expression(value) else set()
        assert not {name for name in asked if name == "reference" or name.startswith("list")}, place


def test_no_text_is_taken_apart_where_it_may_be_empty() -> None:
    """Azure evaluates `split` even in the branch of an `if` that is not taken."""
    for text in world.strings(world.azd_template()):
        for call in arm.calls(arm.read(text)) if arm.is_expression(text) else ():
            branches = call.arguments[1:] if call.name == "if" else ()
            assert not [inner for branch in branches for inner in arm.calls(branch) if inner.name == "split"], text


def test_every_symbol_in_a_template_stands_for_a_resource_of_it() -> None:
    for template in _templates(world.azd_template()):
        symbols = set(template["resources"])
        for resource in template["resources"].values():
            assert set(resource.get("dependsOn", [])) <= symbols
        own = {key: value for key, value in template.items() if key != "resources"}
        own["resources"] = [_without_template(one) for one in template["resources"].values()]
        for text in world.strings(own):
            for call in arm.calls(arm.read(text)) if arm.is_expression(text) else ():
                if call.name == "reference" and isinstance(call.arguments[0], str):
                    assert call.arguments[0] in symbols


def test_deploying_again_changes_no_name() -> None:
    first, second = (world.deployed({}, Place(group="rg-again")) for _ in range(2))
    assert [one.id for one in first.resources] == [one.id for one in second.resources]


def _configs(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["properties"]["privateDnsZoneConfigs"])


def _templates(template: Any) -> Iterator[dict[str, Any]]:
    yield template
    for resource in template["resources"].values():
        if "template" in resource.get("properties", {}):
            yield from _templates(resource["properties"]["template"])


def _fixed(template: Any) -> Iterator[tuple[str, str]]:
    for one in _templates(template):
        for symbol, resource in one["resources"].items():
            for member in ("name", "location", "scope", "resourceGroup", "subscriptionId", "condition"):
                yield f"{symbol}.{member}", str(resource.get(member, ""))
            yield f"{symbol}.copy", str(resource.get("copy", {}).get("count", ""))


def _without_template(resource: dict[str, Any]) -> dict[str, Any]:
    properties = {key: value for key, value in resource.get("properties", {}).items() if key != "template"}
    return {**resource, "properties": properties}


def test_the_first_resources_are_identity_and_storage() -> None:
    deployment: Deployment = world.deployed()
    assert [one.path[0] for one in deployment.resources if len(one.path) == 1][:2] == ["identity", "storage"]
