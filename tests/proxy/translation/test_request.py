"""A client's request as the call of a deployment."""

import json

import pytest

from proxy.errors import InvalidRequest
from proxy.translation.operations import OPERATIONS, Answer, Operation
from proxy.translation.request import Surface, parse_call, to_azure
from tests.proxy.translation import recorded

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CHAT = BY_NAME["createChatCompletion"]
SURFACES = [Surface(endpoint="https://a.openai.azure.com", api_version=version) for version in ("v1", "2024-10-21")]


def url(surface: Surface, query: str) -> str:
    call = parse_call(CHAT, b'{"model":"m"}')
    return to_azure(call, "d", surface, query=query, client_headers={}).url


@pytest.mark.parametrize("case", recorded.cases("request.json"))
def test_a_sample_becomes_the_call_of_a_deployment(case: str) -> None:
    client, sent = (json.loads(recorded.read(case, name)) for name in ("request.json", "sent.json"))
    call = parse_call(BY_NAME[client["operation"]], client["body"].encode())
    surface = Surface(endpoint=client["endpoint"], api_version=client["api_version"])
    message = to_azure(call, client["deployment"], surface, query=client["query"], client_headers=client["headers"])
    assert {
        "model": call.model,
        "stream": call.stream,
        "method": message.method,
        "url": message.url,
        "headers": message.headers,
        "body": message.body.decode(),
    } == sent


@pytest.mark.parametrize("body", [b"{}", b'{"model":null}', b'{"model":""}', b'{"messages":[{"model":"x"}]}'])
def test_a_body_without_a_model_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_call(CHAT, body)
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "model")


@pytest.mark.parametrize("value", [b"1", b"true", b"[]", b"{}", b"1.5", b'["m"]', b'"\\ud83d"', b'"\xff"'])
def test_a_model_of_another_type_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_call(CHAT, b'{"model":' + value + b"}")
    assert (caught.value.code, caught.value.param) == ("invalid_type", "model")


@pytest.mark.parametrize("value", [b"1", b'"true"', b"[]", b"{}", b"0"])
def test_a_stream_of_another_type_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_call(CHAT, b'{"model":"m","stream":' + value + b"}")
    assert (caught.value.code, caught.value.param) == ("invalid_type", "stream")


@pytest.mark.parametrize(("value", "expected"), [(b"true", True), (b"false", False), (b"null", False)])
def test_a_stream_is_what_the_body_asks_for(value: bytes, expected: bool) -> None:
    assert parse_call(CHAT, b'{"model":"m","stream": ' + value + b" }").stream is expected


def test_an_operation_without_streams_never_has_one() -> None:
    assert parse_call(BY_NAME["createEmbedding"], b'{"model":"m","stream":true}').stream is False


@pytest.mark.parametrize("operation", [row for row in OPERATIONS if row.answer is Answer.DEPLOYMENT])
@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.api_version)
def test_every_operation_of_a_deployment_goes_to_the_resource(operation: Operation, surface: Surface) -> None:
    call = parse_call(operation, b'{"model":"m"}')
    message = to_azure(call, "d", surface, query="", client_headers={"authorization": "Bearer canary"})
    assert message.url.startswith(f"{surface.endpoint}/openai/")
    assert message.url.partition("?")[0].endswith(operation.path)
    assert "canary" not in str(message)


def test_a_name_spelt_with_an_escape_is_replaced_as_well() -> None:
    call = parse_call(CHAT, b'{"\\u006dodel" :\t"\\u0067pt","x":{"model":"gpt"}}')
    message = to_azure(call, "d-1", SURFACES[0], query="", client_headers={})
    assert call.model == "gpt"
    assert message.body == b'{"\\u006dodel" :\t"d-1","x":{"model":"gpt"}}'


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        ("", ""), ("a=1", "a=1"), ("a=1&b=%26&c", "a=1&b=%26&c"), ("api-version=x", ""),
        ("a=1&API-VERSION=x&b=2", "a=1&b=2"),
        ("code=k", ""), ("code", ""), ("api-version=x&code=k", ""), ("codex=1", "codex=1"),
        ("a=api-version=x", "a=api-version=x"),
    ],
)  # fmt: skip
def test_the_query_of_the_client_goes_on_without_ours_and_azures(query: str, passed: str) -> None:
    v1, dated = (url(surface, query).partition("?")[2] for surface in SURFACES)
    assert v1 == passed
    assert dated == "&".join(filter(None, ["api-version=2024-10-21", passed]))


@pytest.mark.parametrize("query", ["api%2Dversion=2023-05-15", "c%6Fde=canary"])
def test_a_parameter_spelt_with_escapes_is_the_same_parameter(query: str) -> None:
    assert "%" not in url(SURFACES[1], query)


@pytest.mark.parametrize("query", ["api-key=canary", "subscription-key=canary"])
def test_a_key_in_the_query_never_goes_to_azure(query: str) -> None:
    assert "canary" not in url(SURFACES[0], query)
