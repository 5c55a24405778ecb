"""Plain events are not translated in full: what is written is the same, byte for byte, whatever the cut."""

import json
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api import chat
from proxy.azure_api.chat import Chunks
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.responses import TypedEvents
from proxy.azure_api.stream import Stream, open_stream
from proxy.errors import UpstreamError
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import BLANK, MAX_EVENT_BYTES
from proxy.values import AuthMode

ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)
FIRST = b'data: {"choices":[{"delta":{"content":""},"index":0}],"created":1,"id":"a","model":"m","object":"o"}\n\n'
FIRST_TEXT = FIRST.replace(b'"delta":{"content":""}', b'"text":""')
PLAIN = (
    b'data: {"choices":[{"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":" the"},'
    b'"finish_reason":null,"index":0,"logprobs":null}],"created":1772304649,"id":"chatcmpl-1","model":"gpt-4o",'
    b'"obfuscation":"x7Q","object":"chat.completion.chunk","service_tier":null,"system_fingerprint":null,"usage":null}'
    b"\n\n"
)
PLAIN_TEXT = (
    b'data: {"choices":[{"content_filter_results":{},"finish_reason":null,"index":0,"logprobs":null,"text":" the"}],'
    b'"created":1772304649,"id":"cmpl-1","model":"gpt-35-turbo-instruct","object":"text_completion"}\n\n'
)
DELTA = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":7,'
    b'"item_id":"msg_1","delta":" the","logprobs":[],"obfuscation":"x"}\n\n'
)


class ThoroughChunks(Chunks):
    """Translates every chunk in full."""

    def translate_plain(self, block: bytes) -> bytes | None:
        return None


class ThoroughEvents(TypedEvents):
    """Translates every event in full."""

    def translate_plain(self, block: bytes) -> bytes | None:
        return None


def thorough(form: StreamFormat, choices: int, keep: bool) -> Stream:
    if form in chat.FORMATS:
        events: Chunks | TypedEvents = ThoroughChunks(form, ERRORS, choices, keep_filters=keep, keep_alive=BLANK)
    else:
        events = ThoroughEvents(form, ERRORS, keep_filters=keep, keep_alive=BLANK)
    return Stream(events, BLANK)


def run(form: StreamFormat, parts: Sequence[bytes], *, keep: bool = False, choices: int = 1) -> bytes:
    """Return what a stream gives, after checking that it gives the same with all translated in full, read by read."""
    stream, full = open_stream(form, ERRORS, choices=choices, keep_filters=keep), thorough(form, choices, keep)
    written = b""
    for part in parts:
        given_now = stream.feed(part)
        assert full.feed(part) == given_now
        assert (stream.begun, stream.ended, stream.usage) == (full.begun, full.ended, full.usage)
        assert (stream.failure is None) is (full.failure is None)
        written += given_now
    given_last = stream.end()
    assert full.end() == given_last
    return written + given_last


