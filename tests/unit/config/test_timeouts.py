"""The timeouts stay within the limits of the platform."""

from dataclasses import asdict

import pytest

from proxy.config.environment import Environment, SettingError
from proxy.config.settings import TIMEOUTS
from proxy.config.timeouts import Timeouts, read_function_timeout, read_timeouts

HALF_AN_HOUR = 1800.0
DEFAULTS = {
    "connect": 3.0,
    "pool": 2.0,
    "first_byte": 215.0,
    "idle": 60.0,
    "reasoning_idle": 180.0,
    "total": 1790.0,
    "head": 30.0,
    "keep_alive": 15.0,
}
SILENT = {
    "UPSTREAM_CONNECT_TIMEOUT": "connect",
    "UPSTREAM_POOL_TIMEOUT": "pool",
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "first_byte",
    "UPSTREAM_IDLE_TIMEOUT": "idle",
    "UPSTREAM_REASONING_IDLE_TIMEOUT": "reasoning_idle",
    "STREAM_HEAD_TIMEOUT": "head",
    "STREAM_KEEP_ALIVE_INTERVAL": "keep_alive",
}
TOTAL = "UPSTREAM_TOTAL_TIMEOUT"


def read(function_timeout: float | None = HALF_AN_HOUR, /, **environ: str) -> Timeouts:
    return read_timeouts(Environment(environ), TIMEOUTS, function_timeout)


