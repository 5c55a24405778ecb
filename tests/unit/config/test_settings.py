"""All settings from one environment."""

from collections.abc import Mapping
from operator import attrgetter

import pytest

from proxy.config.address_rules import AddressRules
from proxy.config.environment import SettingError
from proxy.config.http_proxy import HttpProxies
from proxy.config.key_format import digest_of
from proxy.config.object_owners import StoredObjectSettings
from proxy.config.policy import Policy
from proxy.config.resources import Resource
from proxy.config.settings import Settings
from proxy.values import ClientAuth, KeepAlive, Secret

ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}
VAULT = {"KEY_VAULT_URL": "https://v.vault.azure.net/"}
KEY = {"AZURE_OPENAI_API_KEY": "canary-key"}
RESOURCE_KEYS = {"CLIENT_AUTH": "resource-key", "CLIENT_RESOURCES": "my-res"}
CANARY = "canary value"
GUID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"


def read(extra: Mapping[str, str] | None = None, function_timeout: str = "00:30:00") -> Settings:
    return Settings.from_environ(ENDPOINT | dict(extra or {}), f'{{"functionTimeout":"{function_timeout}"}}'.encode())


def wrong(extra: Mapping[str, str], function_timeout: str = "00:30:00") -> SettingError:
    with pytest.raises(SettingError) as caught:
        read(extra, function_timeout)
    assert str(caught.value).startswith(caught.value.name)
    return caught.value


def test_one_variable_is_enough() -> None:
    settings = Settings.from_environ(ENDPOINT)
    assert settings.resources == (Resource(name="name", endpoint="https://name.openai.azure.com"),)
    assert (settings.api_version, settings.client_keys) == ("2025-04-01-preview", ())
    assert (settings.has_managed_identity, settings.azure_client_id, settings.key_vault_url) == (False, None, None)
    assert (settings.fallbacks, settings.policy) == ({}, Policy())
    assert settings.resource_manager_url == "https://management.azure.com"
    assert settings.token_scope == "https://cognitiveservices.azure.com/.default"
    assert (
        settings.instance.max_in_flight,
        settings.instance.upstream_connections,
        settings.instance.max_json_body_bytes,
    ) == (
        256,
        256,
        33_554_432,
    )
    assert (settings.timeouts.total, settings.shutdown_grace) == (1790.0, 5.0)
    assert (settings.operation_surfaces, settings.forward_unknown_operations, settings.stored_objects.are_on) == (
        {},
        False,
        True,
    )
    assert settings.allowed_origins == {"*"}
    assert (settings.client_auth, settings.client_resources, settings.entra) == (ClientAuth.KEYS, frozenset(), None)
    assert (settings.repair_parameters, settings.keep_content_filter_results) == (True, False)
    assert settings.http_proxies == HttpProxies()
    assert settings.address_rules == AddressRules()


