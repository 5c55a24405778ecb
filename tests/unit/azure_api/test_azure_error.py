"""An error as Azure says it."""

import json

import pytest

from proxy.azure_api.errors import AzureError, parse
from proxy.errors import NO_HEADERS


def read(content: object, status: int | None = 400, said: bytes = b"") -> AzureError:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse(status, NO_HEADERS, body, said)


def test_a_code_is_compared_in_lower_case_and_kept_as_it_is_spelt() -> None:
    error = read({"error": {"code": "NoCapacity"}})
    assert (error.code, error.spelt) == ("nocapacity", "NoCapacity")
    assert read({"error": {}}).code == ""


def test_the_message_as_it_came_is_kept_for_telling_errors_apart_and_has_no_repr() -> None:
    error = read({"error": {"message": "No. See https://aka.ms/x"}})
    assert (error.message, error.raw) == ("No.", "No. See https://aka.ms/x")
    assert "aka.ms" not in repr(error)


@pytest.mark.parametrize("content", [b"<html>", {"error": {"message": "https://aka.ms/x"}}, {"error": {}}, {}])
@pytest.mark.parametrize(
    ("status", "beginning"),
    [(400, "Azure OpenAI refused"), (408, "The request timed out"), (413, "The request is too large"),
     (424, "The server had an error"), (429, "Too many requests"), (500, "The server had an error"),
     (302, "The server had an error"), (None, "The server had an error")],
)  # fmt: skip
def test_where_nothing_is_said_the_status_speaks(content: object, status: int | None, beginning: str) -> None:
    assert read(content, status).message.startswith(beginning)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"error": {"code": "429"}}, 429),
        ({"error": {"code": 503}}, 503),
        ({"error": {"code": "200"}}, 500),
        ({"error": {"code": "4290"}}, 500),
        ({"error": {"code": "\u0664\u0662\u0669"}}, 500),
        ({"error": {"code": 10**400}}, 500),
        ({"statusCode": 401, "message": "x"}, 401),
        ({"error": {"status": 400, "code": "new"}}, 400),
        ({"error": {"code": "server_error", "type": "invalid_request_error"}}, 500),
        ({"error": {"code": "new", "type": "invalid_request_error"}}, 400),
        ({"error": {"code": "Overloaded"}}, 429),
        ({"error": {"code": "gateway_timeout"}}, 504),
        ({"type": "error", "code": "slow_down", "message": "x"}, 429),
        ({"type": "response.failed", "response": {"error": {"code": "invalid_prompt"}}}, 400),
        ({"type": "response.failed", "response": {"error": None}}, 500),
        ({"error": None, "response": {}}, 500),
        ({"error": []}, 500),
        ({"error": "x"}, 500),
        ({}, 500),
    ],
)
def test_an_event_tells_its_status_by_its_code_or_type(content: object, status: int) -> None:
    assert read(content, None).status == status
    assert read(content, 418).status == 418


def test_a_failed_response_says_why() -> None:
    error = read({"type": "response.failed", "response": {"error": {"code": "x", "message": "Why."}}}, None)
    assert (error.message, error.spelt) == ("Why.", "x")


@pytest.mark.parametrize(
    ("fields", "inner"),
    [
        (b'"innererror":{"n": 1.0}', b'{"n": 1.0}'),
        (b'"innererror":null,"inner_error":{"n":1}', b'{"n":1}'),
        (b'"innererror":"a"', None),
        (b'"innererror":[1]', None),
        (b'"innererror":{"a":"\xff"}', None),
        (b'"innererror":{"a":"https:\\/\\/aka.ms\\/x"}', None),
        (b'"innererror":{"a":"my.openai.azure.com"}', None),
        (b'"innererror":{"a":"1\\/2"}', b'{"a":"1\\/2"}'),
        (b'"message":"x"', None),
    ],
)
def test_a_detail_is_the_bytes_of_azure_or_nothing(fields: bytes, inner: bytes | None) -> None:
    assert read(b'{"error":{%s}}' % fields).inner == inner


@pytest.mark.parametrize(
    ("fields", "filters"),
    [
        (b'"content_filters":[{"n": 1.0}]', b'[{"n": 1.0}]'),
        (b'"content_filters":{"n":1}', None),
        (b'"content_filters":[{"a":"my.openai.azure.com"}]', None),
    ],
)
def test_so_is_the_detail_of_a_response(fields: bytes, filters: bytes | None) -> None:
    error = read(b'{"error":{%s}}' % fields)
    assert (error.filters, error.inner) == (filters, None)


def test_what_the_client_said_is_shown_again_wherever_it_is() -> None:
    link = "https://a.example/x"
    error = read({"error": {"message": f"Bad {link}.", "param": link}}, said=link.encode())
    assert (error.message, error.param) == (f"Bad {link}.", link)
    assert read({"error": {"message": "x", "param": link}}).param is None
