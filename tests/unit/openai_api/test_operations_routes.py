"""Which operation a method and a path ask for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import MethodNotAllowed, UnknownUrl, UnsupportedOperation
from proxy.openai_api.operations import OPERATIONS, Body, Operation, Surface
from proxy.openai_api.router import Route, find, is_azure_shaped, unknown
from tests.unit.openai_api.paths import BY_NAME, ON_DEPLOYMENTS, ROWS, filled, template

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", ""}
PREFIXES = ("", "/v1", "/v1/v1", "//v1/", "/openai", "/openai/v1", "/openai/v1/v1", "//openai//v1/")


def expected(operation: Operation) -> Route | str:
    """Return the route of a row, or the message for what Azure does not offer."""
    if operation.surface is Surface.UNSUPPORTED:
        return f"Azure OpenAI does not offer this operation. {operation.substitute}"
    return Route(operation=operation, parameters=filled(operation)[1])


def found(method: str, path: str) -> Route | str:
    answer = find(method, path)
    return answer if isinstance(answer, Route) else answer.message


@ROWS
def test_every_operation_is_found_whatever_the_base_url(operation: Operation) -> None:
    for prefix in PREFIXES:
        assert found(operation.method, prefix + filled(operation)[0]) == expected(operation), prefix


@ROWS
def test_a_sloppy_path_finds_the_same_operation(operation: Operation) -> None:
    path = filled(operation)[0]
    for sloppy in (f"/v1{path}/", f"//v1/{path}//", path.removeprefix("/"), f"/v1{path.replace('/', '//')}"):
        assert found(operation.method, sloppy) == expected(operation)


@ON_DEPLOYMENTS
@pytest.mark.parametrize("name", ["gpt-4o", "a.b_c", "..", "v1", "deployments", "org%2Fmodel", "mo del", "{model}"])
@pytest.mark.parametrize("prefix", ["/openai/deployments", "/v1/engines", "/engines", "/openai/v1/deployments"])
def test_a_deployment_or_an_engine_may_be_named_in_the_path(operation: Operation, name: str, prefix: str) -> None:
    answer = find(operation.method, f"{prefix}/{name}{operation.path}/")
    assert answer == Route(operation=operation, model=name.replace("%2F", "/"))


@ROWS
@pytest.mark.parametrize("prefix", ["/openai/deployments/d", "/v1/engines/e"])
def test_no_other_operation_has_a_deployment_in_its_path(operation: Operation, prefix: str) -> None:
    if operation.surface is Surface.DEPLOYMENT or operation.path == "/":
        return
    path = prefix + filled(operation)[0]
    answer = find(operation.method, path)
    if operation.surface is Surface.UNSUPPORTED:
        assert isinstance(answer, UnsupportedOperation)
    else:
        assert isinstance(answer, UnknownUrl)
        assert answer.message.endswith(f"{path}. No deployment is named for this operation.")


@pytest.mark.parametrize("path", ["/openai/deployments", "/openai/deployments/d", "/v1/engines/e", "/engines//e"])
def test_a_deployment_without_an_operation_is_an_unknown_url(path: str) -> None:
    assert isinstance(find("GET", path), UnknownUrl)


@ROWS
def test_head_finds_what_get_finds(operation: Operation) -> None:
    if operation.method == "GET":
        assert found("HEAD", filled(operation)[0]) == expected(operation)


@ROWS
def test_another_method_is_refused_and_told_which_are_allowed(operation: Operation) -> None:
    path = filled(operation)[0]
    allowed = {row.method for row in OPERATIONS if template(row.path) == template(operation.path)}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for method in METHODS - allowed:
        answer = find(method, path)
        assert isinstance(answer, MethodNotAllowed)
        assert (answer.status, answer.type, answer.code) == (405, "invalid_request_error", "method_not_supported")
        assert answer.headers == {"allow": ", ".join(sorted(allowed))}
        assert answer.message == f"Not allowed to {method} on {path}."


@pytest.mark.parametrize(
    "path",
    [
        "/chat", "/v1/chat", "/v1/chat/completions/x/y", "/v1/Chat/completions", "/v1/chat/completions%20",
        "/v2/models", "/admin", "/v1/chat%2Fcompletions", "/v1%2Fmodels", "/.well-known/x",
        "/health/x", "/v1/chat\\completions", "/v1/chat/completions?x=1", "/v1/chat/completions#x",
        "/openai/openai/models",
        "/v1/chat/completions;x", "/v1/chat/\x00completions", "/v1/openai/models", "/v1/files/x/../y",
        "/v1/threads/t/x",
        "/v1/dashboard/billing", "/v1/*", "/openai/deployments/d/openai/v1/chat/completions",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_an_unknown_url(method: str, path: str) -> None:
    answer = find(method, path)
    assert isinstance(answer, UnknownUrl)
    assert (answer.status, answer.type, answer.code, answer.param) == (
        404,
        "invalid_request_error",
        "unknown_url",
        None,
    )
    assert answer.message == f"Unknown request URL: {method} {path}. Please check the URL for typos."


def test_a_long_path_is_shown_in_part() -> None:
    for method, path in (("GET", "/" + "x" * 100_000), ("PUT", "/v1/files/" + "x" * 100_000)):
        answer = find(method, path)
        assert not isinstance(answer, Route)
        assert len(answer.message) < 300


@pytest.mark.parametrize("path", ["/organization", "/organization/a", "/organization/a/b/c/d", "/v1/projects/p/roles"])
def test_a_whole_tree_is_one_row(path: str) -> None:
    answer = find("GET", path)
    assert isinstance(answer, UnsupportedOperation)
    assert (answer.status, answer.code) == (404, "unsupported_operation")
    assert isinstance(find("PATCH", path), MethodNotAllowed)


@pytest.mark.parametrize("written", ["org%2Fmodel", "org%2fmodel"])
def test_an_encoded_slash_belongs_to_its_id(written: str) -> None:
    assert find("GET", "/v1/models/org/model") == find("GET", f"/v1/models/{written}")
    assert find("GET", f"/v1/models/{written}") == Route(operation=BY_NAME["retrieveModel"], parameters=("org/model",))
    assert find("GET", f"/v1/vector_stores/{written}/files/{written}") == Route(
        operation=BY_NAME["getVectorStoreFile"], parameters=("org/model", "org/model")
    )


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/responses/compact", "Compactconversation"),
        ("POST", "/responses/input_tokens", "Getinputtokencounts"),
        ("GET", "/responses/resp_1", "getResponse"),
        ("POST", "/threads/runs", "createThreadAndRun"),
        ("POST", "/threads/t", "modifyThread"),
        ("POST", "/evals/e/runs/r", "cancelEvalRun"),
        ("GET", "/files/content/content", "downloadFile"),
    ],
)
def test_a_word_of_the_table_goes_before_an_id(method: str, path: str, name: str) -> None:
    answer = find(method, path)
    assert isinstance(answer, Route)
    assert answer.operation.name == name


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/v1/skills", ("skills",)), ("/openai/v1//skills/s-1/", ("skills", "s-1")), ("skills/s", ("skills", "s")),
        ("/v1/files%2Ff-1/{x}", ("files/f-1", "{x}")), ("/", ()),
    ],
)  # fmt: skip
def test_an_operation_that_the_table_does_not_know_passes_as_it_comes(path: str, segments: tuple[str, ...]) -> None:
    route = unknown("PATCH", path)
    assert (route.parameters, route.model) == (segments, None)
    operation = route.operation
    assert (operation.name, operation.method, operation.surface) == ("unknown", "PATCH", Surface.V1)
    assert (operation.body, operation.stream, operation.download) == (Body.STREAM, None, True)
    assert not operation.public


DOTS = st.sampled_from(
    ["..", ".", "%2e%2e", "..;", "..%2f", "%2f..", "..\\", "....", "%00", "..%5c", "\u2025", "..%252f"]
)
NAMES = st.sampled_from(
    ["v1", "chat", "completions", "embeddings", "models", "files", "openai", "deployments", "engines", "content"]
)


@given(st.lists(DOTS | NAMES, min_size=1, max_size=8), st.sampled_from(["GET", "POST", "DELETE"]))
def test_dots_in_a_path_are_never_more_than_an_id_or_a_model(segments: list[str], method: str) -> None:
    answer = find(method, "/" + "/".join(segments))
    if isinstance(answer, Route):
        odd = {segment.replace("%2f", "%2F") for segment in segments if not re.fullmatch("[a-z0-9]+", segment)}
        values = {value.replace("/", "%2F") for value in (*answer.parameters, answer.model or "")}
        if answer.operation.name == "retrieveModel":  # a name in a list, which is never part of an address
            assert all(segment in "".join(values) for segment in odd)
        else:
            assert odd <= values


@given(st.text(max_size=40), st.text(max_size=8))
def test_any_text_is_answered_with_a_route_or_an_error(path: str, method: str) -> None:
    assert isinstance(find(method, path), Route | UnknownUrl | MethodNotAllowed | UnsupportedOperation)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/openai/deployments/d/chat/completions", True),
        ("/openai/files", True),
        ("/openai/v1/files", False),
        ("/v1/files", False),
        ("/openai", False),
    ],
)
def test_the_paths_of_azures_dated_versions_are_known(path: str, expected: bool) -> None:
    assert is_azure_shaped(path) is expected


@pytest.mark.parametrize("path", ["/v1/threads/Runs", "/openai/threads/RUNS", "/v1/responses/Compact"])
def test_another_operation_in_other_letters_is_no_id(path: str) -> None:
    assert isinstance(find("POST", path), UnknownUrl)
