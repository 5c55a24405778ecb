"""A response that fails: an error event, then `response.failed` as the last one, Azure's own where it comes."""

import json
from typing import Any

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.failed_response import MAX_OBJECT_BYTES, MAX_OUTPUT_BYTES
from proxy.azure_api.stream import Stream, open_stream
from proxy.errors import InvalidRequest, ProxyError, UpstreamError, UpstreamTimeout
from proxy.openai_api.object_ids import Tags, tag_answer
from proxy.openai_api.operations import OPERATIONS, StreamFormat
from proxy.values import AuthMode
from tests.documents import OPENAI, load, needed
from tests.unit.azure_api.readers import RETRY
from tests.unit.azure_api.typed_readers import events

Event = dict[str, Any]
RESPONSE: Event = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1772304649,
    "status": "in_progress",
    "error": None,
    "model": "gpt-5.2",
    "instructions": "Be brief.",
    "output": [],
    "metadata": {"a": "b"},
}
MESSAGE: Event = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
CALL: Event = {"id": "fc_1", "type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}
NESTED: Event = {
    "type": "error",
    "error": {"type": "too_many_requests", "code": "rate_limit_exceeded", "message": "Try again in 7s.", "param": None},
}


def begin() -> Stream:
    return open_stream(StreamFormat.RESPONSE, AzureErrors(model="gpt-5.2", auth=AuthMode.KEY_VAULT))


def written(kind: str, number: int, **members: object) -> bytes:
    data = json.dumps({"type": kind, "sequence_number": number, **members}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def error(number: int = 9) -> bytes:
    return written("error", number, **{name: value for name, value in NESTED.items() if name != "type"})


def failed(number: int, cause: Event | None) -> bytes:
    return written("response.failed", number, response={**RESPONSE, "status": "failed", "error": cause})


CREATED = written("response.created", 0, response=RESPONSE)
ADDED = written("response.output_item.added", 1, output_index=0, item=MESSAGE)
PART = written("response.content_part.added", 2, part={"type": "output_text", "text": ""})
KEPT_ALIVE = written("keepalive", 3)
CAUSE: Event = {"code": "server_error", "message": "It broke."}


def delta(text: str, number: int = 3) -> bytes:
    return written("response.output_text.delta", number, item_id="msg_1", delta=text)


def read(stream: bytes) -> list[Event]:
    return [json.loads(data) for _, data in events(stream)]


def fail(*parts: bytes, error: ProxyError | None = None) -> list[Event]:
    """Return the last two events of a stream that is cut behind the parts."""
    stream = begin()
    came = b"".join(map(stream.feed, parts)) + stream.fail(error or UpstreamError("The connection broke."))
    assert (stream.ended, stream.broken, stream.begun) == (True, True, len(parts) > 1)
    return read(came)[-2:]


def test_a_failure_is_an_error_event_in_both_shapes_and_the_response_as_failed() -> None:
    told, last = fail(CREATED, ADDED, error=UpstreamTimeout("Azure OpenAI stopped sending."))
    fields = {"code": "upstream_timeout", "message": "Azure OpenAI stopped sending.", "param": None}
    assert told == {"type": "error", "sequence_number": 2, **fields, "error": {"type": "server_error", **fields}}
    cause = {"code": "server_error", "message": "Azure OpenAI stopped sending."}
    assert (last["type"], last["sequence_number"]) == ("response.failed", 3)
    assert last["response"].items() >= {**RESPONSE, "status": "failed", "error": cause}.items()


def test_the_error_event_keeps_clients_from_connecting_again() -> None:
    raw = begin().fail(UpstreamError("x"))
    assert raw.startswith(b"event: error\ndata: {")
    assert raw.partition(b"\n\n")[0].endswith(RETRY)
    assert raw.count(RETRY) == 1


def test_the_text_so_far_is_in_the_output() -> None:
    (item,) = fail(CREATED, ADDED, PART, delta("Hé \n"), delta('"x" 😀\u2028'))[1]["response"]["output"]
    part = {"type": "output_text", "text": 'Hé \n"x" 😀\u2028', "annotations": []}
    assert item == {**MESSAGE, "status": "incomplete", "content": [part]}


def test_each_part_of_a_message_is_in_the_output() -> None:
    (item,) = fail(CREATED, ADDED, PART, delta("a"), PART, delta("b"), delta("c"))[1]["response"]["output"]
    assert [part["text"] for part in item["content"]] == ["a", "bc"]


def test_the_items_that_are_done_are_in_the_output() -> None:
    done = [written("response.output_item.done", 5, item=item) for item in (MESSAGE, CALL)]
    assert fail(CREATED, ADDED, delta("a"), *done)[1]["response"]["output"] == [MESSAGE, CALL]


@pytest.mark.parametrize(
    "parts",
    [
        [ADDED],
        [delta("a")],
        [written("response.output_item.added", 1, item=CALL), delta("a")],
        [written("response.output_item.added", 1, item=None), delta("a")],
        [written("response.output_item.added", 1, item="message"), delta("a")],
        [written("response.output_item.added", 1, item=["message"]), delta("a")],
        [written("response.output_item.done", 1, item=None)],
        [written("response.output_item.done", 1)],
        [PART, delta("a")],
        [ADDED, written("response.output_text.delta", 2, delta=None)],
        [ADDED, written("response.output_text.delta", 2)],
        [ADDED, written("response.output_text.delta", 2, content_filters=[])],
        [ADDED, delta("x" * MAX_OUTPUT_BYTES)],
        [written("response.output_item.added", 1, item={**MESSAGE, "x": "x" * MAX_OUTPUT_BYTES}), delta("a")],
        [written("response.output_item.done", 1, item={**CALL, "x": "x" * MAX_OUTPUT_BYTES}), ADDED, delta("a")],
    ],
)
def test_what_is_not_known_or_too_much_is_not_in_the_output(parts: list[bytes]) -> None:
    assert fail(CREATED, *parts)[1]["response"]["output"] == []


def test_an_output_has_no_gaps() -> None:
    large = written("response.output_item.done", 1, item={**CALL, "x": "x" * MAX_OUTPUT_BYTES})
    small = written("response.output_item.done", 1, item=CALL)
    assert fail(CREATED, small, large, small)[1]["response"]["output"] == [CALL]


def test_half_a_character_ends_the_text_that_is_kept() -> None:
    halves = [delta("a"), delta("x", 4).replace(b'"x"', rb'"\ud83d"'), delta("b", 5)]
    told, last = fail(CREATED, ADDED, *halves)
    assert (told["sequence_number"], last["response"]["output"]) == (6, [])


def test_large_members_of_a_response_are_left_out() -> None:
    large = {**RESPONSE, "instructions": "x" * MAX_OBJECT_BYTES, "tools": [{"x": "x" * MAX_OBJECT_BYTES}]}
    response = fail(written("response.created", 0, response=large), ADDED)[1]["response"]
    assert (response["id"], response["model"], response["metadata"]) == ("resp_1", "gpt-5.2", {"a": "b"})
    assert (response["instructions"], response["tools"]) == (None, [])


def test_the_last_announcement_counts() -> None:
    later = written("response.in_progress", 1, response={**RESPONSE, "model": "gpt-5.2-2025"})
    assert fail(CREATED, later, ADDED)[1]["response"]["model"] == "gpt-5.2-2025"


@pytest.mark.parametrize("parts", [[], [written("response.created", 0, response=None)], [ADDED, ADDED]])
def test_without_an_announcement_the_response_has_an_id_of_no_resource(parts: list[bytes]) -> None:
    stream = begin()
    raw = b"".join(map(stream.feed, parts)) + stream.fail(UpstreamError("x"))
    tags, operation = Tags(("a", "b")), next(one for one in OPERATIONS if one.name == "createResponse")
    response = read(tag_answer(tags, operation, raw, 1))[-1]["response"]
    assert (response["id"], response["status"]) == ("resp_:none", "failed")


@needed
@pytest.mark.parametrize("parts", [[], [CREATED, ADDED, PART, delta("a")]])
def test_both_events_are_those_of_the_documents(parts: list[bytes]) -> None:
    told, last = fail(*parts)
    document = load(OPENAI)
    assert document.faults_by_name("ResponseErrorEvent", told) == []
    assert document.faults_by_name("ResponseFailedEvent", last) == []


@needed
def test_the_codes_are_those_of_the_documents() -> None:
    (schema,) = [load(OPENAI).root["components"]["schemas"]["ResponseErrorCode"]]  # type: ignore[index]
    for code in schema["enum"]:
        assert fail(error=UpstreamError("x", code=code))[1]["response"]["error"]["code"] == code


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "insufficient_quota", "rate_limit_exceeded"),
        (400, "context_length_exceeded", "invalid_prompt"),
        (408, None, "server_error"),
        (503, "proxy_shutting_down", "server_error"),
    ],
)
def test_another_code_becomes_the_nearest_one(status: int, code: str | None, expected: str) -> None:
    refused = InvalidRequest("x", code=code)
    refused.status = status
    assert fail(error=refused)[1]["response"]["error"] == {"code": expected, "message": "x"}


