"""The ids of a set-up in commands."""

import base64

import pytest

from proxy.config.resources import Resource, ResourceKind
from proxy.config.settings import Settings
from proxy.diagnosis.commands import (
    Holder,
    host_and_port,
    of_app,
    of_authority,
    of_resource,
    of_table,
    of_vault_host,
    read_holder,
)

PRINCIPAL = "33333333-3333-3333-3333-333333333333"
CLIENT_ID = "44444444-4444-4444-4444-444444444444"
ON_AZURE = {"WEBSITE_SITE_NAME": "app-1", "WEBSITE_RESOURCE_GROUP": "rg one"}
ENVIRON = {"AZURE_OPENAI_ENDPOINT": "https://contoso.openai.azure.com"}
ID = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-1/providers/Microsoft.CognitiveServices/accounts/contoso"  # noqa: E501


def token(claims: bytes) -> str:
    return f"head.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


def test_a_token_says_whose_it_is() -> None:
    holder = read_holder(token(b'{"oid":"%s","aud":"https://a"}' % PRINCIPAL.encode()))
    assert holder == Holder(principal=PRINCIPAL, audience="https://a")


@pytest.mark.parametrize(
    "text", ["", "opaque", "a.b.c", "a.!!.c", token(b"[]"), token(b'{"oid":1}'), token(b"{}"), token(b"\xff")]
)
def test_a_token_that_cannot_be_read_says_nothing(text: str) -> None:
    assert read_holder(text) == Holder()


@pytest.mark.parametrize("oid", ["$(reboot)", "a b", "ä"])
def test_an_id_that_is_none_comes_into_no_command(oid: str) -> None:
    assert read_holder(token(b'{"oid":"%s"}' % oid.encode())).principal is None


def test_on_azure_the_app_and_its_group_are_named() -> None:
    places = of_app(ON_AZURE, None, Holder())
    assert places["set"] == ("az functionapp config appsettings set --name app-1 --resource-group 'rg one' --settings")
    assert places["mend_identity"].startswith("az functionapp identity assign --name app-1")
    assert places["principal"].startswith('"$(az functionapp identity show --name app-1')
    assert places["principal_type"] == "ServicePrincipal"
    assert places["vault"] == "VAULT"


def test_on_ones_own_machine_the_login_is_the_identity() -> None:
    places = of_app({}, Settings.from_environ(ENVIRON), Holder())
    assert (places["set"], places["mend_identity"], places["principal_type"]) == ("export", "az login", "User")
    assert "signed-in-user" in places["principal"]


def test_the_principal_is_that_of_the_token_or_of_the_client_id() -> None:
    settings = Settings.from_environ(
        {**ENVIRON, "AZURE_CLIENT_ID": CLIENT_ID, "KEY_VAULT_URL": "https://kv-1.vault.azure.net"}
    )
    assert of_app(ON_AZURE, settings, Holder())["principal"] == (
        f'"$(az ad sp show --id {CLIENT_ID} --query id --output tsv)"'
    )
    known = of_app({}, settings, Holder(principal=PRINCIPAL))
    assert (known["principal"], known["principal_type"]) == (PRINCIPAL, "ServicePrincipal")
    assert known["vault_id"] == '"$(az keyvault show --name kv-1 --query id --output tsv)"'


def test_a_resource_is_named_by_its_id_or_looked_up_by_its_host() -> None:
    one = Resource(name="contoso", endpoint="https://contoso.openai.azure.com", resource_id=ID)
    places = of_resource(one)
    assert places["account_id"] == ID
    assert places["account_options"] == (
        "--name contoso --resource-group rg-1 --subscription 22222222-2222-2222-2222-222222222222"
    )
    places = of_resource(Resource(name="contoso", endpoint="https://contoso.openai.azure.com"))
    assert "contains(properties.endpoint, 'contoso.openai.azure.com')" in places["account_id"]
    assert places["account_options"] == "--name contoso --resource-group ACCOUNT_GROUP"


def test_a_table_is_named_by_its_account() -> None:
    places = of_table("https://st1.table.core.windows.net", "LIMITS_STORE")
    assert (places["account"], places["setting"]) == ("st1", "LIMITS_STORE")


def test_hosts_have_their_ports_and_zones() -> None:
    assert host_and_port("https://a.example") == "a.example:443"
    assert host_and_port("http://127.0.0.1") == "127.0.0.1:80"
    assert host_and_port("http://127.0.0.1:81/v1") == "127.0.0.1:81"
    assert of_vault_host("https://kv.vault.azure.net")["private_zone"] == "privatelink.vaultcore.azure.net"


def test_keys_are_in_the_vault_or_in_the_file_of_ones_own_machine() -> None:
    assert of_app({}, None, Holder())["keys"] == "--file local.settings.json"
    assert of_app({}, None, Holder())["overlap"] == ""
    assert of_app(ON_AZURE, None, Holder())["keys"] == "--vault VAULT"
    settings = Settings.from_environ({**ENVIRON, "KEY_VAULT_URL": "https://kv-1.vault.azure.net"})
    assert of_app({}, settings, Holder())["keys"] == "--vault kv-1"


def test_a_server_that_is_not_azures_has_no_account_whose_key_could_be_listed() -> None:
    one = Resource(name="mine", endpoint="https://server.example/v1", kind=ResourceKind.OPENAI)
    places = of_resource(one)
    assert (places["account_key"], places["base"]) == ("$KEY", "https://server.example/v1")
    assert places["setting"] == "endpoint of mine in AZURE_OPENAI_RESOURCES"


def test_the_authority_of_tokens_is_named() -> None:
    assert of_authority("https://login.microsoftonline.com")["setting"] == "CLIENT_ENTRA_AUTHORITY"
