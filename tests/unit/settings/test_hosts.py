"""What may stand in an address, and whose it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.settings import hosts


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
    assert hosts.resource_host(text) == host


@pytest.mark.parametrize(
    "text",
    ["", ".", "-a", "a-", "a_b", "a b", "a" * 64, "a.", "a.com", "a.b.openai.azure.com", "a.openai.azure.com.",
     "a.openai.azure.com:443", "a/b", "a@b", "a\n", "é", "\u212a", "\u0131", "*", "a.openai.azure.cn",
     ".openai.azure.com"],
)  # fmt: skip
def test_nothing_else_is_a_resource(text: str) -> None:
    with pytest.raises(ValueError, match="must be the name of a resource"):
        hosts.resource_host(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=10) | st.from_regex(r"[a-z.@:/]{1,9}\.openai\.azure\.com", fullmatch=True))
def test_a_host_is_a_plain_name_before_a_fixed_suffix(text: str) -> None:
    try:
        host = hosts.resource_host(text)
    except ValueError:
        return
    name, _, suffix = host.partition(".")
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert f".{suffix}" in hosts.RESOURCE_SUFFIXES


@pytest.mark.parametrize("text", ["http://[x", "http://x:y", "http://x:99999"])
def test_what_is_no_address_has_no_parts(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be an address$"):
        hosts.split(text)


def test_this_machine_has_few_names() -> None:
    for name in ("localhost", "127.0.0.1", "127.9.8.7", "::1"):
        assert hosts.LOOPBACK.fullmatch(name)
    for name in ("localhost.evil", "127.0.0.1.evil", "128.0.0.1", "::2", "0.0.0.0"):
        assert not hosts.LOOPBACK.fullmatch(name)
