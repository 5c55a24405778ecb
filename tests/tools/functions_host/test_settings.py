"""Settings and routes by themselves."""

from pathlib import Path

import pytest

from tools.functions_host.channel import Function
from tools.functions_host.routes import Match, Routes
from tools.functions_host.settings import (
    Settings,
    SettingsError,
    parse_arguments,
    parse_origins,
    parse_timeout,
    read_settings,
    shows,
)


def read(app: Path, environ: dict[str, str], *arguments: str) -> Settings:
    return read_settings(parse_arguments([str(app), *arguments]), environ)


def test_a_folder_without_files_has_the_hosts_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, {})
    assert settings.app == tmp_path
    assert (settings.route_prefix, settings.port, settings.cors_origins) == ("api", 7071, None)
    assert (settings.function_timeout, settings.activity_timeout, settings.body_limit) == (1800, 240, 104_857_600)


def test_arguments_go_over_the_environment(tmp_path: Path) -> None:
    environ = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10", "AzureFunctionsJobHost__functionTimeout": "00:00:10"}
    settings = read(tmp_path, environ)
    assert (settings.body_limit, settings.function_timeout) == (10, 10)
    settings = read(tmp_path, environ, "--body-limit", "5", "--function-timeout", "0.5")
    assert (settings.body_limit, settings.function_timeout) == (5, 0.5)


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:30:00", 1800), ("01:02:03", 3723), ("1.00:00:00", 86400), ("-1", None)]
)
def test_a_function_timeout_is_a_time_span_or_none(text: str, seconds: float | None) -> None:
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "00:30", "x"])
def test_any_other_function_timeout_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="functionTimeout"):
        parse_timeout(text)


@pytest.mark.parametrize("text", ["", "{}", "https://a.example"])
def test_origins_that_are_no_list_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ALLOWED_ORIGINS"):
        parse_origins(text)


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        ({}, True),
        ({"default": "Warning"}, False),
        ({"default": "Warning", "Host.Function.Console": "Information"}, True),
        ({"default": "Information", "Host.Function": "None"}, False),
        ({"Host": "None", "Host.Function.Console": "Trace"}, True),
        ({"default": "Debug", "Function": "None"}, True),
    ],
)
def test_the_longest_prefix_decides_the_log_level(levels: dict[str, object], shown: bool) -> None:
    assert shows("Host.Function.Console", levels) is shown


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("", "/api", {}),
        ("plain", "/API/Plain/", {}),
        ("items/{id:int}", "/api/items/7", {"id": "7"}),
        ("items/{id}", "/api/items", None),
        ("items/{id?}", "/api/items", {}),
        ("items/{id?}", "/api/itemsx", None),
        ("{*rest}", "/api", {}),
        ("{*rest}", "/api/a/b/", {"rest": "a/b/"}),
        ("{*rest}", "/apix", None),
        ("{a}.{b}", "/api/x.y", {"a": "x", "b": "y"}),
    ],
)
def test_route_templates_match_as_the_hosts_do(template: str, path: str, params: dict[str, str] | None) -> None:
    function = Function(name="one", route=template, methods=())
    found = Routes([function], "api").find("GET", path)
    assert found == (None if params is None else Match(function="one", params=params))
