"""The events of a response as the chunks of a chat."""

from collections.abc import Sequence
from itertools import product

import httpx2 as httpx
import pytest
from openai import OpenAI
from pydantic import BaseModel

from proxy.errors import UpstreamError
from tests.unit.azure_api.readers import errors
from tests.unit.exhaustive import EXHAUSTIVE
from tests.unit.translation.chats import (
    ASK,
    CHAT_USAGE,
    CITATION,
    TOKEN,
    Json,
    answer,
    ask,
    ask_with,
    called,
    chunks,
    customly_called,
    event,
    events,
    everywhere,
    opened,
    play,
    reasoned,
    refused,
    response,
    said,
    told,
)

CREATED = event("response.created", response=response(status="in_progress", usage=None))
DONE = b"data: [DONE]\n\n"
WITH_USAGE = {"stream_options": {"include_usage": True}}
LOOK: Json = {"name": "look", "parameters": {}}


def text(delta: str, index: int = 0, part: int = 0, **members: object) -> bytes:
    place = {"output_index": index, "content_index": part, "logprobs": []}
    return event("response.output_text.delta", **place, delta=delta, **members)


def added(index: int, item: Json) -> bytes:
    return event("response.output_item.added", output_index=index, item={**item, "arguments": "", "input": ""})


def arguments(index: int, delta: str, kind: str = "function_call_arguments") -> bytes:
    return event(f"response.{kind}.delta", output_index=index, item_id="x", delta=delta)


def done(index: int, item: Json) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def completed(*output: Json, **members: object) -> bytes:
    return event("response.completed", response=response(*output, **members))


def deltas(written: bytes) -> list[Json]:
    """Return the deltas between the first chunk and the last, without the first if it says nothing."""
    return [choice["delta"] for chunk in chunks(written) for choice in chunk["choices"] if not choice["finish_reason"]]


