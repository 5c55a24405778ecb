"""How long to wait, in every way to write it."""

from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.openai_api.retry_after import (
    delay_to_openai,
    encode_wait,
    is_spent,
    milliseconds_to_openai,
    parse_reset,
    parse_text,
    parse_wait,
    reset_to_openai,
    with_milliseconds,
    with_wait,
)

NOW = 1_795_000_000.0
AZURE = "Requests to the ChatCompletions_Create Operation have exceeded token rate limit. Please retry after 7 seconds."
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
# Neither a number nor a date nor a duration.
UNREADABLE = [
    *("", "soon", "-1", "+1", "1e3", "1e9", "1_0", "nan", "inf", "1.", ".5", " 1", "1 ", "1,5", "1/2", "0x1"),
    *("\u0661", "1" * 10, "9" * 21),
]


def wait(message: str = "", **headers: str) -> float | None:
    return parse_wait({name.replace("_", "-"): value for name, value in headers.items()}, message, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("86400", 86400.0),
        ("1000000000", 1e9),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        *[(bad, None) for bad in (*UNREADABLE, "7s")],
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 GMT" + " " * 100, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert wait(retry_after=value) == seconds
    assert delay_to_openai(value) == (None if seconds is None else value)


@pytest.mark.parametrize("name", ["retry_after_ms", "x_ms_retry_after_ms"])
def test_milliseconds_are_read_and_what_is_none_is_not(name: str) -> None:
    assert wait(**{name: "1500"}) == 1.5
    assert wait(**{name: "12.5"}) == 0.0125
    assert [wait(**{name: value}) for value in UNREADABLE] == [None] * len(UNREADABLE)


def test_milliseconds_are_passed_on_if_they_can_be_read() -> None:
    assert [milliseconds_to_openai(value) for value in ("0", "700", DATE)] == ["0", "700", None]
    assert [milliseconds_to_openai(value) for value in UNREADABLE] == [None] * len(UNREADABLE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please retry after 7 seconds. See https://aka.ms/x", 7.0),
        ("Please retry after 1.5 seconds.", 1.5),
        ("Retry After 1 second", 1.0),
        ("retry after 86400 seconds", 86400.0),
        ("retry after -7 seconds", None),
        ("retry after 7 minutes", 420.0),
        ("Rate limit is exceeded. Try again in 59 seconds.", 59.0),
        ("Please try again in 125ms. Arrival", 0.125),
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 1h2m3.5s", 3723.5),
        ("Please retry your request after 5 seconds", 5.0),
        ("Please wait 30 seconds before", 30.0),
        ("Please wait for 2 minutes", 120.0),
        ("Out of call volume quota. Quota will be replenished in 01:02:03.", 3723.0),
        ("Quota will be replenished in 4.07:26:12.", 372372.0),
        ("Try again later, or retry in 3 seconds", 3.0),
        ("Try again in 3 steps. Retry after 2 seconds.", 2.0),
        ("try again in a moment", None),
        ("within 7 seconds", None),
        ("retry " * 1000, None),
        ("retry after 1234567890 seconds", None),
        ("", None),
    ],
)
def test_a_text_may_ask_to_wait(text: str, seconds: float | None) -> None:
    assert parse_text(text) == seconds
    assert wait(text) == seconds


def test_a_wait_is_written_both_ways_and_azures_own_counts_before_the_text_and_the_default() -> None:
    text = "Try again in 59 seconds."
    assert with_wait({}, text, 10.0) == {"retry-after": "59", "retry-after-ms": "59000"}
    assert with_wait({}, "", 10.0) == {"retry-after": "10", "retry-after-ms": "10000"}
    assert with_wait({"a": "b"}, "") == {"a": "b"}
    for name, value in (("retry-after", "37"), ("retry-after-ms", "37000"), ("x-ms-retry-after-ms", "37000")):
        waits = with_wait({name: value}, text, 10.0)
        assert (waits["retry-after"], waits["retry-after-ms"]) == ("37", "37000")
    both = {"retry-after": "38", "retry-after-ms": "37000"}
    assert with_wait(both, text, 10.0) == both
    assert with_wait({"retry-after": DATE}, text, 10.0) == {"retry-after": DATE}


