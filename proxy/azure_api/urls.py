"""The URL of an operation at a resource of Azure OpenAI."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from proxy.config.resources import DATED_API_VERSION
from proxy.errors import InvalidRequest
from proxy.openai_api.operations import Operation, Surface
from proxy.openai_api.router import Route

# Parameters of the client's query that never pass: the proxy chooses the version, and the others may be a key.
_OWN_PARAMETERS = frozenset({"api-version", "code", "api-key", "subscription-key"})
# An encoded slash belongs to an id here, but a server behind the proxy may see a path.
_UNSAFE_SEGMENTS = frozenset({"", ".", ".."})
_SLASHES = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """The surfaces of one resource.

    `endpoint` has no path, `api_version` is a date. `prefers_v1` sends deployment operations to `/openai/v1`, and
    `chosen` has the surface of single operations. OpenAI, and what has its API, has one surface, at its `endpoint`.
    """

    endpoint: str
    api_version: str
    prefers_v1: bool = False
    is_openai: bool = False
    chosen: Mapping[str, Surface]

    def surface_for(self, operation: Operation) -> Surface:
        """Return the surface that serves an operation."""
        if self.is_openai:
            return Surface.V1
        classic = operation.surface is Surface.DEPLOYMENT
        chosen = self.chosen.get(operation.name)
        if chosen is Surface.CLASSIC:
            return Surface.DEPLOYMENT if classic else Surface.CLASSIC
        if chosen is Surface.V1 or (classic and self.prefers_v1 and operation.on_v1):
            return Surface.V1
        return operation.surface

    def url(self, route: Route, deployment: str | None, query: str) -> str:
        """Return the URL of a call, with those parameters of the client's query that may pass.

        Raises `InvalidRequest` for an id that would change the path, such as `..`.
        """
        prefix, version = self._prefix(self.surface_for(route.operation), deployment)
        if not (query or route.parameters):
            address = f"{self.endpoint}{prefix}{route.operation.path}"
            return f"{address}?{version}" if version else address
        path = _filled(route.operation.path, route.parameters)
        return with_query(f"{self.endpoint}{prefix}{path}", version, *passed_parameters(query))

    @property
    def models_url(self) -> str:
        """Return where the models are listed, which spends no token."""
        classic = not (self.is_openai or self.prefers_v1)
        prefix, version = self._prefix(Surface.CLASSIC if classic else Surface.V1, None)
        return with_query(f"{self.endpoint}{prefix}/models", version)

    def _prefix(self, surface: Surface, deployment: str | None) -> tuple[str, str]:
        if surface is Surface.V1:
            return "" if self.is_openai else "/openai/v1", ""
        version = f"api-version={self.api_version}"
        return ("/openai" if surface is Surface.CLASSIC else f"/openai/deployments/{deployment}"), version


def surfaces_at(endpoint: str, api_version: str, chosen: Mapping[str, Surface], *, is_openai: bool = False) -> Surfaces:
    """Return the surfaces of a resource; `api_version` is a date, or `v1` for everything that `/openai/v1` has."""
    on_v1 = api_version == "v1"
    version = DATED_API_VERSION if on_v1 else api_version
    return Surfaces(endpoint=endpoint, api_version=version, prefers_v1=on_v1, is_openai=is_openai, chosen=chosen)


def without_version(url: str) -> str:
    """Return a URL without its api-version."""
    address, _, query = url.partition("?")
    return with_query(address, *(pair for pair in query.split("&") if not pair.startswith("api-version=")))


def passed_parameters(query: str) -> tuple[str, ...]:
    """Return the parameters of the client's query that may pass, unchanged."""
    pairs = query.split("&") if query else ()
    return tuple(pair for pair in pairs if unquote(pair.partition("=")[0]).lower() not in _OWN_PARAMETERS)


def with_mapped_model(query: str, serving: Callable[[str], str]) -> str:
    """Return a query in which the model, if there is one, is replaced by its deployment."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(
        f"model={quote(serving(unquote(value)), safe='')}" if name == "model" else name + equals + value
        for name, equals, value in pairs
    )


def with_query(address: str, *pairs: str) -> str:
    """Return an address with a query of the parameters that are not empty."""
    query = "&".join(filter(None, pairs))
    return f"{address}?{query}" if query else address


def _filled(path: str, parameters: tuple[str, ...]) -> str:
    values = iter(parameters)
    return "/".join(_encoded(next(values)) if part.startswith("{") else part for part in path.split("/"))


def _encoded(value: str) -> str:
    if _UNSAFE_SEGMENTS.intersection(_SLASHES.split(value)):
        raise InvalidRequest("An id in the path of your request is not valid.")
    return quote(value, safe="")
