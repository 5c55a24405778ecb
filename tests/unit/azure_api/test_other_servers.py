"""Errors of servers that have OpenAI's API and are not Azure's, as they were seen, become OpenAI's."""

import json
from dataclasses import replace

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.other_servers import is_error, lacks_model, lacks_operation, says_no_path, with_json
from proxy.errors import ModelNotFound, ProxyError, UnsupportedOperation, UpstreamAuthError
from proxy.values import AuthMode

ERRORS = AzureErrors(model="x", auth=AuthMode.NONE, client_text=b'{"model":"x"}', has_version=False, is_openai=True)
NAMELESS = replace(ERRORS, model=None)
OF_OBJECT = replace(NAMELESS, names_object=True)


def body(message: str, **members: object) -> bytes:
    return json.dumps({"error": {"message": message, **members}}).encode()


def answer(status: int, raw: bytes, errors: AzureErrors = ERRORS) -> ProxyError:
    return errors.answer(status, {"content-type": "text/plain", "x-request-id": "6f1c"}, raw)


NO_MODEL: dict[str, tuple[int, bytes]] = {
    "ollama": (404, body("model 'x' not found", type="api_error", param=None, code=None)),
    "ollama's embeddings": (404, body('model "x" not found, try pulling it first', type="api_error")),
    "ollama's own api": (404, b'{"error":"model \'x\' not found"}'),
    "vllm of old": (
        404,
        b'{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}',
    ),
    "vllm": (404, body("The model `x` does not exist.", type="NotFoundError", param="model", code=404)),
    "lm studio": (
        404,
        body("No models loaded. Please load a model in the developer page.", param="model", code="model_not_found"),
    ),
    "foundry local": (400, b"No OpenAIService provider found for modelName:x"),
    "llama.cpp": (400, body("model 'x' is not found", type="invalid_request_error", code=400)),
    "openai": (404, body("The model `x` does not exist or you do not have access to it.", code="model_not_found")),
}


@pytest.mark.parametrize("server", NO_MODEL)
def test_a_model_that_is_not_there_is_not_found(server: str) -> None:
    error = answer(*NO_MODEL[server])
    assert isinstance(error, ModelNotFound)
    assert (error.status, error.code) == (404, "model_not_found")
    assert "`x`" in error.message


def test_a_model_that_is_not_there_where_none_was_named_is_not_found_either() -> None:
    error = answer(*NO_MODEL["vllm"], errors=NAMELESS)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")


NO_OPERATION: dict[str, tuple[int, bytes]] = {
    "ollama": (404, b"404 page not found"),
    "ollama's method": (405, b"405 method not allowed"),
    "fastapi": (404, b'{"detail":"Not Found"}'),
    "fastapi's method": (405, b'{"detail":"Method Not Allowed"}'),
    "llama.cpp": (404, body("File Not Found", type="not_found_error", code=404)),
    "lm studio": (404, b'{"error":"Unexpected endpoint or method. (POST /v1/files)"}'),
    "kestrel": (404, b""),
    "nginx": (404, b"<html><head><title>404 Not Found</title></head></html>"),
    "express": (404, b"Cannot POST /v1/files"),
    "openai": (404, body("Invalid URL (POST /v1/x)", type="invalid_request_error", code=None)),
    "something": (404, b"404: Not Found!"),
}


@pytest.mark.parametrize("server", NO_OPERATION)
@pytest.mark.parametrize("errors", [ERRORS, NAMELESS, OF_OBJECT])
def test_an_operation_that_is_not_there_is_not_offered(server: str, errors: AzureErrors) -> None:
    error = answer(*NO_OPERATION[server], errors=errors)
    assert isinstance(error, UnsupportedOperation)
    assert (error.status, error.code, error.reason) == (404, "unsupported_operation", "upstream_operation")
    assert error.message == "The server of this model does not offer this operation."
    assert error.headers == {"x-request-id": "6f1c"}


