"""The settings for tokens of Microsoft Entra ID."""

import json

import pytest

from proxy.config.entra import EntraAccess, EntraSettings, parse_access, parse_audiences, parse_tenant
from proxy.config.environment import SettingError
from proxy.config.settings import Settings
from proxy.values import AuthMode, ClientAuth, Limits

APP = "22222222-2222-2222-2222-22222222222a"
GROUP = "ABCDEF00-0000-0000-0000-000000000000"
ENVIRON = {
    "AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com",
    "CLIENT_AUTH": "entra",
    "CLIENT_ENTRA_TENANT": "1111111A-1111-1111-1111-111111111111",
    "CLIENT_ENTRA_AUDIENCES": APP,
}


def read(**changed: str) -> Settings:
    return Settings.from_environ({**ENVIRON, **changed})


def wrong(**changed: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read(**changed)
    return caught.value


def test_a_tenant_and_an_audience_are_enough() -> None:
    settings = read()
    assert settings.client_auth is ClientAuth.ENTRA
    assert settings.entra == EntraSettings(
        authority="https://login.microsoftonline.com",
        tenant="1111111a-1111-1111-1111-111111111111",
        audiences=(f"api://{APP}", APP),
        access=EntraAccess(),
    )
    assert settings.resources[0].auth is AuthMode.MANAGED_IDENTITY


def test_our_own_credential_serves_clients_with_a_token() -> None:
    assert read(AZURE_OPENAI_API_KEY="canary").resources[0].api_key is not None
    assert wrong(AZURE_OPENAI_AUTH="key").name == "AZURE_OPENAI_API_KEY"


def test_where_no_tokens_are_accepted_the_settings_for_them_may_be_absent_and_not_wrong() -> None:
    assert read(CLIENT_AUTH="keys", CLIENT_ENTRA_TENANT="").entra is None
    assert read(CLIENT_AUTH="keys").entra is None
    assert wrong(CLIENT_AUTH="keys", CLIENT_ENTRA_TENANT="canary").name == "CLIENT_ENTRA_TENANT"


@pytest.mark.parametrize("name", ["CLIENT_ENTRA_TENANT", "CLIENT_ENTRA_AUDIENCES"])
@pytest.mark.parametrize("mode", ["entra", "keys-and-entra"])
def test_tenant_and_audience_are_required(name: str, mode: str) -> None:
    assert wrong(CLIENT_AUTH=mode, **{name: ""}).message.startswith(f"{name} is not set")


def test_client_keys_go_with_tokens_only_where_both_are_accepted() -> None:
    assert wrong(CLIENT_KEYS="a=sk-a").name == "CLIENT_KEYS"
    settings = read(CLIENT_AUTH="keys-and-entra", CLIENT_KEYS="a=sk-a")
    assert (len(settings.client_keys), settings.entra is not None) == (1, True)


@pytest.mark.parametrize(
    ("text", "audiences"),
    [
        (APP, (f"api://{APP}", APP)),
        (f"api://{APP}", (f"api://{APP}", APP)),
        (f" api://my-proxy , {APP}", ("api://my-proxy", f"api://{APP}", APP)),
        ("https://proxy.example.com/a", ("https://proxy.example.com/a",)),
    ],
)
def test_a_client_id_stands_for_its_uri_and_the_other_way_round(text: str, audiences: tuple[str, ...]) -> None:
    assert parse_audiences(text) == audiences


@pytest.mark.parametrize(
    "text", ["", " , ", "canary", "http://a", "api://", "api://a b", 'api://"', "api://<", f"{APP}x"]
)
def test_what_is_no_audience_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_audiences(text)


@pytest.mark.parametrize("text", ["", "common", "contoso.onmicrosoft.com", "organizations"])
def test_a_tenant_is_named_by_its_id(text: str) -> None:
    with pytest.raises(ValueError, match="GUID"):
        parse_tenant(text)


@pytest.mark.parametrize("text", ["login.microsoftonline.com", "http://login.microsoftonline.com", "https://a/b"])
def test_an_authority_is_an_https_address_without_a_path(text: str) -> None:
    assert wrong(CLIENT_ENTRA_AUTHORITY=text).name == "CLIENT_ENTRA_AUTHORITY"


def test_roles_groups_and_others_have_limits_over_the_defaults() -> None:
    limits = {
        "roles": {"Power": {"rpm": "unlimited"}, "User": {}},
        "groups": {GROUP: {"models": ["@small"]}},
        "others": {"rpm": 1},
    }
    settings = read(
        CLIENT_ENTRA_LIMITS=json.dumps(limits),
        CLIENT_KEY_DEFAULTS='{"rpm": 60}',
        CLIENT_KEY_MODEL_SETS='{"small": ["gpt-5-mini"]}',
    )
    assert settings.entra is not None
    assert settings.entra.access == EntraAccess(
        roles={"Power": None, "User": Limits(rpm=60)},
        groups={GROUP.lower(): Limits(rpm=60, models=("gpt-5-mini",))},
        others=Limits(rpm=1),
    )


def test_who_is_in_none_of_the_setting_is_refused_unless_it_has_others() -> None:
    settings = read(CLIENT_ENTRA_LIMITS='{"roles": {"User": {}}}')
    assert settings.entra is not None
    assert not settings.entra.access.admits_others


def test_without_the_setting_everybody_has_the_defaults() -> None:
    settings = read(CLIENT_KEY_DEFAULTS='{"rpm": 60}')
    assert settings.entra is not None
    assert settings.entra.access == EntraAccess(others=Limits(rpm=60))


@pytest.mark.parametrize(
    "text",
    ["[]", "x", '{"users": {}}', '{"roles": []}', '{"roles": {"a b": {}}}', '{"groups": {"team": {}}}',
     '{"roles": {"User": {"rmp": 1}}}', '{"others": 1}', '{"roles": {"User": 1}}'],
)  # fmt: skip
def test_limits_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|has"):
        parse_access(text)
    assert wrong(CLIENT_ENTRA_LIMITS=text).name == "CLIENT_ENTRA_LIMITS"


def test_a_limit_that_is_wrong_stops_the_start_with_the_name_of_the_setting() -> None:
    error = wrong(CLIENT_ENTRA_LIMITS='{"roles": {"User": {"rpm": "many"}}}')
    assert error.name == "CLIENT_ENTRA_LIMITS"
    assert "many" not in error.message
