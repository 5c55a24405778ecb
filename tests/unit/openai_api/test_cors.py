"""Which web pages may call the proxy from a browser."""

import pytest

from proxy.openai_api.cors import ANY, answer_preflight, is_preflight, origin_headers

PAGE, OTHER = "https://chat.example.com", "https://other.example.com"
PREFLIGHT = {"origin": PAGE, "access-control-request-method": "POST"}
EVERYONE, ONE_PAGE = frozenset({ANY}), frozenset({PAGE})


def test_a_browser_asks_with_options_an_origin_and_a_method() -> None:
    assert is_preflight("OPTIONS", PREFLIGHT)
    assert not is_preflight("POST", PREFLIGHT)
    for missing in PREFLIGHT:
        assert not is_preflight("OPTIONS", {name: value for name, value in PREFLIGHT.items() if name != missing})


def test_a_preflight_is_told_the_methods_for_a_day() -> None:
    headers = answer_preflight(PREFLIGHT).headers
    assert set(headers["access-control-allow-methods"].split(", ")) == {
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD",
    }  # fmt: skip
    assert headers["access-control-max-age"] == "86400"
    assert headers["access-control-allow-headers"] == "authorization, content-type"


def test_the_headers_that_a_page_wants_to_send_are_echoed() -> None:
    wanted = "authorization,x-stainless-os,openai-beta"
    headers = answer_preflight({**PREFLIGHT, "access-control-request-headers": wanted}).headers
    assert headers["access-control-allow-headers"] == wanted


@pytest.mark.parametrize("allowed", [EVERYONE, ONE_PAGE, frozenset()])
def test_what_no_page_asked_gets_no_header(allowed: frozenset[str]) -> None:
    assert origin_headers({"host": "x"}, allowed) == {}


@pytest.mark.parametrize("origin", [PAGE, OTHER, "null", "http://localhost:3000"])
def test_every_page_is_let_in_without_a_cookie(origin: str) -> None:
    headers = origin_headers({"origin": origin}, EVERYONE)
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert "vary" not in headers


def test_only_a_listed_page_is_let_in_and_caches_tell_them_apart() -> None:
    headers = origin_headers({"origin": PAGE}, ONE_PAGE)
    assert (headers["access-control-allow-origin"], headers["vary"]) == (PAGE, "Origin")
    for other in (OTHER, "null", "", "*", PAGE + ".evil.com", PAGE.upper(), "http://chat.example.com"):
        assert origin_headers({"origin": other}, ONE_PAGE) == {"vary": "Origin"}


@pytest.mark.parametrize(
    "name",
    [
        "x-request-id",
        "retry-after",
        "retry-after-ms",
        "location",
        "x-ratelimit-remaining-tokens",
        "x-proxy-budget-remaining-usd",
        "x-proxy-budget-exceeded",
    ],
)
@pytest.mark.parametrize("allowed", [EVERYONE, ONE_PAGE])
def test_a_page_may_read_what_is_useful(name: str, allowed: frozenset[str]) -> None:
    assert name in origin_headers({"origin": PAGE}, allowed)["access-control-expose-headers"].split(", ")