def is_plain(form: StreamFormat, event: bytes, *, keep: bool = False, first: bytes = b"") -> bool:
    events = (
        Chunks(form, ERRORS, 1, keep_filters=keep, keep_alive=BLANK)
        if form in chat.FORMATS
        else TypedEvents(form, ERRORS, keep_filters=keep, keep_alive=BLANK)
    )
    Stream(events, BLANK).feed(first)
    return events.translate_plain(event.removesuffix(b"\n\n")) is not None


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("form", "first", "event"),
    [
        (StreamFormat.CHAT, FIRST, PLAIN),
        (StreamFormat.CHAT, FIRST, PLAIN.replace(b" the", "日本".encode())),
        (StreamFormat.CHAT, FIRST, PLAIN.replace(b" the", rb"\"\n\u00e9 \ud83d\ude00")),
        (StreamFormat.CHAT, FIRST, PLAIN.replace(b'{"content":" the"}', b'{"tool_calls":[{"index":0}]}')),
        (StreamFormat.CHAT, FIRST, PLAIN.replace(b',"usage":null', b"")),
        (StreamFormat.CHAT, FIRST, FIRST),
        (StreamFormat.CHAT, FIRST, FIRST.replace(b":", b": ").replace(b"data:  ", b"data: ")),
        (StreamFormat.COMPLETION, FIRST_TEXT, PLAIN_TEXT),
        (StreamFormat.RESPONSE, b"", DELTA),
        (StreamFormat.RESPONSE, b"", DELTA.replace(b":", b": ").replace(b":  ", b": ")),
        (StreamFormat.TRANSCRIPT, b"", b'data: {"type":"transcript.text.delta","delta":"a"}\n\n'),
    ],
)
def test_the_usual_events_are_plain(form: StreamFormat, first: bytes, event: bytes, keep: bool) -> None:
    assert is_plain(form, event, keep=keep, first=first)
    run(form, [first, event], keep=keep)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"index":0', b'"index":1'),
        (b'"index":0', b'"index":-0'),
        (b'"index":0,', b""),
        (b'"content":" the"', b'"content":"\xff"'),
        (b'"content":" the"', rb'"content":"\ud83d"'),
        (b'{"content":" the"}', b"null"),
        (b'"delta":{"content":" the"},', b""),
        (b'"finish_reason":null', b'"finish_reason":"stop"'),
        (b'"id":"chatcmpl-1"', b'"id":""'),
        (b'"id":"chatcmpl-1"', b'"id":null'),
        (b'"id":"chatcmpl-1",', b""),
        (b"1772304649", b"0"),
        (b'"usage":null', b'"usage":{"total_tokens":1}'),
        (b'"usage":null', b'"usage":null,"error":{"code":"429"}'),
        (b'"usage":null', b'"usage":null,"statusCode":429'),
        (b'"usage":null', b'"usage":null,"prompt_filter_results":[]'),
        (b'"logprobs":null', b'"logprobs":null,"content_filter_offsets":{}'),
        (b'"logprobs":null}', b'"logprobs":null},{"index":0,"delta":{}}'),
        (b"data: ", b"event: chunk\ndata: "),
        (b"data: ", b"id: 1\ndata: "),
        (b"data: ", b"data:"),
        (b"}\n\n", b"}\ndata\n\n"),
        (b"}\n\n", b"\n}\n\n"),
        (b"}\n\n", b"}}\n\n"),
        (PLAIN[6:-2], b"[DONE]"),
        (PLAIN[6:-2], b""),
    ],
)
def test_a_chunk_that_is_not_quite_plain_is_translated_in_full(before: bytes, after: bytes, keep: bool) -> None:
    event = PLAIN.replace(before, after, 1)
    assert event != PLAIN
    assert not is_plain(StreamFormat.CHAT, event, keep=keep, first=FIRST)
    if b"\xff" not in event:
        run(StreamFormat.CHAT, [FIRST, event, PLAIN], keep=keep)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"id"', b' "id"'),
        (b'"id"', rb'"\u0069d"'),
        (b'"index":0', b'"index": 0'),
        (b'"id":"chatcmpl-1"', b'"id":"chatcmpl-1","id":"chatcmpl-1"'),
        (b'"content_filter_results":{', b'"content_filter_results":{},"content_filter_results":{'),
        (b'"content_filter_results":{', rb'"content_filter_result\u0073":{'),
        (b'"model":"gpt-4o"', rb'"model":"gpt\u002d4o"'),
        (b'"model":"gpt-4o"', rb'"model":"gpt\/4o"'),
        (b'"created":1772304649,"id":"chatcmpl-1"', b'"id":"chatcmpl-1","created":1772304649'),
        (b"}}\n\n", b"} }\n\n"),
    ],
)
def test_a_chunk_that_would_not_be_written_as_it_came_is_translated_in_full(before: bytes, after: bytes) -> None:
    event = PLAIN.replace(before, after, 1)
    if event != PLAIN:
        assert not is_plain(StreamFormat.CHAT, event, first=FIRST)
        run(StreamFormat.CHAT, [FIRST, event, PLAIN])


@pytest.mark.parametrize(
    "first",
    [
        b"",
        FIRST.replace(b'"id":"a"', b'"id":""'),
        FIRST.replace(b'"index":0', b'"finish_reason":"stop","index":0'),
    ],
)
def test_no_chunk_is_plain_before_its_choice_runs_and_its_stream_is_known(first: bytes) -> None:
    assert not is_plain(StreamFormat.CHAT, PLAIN, first=first)
    run(StreamFormat.CHAT, [first, PLAIN])


