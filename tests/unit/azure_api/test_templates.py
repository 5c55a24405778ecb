"""Events that are compared instead of parsed: what is written is the same, byte for byte."""

import json
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.azure_api.templates import MAX_LEARNT, MAX_TAKEN, Templates
from proxy.errors import UpstreamError
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode

ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


class Numbered:
    """Counts as a dialect does."""

    number = b"-1"


def both(form: StreamFormat, *, keep: bool = False) -> tuple[Stream, Stream]:
    """Return a stream that learns and one that parses every event."""
    learning, parsing = (
        open_stream(form, ERRORS, choices=2, keep_filters=keep, kept_templates=kept) for kept in (2, 0)
    )
    return learning, parsing


def upper(block: bytes) -> bytes:
    return block.replace(b"data", b"DATA") + b"\n\n"


def event(text: bytes, name: bytes = b"content") -> bytes:
    return b'data: {"%b":"%b","a":1}' % (name, text)


def learnt(*blocks: bytes) -> Templates:
    templates = Templates(Numbered())
    for block in blocks:
        templates.learn(block, upper)
    return templates


def test_the_second_event_of_a_kind_is_learnt() -> None:
    assert learnt(event(b"a")).take(event(b"b") + b"\n\n") == (b"", 0)
    written = b'DATA: {"content":"c","a":1}\n\n'
    assert learnt(event(b"a"), event(b"b")).take(event(b"c") + b"\n\n") == (written, len(written))


def test_all_events_of_a_read_are_taken_up_to_the_first_that_is_not_known() -> None:
    templates = learnt(event(b"a"), event(b"b"))
    known = event(b"c") + b"\n\n" + event(b"") + b"\n\n"
    for rest in (b"", b"d", event(b"e"), b": ping\n\n", event(rb"\x") + b"\n\n" + event(b"f") + b"\n\n"):
        assert templates.take(known + rest) == (upper(known)[:-2], len(known))


@pytest.mark.parametrize(
    "text",
    [b'"', b"\t", b"\x00", rb"\ud83d", rb"\ud83d\ude00", rb"\uDE00", rb"\u12g4", rb"\x", b"\\"],
)
def test_a_text_that_is_not_plain_json_is_left_to_be_parsed(text: bytes) -> None:
    assert learnt(event(b"a"), event(b"b")).take(event(text) + b"\n\n") == (b"", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "héllo",
        "😀",
        "日本",
        "{}[]:,'`%s%b",
        "\u2028",
        "\u200d",
        "\x7f",
        r"\n\t",
        r"\u00e9\u007F",
        r"\"a\" \\ \/",
    ],
)
def test_a_plain_text_is_taken(text: str) -> None:
    block = event(text.encode()) + b"\n\n"
    assert learnt(event(b"a"), event(b"b")).take(block) == (upper(block)[:-2], len(block))


@pytest.mark.parametrize("number", [b"00", b"01", b"-1", b"1.5", b"1e5", b"", b"x", b"1" * 16])
def test_a_number_that_is_not_a_plain_one_is_left_to_be_parsed(number: bytes) -> None:
    templates = learnt(*(b'data: {"sequence_number":%d,"a":1}' % count for count in (1, 2)))
    assert templates.take(b'data: {"sequence_number":%b,"a":1}\n\n' % number) == (b"", 0)


def test_the_last_number_is_counted() -> None:
    counter = Numbered()
    templates = Templates(counter)
    numbered = [
        b'data: {"item":{"sequence_number":1},"sequence_number":%d,"delta":"a"}' % count for count in (0, 7, 10, 123456)
    ]

    def translate(block: bytes) -> bytes:
        counter.number = block.rpartition(b'"sequence_number":')[2].partition(b",")[0]
        return upper(block)

    templates.learn(numbered[0], translate)
    templates.learn(numbered[1], translate)
    assert counter.number == b"-1"
    for block, number in zip(numbered[2:], (b"10", b"123456"), strict=True):
        assert templates.take(block + b"\n\n") == (upper(block), len(block) + 2)
        assert counter.number == number


def test_no_more_than_the_last_two_are_kept() -> None:
    a, b, c = (event(b"x", b"content").replace(b"a", letter) for letter in (b"1", b"2", b"3"))
    templates = learnt(a, b, a, b)
    assert all(templates.take(block + b"\n\n")[1] for block in (a, b))
    templates.learn(c, upper)
    templates.learn(c, upper)
    assert [bool(templates.take(block + b"\n\n")[1]) for block in (a, b, c)] == [False, True, True]


def test_what_is_forgotten_is_learnt_again() -> None:
    templates = learnt(event(b"a"), event(b"b"))
    templates.forget()
    assert templates.take(event(b"c") + b"\n\n") == (b"", 0)
    for text in (b"d", b"e"):
        templates.learn(event(text), upper)
    assert templates.take(event(b"f") + b"\n\n")[1]


@pytest.mark.parametrize(
    "block",
    [
        b'data: {"a":1}',
        event(b"x" * MAX_LEARNT),
        b"data: {%b}" % b",".join([b'"text":"x"'] * 5),
        b'data: {"content":"x","a":"9070503010200"}',
        rb'data: {"content":"x","a":"\ud83d"}',
    ],
)
def test_an_event_that_is_not_worth_it_is_not_learnt(block: bytes) -> None:
    assert learnt(block, block, block).take(block + b"\n\n") == (b"", 0)


