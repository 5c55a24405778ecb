"""Every operation decides how it keeps the objects of clients apart."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest, UnknownId, UnsupportedOperation, UpstreamError
from proxy.openai_api.id_places import ANSWERS, REQUESTS
from proxy.openai_api.object_ids import (
    EventTags,
    Tags,
    bare_body,
    bare_fields,
    bare_query,
    bare_route,
    is_signed,
    open_page,
    spans_resources,
    tag_answer,
)
from proxy.openai_api.object_owners import MARK, OwnedTags, Owner, SigningKey
from proxy.openai_api.operations import OPERATIONS, Operation, Surface
from proxy.openai_api.ownership import (
    LARGEST_PAGE,
    OWNERSHIP,
    OwnedList,
    Ownership,
    bare_line,
    check_ownership,
    not_found_among_others,
    owned_body,
    owned_list,
)
from proxy.openai_api.router import Route, unknown
from tests.unit.openai_api.worlds import ALONE, TWO

BY_NAME = {one.name: one for one in OPERATIONS if one.surface is not Surface.UNSUPPORTED}
KEY = SigningKey("k" * 32)
ALICE, BOB = Owner("alice", (KEY,)), Owner("bob", (KEY,))
FILE, RESPONSE, ITEM = "file-" + "a" * 32, "resp_" + "b" * 48, "msg_" + "c" * 50
_PARAMETER = re.compile(r"{(\w+)}")
named = pytest.mark.parametrize("name", sorted(BY_NAME))


def tags_of(owner: Owner, tags: Tags = ALONE, *, strict: bool = True) -> OwnedTags:
    return OwnedTags(tags, owner, strict)


def signed(identifier: str, owner: Owner = ALICE, resource: int = 0, tags: Tags = ALONE) -> str:
    return identifier + tags_of(owner, tags).tag(identifier.encode(), resource).decode()


def names_objects(operation: Operation) -> bool:
    is_stored = operation.stored or (operation.surface is not Surface.LOCAL and bool(_PARAMETER.search(operation.path)))
    return is_stored or operation.name in REQUESTS or operation.name in ANSWERS


def test_every_operation_decides() -> None:
    assert OWNERSHIP.keys() == BY_NAME.keys()


@named
def test_an_operation_that_names_objects_does_not_say_that_it_names_none(name: str) -> None:
    if OWNERSHIP[name] is Ownership.NO_OBJECTS:
        assert not names_objects(BY_NAME[name]) or name in ("runGrader", "validateGrader")


@named
def test_every_list_of_all_objects_is_the_callers_own_or_refused(name: str) -> None:
    of_lists = (Ownership.LISTED, Ownership.REFUSED)
    assert spans_resources(BY_NAME[name]) == (OWNERSHIP[name] in of_lists)


@named
def test_what_is_listed_by_its_metadata_is_created_and_changed_with_an_owner(name: str) -> None:
    operation = BY_NAME[name]
    if OWNERSHIP[name] is Ownership.LISTED:
        creating = {one.name for one in OPERATIONS if one.method == "POST" and one.path == operation.path}
        changing = {
            one.name
            for one in OPERATIONS
            if one.method == "POST" and _PARAMETER.sub("", one.path) == operation.path + "/"
        }
        changing -= {"retrieveBatch"}
        assert creating
        assert {OWNERSHIP[one] for one in creating | changing} == {Ownership.BY_METADATA}


@named
def test_an_id_in_a_path_is_signed_in_some_answer_or_found_through_another(name: str) -> None:
    operation = BY_NAME[name]
    if operation.surface is Surface.LOCAL:
        return
    for number, parameter in enumerate(_PARAMETER.findall(operation.path)):
        assert is_signed(operation, parameter) or number > 0


@named
def test_the_id_of_another_client_in_a_path_is_an_object_that_is_not_there(name: str) -> None:
    operation = BY_NAME[name]
    parameters = _PARAMETER.findall(operation.path)
    if operation.surface is Surface.LOCAL or not parameters:
        return
    own = [signed(f"{parameter[:4]}_{'d' * 30}") for parameter in parameters]
    route, _ = bare_route(tags_of(ALICE), Route(operation=operation, parameters=tuple(own)))
    assert route.parameters == tuple(f"{parameter[:4]}_{'d' * 30}" for parameter in parameters)
    for number in range(len(own)):
        others = [*own]
        others[number] = signed(f"{parameters[number][:4]}_{'d' * 30}", BOB)
        with pytest.raises(UnknownId, match="No such object"):
            bare_route(tags_of(ALICE), Route(operation=operation, parameters=tuple(others)))


@pytest.mark.parametrize("name", sorted(name for name in REQUESTS if name in BY_NAME))
def test_the_id_of_another_client_in_a_body_is_an_object_that_is_not_there(name: str) -> None:
    operation = BY_NAME[name]
    for path in REQUESTS[name]:
        sent = json.dumps(at(path, signed(ITEM))).encode()
        assert bare_body(tags_of(ALICE), operation, sent)[0] == json.dumps(at(path, ITEM)).encode()
        for written in (signed(ITEM, BOB), ITEM, signed(ITEM)[:-1]):
            with pytest.raises(UnknownId, match="No such object"):
                bare_body(tags_of(ALICE), operation, json.dumps(at(path, written)).encode())


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_answers_are_signed_for_who_reads_them(name: str) -> None:
    operation = BY_NAME[name]
    for path in ANSWERS[name]:
        answer = tag_answer(tags_of(ALICE), operation, json.dumps(at(path, ITEM)).encode(), 0)
        assert json.loads(answer) == at(path, signed(ITEM))


def test_an_id_that_is_found_through_another_needs_no_owner_but_must_be_an_id() -> None:
    operation = BY_NAME["getVectorStoreFileBatch"]
    store = signed("vs_" + "e" * 24)
    route = Route(operation=operation, parameters=(store, "vsfb_1"))
    assert bare_route(tags_of(ALICE), route)[0].parameters == ("vs_" + "e" * 24, "vsfb_1")
    for written in ("../vs_1", ".."):
        with pytest.raises(UnknownId):
            bare_route(tags_of(ALICE), Route(operation=operation, parameters=(store, written)))
    run = BY_NAME["getEvalRunOutputItem"]
    bare_route(
        tags_of(ALICE), Route(operation=run, parameters=(signed("eval_" + "f" * 32), "evalrun_1", "outputitem_1"))
    )


def test_objects_from_before_belong_to_everybody_if_it_is_so_set() -> None:
    lenient, operation = tags_of(BOB, strict=False), BY_NAME["retrieveFile"]
    assert bare_route(lenient, Route(operation=operation, parameters=(FILE,)))[0].parameters == (FILE,)
    assert bare_body(lenient, BY_NAME["createBatch"], b'{"input_file_id":"%b"}' % FILE.encode())[0]
    with pytest.raises(UnknownId):
        bare_route(lenient, Route(operation=operation, parameters=(signed(FILE),)))


def test_a_cursor_of_a_list_must_be_the_callers_own() -> None:
    operation = BY_NAME["listBatches"]
    assert open_page(tags_of(ALICE), operation, f"after={signed(FILE)}").query == f"after={FILE}"
    for written in (FILE, signed(FILE, BOB)):
        with pytest.raises(UnknownId):
            open_page(tags_of(ALICE), operation, f"after={written}")
    messages = BY_NAME["listMessages"]
    assert bare_query(tags_of(ALICE), messages, "run_id=run_1&limit=3")[0] == "run_id=run_1&limit=3"


def test_the_parts_of_a_form_must_be_the_callers_own() -> None:
    operation = BY_NAME["CreateVideoEdit"]
    assert bare_fields(tags_of(ALICE), operation, {"video[id]": signed(FILE)})[0] == {"video[id]": FILE}
    for written in (FILE, signed(FILE, BOB)):
        with pytest.raises(UnknownId):
            bare_fields(tags_of(ALICE), operation, {"video[id]": written})


def test_what_a_translated_answer_named_is_left_to_the_translation() -> None:
    body = b'{"previous_response_id":"resp_notstored_%b"}' % (b"0" * 32)
    assert bare_body(tags_of(ALICE), BY_NAME["createResponse"], body)[0] == body


@pytest.mark.parametrize("name", ["listFiles", "ListContainers", "ListVideos"])
def test_a_list_that_nobody_can_divide_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedOperation, match="whose objects these are"):
        check_ownership(BY_NAME[name])


def test_an_operation_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnsupportedOperation, match="does not know the operation"):
        check_ownership(unknown("POST", "/v1/new/things").operation)


def test_operations_without_objects_need_no_owner() -> None:
    assert not check_ownership(BY_NAME["createEmbedding"])
    assert check_ownership(BY_NAME["createChatCompletion"])


def marked(name: str, body: Mapping[str, object]) -> Any:
    return json.loads(owned_body(BY_NAME[name], json.dumps(body).encode(), ALICE))


@pytest.mark.parametrize("name", ["createVectorStore", "createFineTuningJob", "createEval", "createAssistant"])
def test_what_is_created_says_whose_it_is(name: str) -> None:
    assert marked(name, {"x": 1}) == {"x": 1, "metadata": {MARK: ALICE.marks[0]}}
    assert marked(name, {"metadata": {"a": "b"}}) == {"metadata": {"a": "b", MARK: ALICE.marks[0]}}
    assert marked(name, {"metadata": {MARK: BOB.marks[0]}}) == {"metadata": {MARK: ALICE.marks[0]}}
    assert marked(name, {"metadata": None}) == {"metadata": {MARK: ALICE.marks[0]}}
    assert marked(name, {"metadata": "text"}) == {"metadata": "text"}


@pytest.mark.parametrize("name", ["modifyVectorStore", "updateEval", "modifyAssistant", "updateChatCompletion"])
def test_what_is_changed_keeps_its_owner(name: str) -> None:
    assert marked(name, {"name": "x"}) == {"name": "x"}
    assert marked(name, {"metadata": {"a": "b"}}) == {"metadata": {"a": "b", MARK: ALICE.marks[0]}}
    assert marked(name, {"metadata": None}) == {"metadata": {MARK: ALICE.marks[0]}}


@pytest.mark.parametrize("endpoint", ["/v1/responses", "/v1/chat/completions", "/chat/completions", "/v1/embeddings"])
def test_a_batch_says_whose_it_is(endpoint: str) -> None:
    assert marked("createBatch", {"endpoint": endpoint})["metadata"] == {MARK: ALICE.marks[0]}


@pytest.mark.parametrize("endpoint", ["/v1/videos", "/v1/images/edits", "", None, "/v1/Responses"])
def test_a_batch_of_lines_whose_ids_are_not_known_is_refused(endpoint: str | None) -> None:
    with pytest.raises(InvalidRequest, match="A batch may ask"):
        marked("createBatch", {"endpoint": endpoint})


@pytest.mark.parametrize(
    "body", [{"images": [{"file_id": FILE}]}, {"image": {"file_id": FILE}}, {"mask": {"file_id": signed(FILE)}}]
)
def test_images_are_not_edited_by_the_ids_of_files(body: Mapping[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="image itself"):
        marked("createImageEdit", body)
    assert marked("createImageEdit", {"images": [{"image_url": "data:"}]})
    assert owned_body(BY_NAME["createImageEdit"], b"", ALICE) == b""


def test_only_a_stored_chat_says_whose_it_is() -> None:
    assert marked("createChatCompletion", {"store": False}) == {"store": False}
    assert marked("createChatCompletion", {"store": True}) == {"store": True, "metadata": {MARK: ALICE.marks[0]}}


@pytest.mark.parametrize("name", ["createEmbedding", "cancelBatch", "createThread"])
def test_other_bodies_stay_as_they_came(name: str) -> None:
    assert owned_body(BY_NAME[name], b'{ "a":1}', ALICE) == b'{ "a":1}'
    assert owned_body(BY_NAME[name], b"", ALICE) == b""


@pytest.mark.parametrize("raw", [b"{", b'{"input_file_id":"a"} x', "{}".encode("utf-16"), b"[]", b'{"a":1,"a":2}'])
def test_a_body_in_which_ids_cannot_be_found_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        owned_body(BY_NAME["createBatch"], raw, ALICE)


def test_a_body_with_more_values_than_are_looked_at_is_refused() -> None:
    raw = b'{"input":[' + b",".join([b'{"id":"a","content":[{"file_id":"x"}]}'] * 60_000) + b"]}"
    with pytest.raises(InvalidRequest, match="cannot be read"):
        owned_body(BY_NAME["createResponse"], raw, ALICE)


def test_the_input_of_a_batch_in_parts_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="one file"):
        owned_body(BY_NAME["createUpload"], b'{"purpose":"batch"}', ALICE)
    with pytest.raises(InvalidRequest, match="one file"):
        owned_body(BY_NAME["createUpload"], b'{"purpose":"b\\u0061tch"}', ALICE)
    assert owned_body(BY_NAME["createUpload"], b'{"purpose":"assistants"}', ALICE)


@pytest.mark.parametrize("kind", ["stored_completions", "responses", "newer"])
def test_an_eval_run_over_all_stored_answers_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="eval run"):
        marked("createEvalRun", {"data_source": {"type": "completions", "source": {"type": kind}}})


def test_an_eval_run_whose_source_cannot_be_read_is_refused() -> None:
    raw = b'{"data_source":{"source":{"type":"\\ud83d"}}}'
    with pytest.raises(InvalidRequest, match="cannot be read"):
        owned_body(BY_NAME["createEvalRun"], raw, ALICE)


@pytest.mark.parametrize("kind", ["file_id", "file_content"])
def test_an_eval_run_over_a_file_passes(kind: str) -> None:
    assert marked("createEvalRun", {"data_source": {"source": {"type": kind}}})


LINE = b'{"previous_response_id":"%b","tools":[{"type":"file_search","vector_store_ids":["%b"]}]}'


def test_the_lines_of_a_batch_lose_their_tags() -> None:
    body = LINE % (signed(RESPONSE).encode(), signed(FILE).encode())
    assert bare_line(tags_of(ALICE), body, resource=0) == LINE % (RESPONSE.encode(), FILE.encode())
    chat = b'{"messages":[{"content":[{"type":"file","file":{"file_id":"%b"}}]}]}'
    assert bare_line(tags_of(ALICE), chat % signed(FILE).encode(), resource=0) == chat % FILE.encode()
    assert bare_line(tags_of(ALICE), b'{"input":"x"}', resource=0) == b'{"input":"x"}'


@pytest.mark.parametrize("written", [FILE, signed(FILE, BOB)])
def test_a_line_of_a_batch_names_no_object_of_another(written: str) -> None:
    with pytest.raises(UnknownId):
        bare_line(tags_of(ALICE), LINE % (signed(RESPONSE).encode(), written.encode()), resource=0)


def test_a_line_of_a_batch_names_no_object_of_another_resource() -> None:
    body = LINE % (signed(RESPONSE, ALICE, 1, TWO).encode(), signed(FILE, ALICE, 1, TWO).encode())
    assert bare_line(tags_of(ALICE, TWO), body, resource=1)
    with pytest.raises(InvalidRequest, match="another Azure OpenAI resource"):
        bare_line(tags_of(ALICE, TWO), body, resource=0)


OBJECTS = st.lists(st.sampled_from(["alice", "bob", None]), max_size=30)


def item(number: int, owner: str | None) -> dict[str, object]:
    marks = {"alice": ALICE.marks[0], "bob": BOB.marks[0]}
    return {"id": f"batch_{number}", "metadata": {"n": str(number)} | ({MARK: marks[owner]} if owner else {})}


@given(OBJECTS, st.integers(1, 5), st.integers(1, 7))
def test_all_pages_together_have_each_object_of_the_client_once(
    owners: list[str | None], limit: int, azures_limit: int
) -> None:
    listed = [item(number, owner) for number, owner in enumerate(owners)]
    seen: list[str] = []
    after, more = "", True
    while more:
        page = read_page(
            owned_list(ALICE, f"limit={limit}" + (f"&after={after}" if after else "")), listed, azures_limit
        )
        ids = [one["id"] for one in page["data"]]
        assert len(ids) <= limit
        assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
        assert ids or not page["has_more"]
        assert all(MARK not in one["metadata"] for one in page["data"])
        seen, more, after = [*seen, *ids], page["has_more"], page["last_id"] or ""
    assert seen == [f"batch_{number}" for number, owner in enumerate(owners) if owner == "alice"]


def test_a_page_of_others_only_is_followed_by_the_next() -> None:
    listed = [item(0, "bob"), item(1, "bob"), item(2, "alice"), item(3, "alice")]
    page = read_page(owned_list(ALICE, "limit=1&after=batch_0"), listed, 1)
    assert ([one["id"] for one in page["data"]], page["last_id"], page["has_more"]) == (["batch_2"], "batch_2", True)


def read_page(wanted: OwnedList, listed: list[dict[str, object]], azures_limit: int) -> Any:
    query = wanted.query
    while True:
        asked = dict(parse_qsl(query))
        assert asked["limit"] == str(LARGEST_PAGE)
        ids = [one["id"] for one in listed]
        start = ids.index(asked["after"]) + 1 if "after" in asked else 0
        data = listed[start : start + azures_limit]
        body = {"object": "list", "data": data, "has_more": len(listed) > start + azures_limit}
        selected = wanted.select(json.dumps(body | {"first_id": "x", "last_id": "y"}).encode())
        if isinstance(selected, bytes):
            return json.loads(selected)
        query = wanted.behind(selected)


@pytest.mark.parametrize(
    "query", ["before=batch_3&limit=2", "limit=0", "limit=101", "limit=x", "limit=2&limit=3", "limit="]
)
def test_a_page_backwards_or_with_a_strange_limit_is_asked_for_as_it_is(query: str) -> None:
    wanted = owned_list(ALICE, query)
    assert (wanted.query, wanted.limit) == (query, None)
    body = json.dumps({"data": [item(1, "bob")], "has_more": True}).encode()
    assert json.loads(wanted.select(body)) == {"data": [], "has_more": True}


def test_a_list_without_a_limit_has_openais_default() -> None:
    assert (owned_list(ALICE, "").limit, owned_list(ALICE, "order=asc").query) == (20, "order=asc&limit=100")


def test_a_list_of_another_shape_stays_as_it_is_but_for_its_objects() -> None:
    body = b'{"object":"list","data":[{"id":"a","metadata":{"x":"\\ud83d"}},{"id":"b","metadata":null}],"x":1}'
    assert json.loads(owned_list(ALICE, "").select(body)) == {"object": "list", "data": [], "x": 1}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"data":[1]}', b'{"data":3}'])
def test_a_list_that_cannot_be_read_is_an_error_of_azures(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        owned_list(ALICE, "").select(body)


def test_a_client_learns_that_its_objects_were_not_found_among_many() -> None:
    assert "5000" in not_found_among_others().message


def at(path: str, value: str) -> object:
    """Return JSON with a string at a place."""
    result: object = value
    for step in reversed(re.findall(r"[^.\[{]+|\[\*\]|\{\}", path.rstrip("?"))):
        result = [result] if step == "[*]" else {"x" if step == "{}" else step: result}
    return result


NESTED = b'data: {"type":"response.created","response":{"id":"%b","output":[{"id":"%b","type":"message"}]}}\n\n'
FLAT = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"%b","delta":"x"}\n\n'


def test_every_id_of_a_stream_is_signed() -> None:
    tag = EventTags(tags_of(ALICE), BY_NAME["createResponse"], 0).tag
    response, item = signed(RESPONSE).encode(), signed(ITEM).encode()
    sent = NESTED % (RESPONSE.encode(), ITEM.encode()) + FLAT % ITEM.encode() * 2 + NESTED % (RESPONSE.encode(), b"")
    assert tag(sent) == NESTED % (response, item) + FLAT % item * 2 + NESTED % (response, b"")