@pytest.mark.parametrize(
    "waiting",
    [b'{"choices":[],"prompt_filter_results":[1]}', b'{"choices":[{"content_filter_results":{},"index":0}],"id":""}'],
)
def test_no_chunk_is_plain_while_annotations_wait(waiting: bytes) -> None:
    first = FIRST + b"data: " + waiting + b"\n\n"
    run(StreamFormat.CHAT, [first, PLAIN, PLAIN], keep=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"delta":" the"', b'"delta":"\xff"'),
        (b'"delta":" the"', rb'"delta":"\ud83d"'),
        (b'"sequence_number":7', b'"sequence_number":"7"'),
        (b'"sequence_number":7', b'"sequence_number":null'),
        (b'"sequence_number":7', b'"sequence_number":9007199254740993'),
        (b'"type":"response.output_text.delta",', b""),
        (b'"type":"response.output_text.delta"', b'"type":1'),
        (b'"type":"response.output_text.delta"', b'"type":"error"'),
        (b'"type":"response.output_text.delta"', b'"type":"response.created"'),
        (b'"type":"response.output_text.delta"', b'"type":"response.completed"'),
        (b'"type":"response.output_text.delta"', b'"type":"response.failed"'),
        (b'"logprobs":[]', b'"content_filters":[]'),
        (b'"logprobs":[]', rb'"content_filter\u0073":null'),
        (b'"logprobs":[]', b'"response":{"content_filters":[]}'),
        (b'"logprobs":[]', b'"response":{"usage":{"total_tokens":1}}'),
        (b'"logprobs":[]', b'"choices":[{"content_filter_results":{}}]'),
        (b'"logprobs":[]', b'"data":[]'),
        (b'"logprobs":[]', b'"usage":null'),
        (b"event: response.output_text.delta\n", b"event: error\n"),
        (b"event: response.output_text.delta\n", b"event: \n"),
        (b"event: response.output_text.delta\n", b"event:response.output_text.delta\n"),
        (b"event: response.output_text.delta\n", b"event: a\nid: 1\n"),
        (b"event: response.output_text.delta\n", b"event: data: x\n"),
        (b"event: response.output_text.delta\n", b"id: 1\n"),
        (b"}\n\n", b"}\nid: 1\n\n"),
        (b',"delta"', b',\n"delta"'),
        (b"}\n\n", b"}}\n\n"),
        (DELTA[40:-2], b"[DONE]"),
        (DELTA[:-2], b": data: x"),
        (DELTA[:-2], b"event: data: x"),
        (DELTA[:-2], b"nothing"),
    ],
)
def test_an_event_that_is_not_quite_plain_is_translated_in_full(before: bytes, after: bytes) -> None:
    event = DELTA.replace(before, after, 1)
    assert event != DELTA
    assert not is_plain(StreamFormat.RESPONSE, event)
    if b"\xff" not in event:
        run(StreamFormat.RESPONSE, [DELTA, event, DELTA])


@pytest.mark.parametrize(
    ("form", "first", "event"), [(StreamFormat.CHAT, FIRST, PLAIN), (StreamFormat.RESPONSE, b"", DELTA)]
)
def test_a_plain_event_that_is_too_large_is_an_error(form: StreamFormat, first: bytes, event: bytes) -> None:
    stream = open_stream(form, ERRORS)
    stream.feed(first)
    assert b"too large" in stream.feed(event.replace(b" the", b"x" * MAX_EVENT_BYTES))
    assert isinstance(stream.failure, UpstreamError)


@pytest.mark.parametrize(
    ("form", "event"),
    [
        (StreamFormat.CHAT, PLAIN),
        (StreamFormat.CHAT, PLAIN.replace(b'"index":0', b'"index":1')),
        (StreamFormat.COMPLETION, PLAIN_TEXT),
        (StreamFormat.RESPONSE, DELTA),
        (StreamFormat.RESPONSE, DELTA.replace(b'"logprobs":[]', b'"response":{}')),
    ],
)
@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\xbd", b"\xe6\x97"])
def test_an_event_that_is_no_utf_8_is_an_error(form: StreamFormat, event: bytes, bad: bytes) -> None:
    stream = open_stream(form, ERRORS)
    assert b"is not the JSON it should be" in stream.feed(event.replace(b" the", bad))
    assert (stream.begun, stream.ended) == (False, True)


