"""All settings from one environment."""

from collections.abc import Mapping

import pytest

from proxy.messages import AuthMode, ClientAuth
from proxy.settings import Settings
from proxy.settings.proxies import Proxies
from proxy.settings.reader import SettingError

ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}
VAULT = {"KEY_VAULT_URL": "https://v.vault.azure.net/"}
KEY = {"AZURE_OPENAI_API_KEY": "canary-key"}
RESOURCE_KEYS = {"CLIENT_AUTH": "resource-key", "CLIENT_RESOURCES": "my-res"}
CANARY = "canary value"


def read(extra: Mapping[str, str] | None = None, function_timeout: str = "00:30:00") -> Settings:
    return Settings.from_environ(ENDPOINT | dict(extra or {}), f'{{"functionTimeout":"{function_timeout}"}}'.encode())


def wrong(extra: Mapping[str, str], function_timeout: str = "00:30:00") -> SettingError:
    with pytest.raises(SettingError) as caught:
        read(extra, function_timeout)
    assert str(caught.value).startswith(caught.value.name)
    return caught.value


def test_one_variable_is_enough() -> None:
    settings = Settings.from_environ(ENDPOINT)
    assert settings.endpoint == "https://name.openai.azure.com"
    assert settings.api_version == "2025-04-01-preview"
    assert (settings.models, settings.default_deployment, settings.client_keys) == ({}, None, ())
    assert (settings.auth, settings.managed, settings.client_id) == (AuthMode.MANAGED_IDENTITY, False, None)
    assert (settings.key_vault_url, settings.key_secret, settings.api_key) == (None, "azure-openai-key", None)
    assert settings.token_scope == "https://cognitiveservices.azure.com/.default"
    assert (settings.connections, settings.max_json_body) == (256, 33_554_432)
    assert (settings.operation_surfaces, settings.forwards_unknown, settings.stores) == ({}, False, True)
    assert settings.allowed_origins == {"*"}
    assert (settings.client_auth, settings.client_resources) == (ClientAuth.KEYS, frozenset())
    assert (settings.repairs, settings.keeps_filters, settings.proxies) == (True, False, Proxies())


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_the_endpoint_nothing_starts(value: str | None) -> None:
    environ = {} if value is None else {"AZURE_OPENAI_ENDPOINT": value}
    with pytest.raises(SettingError, match="AZURE_OPENAI_ENDPOINT is not set: it must be the https address"):
        Settings.from_environ(environ)


GOOD: list[tuple[str, str, str, object]] = [
    ("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:80/openai/v1/", "endpoint", "http://127.0.0.1:80"),
    ("AZURE_OPENAI_API_VERSION", "v1", "api_version", "v1"),
    ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=chat", "models", {"gpt-4o": "chat"}),
    ("AZURE_OPENAI_DEFAULT_DEPLOYMENT", "chat", "default_deployment", "chat"),
    ("KEY_VAULT_URL", "https://v.vault.azure.net/", "key_vault_url", "https://v.vault.azure.net"),
    ("AZURE_OPENAI_KEY_SECRET", "other", "key_secret", "other"),
    ("AZURE_CLIENT_ID", "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", "client_id", "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"),
    ("AZURE_OPENAI_TOKEN_SCOPE", "https://ai.azure.com/.default", "token_scope", "https://ai.azure.com/.default"),
    ("AZURE_OPENAI_AUTH", "managed-identity", "auth", AuthMode.MANAGED_IDENTITY),
    ("IDENTITY_ENDPOINT", "http://localhost", "managed", True),
    ("MSI_ENDPOINT", "http://localhost", "managed", True),
    ("UPSTREAM_CONNECTIONS", "8", "connections", 8),
    ("MAX_JSON_BODY_BYTES", "1024", "max_json_body", 1024),
    ("AZURE_OPENAI_OPERATION_SURFACES", "createImage=v1", "operation_surfaces", {"createImage": "v1"}),
    ("FORWARD_UNKNOWN_OPERATIONS", "true", "forwards_unknown", True),
    ("STORED_OBJECTS", "off", "stores", False),
    ("ALLOWED_ORIGINS", "https://a.example", "allowed_origins", frozenset({"https://a.example"})),
    ("CLIENT_AUTH", "azure-key", "client_auth", ClientAuth.AZURE_KEY),
    ("CLIENT_RESOURCES", "a, b", "client_resources", frozenset({"a.openai.azure.com", "b.openai.azure.com"})),
    ("REPAIR_PARAMETERS", "false", "repairs", False),
    ("CONTENT_FILTER_RESULTS", "keep", "keeps_filters", True),
]
TIMEOUTS = {
    "UPSTREAM_CONNECT_TIMEOUT": "connect",
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "first_byte",
    "UPSTREAM_IDLE_TIMEOUT": "idle",
    "UPSTREAM_TOTAL_TIMEOUT": "total",
}
READ_AS_THEY_ARE = {"AZURE_OPENAI_ENDPOINT", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"}


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_every_variable_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(read({name: f" {text} "}), field) == value


@pytest.mark.parametrize(
    "name", [name for name, *_ in GOOD if name not in READ_AS_THEY_ARE] + [*TIMEOUTS, *KEY, "CLIENT_KEYS"]
)
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert read({name: ""}) == read({name: " "}) == read()


@pytest.mark.parametrize(
    "name", [name for name, *_ in GOOD if "IDENTITY" not in name and "MSI" not in name] + [*TIMEOUTS]
)
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
    assert settings.api_key is not None
    assert settings.api_key.reveal() == "canary-key"
    assert [(entry.client.name, entry.key.reveal()) for entry in settings.client_keys] == [("team", "canary-team")]
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "mode"),
    [
        ({}, AuthMode.MANAGED_IDENTITY),
        (KEY, AuthMode.KEY),
        (VAULT, AuthMode.KEY_VAULT),
        (VAULT | KEY, AuthMode.KEY_VAULT),
    ],
)
def test_the_credential_is_what_is_set_and_the_vault_goes_first(environ: dict[str, str], mode: AuthMode) -> None:
    assert read(environ).auth is mode
    for chosen in AuthMode:
        if chosen is AuthMode.MANAGED_IDENTITY or len(environ) == 2:
            assert read(environ | {"AZURE_OPENAI_AUTH": chosen.value}).auth is chosen


