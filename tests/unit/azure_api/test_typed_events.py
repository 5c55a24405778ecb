"""Typed events: what is changed, what stays, how each kind of stream ends."""

import json
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import MAX_EVENT_BYTES
from proxy.values import AuthMode
from tests.unit.azure_api import typed_readers

FORMATS = pytest.mark.parametrize("form", typed_readers.LAST, ids=lambda form: form.name)
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)
DONE = b"data: [DONE]\n\n"


def begin(form: StreamFormat = StreamFormat.RESPONSE) -> Stream:
    return open_stream(form, ERRORS)


def event(kind: str, number: int = 0) -> bytes:
    return f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":{number}}}\n\n'.encode()


def last_of(form: StreamFormat) -> bytes:
    kinds = sorted(typed_readers.LAST[form])
    return event(kinds[0], 1) if kinds else b"event: done\ndata: [DONE]\n\n"


def run(stream: Stream, *parts: bytes) -> bytes:
    return b"".join([*map(stream.feed, parts), stream.end()])


def codes(form: StreamFormat, written: bytes) -> list[object]:
    return [error["code"] for error in typed_readers.errors(form, written)]


@FORMATS
def test_a_good_stream_is_ended_and_not_broken(form: StreamFormat) -> None:
    stream, first = begin(form), event("something.new")
    assert run(stream, first, last_of(form)) == first + last_of(form)
    assert (stream.ended, stream.failure) == (True, None)


@pytest.mark.parametrize(
    ("form", "kind"), [(form, kind) for form, kinds in typed_readers.LAST.items() for kind in sorted(kinds)]
)
def test_each_last_event_of_a_kind_ends_its_stream_well(form: StreamFormat, kind: str) -> None:
    assert run(begin(form), event("a"), event(kind)) == event("a") + event(kind)


@FORMATS
def test_the_last_event_of_another_kind_ends_nothing(form: StreamFormat) -> None:
    for other in typed_readers.LAST:
        if other is not form:
            assert codes(form, run(begin(form), last_of(other))) == ["upstream_error"], other


@FORMATS
def test_a_stray_done_is_dropped_and_ends_nothing(form: StreamFormat) -> None:
    stream = begin(form)
    assert stream.feed(DONE) == b""
    assert stream.ended is False
    assert stream.feed(last_of(form)) + stream.feed(DONE) + stream.end() == last_of(form)


def test_the_last_event_may_have_its_type_in_its_name_only() -> None:
    named = b'event: response.completed\ndata: {"response":{}}\n\n'
    assert run(begin(), named) == named


@FORMATS
def test_a_failure_in_the_middle_is_told_in_the_shape_of_the_stream(form: StreamFormat) -> None:
    stream = begin(form)
    written = stream.feed(event("a", 7)) + stream.fail(UpstreamTimeout("Azure OpenAI stopped sending."))
    (error,) = typed_readers.errors(form, written)
    assert (error["code"], error["message"]) == ("upstream_timeout", "Azure OpenAI stopped sending.")
    assert error.get("sequence_number") == (8 if form is StreamFormat.RESPONSE else None)
    assert stream.ended
    assert stream.failure is not None
    assert stream.feed(last_of(form)) + stream.end() + stream.fail(UpstreamError("again")) == b""


@FORMATS
def test_a_break_behind_the_last_event_took_nothing_and_is_an_end(form: StreamFormat) -> None:
    stream = begin(form)
    assert stream.feed(last_of(form)) + stream.fail(UpstreamError("reset")) == last_of(form)
    assert (stream.ended, stream.failure) == (True, None)


def test_an_error_of_a_response_has_all_its_members_and_the_next_number() -> None:
    stream = begin()
    stream.feed(event("a", 3))
    (error,) = typed_readers.errors(StreamFormat.RESPONSE, stream.fail(InvalidRequest("x", code="c", param="p")))
    assert error == {
        "type": "error", "sequence_number": 4, "code": "c", "message": "x", "param": "p",
        "error": {"type": "invalid_request_error", "code": "c", "message": "x", "param": "p"},
    }  # fmt: skip


def test_half_an_event_is_dropped_when_the_connection_breaks() -> None:
    stream = begin()
    written = stream.feed(event("a") + event("response.completed", 1)[:40]) + stream.fail(UpstreamError("cut"))
    assert written.startswith(event("a"))
    assert codes(StreamFormat.RESPONSE, written) == ["upstream_error"]


@pytest.mark.parametrize("error", [b"null", b" null"])
def test_an_error_that_is_null_is_none(error: bytes) -> None:
    written = b'data: {"error":' + error + b',"id":1}\n\n'
    assert begin().feed(written) == written


