"""Whatever is asked for, the resources fit together and come in the right order."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra import arm, world
from tests.infra.deployment import Place, Step
from tests.infra.snapshot import listed

ENDPOINTS, BUDGETS = "Microsoft.Network/privateEndpoints", "Microsoft.Consumption/budgets"
ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())


@ways
def test_every_way_to_deploy_fits_together(way: dict[str, Any]) -> None:
    deployment = world.deployed(way)
    assert deployment.diagnostics == ()
    ids = [one.id.lower() for one in deployment.resources]
    assert len(set(ids)) == len(ids) > 15


@ways
def test_every_nested_deployment_has_a_name_of_its_own(way: dict[str, Any]) -> None:
    ids = [one.id.lower() for one in world.steps(way) if one.is_module]
    assert len(set(ids)) == len(ids)
    assert all(len(one.rpartition("/")[2]) <= 64 for one in ids)


def test_two_proxies_in_one_group_share_no_nested_deployment() -> None:
    """Azure refuses a second deployment of the same name while the first is running."""
    given = world.PRIVATE["guarded, existing accounts, private"]
    first, second = ({one.id for one in world.steps({**given, "nameSuffix": suffix})} for suffix in ("", "two"))
    assert not first & second


@ways
def test_the_package_comes_after_everything_else(way: dict[str, Any]) -> None:
    steps = world.steps(way)
    if way.get("packageUri") == "":
        assert not [one for one in steps if one.name.startswith("package-")]
        return
    (last,) = [one for one in steps if one.name.startswith("package-")]
    # The app needs no budgets, alerts, workbook and audit logs, nor the output with what is wrong with an account.
    apart = ("alerts-", "budget-", "diagnostics-", "workbook-", "openai-problems-")
    others = {one.id for one in steps if not one.name.startswith(apart)} - {last.id}
    assert others <= _awaited(last, steps)


def _awaited(step: Step, steps: list[Step]) -> set[str]:
    """Return the ids of all that a step waits for, directly or not."""
    direct = [one for one in steps if one.id in step.after or (one.loop and one.loop in step.after)]
    return {one.id for one in direct}.union(*(_awaited(one, steps) for one in direct))


def test_the_package_waits_until_the_role_on_the_storage_has_spread() -> None:
    steps = world.steps({"pauseCount": 30})
    pauses = [one for one in steps if one.loop == "pauses"]
    assert len(pauses) == 30
    assert all(any("/roles-storage-" in awaited for awaited in one.after) for one in pauses)
    (loop,) = [one["copy"] for one in listed(world.template()) if one.get("copy", {}).get("name") == "pauses"]
    assert (loop["mode"], loop["batchSize"]) == ("serial", 1)


@ways
def test_what_reads_an_account_waits_for_a_new_one(way: dict[str, Any]) -> None:
    """It names the account by its id, in which the compiler sees no dependency."""
    steps = world.steps(way)
    new = {one.id for one in steps if one.name.startswith("openai-") and one.name.count("-") == 1}
    reading = [one for one in steps if one.loop in ("accountFacts", "accountRoles", "accountKeys", "accountEndpoints")]
    assert reading
    assert all(new <= one.after for one in reading)


def test_deployments_of_models_are_made_one_after_the_other() -> None:
    every = [one for template in world.every_template(world.template()) for one in listed(template)]
    (models,) = [one for one in every if one["type"] == f"{world.ACCOUNTS}/deployments"]
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
    led_to = {
        one["properties"]["privateDnsZoneId"] for g in groups for one in g.body["properties"]["privateDnsZoneConfigs"]
    }
    assert led_to == zones
    targets = {
        (connection["properties"]["privateLinkServiceId"].split("/")[-2], *connection["properties"]["groupIds"])
        for one in deployment.of_type("Microsoft.Network/privateEndpoints")
        for connection in one.body["properties"]["privateLinkServiceConnections"]
    }
    accounts = ("accounts", "account")
    assert targets == {("storageAccounts", "blob"), ("storageAccounts", "table"), ("vaults", "vault"), accounts}


@pytest.mark.parametrize(("way", "kinds"), [("new account", 1), ("one existing account", 3)])
def test_an_existing_account_gets_the_names_of_both_kinds(way: str, kinds: int) -> None:
    """One of kind AIServices is called at three names, and the app may be given any of them."""
    groups = world.deployed(world.PRIVATE[f"{way}, private"]).of_type(f"{ENDPOINTS}/privateDnsZoneGroups")
    (zones,) = [one.body["properties"]["privateDnsZoneConfigs"] for one in groups if one.name.startswith("pe-openai-")]
    assert len({one["name"] for one in zones}) == kinds
    names = [one["properties"]["privateDnsZoneId"].rpartition("/")[2] for one in zones]
    expected = ["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"][:kinds]
    assert names == [f"privatelink.{name}" for name in expected]


def test_a_budget_is_one_of_the_group_and_of_each_existing_account() -> None:
    deployment = world.deployed(world.WAYS["guarded, existing accounts"])
    budgets = {one.id.split("/")[4]: one.body["properties"] for one in deployment.of_type(BUDGETS)}
    assert budgets.keys() == {"rg-proxy", "rg-ai", "Other"}
    filters = [one["filter"] and one["filter"]["dimensions"]["values"] for one in budgets.values()]
    assert filters == [None, [world.ONE], [world.TWO]]
    for one in budgets.values():
        levels = {(alert["thresholdType"], alert["threshold"]) for alert in one["notifications"].values()}
        assert levels == {("Actual", 50), ("Actual", 80), ("Actual", 100), ("Forecasted", 100)}
        assert {tuple(alert["contactEmails"]) for alert in one["notifications"].values()} == {("team@example.com",)}
        assert (one["amount"], one["timeGrain"]) == (100, "Monthly")


def test_without_an_amount_or_an_address_there_is_no_budget() -> None:
    for given in ({}, {"azureBudget": 100}, {"azureBudgetEmails": ["team@example.com"]}):
        assert world.deployed(given).of_type(BUDGETS) == []


def test_a_budget_that_is_there_is_left_alone_and_a_new_one_begins_this_month() -> None:
    """Azure refuses another start, and one in an earlier month: pressing the button next month must work."""
    (module, *_) = [one for one in world.every_template(world.template()) if "startDate" in one.get("parameters", {})]
    assert module["parameters"]["startDate"]["defaultValue"] == "[utcNow('yyyy-MM-01')]"
    assert [one["@options"] for one in listed(module)] == [{"onlyIfNotExists": []}]


def test_a_budget_comes_after_the_app_so_that_its_failure_leaves_the_app_complete() -> None:
    steps = world.steps(world.WAYS["guarded, existing accounts"])
    budgets = [one for one in steps if one.name.startswith("budget-")]
    assert len(budgets) == 3
    assert all(any("/package-" in awaited for awaited in one.after) for one in budgets)
    assert not [
        one for one in steps if any(awaited in one.after for awaited in ("accountBudgets", *(b.id for b in budgets)))
    ]


def test_audit_logs_of_vault_and_accounts_go_into_the_workspace_when_they_are_asked_for() -> None:
    deployment = world.deployed(world.WAYS["guarded, existing accounts"])
    settings = deployment.of_type("Microsoft.Insights/diagnosticSettings")
    vault = deployment.only("Microsoft.KeyVault/vaults").id
    assert {one.scope for one in settings} == {vault, world.ONE, world.TWO}
    workspace = deployment.only("Microsoft.OperationalInsights/workspaces").id
    assert {one.body["properties"]["workspaceId"] for one in settings} == {workspace}
    assert world.deployed().of_type("Microsoft.Insights/diagnosticSettings") == []


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


def test_deploying_again_changes_no_name() -> None:
    first, second = (world.deployed({}, Place(group="rg-again")) for _ in range(2))
    assert [one.id for one in first.resources] == [one.id for one in second.resources]


def _fixed(template: Any) -> Iterator[tuple[str, str]]:
    for one in world.every_template(template):
        for resource in listed(one):
            for member in ("name", "location", "scope", "resourceGroup", "subscriptionId", "condition"):
                yield f"{resource['type']}.{member}", str(resource.get(member, ""))
            yield f"{resource['type']}.copy", str(resource.get("copy", {}).get("count", ""))
