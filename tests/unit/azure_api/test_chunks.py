"""The stream of chat and completions: what is dropped, what is kept, and how it ends."""

import json
from collections.abc import Iterable

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import BLANK, COMMENT, MAX_EVENT_BYTES
from proxy.values import AuthMode
from tests.unit.azure_api import readers

DONE = b"data: [DONE]\n\n"
TEXT = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":null,"index":0}],"id":"chatcmpl-1"}\n\n'
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop","index":0}],"id":"chatcmpl-1"}\n\n'


def begin(form: StreamFormat) -> Stream:
    return open_stream(form, AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT))


@pytest.fixture
def stream() -> Stream:
    return begin(StreamFormat.CHAT)


def run(stream: Stream, parts: Iterable[bytes]) -> bytes:
    return b"".join([*map(stream.feed, parts), stream.end()])


def codes(written: bytes) -> list[object]:
    return [error["code"] for error in readers.errors(written)]


def test_a_good_stream_is_ended_and_not_broken(stream: Stream) -> None:
    assert run(stream, [TEXT, STOP, DONE]) == TEXT + STOP + DONE
    assert (stream.ended, stream.failure) == (True, None)


def test_a_failure_in_the_middle_is_told_in_an_event(stream: Stream) -> None:
    written = stream.feed(TEXT) + stream.fail(UpstreamTimeout("Azure OpenAI was silent for 180 seconds."))
    assert codes(written) == ["upstream_timeout"]
    assert stream.ended
    assert stream.failure is not None


def test_a_failure_of_an_unfinished_event_drops_the_half(stream: Stream) -> None:
    written = stream.feed(TEXT + STOP[:30]) + stream.fail(UpstreamError("cut"))
    assert readers.raw(written)[:1] == readers.raw(TEXT)
    assert codes(written) == ["upstream_error"]


def test_a_failure_after_the_end_says_nothing(stream: Stream) -> None:
    run(stream, [TEXT, STOP])
    assert stream.fail(UpstreamError("late")) == b""
    assert stream.failure is None


def test_nothing_leaves_after_the_end(stream: Stream) -> None:
    run(stream, [TEXT, STOP])
    assert stream.feed(TEXT + DONE) + stream.end() == b""


def test_nothing_leaves_after_an_error_of_azure(stream: Stream) -> None:
    written = run(stream, [b'data: {"error":{"code":"500","message":"x"}}\n\n' + TEXT + STOP + DONE])
    assert len(readers.whole(written)) == len(readers.errors(written)) == 1


def test_an_error_that_is_null_is_none(stream: Stream) -> None:
    event = b'data: {"error":null,"choices":[{"delta":{},"finish_reason":"stop","index":0}]}\n\n'
    assert run(stream, [event]) == event + DONE


@pytest.mark.parametrize(
    "event",
    [
        b'{"choices":[],"usage":null}',
        b'{"choices":null}',
        b'{"choices":[{"index":0,"finish_reason":null,"content_filter_results":{}}]}',
        b'{"choices":[{"index":0,"delta":null,"finish_reason":null}]}',
        b'{"prompt_filter_results":[]}',
        b"{}",
    ],
)
def test_an_event_without_text_reason_or_usage_is_dropped(stream: Stream, event: bytes) -> None:
    assert stream.feed(b"data: " + event + b"\n\n") == b""


def test_an_annotation_beside_a_choice_is_taken_out_of_the_event(stream: Stream) -> None:
    choice = b'{"delta":{"content":"Hi"},"index":0}'
    written = stream.feed(b'data: {"choices":[' + choice + b',{"finish_reason":null,"index":1}]}\n\n')
    assert written == b'data: {"choices":[' + choice + b"]}\n\n"


def test_usage_in_the_filter_event_is_kept(stream: Stream) -> None:
    written = stream.feed(b'data: {"choices":[],"prompt_filter_results":[],"usage":{"total_tokens":1.0}}\n\n')
    assert written == b'data: {"choices":[],"usage":{"total_tokens":1.0}}\n\n'


def test_a_late_annotation_does_not_reopen_a_finished_choice(stream: Stream) -> None:
    late = b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}\n\n'
    assert run(stream, [TEXT, STOP, late]) == TEXT + STOP + late + DONE


def test_one_of_two_choices_without_its_end_is_an_error(stream: Stream) -> None:
    assert codes(run(stream, [TEXT, TEXT.replace(b'"index":0', b'"index":1'), STOP])) == ["upstream_error"]