def test_an_event_with_a_type_may_have_an_error_of_its_own() -> None:
    inner = b'event: response.mcp_call.failed\ndata: {"type":"response.mcp_call.failed","error":{"code":424}}\n\n'
    assert begin().feed(inner) == inner


@FORMATS
@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"error","error":{"code":"429","message":"slow"},"sequence_number":1}',
        b'{"type":"error","code":"429","message":"slow","param":null,"sequence_number":1}',
        b'{"error":{"code":"429","message":"slow"}}', b'{"error":[{"code":"429","message":"slow"}]}',
        b'{"code":"429","message":"slow"}', b'{"type":"too_many_requests","code":"429","message":"slow"}',
    ],
)  # fmt: skip
def test_an_error_event_is_an_error_however_it_is_spelt(form: StreamFormat, data: bytes) -> None:
    stream = begin(form)
    written = run(stream, event("a"), b"event: error\ndata: " + data + b"\n\n", last_of(form), DONE)
    assert codes(form, written) == ["rate_limit_exceeded"]
    assert typed_readers.events(written)[0] == ("a", '{"type":"a","sequence_number":0}')
    assert len(typed_readers.events(written)) == (3 if form is StreamFormat.RESPONSE else 2)
    assert stream.failure is not None


@pytest.mark.parametrize("data", [b"<html>", b"[]", b"1", b"null", b'"x"', b"{", b'{"type":1}', b'{"type":null}',
                                  b'{"type":"a","sequence_number":"b"}',
                                  b'{"type":"a","sequence_number":1' + b"0" * 5000 + b"}", b"[" * 100_000])  # fmt: skip
@FORMATS
def test_an_event_that_is_not_the_json_it_should_be_is_an_error(form: StreamFormat, data: bytes) -> None:
    written = run(begin(form), event("a"), b"data: " + data + b"\n\n", last_of(form))
    assert codes(form, written) == ["upstream_error"]
    assert len(typed_readers.events(written)) == (3 if form is StreamFormat.RESPONSE else 2)


@pytest.mark.parametrize("response", [b"null", b"[]", b"1"])
def test_filters_beside_a_response_that_is_no_object_leave_it_alone(response: bytes) -> None:
    data = b'data: {"type":"a","response":' + response + b',"content_filters":[]}\n\n'
    assert begin().feed(data) == data.replace(b',"content_filters":[]', b"")


@FORMATS
def test_an_event_without_an_end_is_an_error_before_it_fills_the_memory(form: StreamFormat) -> None:
    stream = begin(form)
    written = b"".join(map(stream.feed, [event("a") + b"data: ", *[b"x" * (MAX_EVENT_BYTES // 4)] * 5]))
    assert codes(form, written) == ["upstream_error"]
    assert stream.ended is True


KINDS = st.sampled_from(
    ["response.created", "response.output_text.delta", "x", "response.completed", "response.incomplete"]
)
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, 1, 1.0, "é😀", "\ud83d", '"content_filters"', [], {"content_filters": 1}]
)
RESPONSES = st.fixed_dictionaries({"id": VALUES}, optional={"content_filters": VALUES, "output": VALUES})
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"type": KINDS, "value": VALUES},
        optional={"content_filters": VALUES, "response": RESPONSES, "sequence_number": st.integers(0, 99)},
    ),
    max_size=6,
)


def clean(event_: dict[str, object]) -> dict[str, object]:
    """Return an event as OpenAI would have sent it, made in the plainest way."""
    kept = {name: value for name, value in event_.items() if name != "content_filters"}
    response = event_.get("response")
    if isinstance(response, dict):
        kept["response"] = {name: value for name, value in response.items() if name != "content_filters"}
    return kept


@given(EVENTS, st.randoms(use_true_random=True))
def test_the_client_reads_every_event_without_filters_whatever_the_split(
    events: list[dict[str, object]], random: Random
) -> None:
    end = random.choice(("\n", "\r\n", "\r"))
    text = "".join(f"event: {one['type']}{end}data: {json.dumps(one)}{end}{end}" for one in events)
    received = (text + random.choice(("", f"data: [DONE]{end}{end}", f": ping{end}{end}"))).encode()
    places = sorted({0, len(received), *(random.randint(0, len(received)) for _ in range(random.randint(0, 9)))})
    written = run(begin(), *(received[start:stop] for start, stop in pairwise(places)))
    assert written == run(begin(), received)
    ends = [at for at, one in enumerate(events, 1) if one["type"] in typed_readers.LAST[StreamFormat.RESPONSE]]
    read = [
        json.loads(data) for name, data in typed_readers.events(written) if name not in ("error", "response.failed")
    ]
    assert read == [clean(one) for one in events[: min(ends, default=len(events))]]
    assert bool(typed_readers.errors(StreamFormat.RESPONSE, written)) is not bool(ends)
