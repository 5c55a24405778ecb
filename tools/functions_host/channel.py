"""The lines that host and worker exchange: one JSON object each, over an inherited socket."""

import json
from dataclasses import asdict, dataclass

LINE_LIMIT = 1 << 24  # a line carries route parameters, function metadata or a traceback, never a body


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An HTTP function as its app declares it; no methods means all of them."""

    name: str
    route: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Worker to host: the app is indexed and its web server listens at `uri`."""

    uri: str
    functions: tuple[Function, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Worker to host: the app cannot run."""

    message: str
    stack_trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """Host to worker: run `function` for the HTTP request that carries `invocation_id`."""

    invocation_id: str
    function: str
    params: dict[str, str]
    trace_parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Worker to host: the handler of `invocation_id` has returned its response, or failed with `error`."""

    invocation_id: str
    error: str | None


WorkerMessage = Ready | Failed | Returned


def encode(message: Invoke | WorkerMessage) -> bytes:
    """Encode `message` as one line."""
    return json.dumps({type(message).__name__: asdict(message)}).encode() + b"\n"


def parse_invoke(line: bytes) -> Invoke:
    """Parse a line that the host wrote."""
    return Invoke(**json.loads(line)["Invoke"])


def parse_worker_message(line: bytes) -> WorkerMessage:
    """Parse a line that the worker wrote."""
    ((kind, fields),) = json.loads(line).items()
    if kind == "Returned":
        return Returned(**fields)
    if kind == "Failed":
        return Failed(**fields)
    functions = (
        Function(name=one["name"], route=one["route"], methods=tuple(one["methods"])) for one in fields["functions"]
    )
    return Ready(uri=fields["uri"], functions=tuple(functions))
