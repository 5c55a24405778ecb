"""How long a client should wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.openai_api import retry_after

GARBAGE = ["", "soon", "-1", "+1", "1e3", "nan", "inf", "1.", ".5", " 1", "1 ", "\u0661", "1,5", "0x1", "1" * 10]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please retry after 7 seconds. See https://aka.ms/x", "7"),
        ("Retry After 1 second", "1"),
        ("retry after 86400 seconds", "86400"),
        ("retry after -7 seconds", None),
        ("retry after 7 minutes", None),
        ("retry after 1234567890 seconds", None),
        ("", None),
    ],
)
def test_a_message_may_say_how_long(text: str, seconds: str | None) -> None:
    assert retry_after.seconds_said(text) == seconds


def test_a_delay_is_a_number_or_a_date() -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert [retry_after.delay(value) for value in ("0", "7", "0.5", date)] == ["0", "7", "0.5", date]
    assert [retry_after.delay(value) for value in (*GARBAGE, "21 Oct 2026")] == [None] * (len(GARBAGE) + 1)
    assert [retry_after.milliseconds(value) for value in ("0", "700", date)] == ["0", "700", None]


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
    assert retry_after.duration(azure) == openai


@pytest.mark.parametrize("value", [*GARBAGE, "1x", "s", "m1s", "1s1", "-1s"])
def test_what_is_no_duration_is_none(value: str) -> None:
    assert retry_after.duration(value) is None


@given(st.integers(0, 999_999_999), st.integers(0, 999))
def test_a_duration_is_as_long_as_its_seconds(whole: int, thousandths: int) -> None:
    written = retry_after.duration(f"{whole}.{thousandths:03}")
    assert written is not None
    assert retry_after.duration(written) == written
    total, number = 0.0, ""
    for character in written.replace("ms", "u"):
        if character.isalpha():
            total += float(number) * {"h": 3600, "m": 60, "s": 1, "u": 0.001}[character]
            number = ""
        else:
            number += character
    assert abs(total - (whole + thousandths / 1000)) < 0.0005


def test_seconds_are_told_in_milliseconds_too_unless_azure_did() -> None:
    assert retry_after.with_milliseconds({"a": "b"}) == {"a": "b"}
    assert retry_after.with_milliseconds({"retry-after": "0.5"}) == {"retry-after": "0.5", "retry-after-ms": "500"}
    told = {"retry-after": "9", "retry-after-ms": "8100"}
    assert retry_after.with_milliseconds(told) == told
    date = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after.with_milliseconds(date) == date
