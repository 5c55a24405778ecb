"""Requests and sendings become spans of the conventions, with nothing that a client wrote but names."""

import json

import pytest

from proxy.telemetry.spans import (
    MAX_NAME,
    LoggedRequest,
    Span,
    attempt_error,
    attempt_span,
    genai_operation,
    model_of,
    parse_line,
    request_span,
)
from proxy.values import Usage
from tests.unit.telemetry.records import AZURE, USAGE, sending

LINE = {
    "request_id": "id",
    "client": "alice",
    "operation": "createChatCompletion",
    "deployment": "my-4o",
    "status": 200,
    "first_byte_ms": 10.0,
    "duration_ms": 1500.0,
    "outcome": "completed",
    "attempts": 2,
    "sent": 1,
    "received": 2,
    "failures": [{"target": 0, "status": 429, "code": "429"}],
}


def line(**changed: object) -> LoggedRequest:
    return parse_line(json.dumps({**LINE, **changed}))


def span_of(request: LoggedRequest) -> Span:
    return request_span(request, 1000.0)


def test_the_span_of_a_request_says_what_its_line_says() -> None:
    assert span_of(line()) == Span(
        name="POST /v1/chat/completions",
        ended=1000.0,
        attributes={
            "http.request.method": "POST",
            "http.route": "/v1/chat/completions",
            "http.response.status_code": 200,
            "proxy.request_id": "id",
            "proxy.client": "alice",
            "proxy.operation": "createChatCompletion",
            "proxy.outcome": "completed",
            "proxy.attempts": 2,
        },
        error=None,
    )


@pytest.mark.parametrize("operation", [None, "passed-through"])
def test_a_request_of_no_known_operation_has_no_route(operation: str | None) -> None:
    span = span_of(line(operation=operation, status=404, outcome="error", error="unknown_url"))
    assert span.name == "HTTP"
    assert not {"http.route", "http.request.method"} & span.attributes.keys()
    assert span.attributes["proxy.error"] == "unknown_url"


@pytest.mark.parametrize(
    ("status", "outcome", "error"),
    [
        (200, "completed", None),
        (400, "error", None),
        (429, "error", None),
        (499, "client_left", None),
        (500, "error", "500"),
        (503, "error", "503"),
        (200, "stream_broken", "stream_broken"),
        (200, "failed", "failed"),
    ],
)
def test_only_what_the_server_is_to_blame_for_is_an_error_of_a_request(
    status: int, outcome: str, error: str | None
) -> None:
    span = span_of(line(status=status, outcome=outcome))
    assert span.error == error
    assert span.attributes.get("error.type") == error


def test_a_translated_request_says_so() -> None:
    assert span_of(line(translated="responses")).attributes["proxy.translated"] == "responses"


def test_a_sending_is_the_span_of_a_client() -> None:
    assert attempt_span(sending(), AZURE) == Span(
        name="chat my-4o",
        ended=1002.0,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": AZURE,
            "gen_ai.request.model": "my-4o",
            "http.response.status_code": 200,
            "proxy.resource": 1,
            "proxy.attempt": 1,
            "proxy.outcome": "completed",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 20,
        },
        error=None,
    )


def test_a_stream_has_its_time_to_the_first_chunk() -> None:
    attributes = attempt_span(sending(streamed=True), AZURE).attributes
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.response.time_to_first_chunk"] == 0.5
    whole = attempt_span(sending(), AZURE).attributes
    assert not {"gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"} & whole.keys()


def test_a_sending_without_a_model_has_the_name_of_its_operation() -> None:
    span = attempt_span(sending(operation="listFiles", model=None, deployment=None, usage=None), "openai")
    assert span.name == "listFiles"
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert not {"gen_ai.request.model", "gen_ai.usage.input_tokens"} & span.attributes.keys()


def test_tokens_from_the_cache_of_reasoning_and_estimated_ones_are_marked() -> None:
    usage = Usage(input_tokens=10, output_tokens=0, cached_tokens=8, reasoning_tokens=3, estimated=True)
    attributes = attempt_span(sending(usage=usage), AZURE).attributes
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 8
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 3
    assert attributes["proxy.tokens_estimated"] == "true"
    assert attributes["gen_ai.usage.output_tokens"] == 0
    counted = attempt_span(sending(usage=USAGE), AZURE).attributes
    assert not {"gen_ai.usage.cache_read.input_tokens", "proxy.tokens_estimated"} & counted.keys()


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("createChatCompletion", "chat"),
        ("createResponse", "chat"),
        ("createCompletion", "text_completion"),
        ("createEmbedding", "embeddings"),
        ("createSpeech", "createSpeech"),
    ],
)
def test_an_operation_has_the_word_of_the_conventions_or_its_own(operation: str, name: str) -> None:
    assert genai_operation(sending(operation=operation)) == name


def test_the_model_is_what_azure_is_asked_for() -> None:
    assert model_of(sending()) == "my-4o"
    assert model_of(sending(deployment=None)) == "gpt-4o"
    assert model_of(sending(deployment=None, model=None)) is None
    assert model_of(sending(deployment=None, model="x" * 1000)) == "x" * MAX_NAME


@pytest.mark.parametrize(
    ("status", "outcome", "error"),
    [
        (200, "completed", None),
        (200, "client_left", None),
        (200, "answer", None),
        (400, "answer", "400"),
        (503, "refused", "503"),
        (None, "connect", "connect"),
        (200, "incomplete", "incomplete"),
    ],
)
def test_a_refusal_and_a_broken_sending_are_errors(status: int | None, outcome: str, error: str | None) -> None:
    assert attempt_error(sending(status=status, outcome=outcome)) == error
    span = attempt_span(sending(status=status, outcome=outcome), AZURE)
    assert (span.error, span.attributes.get("error.type")) == (error, error)
    assert span.attributes.get("http.response.status_code") == status
