"""Names fit Azure's rules and belong to their group."""

import re

import pytest

from tests.infra import world
from tests.infra.deployment import Place

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
RULES = {
    "Microsoft.Authorization/roleAssignments": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "Microsoft.CognitiveServices/accounts": r"[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]",
    "Microsoft.CognitiveServices/accounts/deployments": r"[A-Za-z0-9._-]{1,64}",
    "Microsoft.Consumption/budgets": r"[A-Za-z0-9_-]{1,63}",
    "Microsoft.Insights/actionGroups": r"[^:<>+/&%\\\\?|]{1,259}[^:<>+/&%\\\\?|. ]",
    "Microsoft.Insights/components": r"[A-Za-z0-9._()-]{0,254}[A-Za-z0-9_()-]",
    "Microsoft.Insights/diagnosticSettings": r"[^*<>%&:?+/\\\\]{1,260}",
    "Microsoft.Insights/scheduledQueryRules": r"[^*<>%{}&:\\\\?/#]{1,259}[^*<>%{}&:\\\\?/#. ]",
    "Microsoft.Insights/workbooks": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "Microsoft.KeyVault/vaults": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "Microsoft.KeyVault/vaults/secrets": r"[A-Za-z0-9-]{1,127}",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "Microsoft.Network/privateDnsZones": r"[a-z0-9.-]{1,63}",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9_]",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": r"default",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices": r"default",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "Microsoft.Storage/storageAccounts/tableServices": r"default",
    "Microsoft.Storage/storageAccounts/tableServices/tables": r"[A-Za-z][A-Za-z0-9]{2,62}",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    "Microsoft.Web/sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": r"ftp|scm",
    "Microsoft.Web/sites/extensions": r"onedeploy",
}
WORLDWIDE = ("Microsoft.CognitiveServices/accounts", "Microsoft.KeyVault/vaults", "Microsoft.Web/sites")
# Names are derived from the id of the group, whatever letters a group may have.
GROUPS = ("a", "rg-proxy", "Grüße_(1).test", "R" * 90)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("suffix", ["", "x" * 40], ids=["no suffix", "the longest suffix"])
def test_names_are_within_azures_rules(group: str, suffix: str) -> None:
    given = {**world.PRIVATE["guarded, existing accounts, private"], "nameSuffix": suffix}
    deployment = world.deployed(given, Place(group=group))
    for one in deployment.resources:
        assert re.fullmatch(RULES[one.type], one.name.rpartition("/")[2]), one.id
    nested = [one.name for one in world.steps(given, Place(group=group))]
    assert all(re.fullmatch(r"[A-Za-z0-9._()-]{1,64}", one) for one in nested)


def test_every_group_has_worldwide_names_of_its_own() -> None:
    deployments = [world.deployed({}, Place(group=group)) for group in GROUPS]
    names = [one.name for each in deployments for kind in WORLDWIDE for one in each.of_type(kind)]
    assert len(set(names)) == len(GROUPS) * len(WORLDWIDE)


def test_the_case_of_a_group_changes_no_name() -> None:
    """Azure gives the id of a group in the case in which somebody has typed it."""
    names = [
        [one.name for one in world.deployed({}, Place(group=group)).of_type("Microsoft.KeyVault/vaults")]
        for group in ("rg-proxy", "RG-Proxy")
    ]
    assert names[0] == names[1]


def test_the_longest_name_of_a_client_still_fits_a_secret() -> None:
    limit = world.template()["parameters"]["clientName"]["maxLength"]
    names = [
        one.name for one in world.deployed({"clientName": "c" * limit}).of_type("Microsoft.KeyVault/vaults/secrets")
    ]
    assert len(names[0].partition("/")[2]) <= 127


def test_a_suffix_makes_other_names_in_the_same_group() -> None:
    first, second = (world.deployed({"nameSuffix": suffix}) for suffix in ("", "two"))
    same = {one.name for one in first.resources} & {one.name for one in second.resources}
    worldwide = {one.name for kind in WORLDWIDE for one in first.of_type(kind)}
    assert not same & worldwide
