"""The operations of OpenAI's API that the proxy answers, one row each, named as in OpenAI's API document."""

from dataclasses import dataclass, field
from enum import Enum

from proxy.errors import MethodNotAllowed, ProxyError, UnknownUrl


class Answer(Enum):
    """Who answers an operation, and what the answer is."""

    DEPLOYMENT = "a deployment of Azure OpenAI"
    MODELS = "the proxy: the models that work here"
    MODEL = "the proxy: one of these models"
    HEALTH = "the proxy: whether it is ready"
    INDEX = "the proxy: what it is"


class StreamFormat(Enum):
    """What the events of a stream hold: the member of a choice that says something, and its JSON for nothing.

    Both are chunks with choices, each with its finish_reason in the end, then `[DONE]`.
    """

    CHAT = ("delta", b"{}")
    COMPLETION = ("text", b'""')


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: a method and a path below `/v1`, who answers it, and how its stream and its JSON look.

    `clean` tells that a JSON answer carries fields that only Azure has; the others pass as bytes. `public` operations
    need no client key.
    """

    name: str
    method: str
    path: str
    answer: Answer
    stream: StreamFormat | None = None
    clean: bool = False
    public: bool = False


OPERATIONS = (
    Operation(
        name="createChatCompletion",
        method="POST",
        path="/chat/completions",
        answer=Answer.DEPLOYMENT,
        stream=StreamFormat.CHAT,
        clean=True,
    ),
    Operation(
        name="createCompletion",
        method="POST",
        path="/completions",
        answer=Answer.DEPLOYMENT,
        stream=StreamFormat.COMPLETION,
        clean=True,
    ),
    Operation(name="createEmbedding", method="POST", path="/embeddings", answer=Answer.DEPLOYMENT),
    Operation(name="listModels", method="GET", path="/models", answer=Answer.MODELS),
    Operation(name="retrieveModel", method="GET", path="/models/{model}", answer=Answer.MODEL),
    Operation(name="health", method="GET", path="/health", answer=Answer.HEALTH, public=True),
    Operation(name="index", method="GET", path="/", answer=Answer.INDEX, public=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The operation that a request asks for, with the values of its path's parameters in their order."""

    operation: Operation
    parameters: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node:
    methods: dict[str, Operation] = field(default_factory=dict)
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None


def find(method: str, path: str) -> Route | ProxyError:
    """Return the operation at a path, or the error that says why there is none.

    The error is a value: an unknown client must not learn which paths exist, so the caller weighs it after the key.
    HEAD finds the operation of GET. The base URL may be written with or without `/v1`.
    """
    node, parameters = _walk(_segments(path))
    if node is None or not node.methods:
        return UnknownUrl(f"Unknown request URL: {method} {_shown(path)}. Please check the URL for typos.")
    operation = node.methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        allowed = ", ".join(sorted(node.methods | ({"HEAD": operation} if "GET" in node.methods else {})))
        return MethodNotAllowed(f"Not allowed to {method} on {_shown(path)}.", headers={"allow": allowed})
    return Route(operation=operation, parameters=parameters)


def _segments(path: str) -> list[str]:
    segments = [segment for segment in path.split("/") if segment]
    while segments and segments[0] == "v1":
        del segments[0]
    # The Functions host hands `%2F` on encoded once more, so that one step of decoding is left for us.
    return [segment.replace("%2F", "/").replace("%2f", "/") for segment in segments]


def _walk(segments: list[str]) -> tuple[_Node | None, tuple[str, ...]]:
    node: _Node | None = _ROOT
    parameters: list[str] = []
    for segment in segments:
        if node is None:
            break
        literal = node.literals.get(segment)
        if literal is None:
            parameters.append(segment)
        node = literal or node.parameter
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
