"""Which operation of which deployment a call is for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from tools.azure_openai_simulator.answers import Operation
from tools.azure_openai_simulator.errors import RefusalError
from tools.azure_openai_simulator.operations import BY_DEPLOYMENT

V1 = "/openai/v1/"
V1_VERSIONS = frozenset({None, "v1", "preview", "latest"})

_CLASSIC = re.compile(r"/openai/deployments/(?P<deployment>[^/]+)/(?P<operation>.+)")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a call is for."""

    operation: Operation
    deployment: str


class _Named(msgspec.Struct):
    model: str | None = None


def find_route(method: str, path: str, query: Mapping[str, str], body: bytes) -> Route:
    """Find the route of a call by its undecoded path; raise RefusalError when Azure has none."""
    version = query.get("api-version")
    if path.startswith(V1):
        operation = _operation(method, path.removeprefix(V1))
        if version not in V1_VERSIONS:
            raise RefusalError("error-400-api-version")
        return Route(operation=operation, deployment=msgspec.json.decode(body, type=_Named).model or "")
    match = _CLASSIC.fullmatch(path)
    if match is None or not _DATED.fullmatch(version or ""):
        raise RefusalError("error-404-route")
    return Route(operation=_operation(method, match["operation"]), deployment=unquote(match["deployment"]))


def _operation(method: str, path: str) -> Operation:
    operation = BY_DEPLOYMENT.get(path)
    if method != "POST" or operation is None:
        raise RefusalError("error-404-route")
    return operation
