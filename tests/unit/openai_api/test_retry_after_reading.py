"""Every way to say how long to wait."""

from email.utils import formatdate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.openai_api.retry_after import is_spent, parse_reset, parse_wait

NOW = 1_795_000_000.0
AZURE = "Requests to the ChatCompletions_Create Operation have exceeded token rate limit. Please retry after 7 seconds."


def wait(message: str = "", **headers: str) -> float | None:
    return parse_wait({name.replace("_", "-"): value for name, value in headers.items()}, message, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("5.", 5.0),
        ("86400", 86400.0),
        ("1000000000", 1e9),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        *[(bad, None) for bad in ("-1", "", "soon", "nan", "inf", "1e9", "1_0", "٣", "7s", " 7", "9" * 21, "1/2")],
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 GMT" + " " * 100, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert wait(retry_after=value) == seconds


@pytest.mark.parametrize("name", ["retry_after_ms", "x_ms_retry_after_ms"])
def test_milliseconds_are_read_and_what_is_none_is_not(name: str) -> None:
    assert wait(**{name: "1500"}) == 1.5
    assert wait(**{name: "12.5"}) == 0.0125
    assert wait(**{name: "-1"}) is None


def test_what_is_more_exact_is_trusted_first() -> None:
    headers = {
        "retry_after_ms": "1000",
        "x_ms_retry_after_ms": "2000",
        "retry_after": "3",
        "x_ratelimit_reset_tokens": "4",
    }
    for seconds in (1.0, 2.0, 3.0, 4.0):
        assert wait(AZURE, **headers) == seconds
        headers.pop(next(iter(headers)))
    assert wait(AZURE) == 7.0
    assert wait("Too much.") is None


def test_what_cannot_be_read_gives_way_to_what_can() -> None:
    assert wait(AZURE, retry_after_ms="soon", retry_after="-1", x_ratelimit_reset_tokens="x") == 7.0


def test_a_date_counts_before_the_reset_of_a_limit() -> None:
    assert wait(retry_after=formatdate(NOW + 5, usegmt=True), x_ratelimit_reset_tokens="50") == 5.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 10.0),
        ("6m0s", 360.0),
        ("1h1m1s", 3661.0),
        ("120ms", 0.12),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("", None),
        ("s", None),
        ("1s1m", None),
    ],
)
def test_a_reset_is_azures_seconds_or_openais_duration(value: str, seconds: float | None) -> None:
    assert parse_reset({"x-ratelimit-reset-requests": value}) == seconds


def test_the_longer_reset_counts_unless_only_the_other_limit_is_spent() -> None:
    resets = {"x-ratelimit-reset-requests": "1", "x-ratelimit-reset-tokens": "60"}
    assert parse_reset(resets) == 60.0
    assert parse_reset({**resets, "x-ratelimit-remaining-requests": "0"}) == 1.0
    assert parse_reset({**resets, "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}) == 60.0
    assert parse_reset({}) is None


@pytest.mark.parametrize(
    ("requests", "tokens", "spent"), [("0", "9", True), ("9", "0", True), ("1", "1", False), ("-1", "-1", False)]
)
def test_a_limit_is_spent_at_zero(requests: str, tokens: str, spent: bool) -> None:
    headers = {"x-ratelimit-remaining-requests": requests, "x-ratelimit-remaining-tokens": tokens}
    assert is_spent(headers) is spent
    assert not is_spent({})


_NAMES = ("retry-after-ms", "x-ms-retry-after-ms", "retry-after", "x-ratelimit-reset-tokens")


@settings(max_examples=500, deadline=None)
@example({"retry-after": "1 Jan 0 0:0:0 +99999999"}, "")
@given(
    st.dictionaries(
        st.sampled_from(_NAMES),
        st.text(max_size=70) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} .{0,9}"),
    ),
    st.text(max_size=100) | st.from_regex(r"retry after [0-9.]{1,12} seconds?"),
)
def test_whatever_is_said_the_wait_is_none_or_no_less_than_zero(headers: dict[str, str], message: str) -> None:
    seconds = parse_wait(headers, message, NOW)
    assert seconds is None or 0.0 <= seconds < float("inf")


@given(st.integers(0, 10**9))
def test_whole_seconds_come_back_from_header_and_message(seconds: int) -> None:
    assert wait(retry_after=str(seconds)) == seconds
    assert wait(retry_after=formatdate(NOW + seconds, usegmt=True)) == seconds
    if seconds < 10**9:
        assert wait(f"Please retry after {seconds} seconds.") == seconds
