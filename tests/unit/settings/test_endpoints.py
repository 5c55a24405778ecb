"""Addresses beside a resource's own."""

from collections.abc import Callable

import pytest

from proxy.settings import endpoints

CANARY = "canary"
GUID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
ID = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/contoso"


@pytest.mark.parametrize(
    ("read", "text", "address"),
    [
        (endpoints.openai, "https://api.openai.com", "https://api.openai.com"),
        (endpoints.openai, "https://api.openai.com/v1/", "https://api.openai.com"),
        (endpoints.openai, "https://eu.api.openai.com/v1", "https://eu.api.openai.com"),
        (endpoints.openai, "HTTPS://API.openai.com/v1", "https://API.openai.com"),
        (endpoints.openai, "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        (endpoints.resource_manager, "https://management.azure.com", "https://management.azure.com"),
        (endpoints.resource_manager, "https://management.usgovcloudapi.net/", "https://management.usgovcloudapi.net"),
        (endpoints.resource_manager, "http://localhost:9", "http://localhost:9"),
    ],
)
def test_an_address_is_scheme_and_host(read: Callable[[str], str], text: str, address: str) -> None:
    assert read(text) == address


WRONG = (
    "", CANARY, f"http://{CANARY}.com", f"https://{CANARY}.com/x", f"https://{CANARY}.com/openai", f"https://{CANARY}?a=b",
    f"https://{CANARY}#a", f"https://user@{CANARY}.com", f"https://{CANARY}:x", f"https://{CANARY}.com/openai/v1",
    f"https://{CANARY}.com/v1/v1", f"https://{CANARY}.com/v1?a=b",
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("read", [endpoints.openai, endpoints.resource_manager])
def test_any_other_address_is_refused_and_not_shown(read: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match="must be the https address of") as caught:
        read(text)
    assert CANARY not in str(caught.value)


def test_azure_resource_manager_has_no_v1() -> None:
    with pytest.raises(ValueError, match="management"):
        endpoints.resource_manager("https://management.azure.com/v1")


@pytest.mark.parametrize(
    "text",
    [
        ID,
        ID.lower(),
        ID.upper(),
        ID.replace("/rg/", "/my_rg.(1)-x/"),
        ID.replace("/rg/", f"/{'g' * 90}/"),
        ID.replace("contoso", "c" * 64),
        ID.replace("contoso", "co_n.t-"),
    ],
)
def test_a_resource_id_is_that_of_an_azure_openai_resource(text: str) -> None:
    assert endpoints.resource_id(text) == text


@pytest.mark.parametrize(
    "text", ["", CANARY, ID + "/", ID + "/deployments", "https://x.com" + ID, ID[1:], ID + "\n", ID + "#x"]
)
def test_another_path_is_no_resource_id(text: str) -> None:
    refuses_id(text)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        (GUID, CANARY),
        (GUID, GUID.replace("-", "")),
        *(("/rg/", f"/{group}/") for group in ("", "..", "rg.", "r g", "rg%2F", "grün", "g" * 91)),
        *(("contoso", account) for account in ("", ".", "..", "c", "c" * 65, "c?x")),
        ("Cognitive", "Storage"),
        ("Microsoft.", "Microsoftx"),
        ("Services/", "\u017fervices/"),
        ("subscriptions", "tenants"),
    ],
)
def test_each_part_of_a_resource_id_is_checked(part: str, wrong: str) -> None:
    refuses_id(ID.replace(part, wrong))


def refuses_id(text: str) -> None:
    with pytest.raises(ValueError, match="must be an Azure OpenAI resource's id") as caught:
        endpoints.resource_id(text)
    assert CANARY not in str(caught.value)