@pytest.mark.parametrize(("form", "event"), [(StreamFormat.CHAT, PLAIN), (StreamFormat.RESPONSE, DELTA)])
def test_nothing_goes_out_behind_the_end_however_plain(form: StreamFormat, event: bytes) -> None:
    last = (
        FIRST.replace(b'"index":0', b'"finish_reason":"stop","index":0') + b"data: [DONE]\n\n"
        if form is StreamFormat.CHAT
        else b'data: {"type":"response.completed"}\n\n'
    )
    stream = open_stream(form, ERRORS)
    assert stream.feed(FIRST * (form is StreamFormat.CHAT) + event + last + event).endswith(last)
    assert stream.feed(event) == b""


def test_the_number_of_a_plain_event_is_counted() -> None:
    stream = open_stream(StreamFormat.RESPONSE, ERRORS)
    stream.feed(DELTA + DELTA.replace(b'"sequence_number":7', b'"n":8'))
    assert b'"sequence_number":8,' in stream.fail(UpstreamError("cut"))


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["Hi", " the", "", "\n\n", '"', "\\", "😀", "\u2028", "\ud83d", "\x7f", '"content":"x"', "_filter", "data: "]
)
SILENT: list[dict[str, object]] = [
    {}, {"role": "assistant", "content": ""}, {"content": None}, {"tool_calls": [{"content_filter_results": "a"}]},
]  # fmt: skip
DELTAS = st.fixed_dictionaries({"content": TEXTS}) | st.sampled_from(SILENT) | st.none()
FILTERS = st.sampled_from([{}, {"hate": {"filtered": False}}, None, [1.0]])
CHOICES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "content_filter_results": FILTERS,
        "delta": DELTAS,
        "finish_reason": st.sampled_from([None, None, None, None, "stop"]),
        "index": st.sampled_from([0, 0, 0, 1, "0"]),
        "logprobs": st.none(),
        "text": TEXTS,
        "content_filter_offsets": st.just({}),
    },
)
USUAL: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {
        "content_filter_results": FILTERS,
        "delta": st.fixed_dictionaries({"content": TEXTS}),
        "finish_reason": st.none(),
        "index": st.sampled_from([0, 0, 0, 1]),
        "logprobs": st.none(),
    }
)
TELLING: dict[str, st.SearchStrategy[object]] = {
    "created": st.sampled_from([1780000000, 1780000000, 0]),
    "id": st.sampled_from(["a", "a", "a", "b", ""]),
    "model": st.sampled_from(["gpt-4o", "gpt-4o", "gpt/4o", "é", ""]),
    "object": st.sampled_from(["chat.completion.chunk", "chat.completion.chunk", ""]),
}
CHUNKS: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"choices": st.lists(USUAL, min_size=1, max_size=1) | st.lists(CHOICES, max_size=2)} | TELLING,
    optional={
        "obfuscation": TEXTS,
        "usage": st.sampled_from([None, None, {"total_tokens": 1}]),
        "prompt_filter_results": st.just([1]),
        "new": st.just({"choices": []}),
        "error": st.none(),
    },
)
TYPED: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["response.output_text.delta", "response.output_text.delta", "response.created", "x"]),
        "delta": TEXTS,
        "sequence_number": st.integers(0, 120) | st.sampled_from([-1, None]),
        "obfuscation": TEXTS,
        "content_filters": st.just([1]),
        "item": st.fixed_dictionaries({"sequence_number": st.integers(0, 9)}),
        "response": st.sampled_from([{}, {"content_filters": 1, "usage": {"total_tokens": 1}}, None]),
        "error": st.sampled_from([None, {"code": "429"}]),
    },
)