@pytest.mark.parametrize("kept_alive", [b"", KEPT_ALIVE, b"data: [DONE]\n\n", delta("late"), error()])
def test_azure_s_own_last_word_behind_its_error_is_a_proper_end(kept_alive: bytes) -> None:
    stream = begin()
    came = stream.feed(CREATED + ADDED + error())
    assert (stream.waits, stream.ended, read(came)[-1]["type"]) == (True, False, "error")
    came += stream.feed(kept_alive + failed(12, CAUSE) + delta("late"))
    assert read(came)[-2]["sequence_number"] == 2
    assert came.endswith(failed(12, CAUSE))
    assert (stream.waits, stream.ended, stream.broken) == (False, True, False)
    assert stream.failure is not None
    assert stream.failure.code == "rate_limit_exceeded"
    assert stream.end() + stream.fail(UpstreamError("late")) == b""


def test_a_last_word_without_a_cause_or_a_number_gets_those_of_the_error_before_it() -> None:
    stream = begin()
    last = read(stream.feed(CREATED + ADDED + error() + failed(1, None)))[-1]
    cause = {"code": "rate_limit_exceeded", "message": "Try again in 7s."}
    assert (last["sequence_number"], last["response"]["error"]) == (3, cause)
    assert last["response"]["id"] == "resp_1"


