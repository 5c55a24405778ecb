"""What azd uses: the template for a subscription, its parameters, and azure.yaml."""

import json
import re

import yaml

from tests.infra import world

GIVEN = json.loads((world.INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
AZURE_YAML = yaml.safe_load((world.ROOT / "azure.yaml").read_text("utf-8"))
# The template of the group gets these from the one of the subscription, or makes them itself.
INNER_ONLY = {"clientKey", "deployerObjectId"}
OUTER_ONLY = {"environmentName", "principalId"}
OTHERWISE = {"location", "packageUri"}


def test_azd_can_set_whatever_the_button_can() -> None:
    inner, outer = world.template()["parameters"], world.azd_template()["parameters"]
    assert outer.keys() - OUTER_ONLY == inner.keys() - INNER_ONLY
    for name in outer.keys() - OUTER_ONLY - OTHERWISE:
        assert outer[name] == inner[name], name


def test_azd_hands_every_parameter_on() -> None:
    modules = [one for one in world.azd_template()["resources"] if one["type"] == "Microsoft.Resources/deployments"]
    handed = modules[0]["properties"]["parameters"]
    assert handed.keys() == world.template()["parameters"].keys() - {"clientKey"}


def test_azd_deploys_the_code_itself() -> None:
    assert world.azd_template()["parameters"]["packageUri"]["defaultValue"] == ""
    assert "packageUri" not in GIVEN


def test_azd_deploys_the_same_resources_into_a_group_of_its_own() -> None:
    made = world.deployed_by_azd()
    assert made.only("Microsoft.Resources/resourceGroups").body["tags"] == {"azd-env-name": "dev"}
    site = made.only("Microsoft.Web/sites")
    assert "/resourceGroups/rg-dev/" in site.id
    assert site.body["tags"] == {"azd-env-name": "dev", "azd-service-name": "api"}
    assert made.outputs["SERVICE_API_NAME"] == site.name
    kinds = {one.type for one in made.resources}
    assert kinds - {"Microsoft.Resources/resourceGroups"} == {
        one.type for one in world.deployed({"packageUri": ""}).resources
    }


def test_the_person_of_azd_may_read_the_keys() -> None:
    given = {"principalId": "33333333-0000-0000-0000-000000000000"}
    made = world.deployed_by_azd(given)
    principals = {
        one.body["properties"]["principalId"] for one in made.of_type("Microsoft.Authorization/roleAssignments")
    }
    assert given["principalId"] in principals


def test_every_parameter_that_azd_fills_in_is_one_of_the_template() -> None:
    assert GIVEN.keys() <= world.azd_template()["parameters"].keys()
    assert {
        name for name, one in world.azd_template()["parameters"].items() if "defaultValue" not in one
    } <= GIVEN.keys()


def test_azd_sets_every_parameter_from_a_variable_of_its_own() -> None:
    """A variable that is not set leaves the parameter out, so that the default of the template counts."""
    assert GIVEN.keys() == world.azd_template()["parameters"].keys() - {"packageUri"}
    values = [one["value"] for one in GIVEN.values()]
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", value) for value in values)


def test_after_azd_down_the_same_names_are_brought_back() -> None:
    first, again = (world.deployed_by_azd(given) for given in ({}, {"recoverVault": True, "restoreOpenAi": True}))
    assert [one.id for one in first.resources] == [one.id for one in again.resources]
    assert again.only("Microsoft.KeyVault/vaults").body["properties"]["createMode"] == "recover"
    assert again.only(world.ACCOUNTS).body["properties"]["restore"] is True


def test_azd_finds_the_service_by_its_tag() -> None:
    ((name, service),) = AZURE_YAML["services"].items()
    tags = world.deployed().only("Microsoft.Web/sites").body["tags"]
    assert (name, service["host"], service["language"]) == (tags["azd-service-name"], "function", "python")
    assert (world.ROOT / AZURE_YAML["infra"]["path"] / f"{AZURE_YAML['infra']['module']}.bicep").is_file()


def test_hooks_work_on_every_system_and_use_outputs_of_the_template() -> None:
    for hook in AZURE_YAML["hooks"].values():
        assert {system: one["shell"] for system, one in hook.items()} == {"posix": "sh", "windows": "pwsh"}
        used = [set(re.findall(r"\$(?:env:)?([A-Z_]+)", one["run"])) for one in hook.values()]
        assert used[0] == used[1] <= world.azd_template()["outputs"].keys()