def dump(document: object, random: Random) -> str:
    """Return some JSON, now and then with spaces, members in another order or twice, and names in escapes."""
    oddity = random.choice(("", "", "", "", "spaces", "order", "twice", "escapes"))
    if isinstance(document, dict):
        members = [(json.dumps(name), dump(value, random)) for name, value in document.items()]
        if oddity == "order":
            random.shuffle(members)
        elif oddity == "twice" and members:
            members.insert(random.randrange(len(members) + 1), random.choice(members))
        elif oddity == "escapes":
            members = [(f'"\\u{ord(name[1]):04x}{name[2:]}', value) for name, value in members]
        colon, comma = (" : ", " ,\t") if oddity == "spaces" else (":", ",")
        return "{" + comma.join(name + colon + value for name, value in members) + "}"
    if isinstance(document, list):
        return "[" + ",".join(dump(item, random) for item in document) + "]"
    text = json.dumps(document, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(document)


def written_somehow(documents: Sequence[dict[str, object]], random: Random) -> bytes:
    """Return the events as a stream, each perhaps several times, mostly as Azure writes them."""
    end = random.choice(("\n", "\n", "\n", "\r\n", "\r"))
    received = ""
    for document in documents:
        kind = document.get("type", "x") if "choices" not in document else ""
        lines = [f"event: {kind}"] if kind and random.random() < 0.8 else []
        lines += random.choice(([],) * 8 + ([": ping"], ["id: 1"], [""], ["event: error"]))
        lines += [random.choice(("data: ",) * 9 + ("data:",)) + dump(document, random)]
        lines += random.choice(([],) * 9 + (["data"],))
        received += "".join(line + end for line in (*lines, "")) * random.choice((1, 1, 2, 5))
    return random.choice((b"", b"", b"", b"\xef\xbb\xbf")) + received.encode()


def cut(received: bytes, random: Random) -> list[bytes]:
    """Return the stream in reads: whole, event by event, byte by byte, or cut anywhere."""
    way = random.choice(("whole", "events", "bytes", "anywhere"))
    if way == "events":
        return [part + b"\n\n" for part in received.split(b"\n\n")]
    places = {0, len(received), *(random.randint(0, len(received)) for _ in range(random.randint(0, 9)))}
    if way == "bytes":
        places |= set(range(len(received)))
    return [received] if way == "whole" else [received[start:end] for start, end in pairwise(sorted(places))]


RANDOMS = st.randoms(use_true_random=True)


@given(st.lists(CHUNKS, max_size=8), st.booleans(), st.integers(1, 2), st.booleans(), RANDOMS)
def test_any_chunks_become_the_same_in_full(
    chunks: list[dict[str, object]], keep: bool, choices: int, is_chat: bool, random: Random
) -> None:
    form = StreamFormat.CHAT if is_chat else StreamFormat.COMPLETION
    first = FIRST if is_chat else FIRST_TEXT
    received = first * random.randint(0, 1) + written_somehow(chunks, random).removeprefix(b"\xef\xbb\xbf")
    expected = run(form, [received], keep=keep, choices=choices)
    assert run(form, cut(received, random), keep=keep, choices=choices) == expected


@given(st.lists(TYPED, max_size=8), st.booleans(), st.sampled_from(sorted(StreamFormat, key=str)), RANDOMS)
def test_any_typed_events_become_the_same_in_full(
    events: list[dict[str, object]], keep: bool, form: StreamFormat, random: Random
) -> None:
    received = written_somehow(events, random)
    assert run(form, cut(received, random), keep=keep) == run(form, [received], keep=keep)


@given(st.lists(st.text(max_size=6).map(str.encode), max_size=8), RANDOMS)
def test_any_text_in_an_event_becomes_the_same_in_full(values: list[bytes], random: Random) -> None:
    for form, first, event, mark in (
        (StreamFormat.CHAT, FIRST, PLAIN, b" the"),
        (StreamFormat.CHAT, FIRST, PLAIN, b'{"content":" the"}'),
        (StreamFormat.CHAT, FIRST, PLAIN, b"1772304649"),
        (StreamFormat.CHAT, FIRST, PLAIN, b"chatcmpl-1"),
        (StreamFormat.COMPLETION, FIRST_TEXT, PLAIN_TEXT, b" the"),
        (StreamFormat.RESPONSE, b"", DELTA, b" the"),
        (StreamFormat.RESPONSE, b"", DELTA, b"7"),
        (StreamFormat.RESPONSE, b"", DELTA, b"event: response.output_text.delta"),
    ):
        received = first + b"".join(event.replace(mark, value, 1) for value in values) + event
        assert run(form, cut(received, random)) == run(form, [received])


@given(st.binary(max_size=60).filter(lambda data: data.decode(errors="ignore").encode() == data), RANDOMS)
def test_any_bytes_become_the_same_in_full(received: bytes, random: Random) -> None:
    for form in (StreamFormat.CHAT, StreamFormat.RESPONSE):
        assert run(form, cut(received, random)) == run(form, [received])
