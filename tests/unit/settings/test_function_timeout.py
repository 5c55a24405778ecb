"""The platform's functionTimeout, from host.json or the environment."""

import pytest

from proxy.settings.function_timeout import function_timeout
from proxy.settings.reader import Reader, SettingError

VARIABLE = "AzureFunctionsJobHost__functionTimeout"
CANARY = "canary"


def written(text: str) -> bytes:
    return f'{{"version":"2.0","functionTimeout":"{text}"}}'.encode()


def wrong(host_json: bytes, **environ: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        function_timeout(Reader(environ), host_json)
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__}"
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:05:00", 300.0), ("00:00:01", 1.0), ("1:00:00", 3600.0), ("23:59:59", 86_399.0), ("00:10", 600.0),
        ("2.00:00:01", 172_801.0), ("00:10:00.5000000", 600.0), ("-1", None), ("-1.00:00:00", None),
    ],
)  # fmt: skip
def test_a_time_span_is_read_from_either_place(text: str, expected: float | None) -> None:
    assert function_timeout(Reader({}), written(text)) == expected
    assert function_timeout(Reader({VARIABLE: f" {text} "}), b"{}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "forever", CANARY, "x00:05:00", "00:05:00x", "5", "-2", "24:00:00", "00:60:00", "00:00:60", "00:05:00.",
        "\u0661:00:00",
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_stops_the_start(text: str) -> None:
    assert wrong(written(text)).message == "functionTimeout in host.json must be hh:mm:ss, or -1 for no limit"
    assert wrong(b"{}", **{VARIABLE: text}).message == f"{VARIABLE} must be hh:mm:ss, or -1 for no limit"


@pytest.mark.parametrize("value", [b"5", b"true", b"-1", b"[]", b"{}"])
def test_a_value_that_is_no_text_stops_the_start(value: bytes) -> None:
    assert wrong(b'{"functionTimeout":' + value + b"}").name == "functionTimeout"


@pytest.mark.parametrize("host_json", [b"", b"[]", b"{", b"\xff", b'{"a":"\xff"}', b'{"version":"2.0" /* canary */}'])
def test_a_host_json_that_cannot_be_read_stops_the_start(host_json: bytes) -> None:
    assert wrong(host_json).message.startswith("host.json must be a JSON object")


def test_the_environment_goes_before_host_json() -> None:
    environ = Reader({VARIABLE: "00:05:00"})
    assert [function_timeout(environ, text) for text in (written("00:30:00"), written(CANARY), b"{")] == [300.0] * 3
    assert function_timeout(Reader({VARIABLE: " "}), written("00:20:00")) == 1200.0


@pytest.mark.parametrize("host_json", [b"{}", b'{"functionTimeout":null}', b'{"functionTimeout":""}'])
def test_without_a_value_it_is_the_platforms_default(host_json: bytes) -> None:
    assert function_timeout(Reader({}), host_json) == 1800.0


def test_a_byte_order_mark_before_host_json_does_not_hide_it() -> None:
    assert function_timeout(Reader({}), b"\xef\xbb\xbf" + written("00:05:00")) == 300.0
