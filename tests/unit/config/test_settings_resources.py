"""One resource by a variable for each trait, or several as JSON; never both."""

import json
from collections.abc import Mapping

import pytest

from proxy.config.environment import SettingError
from proxy.config.resources import Resource, read_no_file
from proxy.config.settings import Settings
from proxy.values import Api, AuthMode, ClientAuth, Deployed, ModelKind, Secret
from tests.unit.config.resource_samples import RESOURCE_ID, azure, openai

ADDRESS = "https://contoso.openai.azure.com"
ENDPOINT = {"AZURE_OPENAI_ENDPOINT": ADDRESS}
VAULT = {"KEY_VAULT_URL": "https://v.vault.azure.net"}
KEY = {"AZURE_OPENAI_API_KEY": "canary-key"}
SEVERAL = "AZURE_OPENAI_RESOURCES"
BRINGING = (ClientAuth.AZURE_KEY, ClientAuth.RESOURCE_KEY)
TRAITS = {
    "AZURE_OPENAI_ENDPOINT": ADDRESS,
    "AZURE_OPENAI_MODEL_MAPPER": "gpt-4o=chat",
    "AZURE_OPENAI_DEFAULT_DEPLOYMENT": "chat",
    "AZURE_OPENAI_AUTH": "managed-identity",
    "AZURE_OPENAI_API_KEY": "canary",
    "AZURE_OPENAI_RESOURCE_ID": RESOURCE_ID,
}


def read(
    *environs: Mapping[str, str], client_auth: ClientAuth = ClientAuth.KEYS, files: Mapping[str, bytes] | None = None
) -> tuple[Resource, ...]:
    environ = {name: value for environ in environs for name, value in environ.items()}
    if client_auth is ClientAuth.RESOURCE_KEY:
        environ["CLIENT_RESOURCES"] = "*"
    guid = "11111111-1111-1111-1111-111111111111"
    environ |= {"CLIENT_ENTRA_TENANT": guid, "CLIENT_ENTRA_AUDIENCES": guid}
    environ |= {"CLIENT_AUTH": client_auth.value, "AZURE_OPENAI_API_VERSION": "2024-10-21"}

    def read_file(path: str) -> bytes:
        return (files or {}).get(path) or read_no_file(path)

    return Settings.from_environ(environ, read_file=read_file).resources


def one(*environs: Mapping[str, str], client_auth: ClientAuth = ClientAuth.KEYS) -> Resource:
    (resource,) = read(*environs, client_auth=client_auth)
    return resource


def several(*entries: object) -> dict[str, str]:
    return {SEVERAL: json.dumps(entries)}


def wrong(*environs: Mapping[str, str], client_auth: ClientAuth = ClientAuth.KEYS) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read(*environs, client_auth=client_auth)
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__}"
    return caught.value


def test_an_endpoint_is_enough_for_one_resource() -> None:
    assert one(ENDPOINT) == Resource(name="contoso", endpoint=ADDRESS, api_version="2024-10-21")


@pytest.mark.parametrize(
    ("name", "text", "trait", "value"),
    [
        ("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:80/openai/v1/", "endpoint", "http://127.0.0.1:80"),
        ("AZURE_OPENAI_MODEL_MAPPER", "gpt-4o=chat", "models", {"gpt-4o": "chat"}),
        ("AZURE_OPENAI_DEFAULT_DEPLOYMENT", "chat", "default_deployment", "chat"),
        ("AZURE_OPENAI_DEFAULT_DEPLOYMENTS", '{"images": "i"}', "default_deployments", {ModelKind.IMAGES: "i"}),
        ("AZURE_OPENAI_DEPLOYMENT_APIS", "c=responses,d=auto", "deployment_apis", {"c": Api.RESPONSES}),
        ("AZURE_OPENAI_DEPLOYMENT_MODELS", "c=o3", "deployment_models", {"c": Deployed(name="c", model="o3")}),
        ("AZURE_OPENAI_KEY_SECRET", "other", "key_secret", "other"),
        ("AZURE_OPENAI_AUTH", "managed-identity", "auth", AuthMode.MANAGED_IDENTITY),
        ("AZURE_OPENAI_API_KEY", "k", "api_key", Secret("k")),
        ("AZURE_OPENAI_RESOURCE_ID", RESOURCE_ID, "resource_id", RESOURCE_ID),
    ],
)
def test_each_variable_of_one_resource_is_read(name: str, text: str, trait: str, value: object) -> None:
    assert getattr(one(ENDPOINT, {name: f" {text} "}), trait) == value
    if name in ENDPOINT:
        assert wrong({name: ""}).name == name
    else:
        assert one(ENDPOINT, {name: " "}) == one(ENDPOINT)
    assert wrong(ENDPOINT, {name: "canary /="}).name == name


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("https://my-res.openai.azure.com", "my-res"),
        ("http://localhost:8080", "localhost"),
        ("http://127.0.0.1:8081", "127"),
        ("http://[::1]:8081", "azure-openai"),
    ],
)
def test_one_resource_is_named_by_its_host(endpoint: str, name: str) -> None:
    assert one({"AZURE_OPENAI_ENDPOINT": endpoint}).name == name


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
    assert one(ENDPOINT, environ).auth is mode
    for chosen in (AuthMode.KEY_VAULT, AuthMode.MANAGED_IDENTITY, AuthMode.KEY):
        if chosen is AuthMode.MANAGED_IDENTITY or len(environ) == 2:
            assert one(ENDPOINT, environ, {"AZURE_OPENAI_AUTH": chosen.value}).auth is chosen