SAMPLES: dict[str, tuple[Json, Json]] = {
    "a text": (response(said("Hello")), {}),
    "an empty text": (response(said("")), {}),
    "reasoning, an announcement and calls": (
        response(reasoned(1), said("I look."), called("a"), called("b", arguments=""), called("c", "hear", "{}")),
        {},
    ),
    "several messages of several parts": (response(said("Hé", "llo"), said("w\u00f6", "\ud83d\ude00")), {}),
    "messages that say nothing": (response(said(""), said("a"), said(""), called("a"), said("", "b"), said("")), {}),
    "a refusal": (response(refused("I will not."), refused("Really.")), {}),
    "a text and a refusal": (response(said("No."), refused("I will not.")), {}),
    "a custom tool": (response(customly_called("a", '*** Begin\n"x"')), {}),
    "a function of before": (response(said("x"), called("a"), called("b")), {"functions": [LOOK]}),
    "a summary": (response(reasoned(1, "a", "b"), reasoned(2, "c"), said("x")), {"reasoning": {"summary": "auto"}}),
    "a summary with an empty part": (
        response(reasoned(1, "", "a", ""), reasoned(2, "", "b"), said("x")),
        {"reasoning": {"summary": "auto"}},
    ),
    "a summary that was not asked for": (response(reasoned(1, "a"), said("x")), {}),
    "open reasoning": (
        response(reasoned(1, content=[{"type": "reasoning_text", "text": "Hm."}]), said("x")),
        {},
    ),
    "cut by the bound": (
        response(said("x"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        {},
    ),
    "cut by the filter": (response(status="incomplete", incomplete_details={"reason": "content_filter"}), {}),
    "calls cut by the bound": (
        response(called("a", arguments='{"a'), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        {},
    ),
    "half of a surrogate pair": (response(said("a\ud83d", "b"), called("a", arguments="\ud83d")), {}),
    "a hosted item": (response({"type": "web_search_call", "id": "ws_1", "status": "completed"}, said("x")), {}),
    "details": (response(reasoned(1, "a"), called("a")), {}),
}


def assert_it_says_what_the_whole_answer_says(sample: str, *ways: Sequence[bytes]) -> None:
    given, members = SAMPLES[sample]
    request = ask_with({"with_details": sample == "details"}, stream=True, **members)
    expected = answer(given, request)
    choice = expected["choices"][0]
    for pieces in ways or everywhere(events(given)):
        read = chunks(play(pieces, request))
        message = told(read)
        assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in read} == {
            (expected["id"], expected["created"], expected["model"])
        }
        assert message.pop("finish_reason") == choice["finish_reason"]
        assert (message.pop("content") or None) == (choice["message"]["content"] or None)
        assert message == {name: value for name, value in choice["message"].items() if name != "content"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_stream_says_what_the_whole_answer_says(sample: str) -> None:
    assert_it_says_what_the_whole_answer_says(sample, [events(SAMPLES[sample][0])])


@EXHAUSTIVE
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_stream_says_what_the_whole_answer_says_however_it_comes(sample: str) -> None:
    assert_it_says_what_the_whole_answer_says(sample)


def test_a_chunk_has_all_that_a_chat_has() -> None:
    head = {"id": f"chatcmpl-{TOKEN}", "object": "chat.completion.chunk", "created": 1_700_000_000}

    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**head, "model": "gpt-5-codex-deployed", "choices": [choice]}

    written = play([CREATED + text("Hel") + text("lo") + done(0, said("Hello")) + completed(service_tier="default")])
    assert chunks(written) == [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        {**chunk({}, "stop"), "service_tier": "default"},
    ]
    assert written.endswith(DONE)


def test_usage_comes_in_a_chunk_of_its_own_where_it_is_asked_for() -> None:
    given = [CREATED, text("a"), text("b"), completed()]
    read = chunks(play(given, ask(stream=True, **WITH_USAGE)))
    assert read[-1]["choices"] == []
    assert [chunk["usage"] for chunk in read] == [None] * (len(read) - 1) + [CHAT_USAGE]
    assert all("usage" not in chunk for chunk in chunks(play(given, ask(stream=True))))
    without = chunks(play([text("a"), completed(usage=None)], ask(stream=True, **WITH_USAGE)))
    assert [chunk["choices"] == [] for chunk in without] == [False] * len(without)


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_usage_comes_with_an_answer_that_was_cut_short_too(reason: str) -> None:
    # https://github.com/BerriAI/litellm/pull/34352
    last = event("response.incomplete", response=response(status="incomplete", incomplete_details={"reason": reason}))
    read = chunks(play([text("a"), last], ask(stream=True, **WITH_USAGE)))
    assert read[-1]["usage"] == CHAT_USAGE
    assert read[-2]["choices"][0]["finish_reason"] == {"max_output_tokens": "length"}.get(reason, reason)


def test_what_hides_the_length_of_a_piece_stays_with_it() -> None:
    written = play([text("a", obfuscation="xyz"), text("b", obfuscation="uv"), completed()])
    assert [chunk.get("obfuscation") for chunk in chunks(written)] == [None, "xyz", "uv", None]


def test_calls_are_counted_from_zero_whatever_place_their_items_have() -> None:
    # https://github.com/BerriAI/litellm/issues/21331
    given = [
        added(3, called("a")),
        added(7, called("b")),
        arguments(7, "{"),
        arguments(3, "["),
        arguments(7, "}"),
        arguments(3, "]"),
        done(3, called("a", arguments="[]")),
        done(7, called("b", arguments="{}")),
        completed(),
    ]
    assert [delta["tool_calls"][0] for delta in deltas(play(given)) if "tool_calls" in delta] == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": ""}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "look", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{"}},
        {"index": 0, "function": {"arguments": "["}},
        {"index": 1, "function": {"arguments": "}"}},
        {"index": 0, "function": {"arguments": "]"}},
    ]


def test_a_call_is_told_by_its_item_where_the_place_is_missing() -> None:
    given = [
        event("response.output_item.added", item_id="fc_a", item=called("a")),
        event("response.function_call_arguments.delta", item_id="fc_a", delta="{}"),
        event("response.output_text.delta", item_id="msg_1", delta="x"),
        completed(),
    ]
    read = told(chunks(play(given)))
    assert (read["tool_calls"][0]["function"]["arguments"], read["content"]) == ("{}", "x")