def wrong(function_timeout: float | None = HALF_AN_HOUR, /, **environ: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read(function_timeout, **environ)
    return caught.value


def test_the_defaults() -> None:
    assert asdict(read()) == DEFAULTS


@pytest.mark.parametrize("name", SILENT)
def test_each_variable_is_read(name: str) -> None:
    changed = DEFAULTS | {SILENT[name]: 7.5}
    if name == "UPSTREAM_REASONING_IDLE_TIMEOUT":
        changed["reasoning_idle"] = DEFAULTS["idle"]
    assert asdict(read(**{name: "7.5"})) == changed
    assert asdict(read(**{name: ""})) == DEFAULTS


@pytest.mark.parametrize("name", [*SILENT, TOTAL])
@pytest.mark.parametrize("text", ["canary", "0", "-1", "nan", "inf", "86400.1"])
def test_a_bad_value_is_named_and_never_shown(name: str, text: str) -> None:
    error = wrong(None, **{name: text})
    assert error.name == name
    assert "canary" not in error.message


@pytest.mark.parametrize("name", SILENT)
def test_silence_may_last_as_long_as_the_platform_allows_and_no_longer(name: str) -> None:
    assert getattr(read(**{name: "230"}), SILENT[name]) == 230.0
    assert wrong(**{name: "230.1"}).message == (
        f"{name} must not be above 230 seconds: the platform ends what is silent for longer"
    )


@pytest.mark.parametrize("name", [*SILENT, TOTAL])
def test_a_value_beyond_the_function_timeout_stops_the_start(name: str) -> None:
    assert getattr(read(60.0, **{name: "50"}), (SILENT | {TOTAL: "total"})[name]) >= 50.0
    assert wrong(60.0, **{name: "50.1"}).message == (
        f"{name} must not be above 50 seconds: functionTimeout less a margin of 10 seconds"
    )


@pytest.mark.parametrize(
    ("function_timeout", "changed"),
    [
        (300.0, {"total": 290.0}),
        (240.0, {"total": 230.0}),
        (86_400.0, {"total": 86_390.0}),
        (None, {"total": 3600.0}),
        (30.0, {"total": 20.0, "first_byte": 20.0, "idle": 20.0, "reasoning_idle": 20.0, "head": 20.0}),
        (11.0, dict.fromkeys(DEFAULTS, 1.0)),
    ],
)
def test_the_defaults_give_way_to_the_function_timeout(
    function_timeout: float | None, changed: dict[str, float]
) -> None:
    assert asdict(read(function_timeout)) == DEFAULTS | changed


def test_the_whole_may_last_as_long_as_the_function_and_a_day_where_it_has_no_limit() -> None:
    assert read(UPSTREAM_TOTAL_TIMEOUT="1790").total == 1790.0
    assert wrong(UPSTREAM_TOTAL_TIMEOUT="1790.1").name == TOTAL
    assert read(None, UPSTREAM_TOTAL_TIMEOUT="86400").total == 86_400.0


def test_a_reasoning_model_may_be_silent_at_least_as_long_as_another() -> None:
    assert read(UPSTREAM_IDLE_TIMEOUT="200").reasoning_idle == 200.0
    assert read(UPSTREAM_IDLE_TIMEOUT="90", UPSTREAM_REASONING_IDLE_TIMEOUT="80").reasoning_idle == 90.0
    assert read(UPSTREAM_IDLE_TIMEOUT="90", UPSTREAM_REASONING_IDLE_TIMEOUT="100").reasoning_idle == 100.0


@pytest.mark.parametrize("function_timeout", [0.0, 1.0, 10.0])
def test_a_function_timeout_without_room_for_a_request_is_refused(function_timeout: float) -> None:
    assert wrong(function_timeout).message == "functionTimeout must be longer than 10 seconds"


VARIABLE = "AzureFunctionsJobHost__functionTimeout"
CANARY = "canary"


def host_json_with(text: str) -> bytes:
    return f'{{"version":"2.0","functionTimeout":"{text}"}}'.encode()


def wrong_function(host_json: bytes, **environ: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read_function_timeout(Environment(environ), host_json)
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
    assert read_function_timeout(Environment({}), host_json_with(text)) == expected
    assert read_function_timeout(Environment({VARIABLE: f" {text} "}), b"{}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "forever", CANARY, "x00:05:00", "00:05:00x", "5", "-2", "24:00:00", "00:60:00", "00:00:60", "00:05:00.",
        "\u0661:00:00",
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_stops_the_start(text: str) -> None:
    assert (
        wrong_function(host_json_with(text)).message
        == "functionTimeout in host.json must be hh:mm:ss, or -1 for no limit"
    )
    assert wrong_function(b"{}", **{VARIABLE: text}).message == f"{VARIABLE} must be hh:mm:ss, or -1 for no limit"


@pytest.mark.parametrize("value", [b"5", b"true", b"-1", b"[]", b"{}"])
def test_a_value_that_is_no_text_stops_the_start(value: bytes) -> None:
    assert wrong_function(b'{"functionTimeout":' + value + b"}").name == "functionTimeout"


@pytest.mark.parametrize("host_json", [b"", b"[]", b"{", b"\xff", b'{"a":"\xff"}', b'{"version":"2.0" /* canary */}'])
def test_a_host_json_that_cannot_be_read_stops_the_start(host_json: bytes) -> None:
    assert wrong_function(host_json).message.startswith("host.json must be a JSON object")


def test_the_environment_goes_before_host_json() -> None:
    environment = Environment({VARIABLE: "00:05:00"})
    assert [
        read_function_timeout(environment, text) for text in (host_json_with("00:30:00"), host_json_with(CANARY), b"{")
    ] == [300.0] * 3
    assert read_function_timeout(Environment({VARIABLE: " "}), host_json_with("00:20:00")) == 1200.0


@pytest.mark.parametrize("host_json", [b"{}", b'{"functionTimeout":null}', b'{"functionTimeout":""}'])
def test_without_a_value_it_is_the_platforms_default(host_json: bytes) -> None:
    assert read_function_timeout(Environment({}), host_json) == 1800.0


def test_a_byte_order_mark_before_host_json_does_not_hide_it() -> None:
    assert read_function_timeout(Environment({}), b"\xef\xbb\xbf" + host_json_with("00:05:00")) == 300.0
