"""Which operation of which deployment a call is for."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from tools.azure_openai_simulator.errors import RefusalError
from tools.azure_openai_simulator.operations import ROWS
from tools.azure_openai_simulator.rows import Row, Surface

V1 = "/openai/v1/"
CLASSIC = "/openai/"

_DEPLOYMENT = re.compile(r"/openai/deployments/(?P<deployment>[^/]+)/(?P<operation>.+)")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_PREVIEW = "-preview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a call is for; `deployment` is the one in the path, `ids` the other variable parts of it."""

    row: Row
    ids: Mapping[str, str]
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class _Pattern:
    row: Row
    segments: tuple[str, ...]

    def ids(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the variable segments by name, or None when another path is meant."""
        ids = {}
        for wanted, given in zip(self.segments, segments, strict=True):
            if wanted.startswith("{"):
                ids[wanted[1:-1]] = unquote(given)
            elif wanted != given:
                return None
        return ids


Key = tuple[Surface, str, int]


def find_route(method: str, path: str, query: Mapping[str, str], absent: Collection[str]) -> Route:
    """Find the route of a call by its undecoded path; raise RefusalError when Azure has none.

    `absent` are paths the resource does not have, as `v1/completions` or `deployments/completions`.
    """
    version = query.get("api-version")
    if path.startswith(V1):
        route = _match(Surface.V1, method, path.removeprefix(V1))
        _check_presence(f"v1/{route.row.path}", absent)
        if version not in route.row.versions:
            raise RefusalError("error-400-api-version")
        return route
    match = _DEPLOYMENT.fullmatch(path)
    if match is None:
        route = _match(Surface.CLASSIC, method, path.removeprefix(CLASSIC) if path.startswith(CLASSIC) else "")
        _check_presence(route.row.path, absent)
    else:
        route = _match(Surface.DEPLOYMENT, method, match["operation"], unquote(match["deployment"]))
        _check_presence(f"deployments/{route.row.path}", absent)
    _check_version(version or "", route.row.since)
    return route


def _check_presence(name: str, absent: Collection[str]) -> None:
    if name in absent:
        raise RefusalError("error-404-route")


def _check_version(version: str, since: str) -> None:
    """Raise RefusalError for a version older than the first, or a final one of what has stayed a preview."""
    preview = version.endswith(_PREVIEW) or not since.endswith(_PREVIEW)
    if not _DATED.fullmatch(version) or not preview or version[:10] < since[:10]:
        raise RefusalError("error-404-route")


def _match(surface: Surface, method: str, path: str, deployment: str | None = None) -> Route:
    segments = tuple(path.split("/"))
    for pattern in _PATTERNS.get((surface, method, len(segments)), ()):
        ids = pattern.ids(segments)
        if ids is not None:
            return Route(row=pattern.row, ids=ids, deployment=deployment)
    raise RefusalError("error-404-route")


def _patterns() -> Iterator[tuple[Key, _Pattern]]:
    """Yield every path on every surface, those without variable parts first."""
    for row in sorted(ROWS, key=lambda row: row.path.count("{")):
        segments = tuple(row.path.split("/"))
        for surface in row.surfaces:
            yield (surface, row.method, len(segments)), _Pattern(row, segments)


_PATTERNS: dict[Key, list[_Pattern]] = {}
for _key, _pattern in _patterns():
    _PATTERNS.setdefault(_key, []).append(_pattern)