@pytest.mark.parametrize(
    ("seconds", "whole", "milliseconds"), [(7.0, "7", "7000"), (1.5, "2", "1500"), (0.0, "0", "0"), (0.1, "1", "100")]
)
def test_a_wait_is_written_in_whole_seconds_and_in_milliseconds(seconds: float, whole: str, milliseconds: str) -> None:
    assert encode_wait(seconds) == {"retry-after": whole, "retry-after-ms": milliseconds}
    assert parse_wait(encode_wait(seconds), "", NOW) == seconds


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
        ("1h2m3.5s", 3723.5),
        *[(bad, None) for bad in (*UNREADABLE, "s", "1x", "m1s", "1s1", "-1s", "1s1m", DATE)],
    ],
)
def test_a_reset_is_azures_seconds_or_openais_duration(value: str, seconds: float | None) -> None:
    assert parse_reset({"x-ratelimit-reset-requests": value}) == seconds
    assert (reset_to_openai(value) is None) == (seconds is None)


@pytest.mark.parametrize(
    ("azure", "openai"),
    [
        ("0", "0s"), ("0.0001", "0s"), ("0.5", "500ms"), ("0.001", "1ms"), ("0.9999", "1s"), ("1", "1s"),
        ("1.5", "1.5s"), ("10", "10s"), ("60", "1m0s"), ("61.25", "1m1.25s"), ("300", "5m0s"), ("3600", "1h0m0s"),
        ("3661", "1h1m1s"), ("86400", "24h0m0s"), ("59.9999", "1m0s"),
        ("6m0s", "6m0s"), ("1s", "1s"), ("120ms", "120ms"), ("1h2m3.5s", "1h2m3.5s"),
    ],
)  # fmt: skip
def test_seconds_become_the_duration_that_openai_writes(azure: str, openai: str) -> None:
    assert reset_to_openai(azure) == openai


@given(st.integers(0, 999_999_999), st.integers(0, 999))
def test_a_duration_is_as_long_as_its_seconds(whole: int, thousandths: int) -> None:
    written = reset_to_openai(f"{whole}.{thousandths:03}")
    assert written is not None
    assert reset_to_openai(written) == written
    seconds = parse_reset({"x-ratelimit-reset-tokens": written})
    assert seconds is not None
    assert abs(seconds - (whole + thousandths / 1000)) < 0.0005


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


def test_milliseconds_are_added_to_seconds_unless_azure_sent_them() -> None:
    assert with_milliseconds({"a": "b"}) == {"a": "b"}
    assert with_milliseconds({"retry-after": "0.5"}) == {"retry-after": "0.5", "retry-after-ms": "500"}
    both = {"retry-after": "9", "retry-after-ms": "8100"}
    assert with_milliseconds(both) == both
    assert with_milliseconds({"retry-after": DATE}) == {"retry-after": DATE}


_NAMES = ("retry-after-ms", "x-ms-retry-after-ms", "retry-after", "x-ratelimit-reset-tokens")


@example({"retry-after": "1 Jan 0 0:0:0 +99999999"}, "")
@given(
    st.dictionaries(
        st.sampled_from(_NAMES),
        st.text(max_size=70) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} .{0,9}"),
    ),
    st.text(max_size=100) | st.from_regex(r"retry after [0-9.]{1,12} seconds?"),
)
def test_whatever_is_written_the_wait_is_none_or_not_negative(headers: dict[str, str], message: str) -> None:
    seconds = parse_wait(headers, message, NOW)
    assert seconds is None or 0.0 <= seconds < float("inf")


@given(st.integers(0, 10**9))
def test_whole_seconds_come_back_from_header_and_message(seconds: int) -> None:
    assert wait(retry_after=str(seconds)) == seconds
    assert wait(retry_after=formatdate(NOW + seconds, usegmt=True)) == seconds
    assert wait(f"Please retry after {seconds} seconds.") == seconds
