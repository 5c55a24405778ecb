"""The app gets the settings that it knows, and none that the platform takes amiss."""

import contextlib
import re
from collections import UserDict
from typing import Any

import pytest

from proxy.config.resources import parse_resources
from proxy.config.settings import Settings
from proxy.config.table import SECTIONS
from proxy.errors import ConfigurationError
from proxy.values import AuthMode
from tests.infra import world
from tests.infra.deployment import Place

ways = pytest.mark.parametrize("way", world.EVERY_WAY.values(), ids=world.EVERY_WAY.keys())

# What Settings knows and the template leaves to its default. `extraSettings` sets each of them all the same.
ABSENT = {
    "ADMIN_KEYS": "keys belong into the vault",
    "ALL_PROXY": "the way out of Azure Functions needs no proxy",
    "AZURE_OPENAI_API_KEY": "a key belongs into the vault",
    "AZURE_OPENAI_API_VERSION": "the app's default is the one that was tested",
    "AZURE_OPENAI_DEFAULT_DEPLOYMENTS": "a choice of the team's",
    "AZURE_OPENAI_DEPLOYMENT_APIS": "a choice of the team's",
    "AZURE_OPENAI_DEPLOYMENT_MODELS": "Azure lists the deployments",
    "AZURE_OPENAI_FALLBACKS": "a choice of the team's",
    "AZURE_OPENAI_KEY_SECRET": "a single account's key goes into the secret that the app reads by default",
    "AZURE_OPENAI_OPERATION_SURFACES": "a choice for single operations",
    "AZURE_OPENAI_ROUTING": "the app's numbers are those that were tested",
    "AZURE_OPENAI_TOKEN_SCOPE": "other in sovereign clouds only",
    "AZURE_RESOURCE_MANAGER_URL": "other in sovereign clouds only",
    "CLIENT_ENTRA_AUTHORITY": "other in sovereign clouds only",
    "CLIENT_ENTRA_LIMITS": "a choice of the team's",
    "CLIENT_KEYS": "client keys belong into the vault",
    "CLIENT_KEYS_MAX_AGE": "the app's default is a day",
    "CLIENT_KEY_DEFAULTS": "a choice of the team's",
    "CLIENT_KEY_MODEL_SETS": "a choice of the team's",
    "CLIENT_RESOURCES": "goes with CLIENT_AUTH",
    "CONTENT_FILTER_RESULTS": "a choice of the team's",
    "FORWARD_UNKNOWN_OPERATIONS": "a choice of the team's",
    "HTTPS_PROXY": "the way out of Azure Functions needs no proxy",
    "HTTP_PROXY": "the way out of Azure Functions needs no proxy",
    "ID_SIGNING_KEY": "a key belongs into the vault",
    "MAX_BODY_MEMORY_BYTES": "an eighth of the memory, whatever the size of an instance",
    "MAX_JSON_BODY_BYTES": "the app's default fits every size of an instance",
    "NO_PROXY": "the way out of Azure Functions needs no proxy",
    "PRICES": "a choice of the team's",
    "REPAIR_PARAMETERS": "a choice of the team's",
    "SHUTDOWN_GRACE": "the platform gives a process longer than the app's default",
    "STORED_OBJECTS": "a choice of the team's",
    "STORED_OBJECTS_WITHOUT_OWNER": "goes with STORED_OBJECTS",
    "STREAM_HEAD_TIMEOUT": "the app's default fits the platform",
    "STREAM_KEEP_ALIVE": "the app chooses by the client",
    "STREAM_KEEP_ALIVE_INTERVAL": "the app's default fits the platform",
    "FRONT_PAGE": "a choice of the team's",
    "TELEMETRY": "a choice of the team's; the log is always there",
    "TRANSLATE_APIS": "a choice of the team's",
    "TRANSLATE_REASONING_DETAILS": "a choice of the team's",
    "TRANSLATE_REASONING_MEMORY": "the app's default fits every size of an instance",
    "UPSTREAM_CONNECT_TIMEOUT": "the app's default fits the platform",
    "USAGE_RETENTION_DAYS": "a choice of the team's",
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "the app's default fits the platform",
    "UPSTREAM_IDLE_TIMEOUT": "the app's default fits the platform",
    "UPSTREAM_POOL_TIMEOUT": "the app's default fits the platform",
    "UPSTREAM_PRIVATE_ADDRESSES": "goes with upstreams that are not Azure's, of which the template knows nothing",
    "UPSTREAM_REASONING_IDLE_TIMEOUT": "the app's default fits the platform",
    "UPSTREAM_TOTAL_TIMEOUT": "follows functionTimeout in host.json",
}
# Set by Azure itself.
PLATFORM = {
    "AZUREFUNCTIONSJOBHOST__FUNCTIONTIMEOUT",
    "AZURE_FUNCTIONS_ENVIRONMENT",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
}
# Flex Consumption knows these from functionAppConfig and refuses or misreads them as settings.
REFUSED = re.compile(
    "AzureWebJobsStorage|AzureWebJobsStorage__(blob|queue|table)ServiceUri|FUNCTIONS_(WORKER_RUNTIME.*|EXTENSION_VERSION)"
    "|WEBSITE_(RUN_FROM_PACKAGE|CONTENT.*|NODE_DEFAULT_VERSION)|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD"
    "|CORS_ALLOWED_ORIGINS"
)


class Asked(UserDict[str, str]):
    """An environment that remembers what it was asked for."""

    names: set[str]

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.names = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key.upper())
        return super().get(key, default)