def test_an_answer_blocked_after_the_fact_is_a_chunk_like_the_others(stream: Stream) -> None:
    blocked = (
        b'data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":"content_filter",'
        b'"content_filter_results":{"protected_material_text":{"detected":true,"filtered":true}},'
        b'"content_filter_raw":[],"content_filter_offsets":{"check_offset":44,"start_offset":44,"end_offset":198}}],'
        b'"usage":null}\n\n'
    )
    head = b'"created":1772304649,"id":"chatcmpl-1","model":"gpt-4.1","object":"chat.completion.chunk"'
    first = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":null,"index":0}],' + head + b"}\n\n"
    last = json.loads(readers.whole(run(stream, [first, blocked, DONE]))[-1])
    assert last["choices"] == [{"index": 0, "finish_reason": "content_filter", "delta": {}}]
    assert (last["id"], last["object"], last["model"]) == ("chatcmpl-1", "chat.completion.chunk", "gpt-4.1")
    assert last["created"] == 1772304649


@pytest.mark.parametrize(
    ("form", "empty"), [(StreamFormat.CHAT, b'"delta":{}'), (StreamFormat.COMPLETION, b'"text":""')]
)
def test_a_last_chunk_without_content_has_an_empty_one(form: StreamFormat, empty: bytes) -> None:
    written = begin(form).feed(b'data: {"choices":[{"index":0,"finish_reason":"content_filter"}]}\n\n')
    assert written == b'data: {"choices":[{"index":0,"finish_reason":"content_filter",' + empty + b"}]}\n\n"


def test_a_comment_without_words_is_a_comment_or_nothing(stream: Stream) -> None:
    written = run(stream, [TEXT, b":\n\n", STOP])
    assert readers.whole(written) == tuple(readers.raw(TEXT + STOP))


@pytest.mark.parametrize(
    "event",
    [b"[]", b"1", b"null", b'"text"', b"{", b"<html>", b'{"choices":{}}', b'{"choices":[1]}', b"[" * 100_000],
)
def test_an_event_that_is_not_a_chunk_is_an_error(stream: Stream, event: bytes) -> None:
    written = run(stream, [TEXT, b"data: " + event + b"\n\n", STOP, DONE])
    assert codes(written) == ["upstream_error"]
    assert len(readers.whole(written)) == 2