def test_a_key_is_at_hand_only_where_it_is_used() -> None:
    assert one(ENDPOINT, KEY).api_key == Secret("canary-key")
    assert one(ENDPOINT, KEY, VAULT).api_key is None
    assert one(ENDPOINT, KEY, {"AZURE_OPENAI_AUTH": "managed-identity"}).api_key is None
    assert "canary" not in repr(one(ENDPOINT, KEY))


def test_a_credential_that_is_not_there_is_named() -> None:
    assert wrong(ENDPOINT, {"AZURE_OPENAI_AUTH": "key-vault"}).name == "KEY_VAULT_URL"
    assert wrong(ENDPOINT, KEY, {"AZURE_OPENAI_AUTH": "key-vault", "KEY_VAULT_URL": " "}).name == "KEY_VAULT_URL"
    assert wrong(ENDPOINT, VAULT, {"AZURE_OPENAI_AUTH": "key"}).name == "AZURE_OPENAI_API_KEY"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_any_resource_nothing_starts(value: str | None) -> None:
    error = wrong({} if value is None else {"AZURE_OPENAI_ENDPOINT": value, SEVERAL: value})
    assert error.message.startswith("AZURE_OPENAI_ENDPOINT is not set: it must be the https address")


def test_several_resources_keep_their_order_and_take_what_they_leave_out() -> None:
    first, second, third = read(
        several(*azure(name="b", key_secret="own"), *openai_of_vault(), *azure(name="a", api_version="v1")),
        VAULT,
        {"AZURE_OPENAI_KEY_SECRET": "other"},
    )
    assert [resource.name for resource in (first, second, third)] == ["b", "api", "a"]
    assert [resource.key_secret for resource in (first, second, third)] == ["own", "other", "other"]
    assert [resource.api_version for resource in (first, second, third)] == ["2024-10-21", "v1", "v1"]
    assert {resource.auth for resource in (first, second, third)} == {AuthMode.KEY_VAULT}


def openai_of_vault() -> list[object]:
    return [{"endpoint": "https://api.openai.com/v1", "kind": "openai"}]


def test_several_resources_may_stand_in_a_file() -> None:
    content = json.dumps([*azure(name="a"), *azure(name="b")]).encode()
    path = "config/resources.json"
    assert [resource.name for resource in read({SEVERAL: path}, files={path: content})] == ["a", "b"]
    assert wrong({SEVERAL: "canary.json"}).message.startswith(f"{SEVERAL} must be a JSON list, or the path of a file")


def test_a_wrong_entry_is_told_by_its_number_and_member() -> None:
    assert wrong(several(*azure(), {"endpoint": "canary"})).message.startswith(
        f"{SEVERAL} is wrong in entry 2: endpoint must be the https address"
    )
    assert "api_key is for local use" in wrong(several(*azure(api_key="canary")), VAULT).message


@pytest.mark.parametrize("name", TRAITS)
@pytest.mark.parametrize("client_auth", ClientAuth)
def test_both_ways_at_once_stop_the_start_and_both_are_named(name: str, client_auth: ClientAuth) -> None:
    error = wrong(several(*azure()), {name: TRAITS[name]}, client_auth=client_auth)
    assert (error.name, f" and {name} must not both be set" in error.message) == (SEVERAL, True)
    assert read(several(*azure()), {name: " "}, client_auth=client_auth)


@pytest.mark.parametrize("client_auth", BRINGING)
def test_clients_who_bring_a_key_need_no_credential_of_ours_and_get_none(client_auth: ClientAuth) -> None:
    resource = one(ENDPOINT, KEY, {"AZURE_OPENAI_AUTH": "key-vault"}, client_auth=client_auth)
    assert (resource.api_key, resource.auth) == (None, AuthMode.KEY_VAULT)
    assert one(ENDPOINT, KEY, client_auth=client_auth).api_key is None
    assert one(several(*azure(api_key="canary")), client_auth=client_auth).api_key is None
    assert wrong(ENDPOINT, {"AZURE_OPENAI_AUTH": "canary"}, client_auth=client_auth).name == "AZURE_OPENAI_AUTH"


def test_clients_who_name_their_resource_need_none_of_ours() -> None:
    assert read(client_auth=ClientAuth.RESOURCE_KEY) == ()
    assert len(read(ENDPOINT, client_auth=ClientAuth.RESOURCE_KEY)) == 1
    assert len(read(several(*azure(name="a"), *azure(name="b")), client_auth=ClientAuth.RESOURCE_KEY)) == 2


def test_clients_who_bring_the_key_of_one_resource_need_exactly_one() -> None:
    by_key = ClientAuth.AZURE_KEY
    assert wrong(client_auth=by_key).message.startswith("AZURE_OPENAI_ENDPOINT is not set")
    assert one(several(*azure(name="a")), client_auth=by_key).name == "a"
    for entries in ([*azure(name="a"), *azure(name="b")], openai(api_key="canary")):
        error = wrong(several(*entries), client_auth=by_key)
        assert (error.name, "must have one entry, of kind azure" in error.message) == (SEVERAL, True)
