"""What every stream does, whatever its format: when it has begun, how it ends, and with which error."""

import json

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import MAX_EVENT_BYTES
from proxy.values import AuthMode

ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)
ON_PROMPT = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}\n\n'
ANNOTATION = (
    b'data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,'
    b'"content_filter_results":{},"content_filter_offsets":{}}],"usage":null}\n\n'
)
THROTTLED = b'data: {"error":{"code":"429","message":"Slow down."}}\n\n'
CREATED = b'event: response.created\ndata: {"type":"response.created","response":{},"sequence_number":0}\n\n'
QUEUED, IN_PROGRESS = (CREATED.replace(b"created", name) for name in (b"queued", b"in_progress"))
COMMENT = b": keepalive\n\n"
MORE = b'data: {"type":"response.output_text.delta","choices":[{"index":0,"delta":{},"text":""}]}'


def begin(form: StreamFormat = StreamFormat.CHAT, *, keep: bool = False) -> Stream:
    return open_stream(form, ERRORS, keep_filters=keep)


def failed(code: str) -> bytes:
    response = {"error": {"code": code, "message": "That failed."}}
    data = json.dumps({"type": "response.failed", "response": response, "sequence_number": 1}, separators=(",", ":"))
    return f"event: response.failed\ndata: {data}\n\n".encode()


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("form", "parts"),
    [
        (StreamFormat.CHAT, [ON_PROMPT, COMMENT, ANNOTATION]),
        (StreamFormat.CHAT, [b'data: {"choices":[', b"\n"]),
        (StreamFormat.COMPLETION, [COMMENT, ON_PROMPT]),
        (StreamFormat.RESPONSE, [CREATED, QUEUED, COMMENT, IN_PROGRESS, b"data: [DONE]\n\n"]),
        (StreamFormat.IMAGE, [COMMENT]),
        (StreamFormat.RUN, [COMMENT, b"data: [DONE]\n\n"]),
    ],
)
def test_a_stream_has_not_begun_with_what_only_announces_it(form: StreamFormat, parts: list[bytes], keep: bool) -> None:
    stream = begin(form, keep=keep)
    for part in parts:
        stream.feed(part)
        assert (stream.begun, stream.ended, stream.failure) == (False, False, None)


@pytest.mark.parametrize(
    ("form", "event"),
    [
        (StreamFormat.CHAT, b'data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}\n\n'),
        (StreamFormat.CHAT, b'data: {"choices":[{"index":0,"finish_reason":"content_filter"}]}\n\n'),
        (StreamFormat.CHAT, b'data: {"choices":[],"usage":{"total_tokens":1}}\n\n'),
        (StreamFormat.COMPLETION, b'data: {"choices":[{"index":0,"text":"","finish_reason":null}]}\n\n'),
        (StreamFormat.RESPONSE, CREATED.replace(b"response.created", b"response.output_item.added")),
        (StreamFormat.RESPONSE, CREATED.replace(b"response.created", b"response.something_new")),
        (StreamFormat.RESPONSE, CREATED.replace(b"response.created", b"response.incomplete")),
        (StreamFormat.RESPONSE, failed("invalid_prompt")),
        (StreamFormat.IMAGE, b'data: {"type":"image_generation.partial_image"}\n\n'),
        (StreamFormat.TRANSCRIPT, b'data: {"type":"transcript.text.delta","delta":"a"}\n\n'),
        (StreamFormat.SPEECH, b'data: {"type":"speech.audio.delta","audio":"aGk="}\n\n'),
        (StreamFormat.RUN, b'event: thread.run.queued\ndata: {"id":"run_1"}\n\n'),
    ],
)
def test_a_stream_has_begun_with_everything_else(form: StreamFormat, event: bytes) -> None:
    stream = begin(form)
    stream.feed(ON_PROMPT if form is StreamFormat.CHAT else COMMENT)
    stream.feed(event)
    assert (stream.begun, stream.failure) == (True, None)


@pytest.mark.parametrize(
    ("form", "parts", "status", "code"),
    [
        (StreamFormat.CHAT, [ON_PROMPT, THROTTLED], 429, "rate_limit_exceeded"),
        (StreamFormat.CHAT, [ON_PROMPT + THROTTLED], 429, "rate_limit_exceeded"),
        (StreamFormat.RESPONSE, [CREATED, b"event: error\n" + THROTTLED], 429, "rate_limit_exceeded"),
        (StreamFormat.RESPONSE, [CREATED, IN_PROGRESS, failed("rate_limit_exceeded")], 429, "rate_limit_exceeded"),
        (StreamFormat.RESPONSE, [CREATED, failed("too_many_requests")], 429, "rate_limit_exceeded"),
        (StreamFormat.RESPONSE, [CREATED, failed("no_capacity")], 429, "rate_limit_exceeded"),
        (StreamFormat.RESPONSE, [failed("server_error")], 500, "server_error"),
        (StreamFormat.IMAGE, [b"event: error\n" + THROTTLED], 429, "rate_limit_exceeded"),
        (StreamFormat.CHAT, [ON_PROMPT, b"data: <html>\n\n"], 502, "upstream_error"),
        (StreamFormat.RUN, [b"data: []\n\n"], 502, "upstream_error"),
        (StreamFormat.RESPONSE, [CREATED, b"x" * (MAX_EVENT_BYTES + 1)], 502, "upstream_error"),
    ],
)
def test_an_error_before_a_stream_has_begun_can_be_answered_with_its_status(
    form: StreamFormat, parts: list[bytes], status: int, code: str
) -> None:
    stream = begin(form)
    for part in parts:
        stream.feed(part)
    assert stream.failure is not None
    # Azure's last event about a response may follow, which changes nothing.
    assert (stream.begun, stream.ended or stream.waits) == (False, True)
    assert (stream.failure.status, stream.failure.code) == (status, code)