def test_a_credential_that_is_not_there_is_named() -> None:
    assert wrong({"AZURE_OPENAI_AUTH": "key-vault"}).name == "KEY_VAULT_URL"
    assert wrong(KEY | {"AZURE_OPENAI_AUTH": "key-vault", "KEY_VAULT_URL": " "}).name == "KEY_VAULT_URL"
    assert wrong(VAULT | {"AZURE_OPENAI_AUTH": "key"}).name == "AZURE_OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("function_timeout", "first_byte", "total"),
    [("00:30:00", 215.0, 1790.0), ("00:05:00", 215.0, 290.0), ("-1", 215.0, 3600.0), ("1.00:00:00", 215.0, 86_390.0)],
)
def test_the_default_timeouts_end_before_the_platform_does(
    function_timeout: str, first_byte: float, total: float
) -> None:
    timeouts = read(function_timeout=function_timeout).timeouts
    assert (timeouts.connect, timeouts.first_byte, timeouts.idle, timeouts.total) == (3.0, first_byte, 180.0, total)


def test_a_timeout_may_reach_the_platforms_limit_and_no_further() -> None:
    assert read({"UPSTREAM_FIRST_BYTE_TIMEOUT": "230"}).timeouts.first_byte == 230.0
    assert wrong({"UPSTREAM_FIRST_BYTE_TIMEOUT": "230.1"}).name == "UPSTREAM_FIRST_BYTE_TIMEOUT"
    assert read({"UPSTREAM_TOTAL_TIMEOUT": "1790"}).timeouts.total == 1790.0
    assert wrong({"UPSTREAM_TOTAL_TIMEOUT": "1790.1"}).name == "UPSTREAM_TOTAL_TIMEOUT"
    assert wrong({"UPSTREAM_FIRST_BYTE_TIMEOUT": "60"}, "00:01:00").name == "UPSTREAM_FIRST_BYTE_TIMEOUT"
    assert read({"UPSTREAM_TOTAL_TIMEOUT": "86400"}, "-1").timeouts.total == 86_400.0
    assert read({"UPSTREAM_CONNECT_TIMEOUT": "9", "UPSTREAM_IDLE_TIMEOUT": "8.5"}).timeouts.idle == 8.5


def test_the_environment_may_set_the_function_timeout() -> None:
    assert read({"AzureFunctionsJobHost__functionTimeout": "00:05:00"}).timeouts.total == 290.0


@pytest.mark.parametrize("function_timeout", ["00:00:00", "00:00:09", "00:00:10"])
def test_a_function_timeout_without_room_for_a_request_is_refused(function_timeout: str) -> None:
    assert wrong({}, function_timeout).name == "functionTimeout"


def test_silence_within_an_answer_is_bounded_by_the_platforms() -> None:
    with pytest.raises(SettingError, match="UPSTREAM_IDLE_TIMEOUT must not be above 230 seconds"):
        Settings.from_environ({"AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com", "UPSTREAM_IDLE_TIMEOUT": "9999"})


def test_clients_who_bring_a_key_need_no_credential_of_ours_and_get_none() -> None:
    settings = read({"CLIENT_AUTH": "azure-key", "AZURE_OPENAI_AUTH": "key-vault", **KEY})
    assert (settings.client_auth, settings.api_key) == (ClientAuth.AZURE_KEY, None)
    assert read(RESOURCE_KEYS | KEY | {"AZURE_OPENAI_AUTH": "key"}).api_key is None
    assert wrong({"CLIENT_AUTH": "azure-key", "AZURE_OPENAI_AUTH": CANARY}).name == "AZURE_OPENAI_AUTH"


def test_clients_who_name_their_resource_need_no_endpoint() -> None:
    settings = Settings.from_environ(RESOURCE_KEYS)
    assert (settings.endpoint, settings.client_resources) == ("", frozenset({"my-res.openai.azure.com"}))
    assert read(RESOURCE_KEYS).endpoint == ENDPOINT["AZURE_OPENAI_ENDPOINT"]
    with pytest.raises(SettingError, match="AZURE_OPENAI_ENDPOINT is not set"):
        Settings.from_environ({"CLIENT_AUTH": "azure-key"})


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
    assert settings.proxies.of(settings.endpoint) is not None
    assert "canary" not in repr(settings)
    assert wrong({"https_proxy": "socks5://canary:1"}).name == "https_proxy"


@pytest.mark.parametrize("name", ["STREAM_HEAD_TIMEOUT", "STREAM_KEEP_ALIVE_INTERVAL"])
def test_a_silence_that_the_platform_ends_first_stops_the_start(name: str) -> None:
    assert wrong({name: "231"}).name == name
    assert read({name: "0.5"}).timeouts is not None