def test_an_event_whose_translation_leaves_out_the_text_is_not_learnt() -> None:
    templates = Templates(Numbered())
    for _ in range(3):
        templates.learn(event(b"a"), lambda _: b"")
    assert templates.take(event(b"b") + b"\n\n") == (b"", 0)


def test_an_event_that_is_known_is_not_learnt_again() -> None:
    templates = learnt(event(b"a"), event(b"b"))
    templates.learn(event(rb"\n"), lambda _: pytest.fail("translated"))
    templates.learn(event(rb"\t"), lambda _: pytest.fail("translated"))


def test_a_very_long_read_is_left_to_be_parsed() -> None:
    assert learnt(event(b"a"), event(b"b")).take(event(b"c" * MAX_TAKEN) + b"\n\n") == (b"", 0)


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["Hi", " the", "", "\n\n", '"', "\\", "😀", "\u2028", "\ud83d", "\x7f", "907050301020", '"content":"x"', "_filter"]
)
SILENT: list[dict[str, object]] = [
    {}, {"role": "assistant", "content": ""}, {"content": None}, {"tool_calls": [{"content": "a"}]},
]  # fmt: skip
DELTAS = st.fixed_dictionaries({"content": TEXTS}) | st.sampled_from(SILENT)
FILTERS: list[object] = [{}, {"hate": {"filtered": False}}]
CHOICES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {
        "delta": DELTAS,
        "index": st.integers(0, 1),
        "finish_reason": st.sampled_from([None, None, None, None, None, "stop"]),
    },
    optional={"content_filter_results": st.sampled_from(FILTERS)},
) | st.just({"index": 0, "finish_reason": None, "content_filter_results": {}})
CHUNKS: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {
        "choices": st.lists(CHOICES, min_size=1, max_size=1) | st.lists(CHOICES, max_size=2),
        "id": st.sampled_from(["a", "a", "a", "b", ""]),
        "object": st.sampled_from(["chat.completion.chunk", "chat.completion.chunk", ""]),
    },
    optional={"obfuscation": TEXTS, "usage": st.none(), "prompt_filter_results": st.just([1])},
)
TYPED: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"type": st.sampled_from(["response.output_text.delta", "response.output_text.delta", "response.created", "x"])},
    optional={
        "delta": TEXTS,
        "sequence_number": st.integers(0, 120) | st.just(-1),
        "obfuscation": TEXTS,
        "content_filters": st.just([1]),
        "item": st.fixed_dictionaries({"sequence_number": st.integers(0, 9)}),
        "response": st.sampled_from(FILTERS),
    },
)


def as_stream(events: list[dict[str, object]], random: Random) -> list[bytes]:
    """Return the events, each perhaps several times, in reads that are mostly whole events."""
    parts = []
    for one in events:
        name = f"event: {one['type']}\n" if "type" in one and random.random() < 0.8 else ""
        compact = random.random() < 0.9
        dumped = json.dumps(one, separators=(",", ":") if compact else None, ensure_ascii="\\ud83d" in json.dumps(one))
        parts += [f"{name}data: {dumped}\n\n".encode()] * random.choice((1, 1, 2, 5))
    received = b"".join(parts)
    if random.random() < 0.5:
        return parts
    places = sorted({0, len(received), *(random.randint(0, len(received)) for _ in range(random.randint(0, 9)))})
    return [received[start:end] for start, end in pairwise(places)]


def same(form: StreamFormat, keep: bool, parts: list[bytes]) -> None:
    learning, parsing = both(form, keep=keep)
    for part in parts:
        assert learning.feed(part) == parsing.feed(part)
        assert (learning.begun, learning.ended) == (parsing.begun, parsing.ended)
    assert learning.fail(UpstreamError("cut")) == parsing.fail(UpstreamError("cut"))


@settings(max_examples=400, deadline=None)
@given(st.lists(CHUNKS, max_size=12), st.booleans(), st.randoms(use_true_random=True))
def test_any_chunks_become_the_same_with_templates_and_without(
    chunks: list[dict[str, object]], keep: bool, random: Random
) -> None:
    same(StreamFormat.CHAT, keep, as_stream(chunks, random))


@settings(max_examples=400, deadline=None)
@given(st.lists(TYPED, max_size=12), st.booleans(), st.randoms(use_true_random=True))
def test_any_typed_events_become_the_same_with_templates_and_without(
    events: list[dict[str, object]], keep: bool, random: Random
) -> None:
    same(StreamFormat.RESPONSE, keep, as_stream(events, random))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=6), max_size=8), st.sampled_from(["CHAT", "COMPLETION", "RESPONSE"]))
def test_any_bytes_in_a_known_event_become_the_same_with_templates_and_without(values: list[bytes], form: str) -> None:
    known = {
        "CHAT": b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"content_filter_results":{}}]}\n\n',
        "COMPLETION": b'data: {"choices":[{"index":0,"text":"%b","content_filter_results":{}}]}\n\n',
        "RESPONSE": b'event: x\ndata: {"type":"x","delta":"%b","sequence_number":7}\n\n',
    }[form]
    same(StreamFormat[form], False, [known % value for value in (b"a", b"b", b"c", *values)])
    numbered = b'data: {"type":"x","sequence_number":%b,"delta":"a"}\n\n'
    same(StreamFormat.RESPONSE, False, [numbered % value for value in (b"1", b"2", b"3", *values)])