@pytest.mark.parametrize("form", StreamFormat, ids=lambda form: form.name)
def test_a_stream_of_nothing_failed_before_it_began(form: StreamFormat) -> None:
    stream = begin(form)
    assert stream.end()
    assert isinstance(stream.failure, UpstreamError)
    assert (stream.begun, stream.ended, stream.failure.status) == (False, True, 502)


def test_a_failure_of_the_connection_is_the_failure_of_the_stream() -> None:
    stream, error = begin(), UpstreamTimeout("Azure OpenAI stopped sending.")
    assert stream.fail(error)
    assert stream.failure is error


def test_a_response_that_failed_later_ends_as_it_says_itself() -> None:
    stream = begin(StreamFormat.RESPONSE)
    delta = CREATED.replace(b"response.created", b"response.output_text.delta")
    assert stream.feed(delta + failed("server_error")) == delta + failed("server_error")
    assert (stream.begun, stream.ended, stream.failure) == (True, True, None)


LAST = {
    form: b'data: {"type":"%s"}\n\n' % min(form.last).encode()
    for form in StreamFormat
    if form.last.isdisjoint({"[DONE]", "done"})
} | {
    StreamFormat.RUN: b"event: done\ndata: [DONE]\n\n",
    StreamFormat.CHAT: b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    StreamFormat.COMPLETION: b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
}  # fmt: skip
EVERY_FORMAT = pytest.mark.parametrize(("form", "last"), LAST.items(), ids=lambda value: getattr(value, "name", ""))


@EVERY_FORMAT
@pytest.mark.parametrize(
    "behind", [b"data: {}\n\n", THROTTLED, b"event: error\n" + THROTTLED, b"data: <", COMMENT, MORE]
)
def test_a_stream_ends_at_once_with_its_last_event(form: StreamFormat, last: bytes, behind: bytes) -> None:
    for parts in ([last], [last + behind], [last, behind]):
        stream = begin(form)
        assert b"".join(map(stream.feed, parts)) == last
        assert (stream.begun, stream.ended, stream.failure) == (True, True, None)
        assert stream.end() + stream.fail(UpstreamError("late")) + stream.fail(InvalidRequest("late")) == b""
        assert stream.failure is None


@EVERY_FORMAT
def test_a_last_event_that_lacks_its_blank_line_is_the_last_event(form: StreamFormat, last: bytes) -> None:
    stream = begin(form)
    assert stream.feed(last[:-2]) + stream.end() == last
    assert (stream.ended, stream.failure) == (True, None)


def test_an_error_of_the_proxy_behind_a_complete_answer_took_nothing_from_it() -> None:
    stream = begin()
    done = b"data: [DONE]\n\n"
    stop = LAST[StreamFormat.CHAT].removesuffix(done)
    assert stream.feed(stop) + stream.fail(InvalidRequest("x")) == stop + done
    assert stream.failure is None


def test_an_event_is_translated_once_when_it_is_whole_however_many_reads_it_takes() -> None:
    stream, size = begin(StreamFormat.IMAGE), 500_000
    event = b'data: {"type":"image_generation.partial_image","b64_json":"%b"}\n\n' % (b"x" * size)
    reads = [event[start : start + 100] for start in range(0, len(event), 100)]
    written = [stream.feed(read) for read in reads]
    assert written == [b""] * (len(reads) - 1) + [event]


@pytest.mark.parametrize(
    ("form", "events", "usage"),
    [
        (StreamFormat.CHAT, [ON_PROMPT, ANNOTATION], None),
        (StreamFormat.CHAT, [b'{"choices":[],"usage":{"total_tokens": 1.0}}'], b'{"total_tokens": 1.0}'),
        (StreamFormat.CHAT, [b'{"usage":{"a":1}}', b'{"choices":[],"usage":{"a":2}}'], b'{"a":2}'),
        (StreamFormat.CHAT, [b'{"usage":{"a":1}}', b'{"choices":[],"usage":null}'], b'{"a":1}'),
        (StreamFormat.COMPLETION, [b'{"usage":{"a":1}}', b"[DONE]"], b'{"a":1}'),
        (StreamFormat.RESPONSE, [b'{"type":"response.created","response":{"usage":null}}'], None),
        (StreamFormat.RESPONSE, [b'{"type":"response.completed","response":{"usage":{"a":1}}}'], b'{"a":1}'),
        (StreamFormat.RESPONSE, [b'{"type":"response.incomplete","response":{"usage":{"a":1}}}'], b'{"a":1}'),
        (StreamFormat.RESPONSE, [b'{"type":"response.completed","response":{}}'], None),
        (StreamFormat.RESPONSE, [b'{"type":"response.completed","response":[]}'], None),
        (StreamFormat.RESPONSE, [b'{"type":"response.completed"}'], None),
        (StreamFormat.TRANSCRIPT, [b'{"type":"transcript.text.done","usage":{"a":1}}'], b'{"a":1}'),
        (StreamFormat.IMAGE, [b'{"type":"image_generation.completed","usage":{"a":1}}'], b'{"a":1}'),
    ],
)
def test_the_last_usage_is_kept_as_it_came(form: StreamFormat, events: list[bytes], usage: bytes | None) -> None:
    stream = begin(form)
    for event in events:
        stream.feed(event if event.endswith(b"\n") else b"data: " + event + b"\n\n")
    assert stream.usage == usage
    assert usage is None or (stream.billed is not None and usage in stream.billed)
