"""Who may do what: the least that works, given once, on one resource each."""

from typing import Any

import pytest

from tests.infra import world
from tests.infra.deployment import Place, Resource
from tests.infra.snapshot import DEPLOYER as DEPLOYER_FACTS

ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
TABLE = next(world.variables(world.template(), "roleIds"))
NAMES = {guid: name for name, guid in TABLE.items()}
APP, DEPLOYER, DEPLOYER_ID = "app", "deployer", DEPLOYER_FACTS["objectId"]

ALWAYS = {
    (APP, "storageAccounts", "Storage Blob Data Owner"),
    (APP, "storageAccounts", "Storage Table Data Contributor"),
    (APP, "vaults", "Key Vault Secrets User"),
    (APP, "components", "Monitoring Metrics Publisher"),
}


def _given(way: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {_told(one) for one in world.deployed(way).of_type(ASSIGNMENTS)}


def _told(one: Resource) -> tuple[str, str, str]:
    who = DEPLOYER if one.body["properties"]["principalId"] == DEPLOYER_ID else APP
    role = one.body["properties"]["roleDefinitionId"].rpartition("/")[2]
    return who, one.scope.split("/")[-2], NAMES[role]


@ways
def test_every_role_is_one_of_the_table_and_nobody_gets_more_than_the_least(way: dict[str, Any]) -> None:
    expected = set(ALWAYS)
    if way.get("deployerObjectId") != "":
        expected.add((DEPLOYER, "vaults", "Key Vault Secrets Officer"))
    if way.get("assignOpenAiRole", True):
        expected.add((APP, "accounts", "Cognitive Services OpenAI User"))
    assert _given(way) == expected


def test_every_role_of_the_table_is_given_to_somebody() -> None:
    assert {role for _, _, role in _given({})} == set(TABLE)


@ways
def test_every_role_is_given_on_a_resource(way: dict[str, Any]) -> None:
    for one in world.deployed(way).of_type(ASSIGNMENTS):
        assert len(one.scope.split("/")) == 9


def test_each_account_gets_its_role_in_its_own_group_and_subscription() -> None:
    deployment = world.deployed(world.WAYS["several accounts with keys"])
    scopes = {one.scope for one in deployment.of_type(ASSIGNMENTS) if "/accounts/" in one.scope}
    assert scopes == {world.ONE, world.TWO}


def test_discovery_works_with_keys_too() -> None:
    assert (APP, "accounts", "Cognitive Services OpenAI User") in _given({"openAiAuth": "key-vault"})


@ways
def test_a_role_has_a_name_of_its_own(way: dict[str, Any]) -> None:
    names = [one.name for one in world.deployed(way).of_type(ASSIGNMENTS)]
    assert len(set(names)) == len(names)


def test_a_new_identity_after_a_deleted_group_meets_no_orphan() -> None:
    """The name of an assignment has the principal in it, so that a new one gets another name."""
    names = [
        {one.name for one in world.deployed({"deployerObjectId": who}).of_type(ASSIGNMENTS)} for who in ("1", "2", "1")
    ]
    assert names[0] == names[2]
    assert len(names[0] - names[1]) == 1


def test_the_case_of_an_id_makes_no_second_assignment() -> None:
    """Azure gives ids in different cases, and refuses a second assignment of the same role under another name."""
    ids = (world.ONE, world.ONE.replace("resourceGroups/rg-ai", "resourcegroups/RG-AI"))
    names = [{one.name for one in world.deployed({"openAiResourceId": id_}).of_type(ASSIGNMENTS)} for id_ in ids]
    assert names[0] == names[1]


def test_the_type_of_the_app_is_said_and_that_of_the_deployer_is_not() -> None:
    types = {_told(one)[0]: one.body["properties"]["principalType"] for one in world.deployed().of_type(ASSIGNMENTS)}
    assert types == {APP: "ServicePrincipal", DEPLOYER: None}


def test_without_the_right_to_give_the_role_the_outputs_say_what_an_administrator_runs() -> None:
    outputs = world.deployed(world.WAYS["no role on the account"]).outputs
    (command,) = outputs["openAiRoleCommands"]
    assert command.startswith("az role assignment create --assignee-object-id ")
    assert command.endswith(f'--role "Cognitive Services OpenAI User" --scope {world.ONE}')
    assert world.deployed().outputs["openAiRoleCommands"] == []


def test_an_account_that_takes_no_identities_is_named_as_a_problem() -> None:
    way = world.WAYS["an account of a region"]
    assert "openAiAuth=key-vault" in world.deployed(way).outputs["openAiProblems"][0]
    assert world.deployed({**way, "openAiAuth": "key-vault"}).outputs["openAiProblems"] == []
    assert world.deployed({"openAiResourceId": world.ONE}).outputs["openAiProblems"] == []


def test_the_roles_of_one_proxy_do_not_overwrite_the_deployment_of_anothers_on_the_same_account() -> None:
    names = {
        one.name
        for group in ("rg-one", "rg-two")
        for one in world.steps({"openAiResourceId": world.ONE}, Place(group=group))
        if one.loop == "accountRoles"
    }
    assert len(names) == 2
