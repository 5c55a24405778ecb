"""Which resource the ids of a request belong to, and the request without their tags."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import InvalidRequest, UnknownId
from proxy.openai_api.object_ids import Claim, bare_body, bare_fields, bare_query, bare_route, claimed
from proxy.openai_api.operations import Operation
from proxy.openai_api.router import Route, unknown
from tests.unit.openai_api.documents import BARE, OF_ITEMS, OF_NO_KIND, SEALED, Reader, values
from tests.unit.openai_api.paths import BY_NAME, ROWS, filled
from tests.unit.openai_api.worlds import ALONE, FIRST, SECOND, TWO

CREATE = BY_NAME["createResponse"]
TAGGED = st.sampled_from([f"{bare}{tag}" for bare in (*BARE, *OF_ITEMS, *OF_NO_KIND) for tag in (FIRST, SECOND, "")])


def resources(claims: tuple[Claim, ...]) -> list[tuple[str, int]]:
    return [(claim.field, claim.resource) for claim in claims]


def tagged_route(operation: Operation, *tags: str) -> tuple[Route, Route]:
    _, values = filled(operation)
    written = tuple(value + tag for value, tag in zip(values, tags, strict=True))
    return Route(operation=operation, parameters=written), Route(operation=operation, parameters=values)


@ROWS
def test_the_ids_in_a_path_name_their_resource(operation: Operation) -> None:
    _, values = filled(operation)
    written, bare = tagged_route(operation, *(SECOND for _ in values))
    route, claims = bare_route(TWO, written)
    assert route == bare
    assert claimed(claims) == (1 if values else None)
    assert [claim.id for claim in claims] == list(written.parameters)


@ROWS
def test_an_id_in_a_path_without_a_tag_belongs_to_the_first_resource(operation: Operation) -> None:
    _, values = filled(operation)
    route, claims = bare_route(TWO, Route(operation=operation, parameters=values))
    assert route.parameters == values
    assert claimed(claims) == (0 if values else None)


def test_what_is_found_through_another_object_needs_no_tag() -> None:
    written, bare = tagged_route(BY_NAME["getRunStep"], SECOND, "", "")
    route, claims = bare_route(TWO, written)
    assert (route, resources(claims)) == (bare, [("thread_id", 1)])


def test_the_ids_of_a_path_are_of_one_resource() -> None:
    written, _ = tagged_route(BY_NAME["getVectorStoreFile"], SECOND, FIRST)
    _, claims = bare_route(TWO, written)
    with pytest.raises(InvalidRequest, match=r"`vector_store_id` id-0\.a_b~btoc and the `file_id` id-1\.a_b~i6on"):
        claimed(claims)


def test_in_the_path_of_an_unknown_operation_only_a_tag_claims_something() -> None:
    assert bare_route(TWO, unknown("GET", "/v1/skills/s-1")) == (unknown("GET", "/v1/skills/s-1"), ())
    route, claims = bare_route(TWO, unknown("GET", f"/v1/skills/s-1{SECOND}"))
    assert (route.parameters, claimed(claims)) == (("skills", "s-1"), 1)


@pytest.mark.parametrize(
    ("written", "bare", "claims"),
    [
        ("", "", []),
        ("limit=2&after=&order=asc", "limit=2&after=&order=asc", []),
        ("after=file-1", "after=file-1", [("after", 0)]),
        ("limit=%32&after=file-1~btoc&x=~btoc", "limit=%32&after=file-1&x=~btoc", [("after", 1)]),
        ("%61fter=file-1%7Ebtoc", "%61fter=file-1", [("after", 1)]),
        ("before=a%20b~i6on&after=c~btoc", "before=a%20b&after=c", [("before", 0), ("after", 1)]),
        ("starting_after=3&run_id=run_1&after", "starting_after=3&run_id=run_1&after", []),
    ],
)
def test_the_ids_in_a_query_name_their_resource(written: str, bare: str, claims: list[tuple[str, int]]) -> None:
    query, found = bare_query(TWO, BY_NAME["listFiles"], written)
    assert (query, resources(found)) == (bare, claims)


def test_beside_an_id_in_the_path_only_a_tag_in_the_query_claims_something() -> None:
    operation = BY_NAME["listVectorStoreFiles"]
    assert bare_query(TWO, operation, "after=file-1") == ("after=file-1", ())
    query, claims = bare_query(TWO, operation, "after=file-1~btoc")
    assert (query, resources(claims)) == ("after=file-1", [("after", 1)])


@pytest.mark.parametrize(
    ("written", "bare", "claims"),
    [
        (b'{"training_file":"file-1~btoc"}', b'{"training_file":"file-1"}', [("training_file", 1)]),
        (b'{"input_file_id": "file-1"}', b'{"input_file_id": "file-1"}', [("input_file_id", 0)]),
        (
            b'{"tools":[{"vector_store_ids":["vs_1~btoc", "vs_2~btoc"]}],"file_id":"file-1~btoc"}',
            b'{"tools":[{"vector_store_ids":["vs_1", "vs_2"]}],"file_id":"file-1"}',
            [("vector_store_ids", 1)],
        ),
        (
            b'{"a":{"file_id":"file-1~btoc"},"id":"vs_1"}',
            b'{"a":{"file_id":"file-1"},"id":"vs_1"}',
            [("file_id", 1), ("id", 0)],
        ),
        (b'{"metadata":{"file_id":"file-1~btoc"}}', b'{"metadata":{"file_id":"file-1~btoc"}}', []),
        (b'{"input":"the file file-1~btoc"}', b'{"input":"the file file-1~btoc"}', []),
        (b"", b"", []),
    ],
)
def test_the_ids_in_a_body_name_their_resource(written: bytes, bare: bytes, claims: list[tuple[str, int]]) -> None:
    body, found = bare_body(TWO, CREATE, written)
    assert (body, resources(found)) == (bare, claims)


@settings(max_examples=500, deadline=None)
@given(values(TAGGED), st.sampled_from([None, 1]))
def test_a_body_loses_its_tags_and_nothing_else(value: object, indent: int | None) -> None:
    raw = json.dumps(value, indent=indent).encode()
    written: list[str] = []

    def strip(name: str, identifier: str) -> str:
        if "~" in identifier or not (name in SEALED or identifier in OF_ITEMS):
            written.append(identifier)
        return identifier.removesuffix(FIRST).removesuffix(SECOND)

    expected = Reader(strip).read(value)
    body, claims = bare_body(TWO, CREATE, raw)
    assert body == json.dumps(expected, indent=indent).encode()
    assert {claim.resource for claim in claims} == {int(identifier.endswith(SECOND)) for identifier in written}
    assert all(claim.id in written for claim in claims)


def test_a_body_without_tags_is_the_same_bytes() -> None:
    raw = b'{"file_id" : "file-1"}'
    assert bare_body(TWO, CREATE, raw)[0] is raw


def test_an_id_with_a_tag_of_nobody_is_unknown_wherever_it_stands() -> None:
    written, _ = tagged_route(BY_NAME["retrieveFile"], "~zzzz")
    with pytest.raises(UnknownId) as caught:
        bare_route(TWO, written)
    assert caught.value.param == "file_id"
    with pytest.raises(UnknownId):
        bare_query(TWO, BY_NAME["listFiles"], "after=file-1~zzzz")
    with pytest.raises(UnknownId):
        bare_body(TWO, CREATE, b'{"file_id":"file-1~zzzz"}')


def test_a_resource_that_is_alone_gets_every_byte_but_its_own_tags() -> None:
    raw = b'{"file_id":"file-1","id":"vs_1~zzzz"}'
    assert bare_body(ALONE, CREATE, raw)[0] is raw
    assert bare_body(ALONE, CREATE, b'{"file_id":"file-1"}') == (b'{"file_id":"file-1"}', ())
    assert bare_body(ALONE, CREATE, b'{"file_id":"file-1~i6on"}')[0] == b'{"file_id":"file-1"}'
    assert bare_query(ALONE, BY_NAME["listFiles"], "after=a~zzzz")[0] == "after=a~zzzz"


@pytest.mark.parametrize(
    ("operation", "written", "bare", "claims"),
    [
        ("CreateContainerFile", {"file_id": "file-1~btoc", "x": "y~btoc"}, {"file_id": "file-1"}, [("file_id", 1)]),
        ("createVideo", {"input_reference[file_id]": "file-1", "model": "m"}, {"input_reference[file_id]": "file-1"},
         [("input_reference[file_id]", 0)]),
        ("CreateVideoEdit", {"video[id]": "video_1~i6on"}, {"video[id]": "video_1"}, [("video[id]", 0)]),
        ("CreateVideoExtend", {"video[id]": ""}, {}, []),
        ("createFile", {"purpose": "batch", "file_id": "file-1~btoc"}, {}, []),
    ],
)  # fmt: skip
def test_the_ids_in_a_form_name_their_resource(
    operation: str, written: dict[str, str], bare: dict[str, str], claims: list[tuple[str, int]]
) -> None:
    fields, found = bare_fields(TWO, BY_NAME[operation], written)
    assert (fields, resources(found)) == (bare, claims)


def test_claims_of_one_resource_agree() -> None:
    claims = [Claim(field="file_id", id=f"file-{number}~btoc", resource=1) for number in range(3)]
    assert (claimed(claims), claimed([])) == (1, None)


def test_ids_of_two_resources_are_refused_with_both_fields() -> None:
    _, claims = bare_body(TWO, CREATE, b'{"previous_response_id":"resp_1~btoc","input":[{"file_id":"file-1"}]}')
    with pytest.raises(InvalidRequest) as caught:
        claimed(claims)
    error = caught.value
    assert error.message == (
        "The `previous_response_id` resp_1~btoc and the `file_id` file-1 belong to different Azure OpenAI resources "
        "and cannot be used in one request."
    )
    assert (error.status, error.param, error.code) == (400, "file_id", "invalid_value")


@given(st.lists(st.integers(0, 2), max_size=6))
def test_claims_agree_only_when_all_do(numbers: list[int]) -> None:
    claims = [Claim(field="id", id="x", resource=number) for number in numbers]
    if any(one != other for one, other in pairwise(numbers)):
        with pytest.raises(InvalidRequest):
            claimed(claims)
    else:
        assert claimed(claims) == (numbers[0] if numbers else None)
