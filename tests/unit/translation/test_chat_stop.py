"""Stop sequences, which Responses does not have."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from proxy.translation.chat_on_responses.stop import HeldTokens, StopSequences, within
from tests.unit.azure_api.readers import errors
from tests.unit.exhaustive import EXHAUSTIVE
from tests.unit.translation.chats import (
    CHAT_USAGE,
    Json,
    answer,
    ask,
    ask_with,
    called,
    chunks,
    event,
    events,
    everywhere,
    message,
    opened,
    play,
    reasoned,
    response,
    said,
    told,
)

DONE = b"data: [DONE]\n\n"


def tokens(*texts: str) -> list[Json]:
    return [{"token": text, "logprob": -1.0, "top_logprobs": []} for text in texts]


@pytest.mark.parametrize(
    ("stop", "text", "left"),
    [
        ("END", "a END b", "a "),
        (["END", "a"], "b END a", "b "),
        (["abcd", "bc"], "abcd", "a"),  # a model ends with the first that is whole
        (["bc", "abc"], "abc", ""),
        ("\n", "a", "a"),
        ("aab", "aaab", "a"),
        ("é😀", "xé😀", "x"),
    ],
)
def test_a_text_ends_before_the_sequence_that_is_whole_first(stop: object, text: str, left: str) -> None:
    read = answer(response(said(text), called("x")), ask(stop=stop))["choices"][0]
    assert read["message"]["content"] == left
    is_cut = left != text
    assert read["finish_reason"] == ("stop" if is_cut else "tool_calls")
    assert ("tool_calls" in read["message"]) is not is_cut


SEQUENCES = st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=4)


@given(SEQUENCES, st.text("ab\nc", max_size=30), st.data())
def test_a_text_is_cut_at_the_same_place_however_it_comes(sequences: list[str], text: str, data: st.DataObject) -> None:
    at = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
    stop = StopSequences(sequences)
    left = "".join(stop.feed(text[start:end]) for start, end in pairwise(at) if not stop.cut)
    left += "" if stop.cut else stop.flush()
    ends = [(text.find(one) + len(one), text.find(one)) for one in sequences if one in text]
    assert (left, stop.cut) == (text[: min(ends)[1]] if ends else text, bool(ends))


@given(SEQUENCES, st.text("ab\nc", max_size=30))
def test_no_more_is_held_back_than_a_sequence_may_begin_with(sequences: list[str], text: str) -> None:
    stop = StopSequences(sequences)
    left = stop.feed(text)
    held = text[len(left) :]
    assert stop.cut or held == "" or any(one.startswith(held) for one in sequences)


def test_messages_are_cut_each_by_itself() -> None:
    # The blank line between two messages is the proxy's.
    assert message(response(said("a"), said("b")), ask(stop="\n\n"))["content"] == "a\n\nb"
    assert message(response(said("a\n"), said("\nb")), ask(stop="\n\n"))["content"] == "a\n\n\n\nb"


@EXHAUSTIVE
def test_what_stands_between_messages_is_not_left_without_the_second() -> None:
    request = ask(stream=True, stop="END")
    for whole in (response(said("a"), said("END b")), response(said("a"), said("E"), said("ND"))):
        expected = message(whole, request)["content"]
        assert expected in ("a", "a\n\nE\n\nND")
        for pieces in everywhere(events(whole)):
            assert told(chunks(play(pieces, request)))["content"] == expected


def test_probabilities_end_with_the_text() -> None:
    one = said("abcEND")
    one["content"][0]["logprobs"] = tokens("ab", "cE", "ND")
    read = answer(response(one), ask(stop="END", logprobs=True))["choices"][0]
    assert [token["token"] for token in read["logprobs"]["content"]] == ["ab"]
    assert within([{}], 0) == [{}]


def test_tokens_leave_with_their_text() -> None:
    ab, c, d = ({"token": Raw(text)} for text in (b'"ab"', b'"c"', b'"d"'))
    held = HeldTokens()
    assert held.feed([ab, c], 2) == [ab]
    assert held.feed([d], 1) == [c]
    assert (held.flush(), held.flush()) == ([d], [])


def deltas(*texts: str) -> bytes:
    place = {"output_index": 0, "content_index": 0}
    return b"".join(event("response.output_text.delta", **place, delta=text, logprobs=tokens(text)) for text in texts)


def end(*output: Json) -> bytes:
    return event("response.completed", response=response(*output))


def test_a_stream_that_is_cut_needs_no_more_of_azure() -> None:
    request = ask(stream=True, stop=["END"])
    stream = opened(request)
    written = stream.feed(deltas("a ", "E", "N"))
    assert told(chunks(written + DONE)) == {"role": "assistant", "content": "a ", "refusal": None}
    assert stream.waits is stream.ended is False
    written += stream.feed(deltas("D b"))
    assert (stream.ended, stream.begun) == (True, True)
    assert (stream.failure, stream.broken, stream.usage, stream.waits) == (None, False, None, False)
    assert written.endswith(DONE)
    assert told(chunks(written)) == {"role": "assistant", "content": "a ", "refusal": None, "finish_reason": "stop"}
    assert stream.feed(deltas("c")) == stream.end() == b""


@pytest.mark.parametrize("pieces", [["a ", "b", " E", "ND", " c"], ["a b EN", "D"], [*"a b END c"]])
def test_a_text_of_plain_pieces_is_cut_too(pieces: list[str]) -> None:
    place = {"output_index": 0, "content_index": 0}
    given = [event("response.output_text.delta", **place, delta=piece, logprobs=[]) for piece in pieces]
    assert told(chunks(play([*given, end(said("a b END c"))], ask(stream=True, stop="END"))))["content"] == "a b "


def test_a_piece_that_is_no_text_is_an_error() -> None:
    odd = event("response.output_text.delta", output_index=0, content_index=0, delta=None, logprobs=[])
    assert len(errors(play([deltas("a"), odd], ask(stream=True, stop="END")))) == 1


@pytest.mark.parametrize(("usage", "needed"), [(True, False), (False, True), (True, True)])
def test_where_the_usage_is_owed_the_rest_is_read_and_not_sent(*, usage: bool, needed: bool) -> None:
    options = {"stream_options": {"include_usage": usage}}
    request = ask_with({"needs_usage": needed}, stream=True, stop=["END"], **options)
    stream = opened(request)
    written = stream.feed(deltas("a END b"))
    assert not stream.broken
    assert stream.feed(deltas("c") + event("response.output_item.added", output_index=1, item=called("x"))) == b""
    rest = stream.feed(end(said("a END bc"), called("x")))
    read = chunks(written + rest)
    assert stream.ended
    assert stream.usage is not None
    assert told(read) == {"role": "assistant", "content": "a ", "refusal": None, "finish_reason": "stop"}
    assert [chunk["usage"] for chunk in read if chunk.get("usage")] == [CHAT_USAGE] * usage


def test_what_fails_behind_a_cut_takes_nothing_from_the_answer() -> None:
    stream = opened(ask(stream=True, stop=["END"], stream_options={"include_usage": True}))
    written = stream.feed(deltas("a END"))
    written += stream.end()
    assert (stream.failure, stream.broken, stream.ended) == (None, False, True)
    assert told(chunks(written))["content"] == "a "


def test_a_beginning_is_found_behind_another_one_that_does_not_go_on() -> None:
    stop = StopSequences(["abcd"])
    assert (stop.feed("aXa"), stop.flush()) == ("aX", "a")


@pytest.mark.parametrize("usage", [True, False])
def test_a_text_that_comes_only_at_the_end_is_cut_as_well(*, usage: bool) -> None:
    request = ask(stream=True, stop="END", stream_options={"include_usage": usage})
    read = chunks(play([end(said("a END b"), called("x"))], request))
    assert told(read) == {"role": "assistant", "content": "a ", "refusal": None, "finish_reason": "stop"}
    assert [chunk["usage"] for chunk in read if chunk.get("usage")] == [CHAT_USAGE] * usage


def test_what_was_held_back_leaves_before_a_call_and_at_the_end() -> None:
    request = ask(stream=True, stop=["END"])
    whole = response(said("a E"), called("x"), said("b EN"))
    read = chunks(play([events(whole)], request))
    assert told(read)["content"] == "a E\n\nb EN"
    place = [
        ("E" in str(c["choices"][0]["delta"].get("content")), "tool_calls" in c["choices"][0]["delta"]) for c in read
    ]
    assert place.index((True, False)) < place.index((False, True))


def test_probabilities_leave_with_what_was_held_back() -> None:
    request = ask(stream=True, stop=["END"], logprobs=True)
    read = chunks(play([deltas("a", "E") + end(said("aE"))], request))
    sent = [
        (c["delta"].get("content"), [t["token"] for t in (c["logprobs"] or {"content": []})["content"]])
        for chunk in read
        for c in chunk["choices"]
    ]
    assert [one for one in sent if one[1]] == [("a", ["a"]), ("E", ["E"])]


@EXHAUSTIVE
@pytest.mark.parametrize("stop", ["lo\u00e9", "\ud83d", "world"])
def test_a_stream_is_cut_where_the_whole_answer_is_however_it_comes(stop: str) -> None:
    request = ask(stream=True, stop=stop)
    given = response(reasoned(), said("Hello\u00e9 \ud83d wor"), said("ld"), called("x"))
    expected = answer(given, request)["choices"][0]
    for pieces in everywhere(events(given)):
        read = told(chunks(play(pieces, request)))
        assert read["content"] == expected["message"]["content"]
        assert read["finish_reason"] == expected["finish_reason"]
        assert read.get("tool_calls") == expected["message"].get("tool_calls")