def test_ids_of_items_may_change_with_every_event() -> None:
    given = [added(0, called("a")), arguments(0, "{").replace(b'"x"', b'"y"'), arguments(0, "}"), completed()]
    assert told(chunks(play(given)))["tool_calls"][0]["function"]["arguments"] == "{}"


ARGUMENTS = '{"at":1}'
WHOLE_INPUT = event("response.function_call_arguments.done", output_index=0, name="look", arguments=ARGUMENTS)


@pytest.mark.parametrize(
    "given",
    [
        [added(0, called("a")), WHOLE_INPUT, done(0, called("a")), completed(called("a"))],
        [added(0, called("a")), WHOLE_INPUT, completed(called("a"))],
        [added(0, called("a")), done(0, called("a")), completed(called("a"))],
        [done(0, called("a")), completed(called("a"))],
        [completed(called("a"))],
        [added(0, called("a")), arguments(0, ""), WHOLE_INPUT, done(0, called("a")), completed(called("a"))],
        [
            added(0, called("a")),
            arguments(0, ARGUMENTS),
            arguments(0, ""),
            WHOLE_INPUT,
            done(0, called("a")),
            completed(called("a")),
        ],
        [WHOLE_INPUT, arguments(0, "lost"), done(0, called("a")), completed()],
    ],
)
def test_arguments_are_sent_once_wherever_they_come(given: list[bytes]) -> None:
    # https://github.com/BerriAI/litellm/issues/27144, https://github.com/BerriAI/litellm/issues/40069
    # and https://github.com/lidge-jun/opencodex/pull/363
    read = told(chunks(play(given)))
    assert read["tool_calls"] == [{"id": "a", "type": "function", "function": {"name": "look", "arguments": ARGUMENTS}}]
    assert (read["content"], read["finish_reason"]) == (None, "tool_calls")


WHOLE_TEXT = event("response.output_text.done", output_index=0, content_index=0, text="Hello", logprobs=[])


@pytest.mark.parametrize(
    "given",
    [
        [text("Hel"), text("lo"), WHOLE_TEXT, done(0, said("Hello")), completed(said("Hello"))],
        [text("Hello"), done(0, said("Hello")), completed(said("Hello"))],
        [text("Hello"), completed(said("Hello"))],
        [WHOLE_TEXT, done(0, said("Hello")), completed(said("Hello"))],
        [done(0, said("Hello")), completed(said("Hello"))],
        [completed(said("Hello"))],
    ],
)
def test_a_text_is_sent_once_wherever_it_comes(given: list[bytes]) -> None:
    # https://github.com/BerriAI/litellm/issues/41109
    read = chunks(play(given))
    assert told(read)["content"] == "Hello"