def test_data_on_several_lines_is_one_event_for_the_client(stream: Stream) -> None:
    lines = b'data: {"choices":[{"delta":{"content":"Hi"},\ndata: "finish_reason":"stop",\ndata:"index":0}]}\n\n'
    chunks = [json.loads(event) for event in readers.official(run(stream, [lines])) if event != readers.DONE]
    assert chunks == [{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop", "index": 0}]}]


def test_a_comment_carries_no_other_field_along(stream: Stream) -> None:
    written = run(stream, [b": ping\nid: 1\nevent: ping\nretry: 5\n\n", TEXT, STOP])
    assert readers.whole(written) == tuple(readers.raw(TEXT + STOP))


def test_half_a_surrogate_in_a_name_is_passed_on_as_it_came(stream: Stream) -> None:
    event = b'data: {"\\ud83d":1,"choices":[{"delta":{},"finish_reason":"stop","index":0}]}\n\n'
    assert run(stream, [event]) == event + DONE


def test_an_error_beside_half_a_surrogate_is_an_error(stream: Stream) -> None:
    written = run(stream, [b'data: {"\\ud83d":1,"error":{"code":"429","message":"x"}}\n\n'])
    assert codes(written) == ["rate_limit_exceeded"]


def test_an_event_without_an_end_is_an_error_before_it_fills_the_memory(stream: Stream) -> None:
    part = b"x" * (MAX_EVENT_BYTES // 4)
    written = stream.feed(TEXT + b"data: ")
    for _ in range(4):
        written += stream.feed(part)
    assert codes(written) == ["upstream_error"]
    assert stream.ended
    assert stream.failure is not None
    assert stream.feed(STOP) + stream.end() == b""


@pytest.mark.parametrize("tail", [b"", b"\n\n"], ids=["without its end", "with its end"])
def test_a_large_event_is_an_error_whatever_the_split(stream: Stream, tail: bytes) -> None:
    received = TEXT + b'data: {"choices":[],"usage":"' + b"x" * (MAX_EVENT_BYTES + 1) + b'"}' + tail
    halves = run(
        begin(StreamFormat.CHAT), [received[: len(received) // 2], received[len(received) // 2 : -1], received[-1:]]
    )
    assert len(readers.whole(halves)) == 2
    assert codes(halves) == ["upstream_error"]
    assert run(stream, [received]) == halves


def begin_two() -> Stream:
    return open_stream(StreamFormat.CHAT, AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT), choices=2)


def test_a_stream_that_lacks_a_choice_and_azure_s_end_is_not_complete() -> None:
    stream = begin_two()
    assert codes(run(stream, [TEXT, STOP])) == ["upstream_error"]
    assert stream.failure is not None


def test_a_choice_that_azure_s_own_end_says_nothing_of_is_not_missing() -> None:
    stream = begin_two()
    assert run(stream, [TEXT, STOP, DONE]) == TEXT + STOP + DONE
    assert (stream.failure, stream.broken) == (None, False)


@pytest.mark.parametrize("choices", [1, 2])
def test_azure_s_own_end_behind_a_choice_that_has_none_is_no_end(choices: int) -> None:
    stream = begin(StreamFormat.CHAT) if choices == 1 else begin_two()
    other = TEXT.replace(b'"index":0', b'"index":1')
    assert codes(run(stream, [other, TEXT, STOP, DONE])) == ["upstream_error"]


@pytest.mark.parametrize("parts", [[DONE], [TEXT, DONE]])
def test_azure_s_own_end_behind_no_finished_choice_is_no_end(stream: Stream, parts: list[bytes]) -> None:
    assert codes(run(stream, parts)) == ["upstream_error"]


def test_a_blank_finish_reason_is_none(stream: Stream) -> None:
    blank = TEXT.replace(b'"finish_reason":null', b'"finish_reason":""')
    assert stream.feed(blank + blank) == TEXT + TEXT
    assert codes(stream.end()) == ["upstream_error"]


def test_a_blank_finish_reason_beside_nothing_says_nothing(stream: Stream) -> None:
    assert stream.feed(b'data: {"choices":[{"index":0,"finish_reason":""}]}\n\n') == b""
    assert not stream.begun


KEEP_ALIVES = (
    b"data:\n\n",
    b"data: \n\n",
    b"event: ping\ndata: {}\n\n",
    b"event: ping\n\n",
    b'data: {"type":"keepalive","sequence_number":3}\n\n',
    b'data: {"type":"ping"}\n\n',
    b": anything\n\n",
    b":\n\n",
)


@pytest.mark.parametrize("form", StreamFormat, ids=lambda form: form.name)
@pytest.mark.parametrize("event", KEEP_ALIVES)
def test_what_only_keeps_a_stream_alive_leaves_as_the_proxy_s_own(form: StreamFormat, event: bytes) -> None:
    for keep_alive in (BLANK, COMMENT):
        stream = open_stream(form, AzureErrors(model=None, auth=None), keep_alive=keep_alive)
        assert stream.feed(event) == keep_alive
        assert (stream.begun, stream.ended, stream.failure) == (False, False, None)


def test_a_broken_stream_has_no_end_and_a_complete_one_is_not_broken(stream: Stream) -> None:
    assert stream.feed(TEXT) + stream.fail(UpstreamError("reset", param="p")) == TEXT + (
        b'data: {"error":{"message":"reset","type":"server_error","param":"p","code":"upstream_error"}}\n'
        b"retry: 2147483647\n\n"
    )
    assert (stream.ended, stream.broken) == (True, True)
    complete = begin(StreamFormat.CHAT)
    complete.feed(TEXT + STOP)
    assert complete.fail(UpstreamError("reset")) == DONE
    assert (complete.ended, complete.broken) == (True, False)


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"code":"429","message":"Please retry after 7 seconds."}\n\n',
        b'data: {"statusCode":429,"code":"429","message":"Please retry after 7 seconds."}\n\n',
    ],
)
def test_an_error_without_its_envelope_is_an_error_all_the_same(stream: Stream, event: bytes) -> None:
    assert codes(run(stream, [TEXT, event, STOP, DONE])) == ["rate_limit_exceeded"]


def test_a_break_behind_the_last_finish_reason_took_nothing_and_is_an_end(stream: Stream) -> None:
    assert stream.feed(TEXT + STOP) + stream.fail(UpstreamError("reset")) == TEXT + STOP + DONE
    assert stream.failure is None
