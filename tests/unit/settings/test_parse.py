"""One kind of setting after the other: text in, value out, or what is expected."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.settings import parse
from proxy.values import AuthMode, ClientAuth

CANARY = "canary"
NAME = "https://name.openai.azure.com"


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
    assert parse.endpoint(text) == endpoint


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
    refuses(parse.endpoint, text)


def refuses(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"must|has no|names|uses") as caught:
        read(text)
    assert CANARY not in str(caught.value)


GOOD: list[tuple[Callable[[str], object], str, object]] = [
    (parse.key_vault_url, "https://v.vault.azure.net", "https://v.vault.azure.net"),
    (parse.key_vault_url, "https://v.vault.azure.net:443/", "https://v.vault.azure.net:443"),
    (parse.api_version, "v1", "v1"),
    (parse.api_version, "2024-10-21", "2024-10-21"),
    (parse.api_version, "2025-04-01-preview", "2025-04-01-preview"),
    (parse.deployment, "gpt-4o_x.1", "gpt-4o_x.1"),
    (parse.secret_name, "azure-openai-key", "azure-openai-key"),
    (parse.secret_name, "x" * 127, "x" * 127),
    (parse.client_id, "5E0bd9bd-7b93-4f28-af87-19fc36ad61bd", "5E0bd9bd-7b93-4f28-af87-19fc36ad61bd"),
    (parse.token_scope, "https://ai.azure.com/.default", "https://ai.azure.com/.default"),
    (parse.auth_mode, "key-vault", AuthMode.KEY_VAULT),
    (parse.auth_mode, "managed-identity", AuthMode.MANAGED_IDENTITY),
    (parse.auth_mode, "key", AuthMode.KEY),
    (parse.client_auth, "keys", ClientAuth.KEYS),
    (parse.client_auth, "azure-key", ClientAuth.AZURE_KEY),
    (parse.client_auth, "resource-key", ClientAuth.RESOURCE_KEY),
    (parse.client_resources, " * ,", frozenset({"*"})),
    (parse.client_resources, "my-res", frozenset({"my-res.openai.azure.com"})),
    (parse.client_resources, " A ,, b.openai.azure.us", frozenset({"a.openai.azure.com", "b.openai.azure.us"})),
    (parse.filter_results, "strip", False),
    (parse.filter_results, "keep", True),
    (parse.seconds, "0.5", 0.5),
    (parse.seconds, "86400", 86_400.0),
    (parse.seconds, "1e2", 100.0),
    (parse.count, "1", 1),
    (parse.count, "0033554432", 33_554_432),
    (parse.count, "9" * 18, 10**18 - 1),
    (parse.model_mapper, "", {}),
    (parse.model_mapper, "a=b", {"a": "b"}),
    (parse.model_mapper, " a = b , c/d e=f ,, ", {"a": "b", "c/d e": "f"}),
    (parse.client_keys, " , ", ()),
    (parse.operation_surfaces, "", {}),
    (parse.operation_surfaces, "createImage=v1", {"createImage": "v1"}),
    (parse.operation_surfaces, " a-b = v1 , createImage = classic ,", {"a-b": "v1", "createImage": "classic"}),
    (parse.flag, "true", True),
    (parse.flag, "True", True),
    (parse.flag, "1", True),
    (parse.flag, "FALSE", False),
    (parse.flag, "0", False),
    (parse.stored_objects, "shared", True),
    (parse.stored_objects, "off", False),
    (parse.origins, "*", frozenset({"*"})),
    (parse.origins, "https://chat.example.com", frozenset({"https://chat.example.com"})),
    (parse.origins, " http://localhost:3000 ,, https://a.b", frozenset({"http://localhost:3000", "https://a.b"})),
    (parse.origins, "https://Chat.Example.com", frozenset({"https://chat.example.com"})),
]


@pytest.mark.parametrize(("read", "text", "value"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_a_good_text_becomes_its_value(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


BAD: list[tuple[Callable[[str], object], list[str]]] = [
    (parse.key_vault_url, ["", "http://canary", "canary", "https://canary/x", "https://canary/?a=b", "https://a@canary",
                           "https://canary:x", "https://canary:70000", "http://localhost", "https://[canary"]),
    (parse.api_version, ["", "canary", "v2", "V1", "2024-10-21-canary", "2024-1-1", "2024-10-21\n", "v1&canary",
                         "\u0662024-10-21"]),
    (parse.deployment, ["", ".", "..", "canary/x", "canary x", "canary" * 11, "canary\n", "é"]),
    (parse.secret_name, ["", "canary_x", "canary/x", "x" * 128, "canary.x", "canary "]),
    (parse.client_id, ["", "canary", "5e0bd9bd7b934f28af8719fc36ad61bd", "{5e0bd9bd-7b93-4f28-af87-19fc36ad61bd}"]),
    (parse.token_scope, ["", "canary", "http://canary/.default", "https://canary", "https://canary/.default "]),
    (parse.secret, ["", "canary key", "canary\n", "canaryé", "canary\x7f", "\tcanary"]),
    (parse.auth_mode, ["", "canary", "Key", "KEY_VAULT", "keyvault", "none"]),
    (parse.client_auth, ["", "canary", "Keys", "azure_key", "resource", "keys,azure-key"]),
    (parse.client_resources, ["", ",", "*,canary", "canary.com", "https://canary.openai.azure.com", "canary:x",
                              "*.canary"]),
    (parse.filter_results, ["", "canary", "Strip", "true"]),
    (parse.seconds, ["", "canary", "0", "-1", "nan", "inf", "-inf", "86400.1", "1e99", "1 s", "0x5", "1,5"]),
    (parse.count, ["", "canary", "0", "000", "-1", "+1", "1.0", "1e3", "²", "٣", "1" * 19, "9" * 5000, " 1", "1_0"]),
    (parse.model_mapper, ["canary", "canary=", "=canary", "a=b,canary", "canary=b,canary=c", "a=canary/x", "a=..",
                          "a=b=canary"]),
    (parse.client_keys, ["canary", "canary=", "=canary", "a_b=canary", "a b=canary", "a=canary x", "a=canaryé",
                         "canary=x,canary=y", f"{'a' * 128}=canary"]),
    (parse.operation_surfaces, ["canary", "canary=", "=v1", "a=canary", "a=V1", "a=v1,canary", "a=v1=canary",
                                "canary=v1,canary=classic"]),
    (parse.flag, ["", "canary", "yes", "on", "2", "truecanary", "²"]),
    (parse.stored_objects, ["", "canary", "Shared", "on", "true", "shared,off"]),
    (parse.origins, ["canary", "*canary", "*,https://canary", "https://canary/", "https://canary/x", "ftp://canary",
                     "https://*.canary", "null", "https://user@canary", "https://canary:x",
                     "https://a.b https://canary", "https://"]),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text"), [(read, text) for read, texts in BAD for text in texts])
def test_a_bad_text_is_refused_with_what_is_expected_and_not_shown(read: Callable[[str], object], text: str) -> None:
    refuses(read, text)


def test_the_wrong_entry_of_a_list_is_told_by_its_number() -> None:
    for read, text in (
        (parse.model_mapper, "a=b,,c=d/e"),
        (parse.client_keys, "a=k,b"),
        (parse.operation_surfaces, "a=v1,b=v2"),
    ):
        with pytest.raises(ValueError, match="entry 2"):
            read(text)


def test_a_secret_is_hidden() -> None:
    secret = parse.secret("canary=+/")
    assert secret.reveal() == "canary=+/"
    assert CANARY not in repr(secret)


def test_a_client_key_may_hold_an_equals_sign() -> None:
    (first, second) = parse.client_keys("team-a = k1== ,team-b=k2")
    assert (first.client.name, first.key.reveal()) == ("team-a", "k1==")
    assert (second.client.name, second.key.reveal()) == ("team-b", "k2")
    assert (first.client.not_before, first.client.expires) == (None, None)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"https?://[a-z@:.\[\]\\/%?#0-9]{0,30}", fullmatch=True))
def test_any_text_is_an_endpoint_of_a_plain_form_or_refused(text: str) -> None:
    try:
        endpoint = parse.endpoint(text)
    except ValueError as error:
        assert str(error).startswith("must")  # noqa: PT017  the refusal is allowed, its words are checked
        return
    scheme, _, host = endpoint.partition("://")
    assert scheme in ("http", "https")
    assert host
    assert not set(host) & set("/@?#\\% ")
