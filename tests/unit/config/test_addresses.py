"""Addresses are checked, and cut to what is theirs."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.address_rules import AddressRules
from proxy.config.addresses import (
    LOOPBACK,
    RESOURCE_SUFFIXES,
    parse_client_resources,
    parse_endpoint,
    parse_key_vault_url,
    parse_limits_store,
    parse_openai_endpoint,
    parse_origins,
    parse_resource_host,
    parse_resource_id,
    parse_resource_manager_url,
    port_of,
    split_url,
)

CANARY = "canary"
NAME = "https://name.openai.azure.com"
GUID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
ID = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/contoso"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        *((f"{NAME}{shown}", NAME) for shown in (
            "", "/", "//", "/openai", "/openai/", "/openai/v1", "/openai/v1/", "?a=b", "/openai/v1?api-version=x", "#x",
        )),
        ("HTTPS://name.openai.azure.com", NAME),
        ("https://name.services.ai.azure.com", "https://name.services.ai.azure.com"),
        ("https://name.openai.azure.us:8443/", "https://name.openai.azure.us:8443"),
        ("http://localhost:8080/openai/v1/", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)  # fmt: skip
def test_an_endpoint_is_scheme_and_host(text: str, endpoint: str) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "", CANARY, f"{CANARY}.openai.azure.com", f"//{CANARY}.com", f"ftp://{CANARY}.com", f"http://{CANARY}.com",
        f"https://{CANARY}@name.com", f"https://user:{CANARY}@name.com", f"https://{CANARY}:99999", f"https://{CANARY}:x",
        f"https://{CANARY}:", "https://", "https:///openai", f"https://{CANARY}/x", f"https://{CANARY}/openai/v1/chat",
        f"https://{CANARY}/openai/deployments/d", f"https://{CANARY}/OPENAI", f"https://{CANARY} .com", f"https://[{CANARY}",
        f"http://127.0.0.1.{CANARY}.com", f"http://localhost.{CANARY}.com", f"http://{CANARY}@localhost", f"https://{CANARY}_x",
        "http://0.0.0.0", "http://128.0.0.1", "http://[::2]", f"https://{CANARY}\\@name.com", f"https://{CANARY}%2ecom",
        f"https://{CANARY}/../openai", f"https://é{CANARY}.com", "http://169.254.169.254",
    ],
)  # fmt: skip
def test_another_address_is_no_endpoint(text: str) -> None:
    refuses(parse_endpoint, text)


def refuses(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse(text)
    assert CANARY not in str(caught.value)


@given(st.text(max_size=40) | st.from_regex(r"https?://[a-z@:.\[\]\\/%?#0-9]{0,30}", fullmatch=True))
def test_any_text_is_an_endpoint_of_a_plain_form_or_refused(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except ValueError as error:
        assert str(error).startswith("must")  # noqa: PT017  the refusal is allowed, its words are checked
        return
    scheme, _, host = endpoint.partition("://")
    assert scheme in ("http", "https")
    assert host
    assert not set(host) & set("/@?#\\% ")


GOOD: list[tuple[Callable[[str], object], str, object]] = [
    (parse_key_vault_url, "https://v.vault.azure.net", "https://v.vault.azure.net"),
    (parse_key_vault_url, "https://v.vault.azure.net:443/", "https://v.vault.azure.net:443"),
    (parse_limits_store, "memory", "memory"),
    (parse_limits_store, "https://a.table.core.windows.net/", "https://a.table.core.windows.net"),
    (parse_limits_store, "http://127.0.0.1:10002/devstoreaccount1", "http://127.0.0.1:10002/devstoreaccount1"),
    (parse_client_resources, " * ,", frozenset({"*"})),
    (parse_client_resources, "my-res", frozenset({"my-res.openai.azure.com"})),
    (parse_client_resources, " A ,, b.openai.azure.us", frozenset({"a.openai.azure.com", "b.openai.azure.us"})),
    (parse_origins, "*", frozenset({"*"})),
    (parse_origins, "https://chat.example.com", frozenset({"https://chat.example.com"})),
    (parse_origins, " http://localhost:3000 ,, https://a.b", frozenset({"http://localhost:3000", "https://a.b"})),
    (parse_origins, "https://Chat.Example.com", frozenset({"https://chat.example.com"})),
]


@pytest.mark.parametrize(("parse", "text", "value"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_a_good_text_becomes_its_value(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


BAD: list[tuple[Callable[[str], object], list[str]]] = [
    (parse_key_vault_url, ["", "http://canary", "canary", "https://canary/x", "https://canary/?a=b", "https://a@canary",
                           "https://canary:x", "https://canary:70000", "http://localhost", "https://[canary"]),
    (parse_limits_store, ["", "canary", "https://canary/x", "http://canary/devstoreaccount1", "http://localhost",
                          "https://a@canary", "https://canary?a", "https://canary#a"]),
    (parse_client_resources, ["", ",", "*,canary", "canary.com", "https://canary.openai.azure.com", "canary:x",
                              "*.canary"]),
    (parse_origins, ["canary", "*canary", "*,https://canary", "https://canary/", "https://canary/x", "ftp://canary",
                     "https://*.canary", "null", "https://user@canary", "https://canary:x",
                     "https://a.b https://canary", "https://"]),
]  # fmt: skip


@pytest.mark.parametrize(("parse", "text"), [(parse, text) for parse, texts in BAD for text in texts])
def test_a_bad_text_is_refused_with_what_is_expected_and_not_shown(parse: Callable[[str], object], text: str) -> None:
    refuses(parse, text)


@pytest.mark.parametrize(
    ("read", "text", "address"),
    [
        (parse_resource_manager_url, "https://management.azure.com", "https://management.azure.com"),
        (parse_resource_manager_url, "https://management.usgovcloudapi.net/", "https://management.usgovcloudapi.net"),
        (parse_resource_manager_url, "http://localhost:9", "http://localhost:9"),
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
def test_any_other_address_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="must be the https address of") as caught:
        parse_resource_manager_url(text)
    assert CANARY not in str(caught.value)


PUBLIC, INSIDE = AddressRules(), AddressRules(loopback=True, private=True)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("HTTPS://API.openai.com/v1", "https://API.openai.com/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        ("https://x.com/v1beta/openai//", "https://x.com/v1beta/openai"),
        ("https://x.com/~me/api-2.0/_", "https://x.com/~me/api-2.0/_"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://[::1]:1234", "http://[::1]:1234/v1"),
        ("http://vllm.internal:8000/v1", "http://vllm.internal:8000/v1"),
    ],
)
def test_the_base_url_of_another_server_keeps_its_path(text: str, base: str) -> None:
    assert parse_openai_endpoint(text, INSIDE) == base


@pytest.mark.parametrize(
    "text",
    [
        "", CANARY, f"ftp://{CANARY}.com", f"https://user@{CANARY}.com", f"https://{CANARY}.com?a=b",
        f"https://{CANARY}.com#a", f"https://{CANARY}:x", f"https://{CANARY}.com/..", f"https://{CANARY}.com/./v1",
        f"https://{CANARY}.com/v1/../x", f"https://{CANARY}.com//v1", f"https://{CANARY}.com/v1%2f",
        f"https://{CANARY}.com/a b", f"https://{CANARY}.com/v1\\x", f"https://{CANARY}.com/v1/chat/completions",
        f"https://{CANARY}.com/v1/responses/", f"https://{CANARY}.com/v1/models", f"http://{CANARY}.com/v1",
        "http://127.0.0.1:11434/v1", "https://10.0.0.1", "https://169.254.169.254", f"https://{CANARY}.com/é",
    ],
)  # fmt: skip
def test_what_is_no_base_url_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse_openai_endpoint(text, PUBLIC)
    assert CANARY not in str(caught.value)


def test_azure_resource_manager_has_no_v1() -> None:
    with pytest.raises(ValueError, match="management"):
        parse_resource_manager_url("https://management.azure.com/v1")


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
    assert parse_resource_id(text) == text


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
        parse_resource_id(text)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("a", "a.openai.azure.com"),
        ("My-Res-1", "my-res-1.openai.azure.com"),
        ("9" * 63, "9" * 63 + ".openai.azure.com"),
        ("x.openai.azure.com", "x.openai.azure.com"),
        ("X.OPENAI.AZURE.US", "x.openai.azure.us"),
        ("x.cognitiveservices.azure.com", "x.cognitiveservices.azure.com"),
        ("x.services.ai.azure.com", "x.services.ai.azure.com"),
    ],
)
def test_a_resource_is_named_by_itself_or_by_its_host(text: str, host: str) -> None:
    assert parse_resource_host(text) == host


@pytest.mark.parametrize(
    "text",
    ["", ".", "-a", "a-", "a_b", "a b", "a" * 64, "a.", "a.com", "a.b.openai.azure.com", "a.openai.azure.com.",
     "a.openai.azure.com:443", "a/b", "a@b", "a\n", "é", "\u212a", "\u0131", "*", "a.openai.azure.cn",
     ".openai.azure.com"],
)  # fmt: skip
def test_nothing_else_is_a_resource(text: str) -> None:
    with pytest.raises(ValueError, match="must be the name of a resource"):
        parse_resource_host(text)


@given(st.text(max_size=10) | st.from_regex(r"[a-z.@:/]{1,9}\.openai\.azure\.com", fullmatch=True))
def test_a_host_is_a_plain_name_before_a_fixed_suffix(text: str) -> None:
    try:
        host = parse_resource_host(text)
    except ValueError:
        return
    name, _, suffix = host.partition(".")
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert f".{suffix}" in RESOURCE_SUFFIXES


@pytest.mark.parametrize("text", ["http://[x", "http://x:y", "http://x:99999"])
def test_what_is_no_address_has_no_parts(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be an address$"):
        split_url(text)


def test_this_machine_has_few_names() -> None:
    for name in ("localhost", "127.0.0.1", "127.9.8.7", "::1"):
        assert LOOPBACK.fullmatch(name)
    for name in ("localhost.evil", "127.0.0.1.evil", "128.0.0.1", "::2", "0.0.0.0"):
        assert not LOOPBACK.fullmatch(name)


@pytest.mark.parametrize(
    ("address", "port"), [("https://a.example", 443), ("http://a.example/x", 80), ("http://a.example:8080", 8080)]
)
def test_an_address_without_a_port_has_that_of_its_scheme(address: str, port: int) -> None:
    assert port_of(split_url(address)) == port