def test_what_a_server_would_need_for_an_operation_is_told() -> None:
    error = answer(501, body("This server does not support embeddings.", type="not_supported_error", code=501))
    assert error.message.endswith("operation. This server does not support embeddings.")
    assert answer(501, b"").message.endswith("does not offer this operation.")


@pytest.mark.parametrize("errors", [ERRORS, NAMELESS, OF_OBJECT])
def test_an_object_that_is_not_there_is_what_the_server_says(errors: AzureErrors) -> None:
    error = answer(404, body("Response with id 'resp_1' not found.", type="NotFoundError", code=404), errors)
    assert not isinstance(error, UnsupportedOperation)
    assert (error.status, error.message) == (404, "Response with id 'resp_1' not found.")


def test_a_line_of_text_is_a_message_and_a_page_is_none() -> None:
    error = answer(400, b"top_p must be between 0.0 and 1.0\n")
    assert (error.status, error.message, error.type) == (
        400,
        "top_p must be between 0.0 and 1.0",
        "invalid_request_error",
    )
    for raw in (b"", b"<html>secret</html>", b"\xff", b"a\x00b", b"x" * 501):
        assert answer(400, raw).message == (
            "The server of this model refused the request and gave no reason that can be shown."
        )
    assert "[host]" in answer(400, b"see canary.openai.azure.com").message


def test_a_server_that_loads_its_model_says_so() -> None:
    error = answer(503, body("Loading model", type="unavailable_error", code=503))
    assert (error.status, error.message, error.code) == (503, "Loading model", None)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_says_what_to_correct(status: int) -> None:
    error = ERRORS.answer(status, {"location": "https://canary/"}, b"")
    assert (error.status, error.code) == (502, "upstream_error")
    assert "redirect" in error.message
    assert "endpoint" in error.message
    assert "canary" not in f"{error.message} {error.headers}"


def test_a_server_that_wants_a_key_is_told_as_its_cure() -> None:
    error = answer(401, b'{"error":"Unauthorized"}')
    assert isinstance(error, UpstreamAuthError)
    assert "asks for a key" in error.message


def test_errors_of_azure_are_read_as_before() -> None:
    azure = replace(ERRORS, auth=AuthMode.KEY, is_openai=False)
    assert not isinstance(azure.answer(404, {}, b"404 page not found"), UnsupportedOperation)
    assert not isinstance(azure.answer(404, {}, NO_MODEL["vllm"][1]), ModelNotFound)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b'{"error":"Unexpected endpoint or method. (POST /v1/x)"}', 404, "unsupported_operation"),
        (NO_MODEL["vllm of old"][1], 404, "model_not_found"),
        (b'{"error":{"message":"Too many","code":"rate_limit_exceeded"}}', 429, "rate_limit_exceeded"),
        (b'{"error":"The model crashed."}', 500, None),
    ],
)
def test_an_error_that_came_as_a_success_is_one(raw: bytes, status: int, code: str | None) -> None:
    assert is_error(raw)
    error = ERRORS.in_success({"x-request-id": "1"}, raw)
    assert (error.status, error.code, error.headers["x-request-id"]) == (status, code, "1")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{", b"\xff", b"{}", b'{"error":null}', b'{"object":"list","data":null}', b'"error"',
        b'{"id":"resp_1","object":"response","error":{"message":"a"}}', b'{"object":"chat.completion","choices":[]}',
        b'{"message":"hello"}',
    ],
)  # fmt: skip
def test_an_object_of_the_api_is_no_error(raw: bytes) -> None:
    assert not is_error(raw)


def test_the_parts_know_their_limits() -> None:
    assert not lacks_model(500, "model 'x' not found")
    assert not lacks_model(404, "file 'x' not found")
    assert not lacks_operation(400, "Not Found")
    assert not says_no_path("No response found with id resp_1.")
    assert with_json(b'{"a":1}') == b'{"a":1}'
    assert with_json(b" text ") == b'{"message":"text"}'
