"""The HTTP proxy on the way out."""

from base64 import b64decode

import pytest

from proxy.config.environment import SettingError
from proxy.config.http_proxy import HttpProxies, parse_http_proxy
from proxy.config.settings import Settings

NAME = "https://name.openai.azure.com"
PROXY = "http://proxy.corp:3128"
OTHER = "http://other.corp:8080"


def proxies(**environ: str) -> HttpProxies:
    return Settings.from_environ({"AZURE_OPENAI_ENDPOINT": NAME, **environ}).http_proxies


def way(url: str, **environ: str) -> str | None:
    proxy = proxies(**environ).for_url(url)
    return proxy.url if proxy else None


def test_without_a_variable_every_way_is_direct() -> None:
    assert proxies() == proxies(HTTPS_PROXY="", https_proxy=" ", NO_PROXY="") == HttpProxies()
    assert HttpProxies().for_url(NAME) is None


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": PROXY},
        {"https_proxy": PROXY},
        {"https_proxy": PROXY, "HTTPS_PROXY": OTHER},
        {"HTTPS_PROXY": PROXY, "all_proxy": OTHER},
        {"ALL_PROXY": PROXY},
        {"all_proxy": PROXY, "ALL_PROXY": OTHER},
        {"https_proxy": " ", "HTTPS_PROXY": PROXY},
        {"HTTPS_PROXY": PROXY, "HTTP_PROXY": OTHER},
    ],
)
def test_the_proxy_of_the_scheme_goes_before_that_for_all_and_lower_case_before_upper(environ: dict[str, str]) -> None:
    assert way(NAME, **environ) == PROXY


def test_the_proxy_of_plain_http_is_not_for_https() -> None:
    assert way(NAME, HTTP_PROXY=PROXY) is None
    assert way("http://name.example", HTTP_PROXY=PROXY) == PROXY
    assert way("wss://name.example", HTTP_PROXY=PROXY, HTTPS_PROXY=PROXY) is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "127.0.0.1", "127.1.2.3:80", "[::1]:80"])
def test_this_machine_is_reached_directly(host: str) -> None:
    assert way(f"http://{host}/x", HTTP_PROXY=PROXY, ALL_PROXY=PROXY) is None
    assert way(f"https://{host}/x", ALL_PROXY=PROXY) is None


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*", "name.openai.azure.com", "NAME.OpenAI.azure.com", ".openai.azure.com", "azure.com", "*.azure.com", "com",
        "name.openai.azure.com:443", ".azure.com:443", "a,name.openai.azure.com", " a , ,.azure.com ", "a *",
        "a b azure.com",
    ],
)  # fmt: skip
def test_a_name_and_all_below_it_are_bypassed(no_proxy: str) -> None:
    for variable in ("NO_PROXY", "no_proxy"):
        assert way(NAME, HTTPS_PROXY=PROXY, **{variable: no_proxy}) is None
        assert way(f"{NAME}/openai/v1/x?y=z", HTTPS_PROXY=PROXY, **{variable: no_proxy}) is None


@pytest.mark.parametrize(
    "no_proxy",
    [
        "x", "me.openai.azure.com", "ame.openai.azure.com", "name.openai.azure.com.evil", "name.openai.azure.com:8443",
        "https://name.openai.azure.com", ".", ",", "10.0.0.0/8", "name", "x.name.openai.azure.com",
        "*name.openai.azure.co",
    ],
)  # fmt: skip
def test_another_name_is_not_bypassed(no_proxy: str) -> None:
    assert way(NAME, HTTPS_PROXY=PROXY, NO_PROXY=no_proxy) == PROXY


def test_the_bypass_in_lower_case_goes_first() -> None:
    assert way(NAME, HTTPS_PROXY=PROXY, NO_PROXY="*", no_proxy="x") == PROXY
    assert way(NAME, HTTPS_PROXY=PROXY, NO_PROXY="*", no_proxy="") is None


def test_a_port_and_a_literal_address_may_be_bypassed() -> None:
    assert way(f"{NAME}:8443", HTTPS_PROXY=PROXY, NO_PROXY="azure.com:8443") is None
    assert way(NAME, HTTPS_PROXY=PROXY, NO_PROXY="azure.com:8443") == PROXY
    assert way("https://10.1.2.3/", HTTPS_PROXY=PROXY, NO_PROXY="10.1.2.3") is None
    assert way("https://[2001:db8::1]:8443/", HTTPS_PROXY=PROXY, NO_PROXY="[2001:db8::1]:8443") is None
    assert way("https://[2001:db8::1]/", HTTPS_PROXY=PROXY, NO_PROXY="2001:db8::1") is None
    assert way("http://name.example", HTTP_PROXY=PROXY, NO_PROXY="name.example:80") is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (PROXY, PROXY),
        ("http://proxy/", "http://proxy"),
        ("HTTP://proxy:8080", "http://proxy:8080"),
        ("proxy.corp:3128", PROXY),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
    ],
)
def test_an_address_of_a_proxy_is_scheme_and_host(text: str, url: str) -> None:
    proxy = parse_http_proxy(text)
    assert (proxy.url, proxy.authorization) == (url, None)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("http://user:canary@proxy:3128", "user:canary"),
        ("user:canary@proxy:3128", "user:canary"),
        ("http://user@proxy:3128", "user:"),
        ("http://us%20er:p%40ss%3Aw%25rd@proxy:3128", "us er:p@ss:w%rd"),
        ("http://user:p@ss:word@proxy:3128", "user:p@ss:word"),
        ("http://us%C3%A9r:pass@proxy:3128", "usér:pass"),
    ],
)
def test_the_credentials_of_a_proxy_stay_hidden(text: str, login: str) -> None:
    proxy = parse_http_proxy(text)
    assert proxy.url == "http://proxy:3128"
    assert proxy.authorization is not None
    scheme, _, encoded = proxy.authorization.reveal().partition(" ")
    assert (scheme, b64decode(encoded).decode()) == ("Basic", login)
    assert not any(part in repr(proxy) for part in ("canary", encoded, "user"))


@pytest.mark.parametrize(
    "text",
    [
        "https://canary:3128", "socks5://canary:1080", "http://", "http://canary:x", "http://canary:99999", "http://[canary",
        "http://canary/path", "http://can ary", "http://:canary@proxy", "http://us%3Aer:canary@proxy", "http://@canary",
        "http://user:canary@", "direct://", "http://canary_x", "http://canary\u2024com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_bad_proxy_is_named_and_never_shown(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} must be") as caught:
        proxies(**{name: text})
    assert "canary" not in f"{caught.value!r} {caught.value.message}"
