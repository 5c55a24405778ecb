"""The function app is one of Flex Consumption, within the platform's limits."""

from typing import Any

import pytest

from tests.infra import world

ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())


def _site(way: dict[str, Any]) -> dict[str, Any]:
    return dict(world.deployed(way).only("Microsoft.Web/sites").body["properties"])


@ways
def test_concurrency_instances_and_memory_are_within_the_limits_of_flex_consumption(way: dict[str, Any]) -> None:
    scale = _site(way)["functionAppConfig"]["scaleAndConcurrency"]
    assert 1 < scale["triggers"]["http"]["perInstanceConcurrency"] <= 1000
    assert 1 <= scale["maximumInstanceCount"] <= 1000
    assert scale["instanceMemoryMB"] in (512, 2048, 4096)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("maximumInstanceCount", {"minValue": 1, "maxValue": 1000}),
        ("perInstanceConcurrency", {"minValue": 1, "maxValue": 1000}),
        ("instanceMemoryMB", {"allowedValues": [512, 2048, 4096]}),
    ],
)
def test_a_parameter_cannot_leave_the_limits_of_flex_consumption(name: str, limits: dict[str, object]) -> None:
    parameter = world.template()["parameters"][name]
    assert {key: parameter[key] for key in limits} == limits


def test_the_number_of_instances_is_one_that_every_region_takes() -> None:
    """Less than 40 is a preview in some regions: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan."""
    assert world.template()["parameters"]["maximumInstanceCount"]["defaultValue"] == 40


def test_only_the_addresses_that_are_named_may_call_the_app() -> None:
    site = _site(world.WAYS["guarded"])["siteConfig"]
    rules = [(one["ipAddress"], one["action"], one["priority"]) for one in site["ipSecurityRestrictions"]]
    assert rules == [("203.0.113.0/24", "Allow", 100), ("198.51.100.7/32", "Allow", 101)]
    assert site["ipSecurityRestrictionsDefaultAction"] == "Deny"
    everybody = _site({})["siteConfig"]
    assert (everybody["ipSecurityRestrictions"], everybody["ipSecurityRestrictionsDefaultAction"]) == ([], "Allow")


def test_instances_are_always_ready_when_they_are_asked_for() -> None:
    assert _site({})["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"] == []
    ready = _site({"alwaysReadyInstances": 2})["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    assert ready == [{"name": "http", "instanceCount": 2}]


def test_the_app_runs_on_python_3_13_and_only_speaks_tls() -> None:
    deployment = world.deployed()
    site = deployment.only("Microsoft.Web/sites")
    properties = site.body["properties"]
    assert properties["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}
    assert (properties["httpsOnly"], properties["siteConfig"]["minTlsVersion"]) == (True, "1.2")
    assert site.body["tags"]["azd-service-name"] == "api"
    assert deployment.only("Microsoft.Web/serverfarms").body["sku"] == {"name": "FC1", "tier": "FlexConsumption"}


def test_the_app_reads_its_package_with_its_identity() -> None:
    deployment = world.deployed()
    identity = deployment.only("Microsoft.ManagedIdentity/userAssignedIdentities")
    storage = deployment.only("Microsoft.Web/sites").body["properties"]["functionAppConfig"]["deployment"]["storage"]
    container = deployment.only("Microsoft.Storage/storageAccounts/blobServices/containers").name.split("/")
    assert storage["value"] == f"https://{container[0]}.blob.core.windows.net/{container[2]}"
    assert storage["authentication"]["userAssignedIdentityResourceId"] == identity.id
    assert list(deployment.only("Microsoft.Web/sites").body["identity"]["userAssignedIdentities"]) == [identity.id]


def test_the_package_has_the_name_that_azure_wants_and_its_dependencies_in_it() -> None:
    deployment = world.deployed()
    package = deployment.only("Microsoft.Web/sites/extensions")
    assert package.name.endswith("/onedeploy")
    assert package.body["properties"]["packageUri"].endswith("/released-package.zip")
    assert package.body["properties"]["remoteBuild"] is False


def test_the_outputs_name_the_version_of_the_package() -> None:
    uri = "https://github.com/o/n/releases/download/v1.2.3/released-package.zip"
    assert world.deployed({"packageUri": uri}).outputs["version"] == "v1.2.3"
    assert world.deployed({"packageUri": ""}).outputs["version"] == "none"


def test_the_outputs_name_the_address_that_azure_gave() -> None:
    outputs = world.deployed().outputs
    host = f"https://{outputs['functionAppName']}.azurewebsites.net"
    assert (outputs["functionUrl"], outputs["baseUrl"]) == (host, f"{host}/v1")


def test_logs_are_capped_and_only_identities_may_write_them() -> None:
    deployment = world.deployed({"logDailyCapGb": 3, "logRetentionInDays": 60})
    workspace = deployment.only("Microsoft.OperationalInsights/workspaces").body["properties"]
    assert (workspace["workspaceCapping"], workspace["retentionInDays"]) == ({"dailyQuotaGb": 3}, 60)
    component = deployment.only("Microsoft.Insights/components").body["properties"]
    assert component["DisableLocalAuth"] is True
    assert component["WorkspaceResourceId"] == deployment.only("Microsoft.OperationalInsights/workspaces").id
    client = world.settings(deployment)["AZURE_CLIENT_ID"]
    expected = f"ClientId={client};Authorization=AAD"
    assert world.settings(deployment)["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == expected
