"""Which operation a method and a path ask for, however the client's base URL is written."""

from dataclasses import dataclass, field

import msgspec

from proxy.errors import MethodNotAllowed, ProxyError, UnknownUrl, UnsupportedOperation
from proxy.openai_api.operations import OPERATIONS, Body, Operation, Surface

# Prefixes that name a deployment or, as in openai-python 0.28, an engine.
_NAMED = ("deployments", "engines")
_ANY = "*"
_MODELS = "models"
# The name of operations that the table does not have.
UNKNOWN = "unknown"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The operation that a request asks for, the values of its path's parameters, and a model named in the path."""

    operation: Operation
    parameters: tuple[str, ...] = ()
    model: str | None = None


@dataclass(slots=True)
class _Node:
    methods: dict[str, Operation] = field(default_factory=dict)
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None


def find(method: str, path: str) -> Route | ProxyError:
    """Return the operation at a path, or the error that says why there is none.

    The error is a value, because the caller must check the key before a client learns which paths exist. HEAD finds the
    operation of GET. These are the same: `/X`, `/v1/X`, `/v1//X/`, `/v1/v1/X`, `/openai/v1/X`, and for
    what a deployment answers `/openai/deployments/NAME/X` and `/v1/engines/NAME/X`.
    """
    if (plain := _PLAIN.get((method, path))) is not None:
        return plain
    model, segments = _named(_segments(path))
    if segments[:1] == [_MODELS]:  # a model's name may have slashes: openai/gpt-4o
        segments = [_MODELS, "/".join(segments[1:])] if segments[1:] else segments
    node, parameters = _walk(segments)
    if node is None or not node.methods:
        return UnknownUrl(f"Unknown request URL: {method} {_shown(path)}. Please check the URL for typos.")
    operation = node.methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        allowed = ", ".join(sorted({*node.methods, *(("HEAD",) if "GET" in node.methods else ())}))
        return MethodNotAllowed(f"Not allowed to {method} on {_shown(path)}.", headers={"allow": allowed})
    if operation.surface is Surface.UNSUPPORTED:
        return UnsupportedOperation(f"Azure OpenAI does not offer this operation. {operation.substitute}")
    if model is not None and operation.surface is not Surface.DEPLOYMENT:
        return UnknownUrl(f"Unknown request URL: {method} {_shown(path)}. No deployment is named for this operation.")
    return Route(operation=operation, parameters=parameters, model=model)


def is_azure_shaped(path: str) -> bool:
    """Tell whether a path is one of Azure OpenAI's API with dated versions, as its own clients use it."""
    return path.startswith("/openai/") and not path.startswith("/openai/v1")


def unknown(method: str, path: str) -> Route:
    """Return a route for an operation that is not in the table, which forwards it unchanged to `/openai/v1`."""
    segments = tuple(_segments(path))
    operation = Operation(
        name=UNKNOWN,
        method=method,
        path="".join("/{}" for _ in segments),
        surface=Surface.V1,
        body=Body.STREAM if method in _WITH_BODY else Body.NONE,
        download=True,
        stored=True,
    )
    return Route(operation=operation, parameters=segments)


def _segments(path: str) -> list[str]:
    segments = [segment for segment in path.split("/") if segment]
    if segments[:1] == ["openai"]:
        del segments[0]
    while segments[:1] == ["v1"]:
        del segments[0]
    # The Functions host encodes `%2F` once more, so one step of decoding is left.
    return [segment.replace("%2F", "/").replace("%2f", "/") for segment in segments]


def _named(segments: list[str]) -> tuple[str | None, list[str]]:
    if len(segments) > 2 and segments[0] in _NAMED:
        return segments[1], segments[2:]
    return None, segments


def _walk(segments: list[str]) -> tuple[_Node | None, tuple[str, ...]]:
    node: _Node | None = _ROOT
    rest: _Node | None = None
    parameters: list[str] = []
    for segment in segments:
        if node is None:
            break
        rest = node.literals.get(_ANY, rest)
        literal = node.literals.get(segment)
        if literal is None:
            if segment.lower() in node.literals:  # A server that knows no case would take it for another operation.
                return None, ()
            parameters.append(segment)
        node = literal or node.parameter
    if node is None or not node.methods:
        node = rest if node is None else node.literals.get(_ANY, rest)
    return node, tuple(parameters)


def _grow(operations: tuple[Operation, ...]) -> _Node:
    root = _Node()
    for operation in operations:
        node = root
        for segment in operation.path.strip("/").split("/") if operation.path != "/" else ():
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.methods[operation.method] = operation
    return root


def _shown(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:200]}..."


_ROOT = _grow(OPERATIONS)
# What most requests ask for, without a walk: the paths that have no parameters, as base URLs with and without /v1 give.
_PLAIN = {
    (operation.method, prefix + operation.path): Route(operation=operation)
    for operation in OPERATIONS
    for prefix in ("", "/v1", "/openai/v1")
    if "{" not in operation.path and "*" not in operation.path and operation.surface is not Surface.UNSUPPORTED
}
