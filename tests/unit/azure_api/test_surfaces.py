"""Where a resource of Azure OpenAI takes an operation, and what of a path and a query may pass."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.urls import (
    Surfaces,
    passed_parameters,
    surfaces_at,
    with_mapped_model,
    with_query,
    without_version,
)
from proxy.errors import InvalidRequest
from proxy.openai_api.operations import OPERATIONS, Operation, Surface
from proxy.openai_api.router import Route, unknown
from tests.unit.openai_api.paths import BY_NAME, ROWS, filled

HOST = "https://a.openai.azure.com"
DATED = Surfaces(endpoint=HOST, api_version="2024-10-21", chosen={})
ON_V1 = Surfaces(endpoint=HOST, api_version="2025-04-01-preview", prefers_v1=True, chosen={})
CHAT, FILE = BY_NAME["createChatCompletion"], BY_NAME["retrieveFile"]
WITH_IDS = [row for row in OPERATIONS if "{" in row.path and row.surface in (Surface.V1, Surface.CLASSIC)]
DEPLOYMENTS = f"{HOST}/openai/deployments/d"


def choosing(name: str, surface: Surface, prefers_v1: bool) -> Surfaces:
    return Surfaces(endpoint=HOST, api_version="2024-10-21", prefers_v1=prefers_v1, chosen={name: surface})


def prefix(surface: Surface) -> str:
    return {Surface.DEPLOYMENT: DEPLOYMENTS, Surface.CLASSIC: f"{HOST}/openai"}.get(surface, f"{HOST}/openai/v1")


@ROWS
def test_on_a_dated_version_every_operation_goes_where_its_row_says(operation: Operation) -> None:
    assert DATED.surface_for(operation) is operation.surface


@ROWS
def test_on_v1_what_deployments_answer_goes_to_v1_but_for_completions(operation: Operation) -> None:
    moved = operation.surface is Surface.DEPLOYMENT and operation.name != "createCompletion"
    assert ON_V1.surface_for(operation) is (Surface.V1 if moved else operation.surface)


@ROWS
@pytest.mark.parametrize("prefers_v1", [True, False])
def test_a_single_operation_goes_where_it_is_told(operation: Operation, prefers_v1: bool) -> None:
    classic = Surface.DEPLOYMENT if operation.surface is Surface.DEPLOYMENT else Surface.CLASSIC
    assert choosing(operation.name, Surface.CLASSIC, prefers_v1).surface_for(operation) is classic
    assert choosing(operation.name, Surface.V1, prefers_v1).surface_for(operation) is Surface.V1


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v1", ("2025-04-01-preview", True)), ("2024-10-21", ("2024-10-21", False))],
)
def test_v1_is_no_version_but_a_surface(version: str, expected: tuple[str, bool]) -> None:
    surfaces = surfaces_at(HOST, version, {"createImage": Surface.V1})
    assert (surfaces.api_version, surfaces.prefers_v1) == expected
    assert (surfaces.endpoint, surfaces.surface_for(BY_NAME["createImage"])) == (HOST, Surface.V1)


@pytest.mark.parametrize(
    "operation",
    [row for row in OPERATIONS if row.surface not in (Surface.LOCAL, Surface.UNSUPPORTED)],
    ids=lambda row: row.name,
)
@pytest.mark.parametrize("base", ["https://api.openai.com/v1", "http://localhost:8000/a/v2"])
def test_openai_and_servers_like_it_take_everything_at_their_base_url(operation: Operation, base: str) -> None:
    surfaces = surfaces_at(base, "v1", {operation.name: Surface.CLASSIC}, is_openai=True)
    path, parameters = filled(operation)
    assert surfaces.surface_for(operation) is Surface.V1
    url = surfaces.url(Route(operation=operation, parameters=parameters), "d", "")
    assert url == f"{base}{path}"


def test_a_deployment_in_a_query_is_nothing_but_a_value() -> None:
    assert with_mapped_model("model=a&x=1", lambda _model: "b&code=c d") == "model=b%26code%3Dc%20d&x=1"


def test_a_choice_for_one_operation_leaves_the_others() -> None:
    surfaces = choosing("createEmbedding", Surface.V1, prefers_v1=False)
    assert (surfaces.surface_for(BY_NAME["createEmbedding"]), surfaces.surface_for(CHAT)) == (
        Surface.V1,
        Surface.DEPLOYMENT,
    )
    assert choosing("createEmbedding", Surface.CLASSIC, prefers_v1=True).surface_for(CHAT) is Surface.V1


@ROWS
@pytest.mark.parametrize("surfaces", [DATED, ON_V1], ids=["dated", "v1"])
def test_the_url_is_the_path_on_its_surface(operation: Operation, surfaces: Surfaces) -> None:
    path, parameters = filled(operation)
    if operation.surface in (Surface.LOCAL, Surface.UNSUPPORTED):
        return
    url = surfaces.url(Route(operation=operation, parameters=parameters), "d", "a=1")
    surface = surfaces.surface_for(operation)
    version = "" if surface is Surface.V1 else f"api-version={surfaces.api_version}&"
    assert url == f"{prefix(surface)}{path}?{version}a=1"


@pytest.mark.parametrize(
    ("surfaces", "operation", "expected"),
    [
        (DATED, CHAT, f"{DEPLOYMENTS}/chat/completions?api-version=2024-10-21"),
        (ON_V1, CHAT, f"{HOST}/openai/v1/chat/completions"),
        (ON_V1, BY_NAME["createCompletion"], f"{DEPLOYMENTS}/completions?api-version=2025-04-01-preview"),
        (ON_V1, BY_NAME["createThread"], f"{HOST}/openai/threads?api-version=2025-04-01-preview"),
        (DATED, BY_NAME["createResponse"], f"{HOST}/openai/v1/responses"),
        (
            choosing("createResponse", Surface.CLASSIC, prefers_v1=True),
            BY_NAME["createResponse"],
            f"{HOST}/openai/responses?api-version=2024-10-21",
        ),
    ],
)
def test_a_url_is_written_out(surfaces: Surfaces, operation: Operation, expected: str) -> None:
    assert surfaces.url(Route(operation=operation), "d", "") == expected


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        ("", ()), ("a=1", ("a=1",)), ("a=1&b=%26&c", ("a=1", "b=%26", "c")), ("api-version=x", ()),
        ("a=1&API-VERSION=x&b=2", ("a=1", "b=2")), ("code=k", ()), ("code", ()), ("codex=1", ("codex=1",)),
        ("a=api-version=x", ("a=api-version=x",)), ("api%2Dversion=2023-05-15", ()), ("c%6Fde=canary", ()),
        ("api-key=canary", ()), ("Subscription-Key=canary", ()),
        ("include[]=a&include[]=b", ("include[]=a", "include[]=b")),
    ],
)  # fmt: skip
def test_the_query_of_the_client_goes_on_without_versions_and_keys(query: str, passed: tuple[str, ...]) -> None:
    assert passed_parameters(query) == passed
    assert DATED.url(Route(operation=CHAT), "d", query).partition("?")[2] == "&".join(
        ("api-version=2024-10-21", *passed)
    )


@pytest.mark.parametrize("query", ["", "&", "&&", "api-version=x&&code=k"])
def test_a_query_of_which_nothing_is_left_leaves_no_question_mark(query: str) -> None:
    assert ON_V1.url(Route(operation=CHAT), "d", query) == f"{HOST}/openai/v1/chat/completions"


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://h/x?api-version=1", "https://h/x"), ("https://h/x?api-version=1&a=2", "https://h/x?a=2"),
        ("https://h/x?a=2&api-version=1&b=3", "https://h/x?a=2&b=3"), ("https://h/x", "https://h/x"),
        ("https://h/x?my-api-version=1", "https://h/x?my-api-version=1"),
    ],
)  # fmt: skip
def test_the_version_can_be_taken_out_again(url: str, without: str) -> None:
    assert without_version(url) == without


def test_a_query_is_made_of_the_pairs_that_are_not_empty() -> None:
    assert (with_query("x"), with_query("x", "", ""), with_query("x", "a=1", "", "b")) == ("x", "x", "x?a=1&b")


IDS = st.text(min_size=1, max_size=24) | st.lists(
    st.sampled_from(["..", ".", "/", "\\", "%2F", "%", "?", "#", " ", "&", "=", "+", ";", "{x}", "é", "\0", "\n"]),
    min_size=1, max_size=6,
).map("".join)  # fmt: skip


@given(st.sampled_from(WITH_IDS), st.lists(IDS, min_size=4, max_size=4))
def test_an_id_stays_one_segment_in_its_place_whatever_it_is(operation: Operation, ids: list[str]) -> None:
    parameters = tuple(ids[: operation.path.count("{")])
    route = Route(operation=operation, parameters=parameters)
    if any({"", ".", ".."}.intersection(re.split(r"[/\\]", parameter)) for parameter in parameters):
        with pytest.raises(InvalidRequest):
            DATED.url(route, None, "")
        return
    address = DATED.url(route, None, "").partition("?")[0]
    start = prefix(operation.surface)
    assert address.startswith(start + operation.path.partition("{")[0])
    assert address.isascii()
    segments = address.removeprefix(start).split("/")
    left = iter(parameters)
    assert [unquote(segment) for segment in segments] == [
        next(left) if part.startswith("{") else part for part in operation.path.split("/")
    ]
    assert {"", ".", ".."}.isdisjoint(segments[1:])


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_would_climb_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="An id in the path"):
        DATED.url(Route(operation=FILE, parameters=(value,)), None, "")


def test_an_unknown_operation_goes_to_v1_as_it_is_spelt() -> None:
    assert (
        DATED.url(unknown("GET", "/v1/skills/s-1/content"), None, "a=1") == f"{HOST}/openai/v1/skills/s-1/content?a=1"
    )


@pytest.mark.parametrize("path", ["/v1/skills/../files", "/v1/x/./y", "/v1/..", "/v1/skills/a/../../../deployments/d"])
def test_an_unknown_operation_never_climbs_to_another(path: str) -> None:
    with pytest.raises(InvalidRequest):
        DATED.url(unknown("GET", path), None, "")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/v1/skills/a b", "/skills/a%20b"), ("/v1/skills/é", "/skills/%C3%A9"), ("/v1/x?code=k", "/x%3Fcode%3Dk"),
        ("/v1/x#y", "/x%23y"), ("/v1/files%2Ff-1", "/files%2Ff-1"), ("/v1/skills/{id}", "/skills/%7Bid%7D"),
        ("/v1/skills/50%", "/skills/50%25"),
    ],
)  # fmt: skip
def test_an_unknown_path_is_encoded_again_for_azure(path: str, address: str) -> None:
    assert DATED.url(unknown("GET", path), None, "") == f"{HOST}/openai/v1{address}"


def test_a_model_in_the_query_becomes_its_deployment() -> None:
    assert with_mapped_model("a=1&model=gpt%2D4o&b", lambda model: f"{model}-d") == "a=1&model=gpt-4o-d&b"
    assert with_mapped_model("", str.upper) == ""


def test_models_are_listed_where_the_resource_has_its_operations() -> None:
    assert DATED.models_url == f"{HOST}/openai/models?api-version={DATED.api_version}"
    assert surfaces_at(HOST, "v1", {}).models_url == f"{HOST}/openai/v1/models"
    assert surfaces_at(f"{HOST}/v1", "v1", {}, is_openai=True).models_url == f"{HOST}/v1/models"
