"""Which resource the ids of a request belong to, and the request without their tags."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest, UnknownId
from proxy.openai_api.claims import Claim, claimed, not_served_there
from proxy.openai_api.id_places import REQUESTS, form_parts
from proxy.openai_api.object_ids import bare_body, bare_fields, bare_query, bare_route
from proxy.openai_api.operations import Operation
from proxy.openai_api.router import Route, unknown
from tests.unit.openai_api.paths import BY_NAME, ROWS, filled
from tests.unit.openai_api.worlds import ALONE, FIRST, SECOND, TWO, changed, tagged, values

CREATE = BY_NAME["createResponse"]
# As clients write them, and as Azure knows them.
WRITTEN = {
    "file-1": "file-1", "resp_1~btoc": "resp_1", "vs_1~i6on": "vs_1", "a b": "a b", "": "", "x~1": "x~1",
    "gAAA-_+/==": "gAAA-_+/==", "msg_1-1L3pYgDo1": "msg_1-1L3pYgDo1",
    **{tagged(bare, resource): bare for bare in ("file-2", "gAAA+/==", "cntr_é") for resource in (0, 1)},
}  # fmt: skip


def pinned(claims: tuple[Claim, ...]) -> int | None:
    claim = claimed(claims)
    return None if claim is None else claim.resource


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
    assert pinned(claims) == (1 if values else None)
    assert [claim.id for claim in claims] == list(written.parameters)


@ROWS
def test_an_id_in_a_path_without_a_tag_belongs_to_the_first_resource(operation: Operation) -> None:
    _, values = filled(operation)
    route, claims = bare_route(TWO, Route(operation=operation, parameters=values))
    assert route.parameters == values
    assert pinned(claims) == (0 if values else None)


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
    assert (route.parameters, pinned(claims)) == (("skills", "s-1"), 1)


@pytest.mark.parametrize(
    ("written", "bare", "claims"),
    [
        ("", "", []),
        ("limit=2&after=&order=asc", "limit=2&after=&order=asc", []),
        ("after=file-1", "after=file-1", [("after", 0)]),
        ("limit=%32&after=file-1~btoc&x=~btoc", "limit=%32&after=file-1&x=~btoc", [("after", 1)]),
        ("%61fter=file-1%7Ebtoc", "%61fter=file-1", [("after", 1)]),
        ("before=a%2Fb~i6on&after=c~btoc", "before=a%2Fb&after=c", [("before", 0), ("after", 1)]),
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
    ("operation", "written", "claims"),
    [
        ("createFineTuningJob", b'{"training_file":"file-1%b"}', [("training_file", 1)]),
        ("createBatch", b'{"input_file_id": "file-1"}', [("input_file_id", 0)]),
        (
            "createResponse",
            b'{"tools":[{"vector_store_ids":["vs_1%b", "vs_2%b"]}],"previous_response_id":"resp_1%b"}',
            [("vector_store_ids", 1)],
        ),
        ("createResponse", b'{"conversation":{"id":"conv_1%b"},"tools":[{"container":"cntr_1"}]}',
         [("id", 1), ("container", 0)]),
        ("createResponse", b'{"conversation":"conv_1%b","tools":[{"container":{"file_ids":["file-1%b"]}}]}',
         [("conversation", 1)]),
        ("createResponse", b'{"input":[{"content":[{"file_id":"file-1%b"}]},{"output":[{"file_id":"file-2%b"}]}]}',
         [("file_id", 1)]),
        ("createChatCompletion", b'{"messages":[{"content":[{"file":{"file_id":"file-1%b"}}]}]}', [("file_id", 1)]),
        ("createChatCompletion", b'{"messages":[{"audio":{"id":"audio_1%b"}}]}', [("id", 1)]),
        ("CreateVideoEdit", b'{"video":{"id":"video_1%b"}}', [("id", 1)]),
        ("createEvalRun", b'{"data_source":{"source":{"type":"file_id","id":"file-1%b"}}}', [("id", 1)]),
        ("createResponse", b"", []),
    ],
)  # fmt: skip
def test_the_ids_in_a_body_name_their_resource(operation: str, written: bytes, claims: list[tuple[str, int]]) -> None:
    bare = written.replace(b"%b", b"")
    new = re.sub(rb'([^"]+)%b', lambda one: tagged(one[1].decode(), 1).encode(), written)
    for asked in (new, written.replace(b"%b", SECOND.encode())):
        body, found = bare_body(TWO, BY_NAME[operation], asked)
        assert (body, resources(found)) == (bare, claims)


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        ("createResponse", '{"client_metadata":{"thread_id":"thread_1","upload_id":"u~1","file_id":"%s"}}'),
        ("createResponse", '{"metadata":{"id":"%s","thread_id":"0199"}}'),
        ("createResponse", '{"prompt":{"id":"%s","variables":{"thread_id":"%s","file_id":"file-1"}}}'),
        ("createResponse", '{"litellm_metadata":{"file_id":"%s","previous_response_id":"resp_1"}}'),
        ("createResponse", '{"tools":[{"annotations":{"file_id":"%s"},"parameters":{"file_id":"%s"}}]}'),
        ("createResponse", '{"input":[{"call_id":"%s","arguments":"{\\"file_id\\":\\"file-1\\"}"}]}'),
        ("createResponse", '{"input":[{"metadata":{"id":"%s"},"thread_id":"%s","status":"%s"}]}'),
        ("createResponse", '{"text":{"format":{"schema":{"id":"%s"}}},"file_id":"%s","id":"%s"}'),
        ("createResponse", '{"input":"the file %s"}'),
        ("createChatCompletion", '{"messages":[{"id":"%s","thread_id":"%s","tool_calls":[{"id":"%s"}]}]}'),
        ("createChatCompletion", '{"messages":[{"tool_call_id":"%s","file_id":"%s"}],"metadata":{"id":"%s"}}'),
        ("create-realtime-client-secret", '{"session":{"thread_id":"%s","prompt":{"id":"%s"}}}'),
        ("createEvalRun", '{"data_source":{"source":{"content":[{"item":{"file_id":"%s"},"sample":{"id":"%s"}}]}}}'),
        ("createVectorStoreFileBatch", '{"files":[{"attributes":{"file_id":"%s"}}]}'),
        ("completeUpload", '{"part_ids":["%s"]}'),
        ("submitToolOuputsToRun", '{"tool_outputs":[{"tool_call_id":"%s"}]}'),
        ("createEmbedding", '{"input":"x","file_id":"%s"}'),
    ],
)
@pytest.mark.parametrize("identifier", ["file-1", "file-1~btoc", "u~1", "file-1~zzzz", tagged("file-1", 1)])
def test_what_stands_elsewhere_is_the_clients_own(operation: str, written: str, identifier: str) -> None:
    raw = written.replace("%s", identifier).encode()
    json.loads(raw)
    body, claims = bare_body(TWO, BY_NAME[operation], raw)
    assert body is raw
    assert claims == ()


MAY_BE_OWN = {place.rstrip("?") for place in REQUESTS["createResponse"] if place.endswith("?")}


@given(values(REQUESTS["createResponse"], st.sampled_from(list(WRITTEN))), st.sampled_from([None, 1]), st.booleans())
def test_a_body_loses_its_tags_and_nothing_else(value: object, indent: int | None, ascii_only: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    claiming: set[int] = set()

    def strip(path: str, identifier: str) -> str:
        bare = WRITTEN.get(identifier, identifier)
        if bare != identifier:
            claiming.add(int(identifier.endswith(SECOND) or identifier == tagged(bare, 1)))
        elif path not in MAY_BE_OWN and re.fullmatch(r"[A-Za-z0-9][\w.-]*", bare, re.ASCII):
            claiming.add(0)
        return bare

    expected = changed(value, REQUESTS["createResponse"], strip)
    body, claims = bare_body(TWO, CREATE, raw)
    assert body == json.dumps(expected, indent=indent, ensure_ascii=ascii_only).encode()
    assert {claim.resource for claim in claims} == claiming


def test_a_body_without_tags_is_the_same_bytes() -> None:
    raw = b'{"previous_response_id" : "resp_1"}'
    assert bare_body(TWO, CREATE, raw)[0] is raw


def test_an_id_with_a_tag_of_nobody_is_unknown_wherever_it_stands() -> None:
    written, _ = tagged_route(BY_NAME["retrieveFile"], "~zzzz")
    with pytest.raises(UnknownId) as caught:
        bare_route(TWO, written)
    assert caught.value.param == "file_id"
    with pytest.raises(UnknownId):
        bare_query(TWO, BY_NAME["listFiles"], "after=file-1~zzzz")
    with pytest.raises(UnknownId):
        bare_body(TWO, CREATE, b'{"previous_response_id":"resp_1~zzzz"}')


def test_a_resource_that_is_alone_gets_every_byte_but_its_own_tags() -> None:
    raw = b'{"previous_response_id":"resp_1","conversation":"conv_1~zzzz"}'
    assert bare_body(ALONE, CREATE, raw)[0] is raw
    for identifier in ("resp_1~i6on", tagged("resp_1", 0)):
        written = f'{{"previous_response_id":"{identifier}","conversation":"conv_1~zzzz"}}'.encode()
        assert bare_body(ALONE, CREATE, written)[0] == raw
    assert bare_query(ALONE, BY_NAME["listFiles"], "after=a~zzzz")[0] == "after=a~zzzz"
    assert bare_query(ALONE, BY_NAME["listFiles"], "after=a%7Ei6on")[0] == "after=a"


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
    assert (pinned(tuple(claims)), claimed([])) == (1, None)


def test_ids_of_two_resources_are_refused_with_both_fields() -> None:
    _, claims = bare_body(
        TWO, CREATE, b'{"previous_response_id":"resp_1~btoc","input":[{"content":[{"file_id":"file-1"}]}]}'
    )
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
        assert pinned(tuple(claims)) == (numbers[0] if numbers else None)


def test_a_model_that_is_not_served_where_an_id_belongs_is_said_with_both() -> None:
    error = not_served_there("gpt-5", Claim(field="encrypted_content", id="gAAA" * 100, resource=0))
    assert (error.status, error.param, error.code) == (400, "encrypted_content", "invalid_value")
    assert error.message.startswith("The model `gpt-5` is not served by the Azure OpenAI resource that the `encrypted_")
    assert len(error.message) < 500


def test_the_parts_of_a_form_are_written_with_brackets() -> None:
    assert {name: form_parts(operation) for name, operation in BY_NAME.items() if form_parts(operation)} == {
        "CreateContainerFile": ("file_id",),
        "createVideo": ("input_reference[file_id]",),
        "CreateVideoEdit": ("video[id]",),
        "CreateVideoExtend": ("video[id]",),
    }
