"""All settings of the host, read once: host.json, local.settings.json, the environment and the command line."""

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FUNCTION_TIMEOUT = "AzureFunctionsJobHost__functionTimeout"
BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
CORS_ORIGINS = "CORS_ALLOWED_ORIGINS"
CONSOLE = "Host.Function.Console"
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)")
_ALLOWS_INFORMATION = {"trace", "debug", "information"}


class SettingsError(Exception):
    """A setting cannot be read; the text says which and what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds and bytes; None stands for no limit, and for CORS for a plan where the app answers it."""

    app: Path
    address: str
    port: int
    route_prefix: str
    function_timeout: float | None
    activity_timeout: float
    body_limit: int
    cors_origins: frozenset[str] | None
    shows_console: bool
    loses_requests: bool
    worker_environ: Mapping[str, str] = field(repr=False)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; each number may be made small for tests."""
    parser = argparse.ArgumentParser(prog="python -m tools.functions_host", description="Run a Functions app here.")
    parser.add_argument("folder", nargs="?", type=Path, help="the app's folder (default: the current one)")
    parser.add_argument("--app", type=Path, help="the same, by name")
    parser.add_argument("--local-settings", type=Path, metavar="FILE", help="default: local.settings.json of the app")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7071, help="0 picks a free port (default: 7071)")
    parser.add_argument("--flex", action="store_true", help="answer CORS as Flex Consumption does")
    parser.add_argument(
        "--lose-requests",
        action="store_true",
        help="as hosts of 2024: a function never gets a request that has an x-ms-invocation-id of the client's own or a"
        " header value in UTF-8",
    )
    parser.add_argument("--function-timeout", type=float, metavar="SECONDS", help="over that of host.json")
    parser.add_argument("--activity-timeout", type=float, metavar="SECONDS", default=240.0)
    parser.add_argument("--body-limit", type=int, metavar="BYTES", help=f"over {BODY_LIMIT}")
    return parser.parse_args(arguments)


def read_settings(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Merge the sources, the more specific over the more general; raise SettingsError."""
    app = (arguments.app or arguments.folder or Path()).resolve()
    host = read_json(app / "host.json")
    values = _section(read_json(arguments.local_settings or app / "local.settings.json"), "Values")
    merged = {name: str(value) for name, value in values.items()} | dict(environ)
    merged.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    timeout = arguments.function_timeout
    if timeout is None:
        timeout = parse_timeout(merged.get(FUNCTION_TIMEOUT) or str(host.get("functionTimeout", "00:30:00")))
    limit = arguments.body_limit
    if limit is None:
        limit = parse_body_limit(merged.get(BODY_LIMIT, "104857600"))
    http = _section(_section(host, "extensions"), "http")
    return Settings(
        app=app,
        address=arguments.address,
        port=arguments.port,
        route_prefix=str(http.get("routePrefix", "api")),
        function_timeout=timeout,
        activity_timeout=arguments.activity_timeout,
        body_limit=limit,
        cors_origins=parse_origins(merged.get(CORS_ORIGINS, "[]")) if arguments.flex else None,
        loses_requests=arguments.lose_requests,
        shows_console=shows(CONSOLE, _section(_section(host, "logging"), "logLevel")),
        worker_environ=merged,
    )


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object; a file that does not exist is an empty one."""
    if not path.exists():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise SettingsError(f"{path} is not a JSON object")
    return read


def read_values(environ: Mapping[str, str], local_settings: Path) -> dict[str, str]:
    """Return what is set in the environment, or else in local.settings.json; what is blank is not set."""
    values = read_json(local_settings).get("Values")
    merged = {**(values if isinstance(values, dict) else {}), **environ}
    return {name: str(value) for name, value in merged.items() if str(value).strip()}


def parse_timeout(text: str) -> float | None:
    """Parse functionTimeout into seconds; -1 stands for none."""
    if text == "-1":
        return None
    span = _TIME_SPAN.fullmatch(text)
    if not span:
        raise SettingsError(f"functionTimeout is {text!r}, expected hh:mm:ss or -1")
    days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def parse_body_limit(text: str) -> int:
    """Parse the body limit into bytes."""
    if not text.isdecimal():
        raise SettingsError(f"{BODY_LIMIT} is {text!r}, expected a number of bytes")
    return int(text)


def parse_origins(text: str) -> frozenset[str]:
    """Parse the platform's list of CORS origins."""
    try:
        origins = json.loads(text)
    except ValueError:
        origins = None
    if not isinstance(origins, list):
        raise SettingsError(f"{CORS_ORIGINS} is {text!r}, expected a JSON list")
    return frozenset(map(str, origins))


def shows(category: str, levels: Mapping[str, object]) -> bool:
    """Tell whether a log level table lets Information of `category` through: the longest prefix decides."""
    prefixes = [name for name in levels if name != "default" and category.lower().startswith(name.lower())]
    name = max(prefixes, key=len, default="default")
    return str(levels.get(name, "Information")).lower() in _ALLOWS_INFORMATION


def _section(parent: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = parent.get(name)
    return section if isinstance(section, dict) else {}