def test_a_text_that_comes_only_at_the_end_has_its_probabilities() -> None:
    one = said("a")
    one["content"][0]["logprobs"] = [{"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}]
    [chunk] = [c for c in chunks(play([done(0, one), completed()])) if c["choices"][0]["delta"].get("content")]
    assert chunk["choices"][0]["logprobs"] == {"content": one["content"][0]["logprobs"], "refusal": None}


def test_a_refusal_is_sent_once_wherever_it_comes() -> None:
    whole = event("response.refusal.done", output_index=0, content_index=0, refusal="No.")
    piece = event("response.refusal.delta", output_index=0, content_index=0, delta="No.")
    for given in ([piece, whole, done(0, refused("No."))], [whole, done(0, refused("No."))], [done(0, refused("No."))]):
        assert told(chunks(play([*given, completed()])))["refusal"] == "No."


def test_probabilities_of_pieces_get_their_bytes() -> None:
    token = {"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "e", "logprob": -1.0}]}
    place = {"output_index": 0, "content_index": 0}
    given = [event("response.output_text.delta", **place, delta="é", logprobs=[token]), text("x"), completed()]
    read = [chunk["choices"][0]["logprobs"] for chunk in chunks(play(given))]
    other = {"token": "e", "logprob": -1.0, "bytes": [101]}
    assert read == [
        None,
        {"content": [{**token, "bytes": [195, 169], "top_logprobs": [other]}], "refusal": None},
        None,
        None,
    ]


def test_annotations_count_from_the_beginning_of_the_whole_text() -> None:
    def cite(index: int, part: int) -> bytes:
        place = {"output_index": index, "content_index": part, "annotation_index": 0}
        return event("response.output_text.annotation.added", **place, annotation=CITATION)

    def whole(index: int, part: int, words: str) -> bytes:
        return event("response.output_text.done", output_index=index, content_index=part, text=words)

    nothing = event("response.output_text.annotation.added", output_index=0, annotation=None)
    file = event("response.output_text.annotation.added", output_index=0, annotation={"type": "file_citation"})
    given = [text("Hé"), cite(0, 0), nothing, file, whole(0, 0, "Hé"), done(0, said("Hé"))]
    given += [text("ab", 1), whole(1, 0, "ab"), text("cd", 1, 1), cite(1, 1), done(1, said("ab", "cd")), completed()]
    found = [one for delta in deltas(play(given)) for one in delta.get("annotations", [])]
    assert [one["url_citation"]["start_index"] for one in found] == [0, 6]
    assert found[0] == {"type": "url_citation", "url_citation": {n: CITATION[n] for n in CITATION if n != "type"}}


def test_parts_of_a_summary_are_joined_by_a_blank_line() -> None:
    def think(index: int, part: int, delta: str) -> bytes:
        return event("response.reasoning_summary_text.delta", output_index=index, summary_index=part, delta=delta)

    request = ask(stream=True, reasoning={"summary": "auto"})
    given = [think(0, 0, "a"), think(0, 0, "b"), think(0, 1, "c"), think(1, 0, "d"), completed()]
    assert told(chunks(play(given, request)))["reasoning_content"] == "ab\n\nc\n\nd"
    assert "reasoning_content" not in told(chunks(play(given)))


def test_reasoning_of_which_no_piece_has_come_is_shown_once() -> None:
    open_reasoning = reasoned(2, "c", content=[{"type": "reasoning_text", "text": "d"}])
    items = [reasoned(1, "a", "b"), open_reasoning, said("x")]
    request = ask(stream=True, reasoning={"summary": "auto"})
    for given in ([done(n, item) for n, item in enumerate(items)] + [completed(*items)], [completed(*items)]):
        assert told(chunks(play(given, request)))["reasoning_content"] == "a\n\nb\n\nc\n\nd"
        assert told(chunks(play(given)))["reasoning_content"] == "d"


@pytest.mark.parametrize("first", ["", None])
def test_an_empty_piece_begins_no_message(first: str | None) -> None:
    given = [text("a"), text("", 1), done(1, said("")), text(first or "", 2), text("b", 2), completed()]
    assert [delta.get("content") for delta in deltas(play(given))] == ["", "a", "\n\nb"]


FILTERS = [
    {"source_type": "prompt", "content_filter_results": {"jailbreak": {"filtered": False}}},
    {"source_type": "completion", "content_filter_results": {"hate": {"filtered": False}}},
]


def test_results_of_the_content_filter_cross_where_they_are_kept() -> None:
    given = [CREATED, text("a"), completed(content_filters=FILTERS)]
    assert b"filter" not in play(given)
    kept = chunks(play(given, ask_with({"keep_filters": True}, stream=True), keep_filters=True))
    assert kept[-1]["prompt_filter_results"][0]["content_filter_results"] == {"jailbreak": {"filtered": False}}
    assert kept[-1]["choices"][0]["content_filter_results"] == {"hate": {"filtered": False}}


def test_the_model_is_the_clients_where_the_response_does_not_tell_it() -> None:
    for first in (b"", event("response.created", response=None), event("response.created", response={"model": ""})):
        assert {chunk["model"] for chunk in chunks(play([first + text("a") + completed()]))} == {ASK["model"]}


def test_the_model_of_a_stream_stays_the_same() -> None:
    again = event("response.in_progress", response={"model": "another"})
    assert len({chunk["model"] for chunk in chunks(play([CREATED, text("a"), again, text("b"), completed()]))}) == 1


@pytest.mark.parametrize("keep_alive", [b"\n\n", b": keep-alive\n\n"])
def test_what_keeps_a_stream_alive_passes(keep_alive: bytes) -> None:
    stream = opened(keep_alive=keep_alive)
    assert stream.feed(b": ping\n\n") == keep_alive
    assert stream.feed(b"event: keepalive\ndata: {}\n\n" + text("a") + b": ping\n\n").endswith(keep_alive)
    assert stream.feed(CREATED) == b""


def test_events_are_known_by_their_types_where_their_names_are_missing_or_others() -> None:
    plain = [one.partition(b"\n")[2] for one in (CREATED, added(0, said()), text("Hel"), text("lo"), completed())]
    assert told(chunks(play(plain)))["content"] == "Hello"
    named = [b"event: message\n" + one for one in plain]
    assert told(chunks(play(named)))["content"] == "Hello"


def test_a_last_event_by_the_name_of_an_unknown_one_is_no_end() -> None:
    odd = completed().replace(b"event: response.completed", b"event: response.news")
    assert len(errors(play([text("a"), odd]))) == 1


def test_parts_of_a_message_that_a_chat_has_not_are_passed_over() -> None:
    one = said("", "a")
    one["content"].append({"type": "output_audio"})
    assert told(chunks(play([done(0, one), completed()])))["content"] == "a"


def test_events_that_no_one_knows_are_passed_over() -> None:
    odd = [event("response.news", x=1), b'event: news\ndata: {"type":"news"}\n\n', b'data: {"x":1}\n\n']
    assert told(chunks(play([*odd, text("a"), completed()])))["content"] == "a"


def test_an_event_of_another_shape_breaks_the_stream() -> None:
    odd = b'event: response.output_item.added\ndata: {"type":"response.output_item.added","output_index":"x"}\n\n'
    [error] = errors(play([text("a"), odd]))
    assert error["type"] == "server_error"


def test_it_has_begun_when_azures_stream_has() -> None:
    stream = opened()
    stream.feed(CREATED)
    assert not stream.begun
    stream.feed(text("a"))
    assert stream.begun


FAILED = event("response.failed", response=response(status="failed", error={"code": "server_error", "message": "Oh."}))
THROTTLED = event("error", error={"type": "requests", "code": "rate_limit_exceeded", "message": "Wait."})
ENDINGS: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", "upstream_error"),
    "an error": (THROTTLED, "rate_limit_exceeded"),
    "an error of a gateway": (b'data: {"statusCode":429,"message":"Wait."}\n\n', "rate_limit_exceeded"),
    "a failed response": (FAILED, "server_error"),
    "an error and a failed response": (THROTTLED + FAILED, "rate_limit_exceeded"),
    "a failed response without a word": (
        event("response.failed", response=response(status="failed")),
        "upstream_error",
    ),
    "a failed response and then its error": (
        event("response.failed", response=response(status="failed")) + THROTTLED,
        "rate_limit_exceeded",
    ),
    "no JSON": (b"event: response.output_text.delta\ndata: {\n\n", "upstream_error"),
    "a response that is none": (event("response.completed", response=1), "upstream_error"),
    "an item that is none": (event("response.output_item.done", output_index=9, item=1), "upstream_error"),
}
PARTS = [
    CREATED,
    added(0, said()),
    text("Hel"),
    text("lo"),
    done(0, said("Hello")),
    added(1, called("a")),
    arguments(1, "{}"),
]


@pytest.mark.parametrize(("at", "ending"), [*product(range(len(PARTS) + 1), ENDINGS)])
def test_a_stream_that_breaks_ends_with_the_error_alone(at: int, ending: str) -> None:
    last, code = ENDINGS[ending]
    stream = opened()
    written = b"".join(map(stream.feed, [*PARTS[:at], last]))
    written += stream.end()
    assert (stream.ended, stream.broken) == (True, True)
    assert stream.failure is not None
    if ending == "a failed response without a word" and at < 2:
        code = None  # Azure's failure before anything began, which another attempt may cure
    assert stream.failure.code == code
    [error] = errors(written)
    assert error["code"] == code
    assert DONE not in written
    assert b'finish_reason":"' not in written
    assert written.endswith(b"\nretry: 2147483647\n\n")


@EXHAUSTIVE
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_that_breaks_does_so_however_it_comes(ending: str) -> None:
    raw = b"".join(PARTS) + ENDINGS[ending][0]
    expected = play([raw])
    for pieces in everywhere(raw):
        assert play(pieces) == expected


@EXHAUSTIVE
def test_a_cut_stream_is_never_taken_for_a_whole_one() -> None:
    raw = events(SAMPLES["reasoning, an announcement and calls"][0])
    whole = play([raw])
    for end in range(len(raw)):
        written = play([raw[:end]])
        assert (written == whole) is (raw[end:].strip() == b"")
        assert written == whole or errors(written)


def test_a_failure_of_the_connection_is_told_with_the_clients_parameters() -> None:
    stream = opened(ask(stream=True, max_tokens=100))
    written = stream.feed(text("a")) + stream.fail(UpstreamError("Gone."))
    assert errors(written)[0]["message"] == "Gone."
    assert stream.fail(UpstreamError("Again.")) == b""
    bad = event(
        "error",
        error={"code": "invalid_value", "message": "Invalid 'max_output_tokens'.", "param": "max_output_tokens"},
    )
    [error] = errors(play([bad], ask(stream=True, max_tokens=100)))
    assert (error["message"], error["param"]) == ("Invalid 'max_tokens'.", "max_tokens")


def test_it_waits_for_what_azure_says_behind_a_failure() -> None:
    stream = opened()
    assert stream.feed(event("response.failed", response=response(status="failed"))) == b""
    assert (stream.waits, stream.ended) == (True, False)
    written = stream.fail(UpstreamError("Gone."))
    assert len(errors(written)) == 1
    assert not stream.waits


def test_a_complete_stream_takes_no_harm_from_what_comes_behind_it() -> None:
    stream = opened()
    written = stream.feed(text("a") + completed() + THROTTLED + text("b"))
    assert stream.fail(UpstreamError("Gone.")) == stream.end() == stream.feed(b"x") == b""
    assert told(chunks(written))["content"] == "a"
    assert (stream.failure, stream.broken) == (None, False)
    assert stream.usage is not None
    assert stream.billed is not None
    assert stream.usage in stream.billed


def client(content: bytes) -> OpenAI:
    """Return a client whose every call gets a stream."""
    reply = httpx.Response(200, content=content, headers={"content-type": "text/event-stream"})
    return OpenAI(
        base_url="http://x/v1", api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(lambda _: reply))
    )


def test_openais_client_assembles_parallel_calls_and_usage() -> None:
    given = response(reasoned(), said("I look."), called("a"), called("b", "hear", '{"x":[1]}'))
    written = play([events(given)], ask(stream=True, **WITH_USAGE))
    with client(written).chat.completions.stream(model="x", messages=[{"role": "user", "content": "Hi"}]) as stream:
        stream.until_done()
        whole = stream.get_final_completion()
    calls = whole.choices[0].message.tool_calls or []
    assert [(one.id, one.function.name, one.function.arguments) for one in calls] == [
        ("a", "look", '{"at":1}'),
        ("b", "hear", '{"x":[1]}'),
    ]
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("I look.", "tool_calls")
    assert whole.usage is not None
    assert (whole.usage.total_tokens, whole.usage.completion_tokens) == (12, 5)


class Point(BaseModel):
    x: int


def test_openais_client_parses_an_answer_of_a_schema() -> None:
    written = play([events(response(said('{"x":', " 1}")))])
    asked = {"model": "x", "messages": [{"role": "user", "content": "Hi"}], "response_format": Point}
    with client(written).chat.completions.stream(**asked) as stream:  # type: ignore[arg-type]
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.parsed == Point(x=1)