def test_what_another_upstream_may_be_at_comes_from_the_environment() -> None:
    environ = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "UPSTREAM_PRIVATE_ADDRESSES": "true",
        "IDENTITY_ENDPOINT": "http://localhost:42356/msi/token",
        "MSI_ENDPOINT": "https://[fd00::1]/msi",
    }
    tokens = (("localhost", 42356), ("fd00::1", 443))
    assert read(environ).address_rules == AddressRules(loopback=True, private=True, tokens=tokens)
    assert read({"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}).address_rules == AddressRules()
    assert wrong({"UPSTREAM_PRIVATE_ADDRESSES": CANARY}).name == "UPSTREAM_PRIVATE_ADDRESSES"


def test_an_identity_at_no_address_hinders_nothing() -> None:
    rules = read({"IDENTITY_ENDPOINT": "http://x:y", "MSI_ENDPOINT": "http://10.0.0.1"}).address_rules
    assert rules.tokens == (("", 0), ("10.0.0.1", 80))


def test_another_upstream_is_checked_by_the_environment() -> None:
    resources = {"AZURE_OPENAI_RESOURCES": '[{"endpoint": "http://localhost:11434/v1", "kind": "openai"}]'}
    with pytest.raises(SettingError, match="AZURE_OPENAI_RESOURCES is wrong in entry 1: endpoint must not be this"):
        Settings.from_environ(resources)
    (resource,) = Settings.from_environ(resources | {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}).resources
    assert resource.name == "localhost"


def test_prices_of_ones_own_are_checked_at_the_start() -> None:
    assert read({}).usage.own_prices is None
    prices = '{"sources": {"s": {"title": "t", "url": "u", "date": "2026-11-01"}}, "prices": [%s]}'
    line = '{"model": "m", "sku": "Standard", "source": "s", "input": 1}'
    found = read({"PRICES": prices % line}).usage.own_prices
    assert found is not None
    assert [(one.model, one.input) for one in found.prices] == [("m", 1)]
    failure = wrong({"PRICES": prices % line.replace("1}", f'"{CANARY}"}}')})
    assert (failure.name, str(failure)) == (
        "PRICES",
        "PRICES is wrong at $.prices[0].input: Expected `int | null`, got `str`",
    )
    assert str(wrong({"PRICES": CANARY})) == (
        "PRICES must be a JSON object, or the path of a file with one that can be read"
    )


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_the_endpoint_nothing_starts(value: str | None) -> None:
    environ = {} if value is None else {"AZURE_OPENAI_ENDPOINT": value}
    with pytest.raises(SettingError, match="AZURE_OPENAI_ENDPOINT is not set: it must be the https address"):
        Settings.from_environ(environ)


GOOD: list[tuple[str, str, str, object]] = [
    ("AZURE_OPENAI_API_VERSION", "v1", "api_version", "v1"),
    ("AZURE_OPENAI_FALLBACKS", '{"a": ["b"]}', "fallbacks", {"a": ("b",)}),
    ("AZURE_OPENAI_ROUTING", '{"attempts": 2}', "policy", Policy(attempts=2)),
    ("AZURE_RESOURCE_MANAGER_URL", "https://m.example/", "resource_manager_url", "https://m.example"),
    ("LIMITS_STORE", "https://a.table.core.windows.net/", "limits_store", "https://a.table.core.windows.net"),
    ("USAGE_STORE", "https://a.table.core.windows.net/", "usage.store", "https://a.table.core.windows.net"),
    ("USAGE_RETENTION_DAYS", "30", "usage.retention", 30),
    ("KEY_VAULT_URL", "https://v.vault.azure.net/", "key_vault_url", "https://v.vault.azure.net"),
    (
        "AZURE_CLIENT_ID",
        GUID,
        "azure_client_id",
        GUID,
    ),
    ("AZURE_OPENAI_TOKEN_SCOPE", "https://ai.azure.com/.default", "token_scope", "https://ai.azure.com/.default"),
    ("IDENTITY_ENDPOINT", "http://localhost", "has_managed_identity", True),
    ("MSI_ENDPOINT", "http://localhost", "has_managed_identity", True),
    ("MAX_IN_FLIGHT", "8", "instance.max_in_flight", 8),
    ("UPSTREAM_CONNECTIONS", "300", "instance.upstream_connections", 300),
    ("SHUTDOWN_GRACE", "0.5", "shutdown_grace", 0.5),
    ("MAX_JSON_BODY_BYTES", "1024", "instance.max_json_body_bytes", 1024),
    ("AZURE_OPENAI_OPERATION_SURFACES", "createImage=v1", "operation_surfaces", {"createImage": "v1"}),
    ("FORWARD_UNKNOWN_OPERATIONS", "true", "forward_unknown_operations", True),
    ("STORED_OBJECTS", "off", "stored_objects", StoredObjectSettings(are_on=False, owners=None)),
    ("ALLOWED_ORIGINS", "https://a.example", "allowed_origins", frozenset({"https://a.example"})),
    ("CLIENT_AUTH", "azure-key", "client_auth", ClientAuth.AZURE_KEY),
    ("CLIENT_RESOURCES", "a, b", "client_resources", frozenset({"a.openai.azure.com", "b.openai.azure.com"})),
    ("REPAIR_PARAMETERS", "false", "repair_parameters", False),
    ("FRONT_PAGE", "false", "front_page", False),
    ("TRANSLATE_APIS", "false", "translation.is_on", False),
    ("TRANSLATE_REASONING_DETAILS", "true", "translation.with_details", True),
    ("TRANSLATE_REASONING_MEMORY", "0", "translation.memory", 0),
    ("CONTENT_FILTER_RESULTS", "keep", "keep_content_filter_results", True),
    ("STREAM_KEEP_ALIVE", "comment", "stream_keep_alive", KeepAlive.COMMENT),
]
READ_AS_THEY_ARE = {"IDENTITY_ENDPOINT", "MSI_ENDPOINT"}
OF_THE_RESOURCE = ("AZURE_OPENAI_KEY_SECRET", "AZURE_OPENAI_AUTH", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_RESOURCES")
ELSEWHERE = ("UPSTREAM_TOTAL_TIMEOUT", "AzureFunctionsJobHost__functionTimeout", "CLIENT_KEYS", *OF_THE_RESOURCE)


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_every_variable_is_read(name: str, text: str, field: str, value: object) -> None:
    assert attrgetter(field)(read({name: f" {text} "})) == value


@pytest.mark.parametrize("name", [*(name for name, *_ in GOOD if name not in READ_AS_THEY_ARE), *ELSEWHERE])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert read({name: ""}) == read({name: " "}) == read()


@pytest.mark.parametrize("name", [*(name for name, *_ in GOOD if name not in READ_AS_THEY_ARE), *ELSEWHERE[:2]])
def test_a_bad_variable_is_named_and_never_shown(name: str) -> None:
    error = wrong({name: CANARY})
    assert error.name == name
    assert CANARY not in f"{error!r} {error.message} {error.__cause__}"


@pytest.mark.parametrize("name", ["AZURE_OPENAI_API_KEY", "CLIENT_KEYS"])
def test_a_bad_secret_is_named_and_never_shown(name: str) -> None:
    error = wrong({name: f"name={CANARY}"})
    assert error.name == name
    assert CANARY not in f"{error!r} {error.message}"


def test_no_secret_is_shown_by_the_settings() -> None:
    settings = read({**KEY, "CLIENT_KEYS": "team=canary-team"})
    assert [resource.api_key for resource in settings.resources] == [Secret("canary-key")]
    assert [(entry.client.name, entry.digest) for entry in settings.client_keys] == [("team", digest_of("canary-team"))]
    assert "canary" not in repr(settings)


def test_resources_may_stand_in_a_file_where_there_is_one_to_read_it() -> None:
    environ = {"AZURE_OPENAI_RESOURCES": "resources.json", "AZURE_OPENAI_API_VERSION": "v1"}
    content = b'[{"endpoint": "https://a.openai.azure.com"}, {"endpoint": "https://b.openai.azure.com"}]'
    settings = Settings.from_environ(environ, read_file={"resources.json": content}.__getitem__)
    assert [(one.name, one.api_version) for one in settings.resources] == [("a", "v1"), ("b", "v1")]
    with pytest.raises(SettingError, match="AZURE_OPENAI_RESOURCES must be a JSON list, or the path"):
        Settings.from_environ(environ)


def test_what_is_let_in_does_not_wait_for_a_connection() -> None:
    assert read({"UPSTREAM_CONNECTIONS": "8"}).instance.upstream_connections == 256
    assert read({"UPSTREAM_CONNECTIONS": "8", "MAX_IN_FLIGHT": "4"}).instance.upstream_connections == 8
    assert read({"MAX_IN_FLIGHT": "512"}).instance.upstream_connections == 512


def test_host_json_and_the_environment_say_how_long_a_function_may_take() -> None:
    assert read(function_timeout="00:00:30").timeouts.total == 20.0
    assert read({"AzureFunctionsJobHost__functionTimeout": "00:05:00"}).timeouts.total == 290.0
    assert wrong({}, "00:00:10").name == wrong({}, "forever").name == "functionTimeout"


def test_clients_who_name_their_resource_need_no_endpoint() -> None:
    settings = Settings.from_environ(RESOURCE_KEYS)
    assert (settings.resources, settings.client_resources) == ((), frozenset({"my-res.openai.azure.com"}))
    assert [one.endpoint for one in read(RESOURCE_KEYS).resources] == [ENDPOINT["AZURE_OPENAI_ENDPOINT"]]
    with pytest.raises(SettingError, match="AZURE_OPENAI_ENDPOINT is not set"):
        Settings.from_environ({"CLIENT_AUTH": "azure-key"})


@pytest.mark.parametrize("environ", [{"CLIENT_AUTH": "azure-key"}, RESOURCE_KEYS])
def test_where_clients_bring_a_key_ours_is_not_at_hand(environ: dict[str, str]) -> None:
    assert [one.api_key for one in read(environ | KEY).resources] == [None]


@pytest.mark.parametrize("unset", [{}, {"CLIENT_RESOURCES": ""}, {"CLIENT_RESOURCES": " "}])
def test_that_clients_may_name_any_resource_must_be_written_out(unset: dict[str, str]) -> None:
    error = wrong({"CLIENT_AUTH": "resource-key", **unset})
    assert (error.name, "list the resources, or say *" in error.message) == ("CLIENT_RESOURCES", True)
    assert read({"CLIENT_AUTH": "resource-key", "CLIENT_RESOURCES": "*"}).client_resources == {"*"}
    assert wrong({"CLIENT_AUTH": "resource-key", "CLIENT_RESOURCES": ","}).name == "CLIENT_RESOURCES"


@pytest.mark.parametrize("environ", [{"CLIENT_AUTH": "azure-key"}, RESOURCE_KEYS])
def test_there_is_one_way_in_at_a_time(environ: dict[str, str]) -> None:
    assert wrong(environ | {"CLIENT_KEYS": "team=canary"}).name == "CLIENT_KEYS"
    assert read(environ | {"CLIENT_KEYS": " "} | VAULT).client_keys == ()


def test_a_proxy_on_the_way_out_is_read_and_never_shown() -> None:
    settings = read({"HTTPS_PROXY": "http://user:canary@proxy:3128"})
    assert settings.http_proxies.for_url(ENDPOINT["AZURE_OPENAI_ENDPOINT"]) is not None
    assert "canary" not in repr(settings)
    assert wrong({"https_proxy": "socks5://canary:1"}).name == "https_proxy"


@pytest.mark.parametrize("name", ["STREAM_HEAD_TIMEOUT", "STREAM_KEEP_ALIVE_INTERVAL"])
def test_a_silence_that_the_platform_ends_first_stops_the_start(name: str) -> None:
    assert wrong({name: "231"}).name == name
    assert read({name: "0.5"}).timeouts is not None


def test_the_keys_of_operators_are_no_clients() -> None:
    settings = read({"ADMIN_KEYS": "eve=admin-key-1", "CLIENT_KEYS": "alice=client-key-1"})
    assert [(key.client.name, key.is_admin) for key in settings.admin_keys] == [("eve", True)]
    assert [key.is_admin for key in settings.client_keys] == [False]


def test_one_key_is_not_both_a_clients_and_an_operators() -> None:
    both = {"ADMIN_KEYS": f"eve={GUID}", "CLIENT_KEYS": f"alice={GUID}"}
    error = wrong(both)
    assert error.name == "ADMIN_KEYS"
    assert GUID not in error.message
