"""A request and its sendings as spans, by OpenTelemetry's semantic conventions.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
Names that the conventions do not have begin with `proxy.`. Nothing of a body is in them: a record has none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

from proxy.openai_api.operations import OPERATIONS
from proxy.values import SendingRecord

Attribute = str | int | float
Attributes = Mapping[str, Attribute]
# Where the conventions have a word for an operation; others keep their own name.
_GENAI_OPERATIONS = {
    "createChatCompletion": "chat",
    "createResponse": "chat",
    "createCompletion": "text_completion",
    "createEmbedding": "embeddings",
}
_ROUTES = {operation.name: (operation.method, f"/v1{operation.path}") for operation in OPERATIONS}
# A client may name any model.
MAX_NAME = 128
_BROKEN = frozenset({"stream_broken", "failed"})


class SpanKind(Enum):
    """Whose view a span is."""

    SERVER = "the request as the proxy got it"
    INTERNAL = "the same where somebody else writes the span of the server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a span says at its end, in seconds since 1970 UTC; `error` is its `error.type`, None where it went well."""

    name: str
    ended: float
    attributes: Attributes
    error: str | None


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the log line of a request says, as far as its span has it."""

    request_id: str
    client: str | None = None
    operation: str | None = None
    status: int
    outcome: str
    error: str | None = None
    attempts: int
    translated: str | None = None


_DECODE = msgspec.json.Decoder(LoggedRequest).decode


def parse_line(line: str) -> LoggedRequest:
    """Parse the log line of a request."""
    return _DECODE(line)


def request_span(request: LoggedRequest, ended: float) -> Span:
    """Return the span of a request that ended at a time."""
    method, route = _ROUTES.get(request.operation or "", ("HTTP", None))
    error = _request_error(request)
    named = {
        "http.request.method": method if route is not None else None,
        "http.route": route,
        "http.response.status_code": request.status,
        "error.type": error,
        "proxy.request_id": request.request_id,
        "proxy.client": request.client,
        "proxy.operation": request.operation,
        "proxy.outcome": request.outcome,
        "proxy.error": request.error,
        "proxy.attempts": request.attempts,
        "proxy.translated": request.translated,
    }
    return Span(
        name=method if route is None else f"{method} {route}",
        ended=ended,
        attributes=_filled(named),
        error=error,
    )


def attempt_span(record: SendingRecord, provider: str) -> Span:
    """Return the span of a sending to a provider, by the name that the conventions have for it."""
    operation, model, error = genai_operation(record), model_of(record), attempt_error(record)
    named = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": record.streamed or None,
        "gen_ai.response.time_to_first_chunk": record.first_byte if record.streamed else None,
        "http.response.status_code": record.status,
        "error.type": error,
        "proxy.resource": record.resource,
        "proxy.attempt": record.attempt,
        "proxy.outcome": record.outcome,
        **dict(_usage(record)),
    }
    return Span(
        name=operation if model is None else f"{operation} {model}",
        ended=record.started + record.duration,
        attributes=_filled(named),
        error=error,
    )


def genai_operation(record: SendingRecord) -> str:
    """Return the conventions' name of an operation, or its own."""
    return _GENAI_OPERATIONS.get(record.operation, record.operation)


def model_of(record: SendingRecord) -> str | None:
    """Return what Azure is asked for: the deployment, which stands in the place of the model."""
    name = record.deployment or record.model
    return None if name is None else name[:MAX_NAME]


def attempt_error(record: SendingRecord) -> str | None:
    """Return the `error.type` of a sending: the status of a refusal, or how it broke off."""
    if record.status is not None and record.status >= 400:
        return str(record.status)
    return None if record.outcome in ("completed", "answer", "client_left") else record.outcome


def _usage(record: SendingRecord) -> Iterator[tuple[str, Attribute | None]]:
    usage = record.usage
    if usage is None:
        return
    yield "gen_ai.usage.input_tokens", usage.input_tokens
    yield "gen_ai.usage.output_tokens", usage.output_tokens
    yield "gen_ai.usage.cache_read.input_tokens", usage.cached_tokens or None
    yield "gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens or None
    yield "proxy.tokens_estimated", "true" if usage.estimated else None


def _request_error(request: LoggedRequest) -> str | None:
    """Return the `error.type` of a request: the client's own errors are none of the server's."""
    if request.status >= 500:
        return str(request.status)
    return request.outcome if request.outcome in _BROKEN else None


def _filled(named: Mapping[str, Attribute | None]) -> Attributes:
    return {name: value for name, value in named.items() if value is not None}
