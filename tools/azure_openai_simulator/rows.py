"""A row of the table of operations: what is called how, where, and of which deployment."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto

import msgspec

from tools.azure_openai_simulator.answers import Ask, Operation
from tools.azure_openai_simulator.headers import model_headers, resource_headers

Names = Callable[[Ask], str | None]
HeadersOf = Callable[[Ask], dict[str, str]]


class Surface(Flag):
    """Where an operation is: under a deployment, under the resource with a dated version, under v1."""

    DEPLOYMENT = auto()
    CLASSIC = auto()
    V1 = auto()


DEPLOYED = Surface.DEPLOYMENT | Surface.V1
BOTH = Surface.CLASSIC | Surface.V1

V1_VERSIONS = frozenset({None, "v1", "preview", "latest"})
NO_VERSION: frozenset[str | None] = frozenset({None})


def nothing(_ask: Ask) -> str | None:
    """Name no deployment."""
    return None


class _Named(msgspec.Struct):
    model: str | None = None


_named = msgspec.json.Decoder(_Named)


def model(ask: Ask) -> str | None:
    """Name the deployment that the body must name as `model`."""
    if ask.form is not None:
        return ask.form.fields.get("model", "")
    return _named.decode(ask.body).model or ""


def optional_model(ask: Ask) -> str | None:
    """Name the deployment that the body may name as `model`."""
    return model(ask) or None if ask.body.strip() or ask.form is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation; `{name}` in its path is one segment of any text.

    `names` tells the deployment of a call whose path does not; `since` is the first dated version, with `-preview` no
    other versions have it; `versions` are what v1 takes as api-version.
    """

    method: str
    path: str
    operation: Operation
    surfaces: Surface = BOTH
    names: Names = nothing
    since: str = ""
    headers: HeadersOf = resource_headers
    versions: frozenset[str | None] = V1_VERSIONS


def deployed(path: str, operation: Operation, since: str = "") -> Row:
    """Build the row of an operation of a deployment."""
    return Row(
        method="POST",
        path=path,
        operation=operation,
        surfaces=DEPLOYED,
        names=model,
        since=since,
        headers=model_headers,
    )