@pytest.mark.parametrize("end", ["end", "break"])
def test_without_azure_s_last_word_the_proxy_says_it(end: str) -> None:
    stream = begin()
    came = stream.feed(CREATED + ADDED + error())
    came += stream.end() if end == "end" else stream.fail(UpstreamError("reset"))
    told, last = read(came)[-2:]
    assert (told["message"], last["sequence_number"]) == ("Try again in 7s.", 3)
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Try again in 7s."}
    assert (stream.ended, stream.broken) == (True, True)


NO_CAUSES = [None, {}, {"code": None, "message": None}, {"code": "", "message": ""}]


@pytest.mark.parametrize("cause", NO_CAUSES)
def test_a_cause_that_comes_behind_the_last_word_is_told_before_it(cause: Event | None) -> None:
    stream = begin()
    came = stream.feed(CREATED + ADDED + failed(4, cause))
    assert (read(came)[-1]["type"], stream.waits) == ("response.output_item.added", True)
    told, last = read(came + stream.feed(KEPT_ALIVE + error(5)))[-2:]
    assert (told["sequence_number"], told["code"]) == (2, "rate_limit_exceeded")
    assert (last["sequence_number"], last["response"]["error"]["message"]) == (4, "Try again in 7s.")
    assert (stream.waits, stream.ended, stream.broken) == (False, True, False)


def test_a_last_word_whose_cause_never_comes_leaves_as_it_came() -> None:
    stream = begin()
    assert stream.feed(CREATED + ADDED + failed(4, None)) == CREATED + ADDED
    assert stream.end() == failed(4, None)
    assert (stream.ended, stream.broken, stream.failure) == (True, False, None)


@pytest.mark.parametrize("cause", NO_CAUSES)
@pytest.mark.parametrize(
    ("sent", "status"), [("rate_limit_exceeded", 429), ("invalid_prompt", 400), ("server_error", 500)]
)
def test_before_the_first_content_the_cause_behind_the_last_word_decides(
    cause: Event | None, sent: str, status: int
) -> None:
    stream = begin()
    stream.feed(CREATED + failed(1, cause))
    assert (stream.begun, stream.waits, stream.failure) == (False, True, None)
    stream.feed(error(2).replace(b"rate_limit_exceeded", sent.encode()).replace(b"too_many_requests", sent.encode()))
    assert stream.failure is not None
    assert (stream.begun, stream.failure.status, stream.failure.code) == (False, status, sent)


def test_before_the_first_content_a_cause_that_never_comes_is_a_server_error() -> None:
    stream = begin()
    stream.feed(CREATED + failed(1, None))
    stream.end()
    assert stream.failure is not None
    assert (stream.begun, stream.failure.status) == (False, 500)


@pytest.mark.parametrize("response", [b"null", b"[]", b'"x"'])
def test_a_last_word_about_nothing_is_passed_on(response: bytes) -> None:
    last = b'event: response.failed\ndata: {"type":"response.failed","response":' + response + b"}\n\n"
    stream = begin()
    assert stream.feed(CREATED + ADDED + last) + stream.end() == CREATED + ADDED + last
    told = begin()
    assert told.feed(CREATED + ADDED + error() + last).endswith(last)


WHOLE = (
    CREATED + ADDED + PART + delta("a") + KEPT_ALIVE + error(5) + failed(6, CAUSE),
    CREATED + ADDED + PART + delta("a") + failed(5, None) + KEPT_ALIVE + error(6),
    CREATED + ADDED + PART + delta("a") + error(5),
    CREATED + failed(1, None) + error(2),
)


@pytest.mark.parametrize("received", WHOLE)
def test_a_failed_response_is_the_same_wherever_it_is_cut(received: bytes) -> None:
    def run(*parts: bytes) -> bytes:
        stream = begin()
        return b"".join([*map(stream.feed, parts), stream.end()])

    expected = run(received)
    assert run(*(received[at : at + 1] for at in range(len(received)))) == expected
    for at in range(len(received)):
        assert run(received[:at], received[at:]) == expected, at
        assert read(run(received[:at]))[-1]["type"] == "response.failed"
