"""Which addresses a server of OpenAI's API may have, whatever way they are written."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.address_rules import AddressRules, Reach, reach_of

PUBLIC, LOOPBACK, PRIVATE = AddressRules(), AddressRules(loopback=True), AddressRules(private=True)
EVERYTHING = AddressRules(loopback=True, private=True)

ADDRESSES = {
    Reach.PUBLIC: ("8.8.8.8", "20.42.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "::ffff:8.8.8.8",
                   "64:ff9b::808:808", "2002:808:808::1"),
    Reach.PRIVATE: ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255",
                    "fd12:3456::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"),
    Reach.LOOPBACK: ("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    Reach.NEVER: (
        # Links, and the metadata of clouds.
        "169.254.169.254", "169.254.130.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
        "fe80::1", "fe80::1%eth0", "168.63.129.16", "::ffff:168.63.129.16", "100.100.100.200", "fd00:ec2::254",
        "fd20:ce::254", "192.0.0.192",
        # Nobody's, many's and reserved ones.
        "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "::7f00:1", "224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1",
        "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2001:db8::1", "2001:0:1::1", "fec0::1",
        "64:ff9b:1::1",
        # What is no address to a library is none here.
        "", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.2.3.4.5", "[::1]", "1.2.3.4 ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reach", "address"), [(reach, one) for reach, every in ADDRESSES.items() for one in every])
def test_an_address_is_reached_from_one_place(reach: Reach, address: str) -> None:
    assert reach_of(address) is reach


@pytest.mark.parametrize("rules", [PUBLIC, LOOPBACK, PRIVATE, EVERYTHING])
@pytest.mark.parametrize("address", ADDRESSES[Reach.NEVER])
def test_no_setting_leads_to_a_link_to_the_platform_or_to_nobody(rules: AddressRules, address: str) -> None:
    assert "must not be the address of a link" in (rules.address_problem(address, 443, secure=True) or "")


@pytest.mark.parametrize("secure", [True, False])
def test_this_machine_and_private_networks_have_a_rule_of_their_own(secure: bool) -> None:
    for address in ADDRESSES[Reach.LOOPBACK]:
        assert LOOPBACK.address_problem(address, 1, secure=secure) is None
        assert "local development" in (PRIVATE.address_problem(address, 1, secure=secure) or "")
    for address in ADDRESSES[Reach.PRIVATE]:
        assert PRIVATE.address_problem(address, 1, secure=secure) is None
        assert "UPSTREAM_PRIVATE_ADDRESSES" in (LOOPBACK.address_problem(address, 1, secure=secure) or "")


@pytest.mark.parametrize("rules", [PUBLIC, EVERYTHING])
def test_what_goes_over_the_internet_has_tls(rules: AddressRules) -> None:
    for address in ADDRESSES[Reach.PUBLIC]:
        assert rules.address_problem(address, 443, secure=True) is None
        assert "https" in (rules.address_problem(address, 80, secure=False) or "")


@given(st.ip_addresses().map(str) | st.text(max_size=20))
def test_any_text_has_a_reach_and_an_answer(text: str) -> None:
    problem = PUBLIC.address_problem(text, 443, secure=True)
    assert (problem is None) == (reach_of(text) is Reach.PUBLIC)


def endpoint_problem(url: str, rules: AddressRules) -> str:
    return rules.endpoint_problem(urlsplit(url)) or ""


@pytest.mark.parametrize(
    "url", ["https://api.groq.com/openai/v1", "https://[2606:4700::1]", "https://8.8.8.8", "https://x9"]
)
def test_an_endpoint_everywhere_needs_nothing(url: str) -> None:
    assert endpoint_problem(url, PUBLIC) == ""


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_endpoint_on_this_machine_is_for_local_development(scheme: str, host: str) -> None:
    assert endpoint_problem(f"{scheme}://{host}:11434/v1", LOOPBACK) == ""
    assert "local development" in endpoint_problem(f"{scheme}://{host}:11434/v1", PRIVATE)


@pytest.mark.parametrize("host", ["10.0.0.4", "[fd12::1]", "192.168.1.20."])
def test_a_private_endpoint_needs_the_setting(host: str) -> None:
    assert endpoint_problem(f"http://{host}:8000", PRIVATE) == ""
    assert "UPSTREAM_PRIVATE_ADDRESSES" in endpoint_problem(f"https://{host}", LOOPBACK)


def test_a_name_without_tls_may_only_lead_to_a_private_address() -> None:
    assert endpoint_problem("http://vllm.internal:8000", PRIVATE) == ""
    assert "https" in endpoint_problem("http://vllm.internal:8000", LOOPBACK)
    assert "https" in endpoint_problem("http://8.8.8.8", EVERYTHING)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0X7F.1", "127.1", "0177.0.0.1", "017700000001", "0xa9fea9fe", "2852039166",
     "169.254.43518", "0", "0.0.0.0", "[::]", "169.254.169.254", "[fe80::1]", "x.0x1", "1.2.3.4.5"],
)  # fmt: skip
def test_a_number_that_only_a_resolver_reads_as_an_address_is_none(host: str) -> None:
    assert "must not be the address" in endpoint_problem(f"https://{host}", EVERYTHING)


TOKENS = AddressRules(
    loopback=True,
    private=True,
    tokens=(("localhost", 42356), ("10.0.0.9", 80), ("msi.internal", 8081), ("127.0.0.1", 41741)),
)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:42356/v1", "http://127.0.0.1:42356", "http://[::1]:42356", "https://127.9.9.9:42356",
     "http://10.0.0.9", "http://[::ffff:10.0.0.9]:80/x", "http://msi.internal:8081", "http://MSI.internal.:8081",
     "http://10.1.2.3:8081", "http://127.0.0.1:41741", "http://[::ffff:127.0.0.1]:41741"],
)  # fmt: skip
def test_what_gives_tokens_of_the_identity_is_never_called(url: str) -> None:
    assert "must not be the address" in endpoint_problem(url, TOKENS)


def test_other_ports_and_addresses_beside_the_tokens_are_free() -> None:
    assert TOKENS.address_problem("127.0.0.1", 11434, secure=False) is None
    assert TOKENS.address_problem("10.0.0.8", 80, secure=False) is None
    assert TOKENS.address_problem("127.0.0.2", 41741, secure=False) is None
    assert TOKENS.address_problem("8.8.8.8", 42356, secure=True) is None
