"""The platform's functionTimeout, from host.json or the environment."""

import pytest

from proxy.settings.parse import function_timeout

VARIABLE = "AzureFunctionsJobHost__functionTimeout"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:05:00", 300.0), ("00:00:01", 1.0), ("1:00:00", 3600.0), ("2.00:00:01", 172_801.0),
        ("00:10:00.5000000", 600.0),
        ("-1", None), ("-00:00:00.0010000", None), ("", 1800.0), ("forever", 1800.0), ("x00:05:00", 1800.0),
    ],
)  # fmt: skip
def test_a_time_span_is_read_from_either_place(text: str, expected: float | None) -> None:
    assert function_timeout({}, f'{{"functionTimeout":"{text}"}}'.encode()) == expected
    assert function_timeout({VARIABLE: text}, b"{}") == expected


def test_the_environment_goes_before_host_json() -> None:
    host_json = b'{"version":"2.0","functionTimeout":"00:30:00"}'
    assert function_timeout({VARIABLE: "00:05:00"}, host_json) == 300.0
    assert function_timeout({VARIABLE: ""}, host_json) == 1800.0


@pytest.mark.parametrize(
    "host_json", [b"{}", b"", b"[]", b"{", b'{"functionTimeout":5}', b'{"functionTimeout":null}', b"\xff"]
)
def test_without_a_readable_value_it_is_the_platforms_default(host_json: bytes) -> None:
    assert function_timeout({}, host_json) == 1800.0


def test_a_byte_order_mark_before_host_json_does_not_hide_it() -> None:
    assert function_timeout({}, b'\xef\xbb\xbf{"functionTimeout":"00:05:00"}') == 300.0
