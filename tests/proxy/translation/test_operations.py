"""Which operation a method and a path ask for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import MethodNotAllowed, UnknownUrl
from proxy.translation.operations import OPERATIONS, Answer, Operation, Route, find

ROWS = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "")


def filled(operation: Operation) -> tuple[str, tuple[str, ...]]:
    path = operation.path.replace("{model}", "gpt-4o")
    return path, ("gpt-4o",) * operation.path.count("{")


@ROWS
@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1"])
def test_every_operation_is_found_with_and_without_v1(operation: Operation, prefix: str) -> None:
    path, parameters = filled(operation)
    assert find(operation.method, prefix + path) == Route(operation=operation, parameters=parameters)


@ROWS
def test_a_sloppy_path_finds_the_same_operation(operation: Operation) -> None:
    path, parameters = filled(operation)
    for sloppy in (f"/v1{path}/", f"//v1/{path}//", path.removeprefix("/"), f"/v1{path.replace('/', '//')}"):
        assert find(operation.method, sloppy) == Route(operation=operation, parameters=parameters)


@ROWS
def test_head_finds_what_get_finds(operation: Operation) -> None:
    path, _ = filled(operation)
    found = find("HEAD", path)
    assert isinstance(found, Route) == (operation.method == "GET")


@ROWS
@pytest.mark.parametrize("method", METHODS)
def test_another_method_is_refused_and_told_which_are_allowed(operation: Operation, method: str) -> None:
    path, _ = filled(operation)
    if (method, operation.method) in {(operation.method, operation.method), ("HEAD", "GET")}:
        return
    found = find(method, path)
    assert isinstance(found, MethodNotAllowed)
    assert (found.status, found.type, found.code) == (405, "invalid_request_error", "method_not_supported")
    assert found.headers == {"allow": "GET, HEAD" if operation.method == "GET" else operation.method}
    assert found.message == f"Not allowed to {method} on {path}."


@pytest.mark.parametrize(
    "path",
    [
        "/chat", "/v1/chat", "/v1/chat/completions/x", "/v1/Chat/completions", "/v1/chat/completions%20", "/v2/models",
        "/v1/moderations", "/v1/models/a/b", "/openai/v1/models", "/openai/deployments/d/chat/completions", "/admin",
        "/v1/chat%2Fcompletions", "/v1%2Fmodels", "/.well-known/x", "/v1/{model}", "/health/x", "/v1/chat\\completions",
        "/v1/chat/completions?x=1", "/v1/chat/completions#x", "/v1/chat/completions;x", "/v1/chat/\x00completions",
    ],
)  # fmt: skip
def test_an_unknown_path_is_an_unknown_url(path: str) -> None:
    found = find("POST", path)
    assert isinstance(found, UnknownUrl)
    assert (found.status, found.type, found.code, found.param) == (404, "invalid_request_error", "unknown_url", None)
    assert found.message == f"Unknown request URL: POST {path}. Please check the URL for typos."


def test_a_long_path_is_shown_in_part() -> None:
    found = find("GET", "/" + "x" * 100_000)
    assert isinstance(found, UnknownUrl)
    assert len(found.message) < 300


@pytest.mark.parametrize("written", ["org%2Fmodel", "org%2fmodel"])
def test_an_encoded_slash_belongs_to_the_name_of_a_model(written: str) -> None:
    found = find("GET", f"/v1/models/{written}")
    assert isinstance(found, Route)
    assert (found.operation.answer, found.parameters) == (Answer.MODEL, ("org/model",))


def test_only_health_and_index_are_public() -> None:
    assert {operation.path for operation in OPERATIONS if operation.public} == {"/health", "/"}


def test_the_paths_of_the_table_are_all_different() -> None:
    assert len({(operation.method, re.sub(r"{\w+}", "{}", operation.path)) for operation in OPERATIONS}) == len(
        OPERATIONS
    )


@ROWS
def test_what_a_deployment_answers_needs_a_key_and_has_no_parameter_in_its_path(operation: Operation) -> None:
    if operation.answer is Answer.DEPLOYMENT:
        assert not operation.public
        assert "{" not in operation.path


DOTS = st.sampled_from(
    ["..", ".", "%2e%2e", "..;", "..%2f", "%2f..", "..\\", "....", "%00", "..%5c", "\u2025", "..%252f"]
)
NAMES = st.sampled_from(
    ["v1", "chat", "completions", "embeddings", "models", "health", "openai", "deployments", "admin"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(DOTS | NAMES, min_size=1, max_size=8), st.sampled_from(["GET", "POST"]))
def test_a_path_with_dots_never_finds_more_than_the_name_of_a_model(segments: list[str], method: str) -> None:
    found = find(method, "/" + "/".join(segments))
    if isinstance(found, Route) and not all(re.fullmatch("[a-z0-9]+", segment) for segment in segments):
        assert found.operation.answer is Answer.MODEL
        assert segments[-2] == "models"
        assert len(found.parameters) == 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=8))
def test_any_text_is_answered_with_a_route_or_an_error(path: str, method: str) -> None:
    found = find(method, path)
    assert isinstance(found, Route | UnknownUrl | MethodNotAllowed)
