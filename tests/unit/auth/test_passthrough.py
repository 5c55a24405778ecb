"""Clients that bring a key of Azure OpenAI."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.keys import INVALID_KEY
from proxy.auth.passthrough import azure_key, resource_key
from proxy.config.addresses import RESOURCE_SUFFIXES
from proxy.errors import Unauthenticated
from proxy.values import PassthroughKey

ALLOWED = frozenset({"my-res.openai.azure.com", "gov.openai.azure.us", "ai.services.ai.azure.com"})
ANY = frozenset({"*"})
KEY = "canary0123456789abcdef"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def own(key: str, allowed: frozenset[str] = ALLOWED) -> PassthroughKey:
    return resource_key(bearer(key), allowed)


def refused(key: str, allowed: frozenset[str] = ALLOWED) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        own(key, allowed)
    assert (caught.value.status, caught.value.type, caught.value.code) == (401, "invalid_request_error", INVALID_KEY)
    return caught.value


@pytest.mark.parametrize("headers", [bearer(KEY), {"api-key": KEY}, {**bearer(KEY), "api-key": KEY}])
def test_the_key_of_azure_is_taken_from_either_header(headers: dict[str, str]) -> None:
    found = azure_key(headers)
    assert found.key.reveal() == KEY
    assert (found.endpoint, found.models, found.default, found.api_version) == (None, {}, None, None)


@pytest.mark.parametrize("key", ["!", "~" * 512, "a:b|c,d", "sk-😀"[:3]])
def test_any_visible_text_may_be_a_key_of_azure(key: str) -> None:
    assert azure_key({"api-key": key}).key.reveal() == key


@pytest.mark.parametrize("key", ["x" * 513, "a b", "é", "a\tb", "a\x00", "😀", "a\r\nhost: evil", "a\x7f"])
def test_what_cannot_be_a_key_of_azure_is_refused(key: str) -> None:
    with pytest.raises(Unauthenticated, match="This proxy takes the key of its Azure OpenAI resource") as caught:
        azure_key({"api-key": key})
    assert (caught.value.code, caught.value.__suppress_context__) == (INVALID_KEY, True)


@pytest.mark.parametrize("read", [azure_key, lambda headers: resource_key(headers, ANY)])
def test_without_a_key_the_client_is_told_how_to_send_one(read: object) -> None:
    assert callable(read)
    for headers in ({}, {"authorization": "Basic eA=="}, {"api-key": " "}):
        with pytest.raises(Unauthenticated, match="You didn't provide an API key") as caught:
            read(headers)
        assert caught.value.code is None


GOOD: list[tuple[str, str, Mapping[str, str], str | None, str | None]] = [
    (f"my-res:chat:{KEY}", "my-res.openai.azure.com", {}, "chat", None),
    (f"MY-RES:chat:{KEY}", "my-res.openai.azure.com", {}, "chat", None),
    (f"my-res.OpenAI.azure.com:gpt-4o_x.1:{KEY}", "my-res.openai.azure.com", {}, "gpt-4o_x.1", None),
    (f"gov.openai.azure.us:chat:{KEY}:2024-10-21", "gov.openai.azure.us", {}, "chat", "2024-10-21"),
    (f"ai.services.ai.azure.com:chat:{KEY}:v1", "ai.services.ai.azure.com", {}, "chat", "v1"),
    (f"my-res:gpt-4|a:{KEY}", "my-res.openai.azure.com", {"gpt-4": "a"}, "a", None),
    (
        f"my-res:gpt-4|a,gpt-3.5-turbo|b:{KEY}:2025-04-01-preview", "my-res.openai.azure.com",
        {"gpt-4": "a", "gpt-3.5-turbo": "b"}, None, "2025-04-01-preview",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "host", "models", "default", "version"), GOOD)
def test_a_key_may_name_its_resource_and_deployments(
    text: str, host: str, models: Mapping[str, str], default: str | None, version: str | None
) -> None:
    found = own(text)
    assert found.key.reveal() == KEY
    assert (found.endpoint, found.models, found.default, found.api_version) == (
        f"https://{host}", models, default, version,
    )  # fmt: skip


def test_a_star_allows_every_resource_of_the_public_cloud_and_no_other_host() -> None:
    assert own(f"whatever:chat:{KEY}", ANY).endpoint == "https://whatever.openai.azure.com"
    assert own(f"whatever.openai.azure.com:chat:{KEY}", ANY).endpoint == "https://whatever.openai.azure.com"
    for suffix in RESOURCE_SUFFIXES[1:]:
        refused(f"whatever{suffix}:chat:{KEY}", ANY)


def test_nothing_is_allowed_by_an_empty_list() -> None:
    refused(f"my-res:chat:{KEY}", frozenset())


MALFORMED = [
    KEY, f"my-res:{KEY}", f"my-res:chat:{KEY}:v1:x", f"my-res:chat:{KEY}:", f":chat:{KEY}", f"my-res::{KEY}",
    "my-res:chat:", f"my-res:chat:{KEY}:v2", f"my-res:chat:{KEY}:2024-10-21-beta", f"my-res:chat:{KEY}:\u0662024-10-21",
    f"my-res:../x:{KEY}", f"my-res:..:{KEY}", f"my-res:a/b:{KEY}", f"my-res:a?b:{KEY}", f"my-res:a%2fb:{KEY}",
    f"my-res:{'a' * 65}:{KEY}", f"my-res:a,b:{KEY}", f"my-res:gpt-4|:{KEY}", f"my-res:|a:{KEY}", f"my-res:|:{KEY}",
    f"my-res:gpt-4|a,:{KEY}", f"my-res:gpt-4|a,gpt-4|b:{KEY}", f"my-res:gpt-4|a|b:{KEY}", f"my-res:gpt 4|a:{KEY}",
    f"my-res:{'m' * 101}|a:{KEY}", f"my-res:é|a:{KEY}", f"my-res:chat:{'k' * 513}", f"my-res:chat:{KEY} x",
    f"my-res:chat:{KEY}é", f"my-res:{','.join(f'm{n}|deployment' for n in range(300))}:{KEY}",
    f"my-res:chat:{KEY}:v1\r\nhost: evil", f"{KEY}:chat:{KEY}", f"[::1]:chat:{KEY}",
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_key_and_a_resource_that_is_not_allowed_are_refused_in_the_same_words(text: str) -> None:
    stranger = refused(f"stranger:chat:{KEY}")
    error = refused(text)
    assert (error.message, error.code, error.param) == (stranger.message, stranger.code, stranger.param)
    assert error.__suppress_context__
    assert "canary" not in f"{error!r} {error.message} {error.__context__!r}"


def test_no_repr_shows_a_key() -> None:
    assert "canary" not in repr([azure_key(bearer(KEY)), own(f"my-res:chat:{KEY}")])


EVIL = [
    "evil.com/", "evil.com", "a@b", "user@my-res", "127.0.0.1#", "127.0.0.1", "169.254.169.254", "0x7f.1",
    "my-res.openai.azure.com.evil", "my-res.openai.azure.com.", "my-res.openai.azure.com/", ".openai.azure.com", "*",
    "x.my-res.openai.azure.com", "my-res%2eevil", "my-res%00", "my-res\r\n", "my-res\n", "my-res ", "my_res", "-my-res",
    "my-res-", "my-res.", "mỹ-res", "my\u2011res", "my-re\u017f", "\u212aey", "xn--", "\u0661\u0662", "", "a" * 64,
    "my-res\\", "my-res?", "my-res#", "my-res;", "[::1]", "my-res.openai.azure.cn", "my-res.openai.azure.com@evil.com",
    "MY-RES.OPENAI.AZURE.COM\u3002evil", "//my-res", "\x00", "my-res\t", "api.openai.com",
]  # fmt: skip
HOST = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.openai\.azure\.(com|us)|\.(cognitiveservices|services\.ai)\.azure\.com)"
)
PIECES = st.sampled_from(
    [*EVIL, *ALLOWED, *RESOURCE_SUFFIXES, "my-res", "localhost", "/", "@", "#", ".", "%2e", "\r\n", "-"]
)
REST = st.sampled_from(["chat", "gpt-4|a", "gpt-4|a,b|c", "..", "a/b"])


@given(PIECES, PIECES, st.characters() | PIECES, REST)
def test_no_hostile_key_leads_to_a_host_that_is_not_on_the_list(one: str, two: str, three: str, rest: str) -> None:
    for allowed in (ALLOWED, ANY):
        try:
            found = own(f"{one}{two}{three}:{rest}:{KEY}", allowed)
        except Unauthenticated:
            continue
        url = urlsplit(found.endpoint or "")
        assert found.endpoint == f"https://{url.hostname}"
        assert HOST.fullmatch(url.netloc)
        assert url.netloc in allowed or (allowed == ANY and url.netloc.endswith(".openai.azure.com"))


@pytest.mark.parametrize("resource", EVIL)
def test_each_known_trick_is_refused_by_a_list_and_by_a_star(resource: str) -> None:
    refused(f"{resource}:chat:{KEY}")
    refused(f"{resource}:chat:{KEY}", ANY)