def known() -> set[str]:
    """Return every variable that the app reads, or that the table of its settings lists."""
    names = {setting.name for section in SECTIONS.values() for setting in section}
    for environ in (
        {},
        {"AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com", "KEY_VAULT_URL": "https://v.azure.net"},
    ):
        asked = Asked(environ)
        with contextlib.suppress(ConfigurationError):
            Settings.from_environ(asked)
        names |= asked.names
    return names - PLATFORM


def written() -> set[str]:
    """Return every setting of the app that the template writes in some way of deploying it."""
    return {name for way in world.EVERY_WAY.values() for name in world.settings(world.deployed(way))}


def test_every_setting_that_the_app_knows_is_set_or_deliberately_absent() -> None:
    assert known() - written() - set(ABSENT) == set(), "set it in function.bicep, or say here why not"
    assert written() & set(ABSENT) == set()


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_a_setting_that_the_template_leaves_out_can_be_given(name: str) -> None:
    assert world.settings(world.deployed({"extraSettings": {name: "x"}}))[name] == "x"


def test_a_given_setting_wins_over_one_of_the_template() -> None:
    assert world.settings(world.deployed({"extraSettings": {"MAX_IN_FLIGHT": "7"}}))["MAX_IN_FLIGHT"] == "7"


@ways
def test_no_setting_is_one_that_flex_consumption_refuses(way: dict[str, Any]) -> None:
    assert [name for name in world.settings(world.deployed(way)) if REFUSED.fullmatch(name)] == []


def test_the_host_reaches_its_storage_by_name_and_identity_only() -> None:
    deployment = world.deployed()
    settings = world.settings(deployment)
    identity = world.known_later(deployment.only("Microsoft.ManagedIdentity/userAssignedIdentities"))
    assert {name: value for name, value in settings.items() if name.startswith("AzureWebJobs")} == {
        "AzureWebJobsStorage__accountName": deployment.only("Microsoft.Storage/storageAccounts").name,
        "AzureWebJobsStorage__clientId": identity["clientId"],
        "AzureWebJobsStorage__credential": "managedidentity",
    }
    storage = deployment.only("Microsoft.Storage/storageAccounts").body["properties"]
    assert (storage["allowSharedKeyAccess"], storage["allowBlobPublicAccess"]) == (False, False)


@ways
def test_the_app_understands_the_settings_that_it_gets(way: dict[str, Any]) -> None:
    settings = world.settings(world.deployed(way))
    auth = AuthMode(way.get("openAiAuth", "managed-identity"))
    read = Settings.from_environ({**settings, "IDENTITY_ENDPOINT": "http://127.0.0.1:1"})
    assert {one.auth for one in read.resources} == {auth}
    assert read.has_managed_identity
    assert read.instance.upstream_connections == 64
    assert read.azure_client_id == settings["AZURE_CLIENT_ID"]


def test_tokens_of_the_tenant_and_cloud_of_the_deployment_open_beside_client_keys() -> None:
    application = "33333333-3333-3333-3333-333333333333"
    settings = world.settings(world.deployed({"clientEntraAudiences": application}))
    entra = Settings.from_environ(settings).entra
    assert settings["CLIENT_AUTH"] == "keys-and-entra"
    assert entra is not None
    assert (entra.authority, entra.audiences[1]) == ("https://login.microsoftonline.com", application)
    assert entra.tenant == Place().tenant
    assert "CLIENT_AUTH" not in world.settings(world.deployed())


def test_a_single_account_is_written_simply() -> None:
    settings = world.settings(world.deployed({"openAiResourceId": world.TWO}))
    assert settings["AZURE_OPENAI_ENDPOINT"] == "https://foundry.openai.azure.com/"
    assert settings["AZURE_OPENAI_RESOURCE_ID"] == world.TWO
    assert "AZURE_OPENAI_RESOURCES" not in settings


def test_several_accounts_are_written_as_a_list_with_the_settings_of_each() -> None:
    text = world.settings(world.deployed(world.WAYS["several accounts"]))["AZURE_OPENAI_RESOURCES"]
    one, two = parse_resources(text, vault=True, read_file=_no_file)
    assert (one.name, one.endpoint, one.resource_id, one.weight) == (
        "team-openai",
        "https://team-openai.openai.azure.com",
        world.ONE,
        2.0,
    )
    assert (two.name, two.endpoint, two.resource_id) == ("foundry", "https://foundry.openai.azure.com", world.TWO)


def test_a_single_account_with_settings_of_its_own_is_a_list() -> None:
    text = world.settings(world.deployed(world.WAYS["one account with settings"]))["AZURE_OPENAI_RESOURCES"]
    (one,) = parse_resources(text, vault=True, read_file=_no_file)
    assert one.models == {"gpt-4o": "mine"}


def test_browsers_are_let_in_by_the_platform_and_by_the_app_alike() -> None:
    origins = ["https://chat.example.com", "http://localhost:3000"]
    deployment = world.deployed({"allowedOrigins": origins})
    site = deployment.only("Microsoft.Web/sites").body["properties"]
    assert site["siteConfig"]["cors"] == {"allowedOrigins": origins}
    assert world.settings(deployment)["ALLOWED_ORIGINS"] == ",".join(origins)


@pytest.mark.parametrize("concurrency", [1, 64, 1000])
def test_the_apps_limits_follow_what_the_platform_sends_to_an_instance(concurrency: int) -> None:
    deployment = world.deployed({"perInstanceConcurrency": concurrency})
    site = deployment.only("Microsoft.Web/sites").body["properties"]
    assert site["functionAppConfig"]["scaleAndConcurrency"]["triggers"]["http"]["perInstanceConcurrency"] == concurrency
    settings = world.settings(deployment)
    assert {settings["MAX_IN_FLIGHT"], settings["UPSTREAM_CONNECTIONS"]} == {str(concurrency)}


def _no_file(path: str) -> bytes:
    raise OSError(path)
