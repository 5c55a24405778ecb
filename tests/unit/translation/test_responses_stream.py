"""The chunks of a chat as the events of a response: whole, cut anywhere, and broken at every event."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2 as httpx
import pytest
from openai import OpenAI

from proxy.errors import InvalidRequest, ProxyError, UpstreamTimeout
from proxy.openai_api.sse import BLANK, COMMENT
from proxy.translation.responses_on_chat import output as output_module
from tests import documents
from tests.unit.exhaustive import EXHAUSTIVE
from tests.unit.translation.responses import (
    DONE,
    END,
    FUNCTION,
    PATCH,
    Json,
    begin,
    check_sequence,
    chunk,
    events,
    faults_of_events,
    kinds,
    piece,
    read,
    response,
    translated,
)

START = chunk({"role": "assistant", "content": ""})
ANSWER = (START, chunk({"content": "Grü"}), chunk({"content": "ße 🙂"}), *END)
INCLUDE: Json = {"stream": True, "include": ["reasoning.encrypted_content"], "tools": [FUNCTION, PATCH]}
EVERYTHING = (
    START,
    chunk({"reasoning_content": "Hm"}),
    chunk({"reasoning_content": "."}),
    chunk({"content": "Look"}),
    chunk({"content": "ing\n"}, obfuscation="aB3"),
    chunk(piece(0, "", "call_1", "look")),
    chunk(piece(0, '{"at"')),
    chunk(piece(0, ":1}")),
    chunk(piece(1, "", "call_2", "apply_patch")),
    chunk(piece(1, '{"input":"*** Be')),
    chunk(piece(1, 'gin\\n+\\"é\\"\\ud83d')),
    chunk(piece(1, '\\ude00"}')),
    chunk({}, "tool_calls"),
    END[1],
    DONE,
)
PATCHING = '{"input":"*** Begin\\n+\\"é\\"\\ud83d\\ude00"}'
TEXT_EVENTS = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]


def test_a_text_has_every_event_of_its_sequence() -> None:
    found = events(ANSWER)
    assert kinds(found) == ["created", "in_progress", *TEXT_EVENTS, "completed"]
    assert [event["delta"] for event in found if "delta" in event] == ["Grü", "ße 🙂"]
    assert found[6]["text"] == "Grüße 🙂"
    assert found[0]["response"]["output"] == []
    assert "usage" not in found[0]["response"]
    assert found[-1]["response"]["usage"]["total_tokens"] == 12


def test_everything_comes_item_by_item() -> None:
    found = events(EVERYTHING, INCLUDE)
    assert kinds(found)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        *TEXT_EVENTS,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    items = found[-1]["response"]["output"]
    assert items[0]["encrypted_content"] == "notstored.1.SG0u"
    assert (items[2]["call_id"], items[2]["name"], items[2]["arguments"]) == ("call_1", "look", '{"at":1}')
    assert (items[3]["call_id"], items[3]["name"], items[3]["input"]) == ("call_2", "apply_patch", '*** Begin\n+"é"😀')
    deltas = [event["delta"] for event in found if event["type"] == "response.custom_tool_call_input.delta"]
    assert deltas == ["*** Be", 'gin\n+"é"', "😀"]


def test_padding_goes_with_its_piece() -> None:
    padded = [event for event in events(EVERYTHING, INCLUDE) if "obfuscation" in event]
    assert [(event["delta"], event["obfuscation"]) for event in padded] == [("ing\n", "aB3")]
    slow = [START, chunk({"content": "a"}, obfuscation="x"), *END]
    assert [event.get("obfuscation") for event in events(slow) if "delta" in event] == ["x"]


def test_a_whole_answer_says_the_same() -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}},
        {"id": "call_2", "type": "function", "function": {"name": "apply_patch", "arguments": PATCHING}},
    ]
    message = {"content": "Looking\n", "reasoning_content": "Hm.", "tool_calls": calls}
    whole = {
        "model": "deepseek-v3",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }
    answered = json.loads(translated(INCLUDE).reader.answer(json.dumps(whole).encode()))
    assert answered == response(EVERYTHING, INCLUDE)


def cuts(whole: bytes) -> Iterator[Sequence[bytes]]:
    yield [whole[at : at + 1] for at in range(len(whole))]
    for size in (2, 3, 7, 50, 333):
        yield [whole[at : at + size] for at in range(0, len(whole), size)]


@EXHAUSTIVE
@pytest.mark.parametrize("chunks", [ANSWER, EVERYTHING])
def test_reads_that_end_anywhere_change_nothing(chunks: Sequence[bytes]) -> None:
    expected, whole = read(chunks, INCLUDE), b"".join(chunks)
    assert read([whole], INCLUDE) == expected
    for reads in cuts(whole):
        assert read(reads, INCLUDE) == expected
    for at in range(1, len(whole)):
        assert read([whole[:at], whole[at:]], INCLUDE) == expected


@EXHAUSTIVE
@pytest.mark.parametrize("chunks", [ANSWER, EVERYTHING])
def test_a_stream_cut_behind_any_byte_is_never_taken_for_a_whole_one(chunks: Sequence[bytes]) -> None:
    whole = b"".join(chunks)
    # Behind its last word nothing is missing but the usage, which is estimated then; a blank line alone may be missing.
    finished = len(b"".join(chunks[:-2])) - 2
    for end in range(len(whole)):
        stream = begin(translated(INCLUDE))
        found = list(documents.events(stream.feed(whole[:end]) + stream.end()))
        last = found[-1]["type"]
        assert (end, last) == (end, "response.completed" if end >= finished else "response.failed")
        assert (stream.ended, stream.broken) == (True, end < finished)
        assert [event["sequence_number"] for event in found] == list(range(len(found)))


@pytest.mark.parametrize("kept", range(len(EVERYTHING) - 2))
def test_a_stream_that_breaks_off_fails_with_what_came(kept: int) -> None:
    stream = begin(translated(INCLUDE))
    raw = b"".join(map(stream.feed, EVERYTHING[:kept])) + stream.end()
    found = list(documents.events(raw))
    assert kinds(found)[-2:] == ["error", "failed"]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert not (faults := faults_of_events(found)), faults
    check_sequence(found)
    assert (stream.ended, stream.broken, stream.waits) == (True, True, False)
    assert stream.failure is not None
    last = found[-1]["response"]
    assert (last["status"], last["error"]["code"]) == ("failed", "server_error")
    whole = response(EVERYTHING, INCLUDE)["output"]
    for item, full in zip(last["output"], whole, strict=False):
        assert item["type"] == full["type"]
    if kept > 4:
        assert last["output"][0] == whole[0]


def test_a_text_that_breaks_off_is_told_so_far() -> None:
    found = list(documents.events(read(ANSWER[:2])))
    assert found[-1]["response"]["output"][0] == {
        "id": found[2]["item"]["id"],
        "type": "message",
        "status": "incomplete",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Grü", "annotations": [], "logprobs": []}],
    }


def test_an_end_behind_a_finished_answer_is_a_good_one() -> None:
    stream = begin(translated({"stream": True}))
    raw = b"".join(map(stream.feed, ANSWER[:4])) + stream.end()
    assert kinds(documents.events(raw))[-1] == "completed"
    assert (stream.failure, stream.broken, stream.ended) == (None, False, True)


@pytest.mark.parametrize("before", [0, 3])
def test_an_error_of_azures_becomes_the_error_of_a_response(before: int) -> None:
    error = b'data: {"error":{"code":"429","message":"Slow down: \'max_tokens\'.","param":"max_tokens"}}\n\n'
    stream = begin(translated({"stream": True}))
    raw = b"".join(map(stream.feed, [*ANSWER[:before], error, *END]))
    found = list(documents.events(raw))
    assert kinds(found)[-2:] == ["error", "failed"]
    assert "'max_output_tokens'" in found[-2]["message"]
    assert found[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert isinstance(stream.failure, ProxyError)
    assert stream.feed(b"data: {}\n\n") == stream.end() == stream.fail(UpstreamTimeout("late")) == b""


def test_a_failure_of_the_proxy_is_told_in_the_streams_form() -> None:
    stream = begin(translated({"stream": True}))
    raw = stream.feed(ANSWER[0]) + stream.fail(UpstreamTimeout("Azure OpenAI was silent."))
    assert kinds(documents.events(raw))[-2:] == ["error", "failed"]
    assert b"retry: 2147483647" in raw
    assert stream.fail(UpstreamTimeout("again")) == b""


def test_a_failure_behind_a_finished_answer_takes_nothing_from_it() -> None:
    stream = begin(translated({"stream": True}))
    raw = b"".join(map(stream.feed, ANSWER[:4])) + stream.fail(UpstreamTimeout("late"))
    assert kinds(documents.events(raw))[-1] == "completed"
    assert stream.failure is None


@pytest.mark.parametrize("block", [BLANK, COMMENT])
def test_what_only_keeps_a_stream_alive_passes(block: bytes) -> None:
    stream = begin(translated({"stream": True}), keep_alive=block)
    assert stream.feed(b": wait\n\n") == block
    raw = stream.feed(ANSWER[0] + b": wait\n\n" + b": wait\n\n" + ANSWER[1])
    assert raw.count(block) >= 2
    assert kinds(documents.events(raw + b"".join(map(stream.feed, ANSWER[2:]))))[-1] == "completed"


def test_a_usage_that_is_none_is_estimated() -> None:
    chunks = [START, chunk({"content": "A" * 40}), END[0], chunk(None, usage={"prompt_tokens": "many"}), DONE]
    assert response(chunks)["usage"]["output_tokens"] == 10


def test_it_has_begun_with_the_first_word_and_knows_its_usage() -> None:
    stream = begin(translated({"stream": True}))
    assert (stream.begun, stream.usage) == (False, None)
    stream.feed(b"".join(ANSWER))
    assert stream.begun
    assert json.loads(stream.usage or b"")["total_tokens"] == 12


def test_probabilities_go_with_their_text() -> None:
    token = {"token": "a", "logprob": -1.5, "bytes": None, "top_logprobs": []}
    likely = chunk({"content": "a"}, choice={"logprobs": {"content": [token]}})
    for is_openai in (True, False):
        found = events([likely, *END], is_openai=is_openai)
        told = [{**token, "bytes": [97]}]
        assert [event["logprobs"] for event in found if "logprobs" in event] == [told, told]
        assert found[-1]["response"]["output"][0]["content"][0]["logprobs"] == told


@pytest.mark.parametrize("size", range(1, 12))
def test_thoughts_in_tags_are_read_wherever_the_tags_are_cut(size: int) -> None:
    whole = " \n<think>Hm <b>.</think> \n Hello </think> there"
    parts = [chunk({"content": whole[at : at + size]}) for at in range(0, len(whole), size)]
    items = response([START, *parts, *END])["output"]
    assert items[0]["summary"][0]["text"] == "Hm <b>."
    assert items[1]["content"][0]["text"] == "Hello </think> there"
    assert response([START, *parts, *END], is_openai=True)["output"][0]["content"][0]["text"] == whole


def test_reasoning_in_a_content_of_parts_streams() -> None:
    # https://github.com/agentjido/req_llm/issues/742
    def parts(*found: Json) -> bytes:
        return chunk({"content": list(found)})

    thinking = [
        {"type": "thinking", "thinking": [{"type": "text", "text": text}]} for text in ("Hm", "\ud83d", "\ude00")
    ]
    chunks = [START, *map(parts, thinking), parts({"type": "text", "text": "A"}), chunk({"content": "B"}), *END]
    reasoning, said = response(chunks, {"stream": True})["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hm\U0001f600"}]
    assert said["content"][0]["text"] == "AB"


def test_what_might_have_begun_thoughts_is_text_at_the_end() -> None:
    assert response([chunk({"content": "<thi"}), *END])["output"][0]["content"][0]["text"] == "<thi"
    call = chunk(piece(0, "{}", "c", "look"))
    assert [item["type"] for item in response([chunk({"content": "<thi"}), call, *END])["output"]] == [
        "message",
        "function_call",
    ]
    cut = response([chunk({"content": "<think>Hm</thi"}), *END])["output"]
    assert [part["text"] for part in cut[0]["summary"]] == ["Hm</thi"]


def test_characters_that_are_cut_between_chunks_are_whole() -> None:
    first, second = (
        chunk({"content": "X"}).replace(b"X", rb"a\ud83d"),
        chunk({"content": "X"}).replace(b"X", rb"\ude00b"),
    )
    for is_openai in (True, False):
        found = response([START, first, second, *END], is_openai=is_openai)
        assert found["output"][0]["content"][0]["text"] == "a😀b"
    arguments = [chunk(piece(0, "X")).replace(b"X", half) for half in (rb"{\"input\":\"\ud83d", rb"\ude00\"}")]
    call = chunk(piece(0, "", "c", "apply_patch"))
    assert response([call, *arguments, *END], INCLUDE)["output"][0]["input"] == "😀"


def test_a_refusal_has_events_of_its_own() -> None:
    found = events([START, chunk({"content": "A"}), chunk({"refusal": "N"}), chunk({"refusal": "o."}), *END])
    assert kinds(found)[6:-2] == [
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    assert found[-1]["response"]["output"][0]["content"][1] == {"type": "refusal", "refusal": "No."}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("model_length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_an_answer_that_was_cut_ends_as_incomplete(finish: str, reason: str) -> None:
    found = events([START, chunk({"content": "A"}), chunk({}, finish), DONE])
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": reason}
    assert found[-2]["item"]["status"] == "incomplete"


def test_an_answer_without_anything_has_an_empty_text() -> None:
    found = events([START, *END])
    assert kinds(found)[2:-1] == [kind for kind in TEXT_EVENTS if not kind.endswith("delta")]


def test_results_of_the_filter_cross_with_the_switch() -> None:
    results = {"hate": {"filtered": False}}
    prompt = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false}}}]}\n\n'  # noqa: E501
    chunks = [prompt, START, chunk({"content": "A"}, choice={"content_filter_results": results}), *END]
    assert "content_filters" not in response(chunks)
    kept = response(chunks, keep_filters=True)["content_filters"]
    assert [(one["source_type"], one["content_filter_results"]) for one in kept] == [
        ("prompt", results),
        ("completion", results),
    ]


def calls_of(*chunks: bytes, body: object = None) -> list[tuple[str, str, str]]:
    items = response([START, *chunks, chunk({}, "tool_calls"), DONE], body)["output"]
    return [(item["call_id"], item["name"], item["arguments"]) for item in items]


def test_calls_that_come_mixed_are_each_whole() -> None:
    mixed = [(0, '{"a"'), (1, '{"b"'), (0, ":1}"), (1, ":2}")]
    begun = [chunk(piece(0, "", "c0", "f")), chunk(piece(1, "", "c1", "g"))]
    assert calls_of(*begun, *(chunk(piece(index, text)) for index, text in mixed)) == [
        ("c0", "f", '{"a":1}'),
        ("c1", "g", '{"b":2}'),
    ]


def test_calls_of_servers_that_count_none_are_told_apart_by_their_ids() -> None:
    same = [chunk(piece(0, '{"a":1}', "c0", "f")), chunk(piece(0, '{"b":2}', "c1", "g"))]
    none = [chunk(piece(None, '{"a":1}', "c0", "f")), chunk(piece(None, '{"b":2}', "c1", "g"))]
    assert calls_of(*same) == calls_of(*none) == [("c0", "f", '{"a":1}'), ("c1", "g", '{"b":2}')]


def test_an_id_or_a_name_that_comes_again_begins_no_call() -> None:
    again = [chunk(piece(0, '{"a"', "c0", "f")), chunk(piece(0, ":", "c0", "f")), chunk(piece(0, "1}", "other", ""))]
    assert calls_of(*again) == [("c0", "f", '{"a":1}')]


def test_a_name_that_comes_late_gets_what_came_before_it() -> None:
    assert calls_of(chunk(piece(0, '{"a"', "c0")), chunk(piece(0, ":1}", None, "f"))) == [("c0", "f", '{"a":1}')]


def test_a_call_without_an_id_or_arguments_gets_both() -> None:
    found = calls_of(chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}))
    assert found[0][0].startswith("call_")
    assert found[0][2] == "{}"


def test_a_call_of_the_old_form_is_one() -> None:
    old = [chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}})]
    assert [name for _, name, _ in calls_of(*old)] == ["f"]


def test_blanks_behind_arguments_that_were_whole_are_nothing() -> None:
    chunks = [
        *(chunk(piece(0, '{"at":1}', "a", "look")), chunk(piece(1, "", "b", "look"))),
        *(chunk(piece(0, "\n ")), chunk(piece(1, '{"at":2}')), chunk(piece(0, " "))),
    ]
    assert calls_of(*chunks) == [("a", "look", '{"at":1}'), ("b", "look", '{"at":2}')]


def test_what_comes_behind_a_reason_ends_with_the_answer() -> None:
    found = events([chunk({"content": "a"}), chunk({}, "stop"), chunk({"content": "b"}), *END[1:]])
    assert [item["content"][0]["text"] for item in found[-1]["response"]["output"]] == ["a", "b"]


def test_text_behind_a_call_is_a_message_of_its_own() -> None:
    found = response([chunk(piece(0, "{}", "c", "f")), chunk({"content": "A"}), *END])["output"]
    assert [item["type"] for item in found] == ["function_call", "message"]


def test_a_search_for_tools_is_told_as_a_whole() -> None:
    body = {"stream": True, "tools": [{"type": "tool_search", "execution": "client"}]}
    found = events([chunk(piece(0, '{"query"', "c", "tool_search")), chunk(piece(0, ':"x"}')), *END], body)
    assert kinds(found)[2:-1] == ["output_item.added", "output_item.done"]
    assert found[3]["item"]["arguments"] == {"query": "x"}


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (r'{"input": "a\n\"b\" \\ \u00e9 \ud83d\ude00 end"}', 'a\n"b" \\ é 😀 end'),
        ('\n{ "input" :"line\none"} ', "line\none"),
        (r'{"input":"\d+ \w"}', r"\d+ \w"),
        (r'{"input":"half \ud83d end"}', r"half \ud83d end"),
        (r'{"input":"bad \u12 end"}', r"bad \u12 end"),
        ('{"input":"cut', "cut"),
        (r'{"input":"cut \u00', "cut "),
        ('{"input":"a","more":1}', "a"),
        ('{"inputs":"a"}', '{"inputs":"a"}'),
        ('{"input":{"a":1}}', '{"input":{"a":1}}'),
        ("*** Begin\n", "*** Begin\n"),
        ('{"in', '{"in'),
        ("", ""),
    ],
)
def test_the_input_of_a_custom_tool_is_read_wherever_it_is_cut(arguments: str, said: str, size: int) -> None:
    parts = [chunk(piece(0, arguments[at : at + size])) for at in range(0, len(arguments), size)]
    found = events([chunk(piece(0, "", "c", "apply_patch")), *parts, *END], INCLUDE)
    assert found[-1]["response"]["output"][0]["input"] == said
    assert "".join(event["delta"] for event in found if event["type"].endswith("input.delta")) == said


@pytest.mark.parametrize(
    "bad",
    [
        chunk({"content": 1}),
        chunk({"content": ["a"]}),
        chunk({"content": "A", "tool_calls": {}}),
    ],
)
def test_a_chunk_that_is_none_fails_the_stream(bad: bytes) -> None:
    for reads in ([START, bad, *END], [b"".join([START, bad, *END])]):
        stream = begin(translated({"stream": True}))
        found = list(documents.events(b"".join(map(stream.feed, reads)) + stream.end()))
        assert kinds(found)[-2:] == ["error", "failed"]
        assert (stream.broken, stream.ended) == (True, True)
        assert stream.failure is not None


def test_an_answer_that_is_too_large_fails() -> None:
    large = "x" * (output_module.MAX_OUTPUT_BYTES // 2)
    for form in ("content", "reasoning_content"):
        found = list(documents.events(read([chunk({form: "a"}), chunk({form: large}), chunk({form: large}), *END])))
        assert found[-2]["message"] == "Azure OpenAI sent an answer that is too large."


def test_an_error_names_the_clients_parameter() -> None:
    stream = begin(translated({"stream": True}))
    stream.feed(START)
    found = list(documents.events(stream.fail(InvalidRequest("No.", param="max_tokens"))))
    assert found[0]["param"] == "max_output_tokens"


def test_openais_client_reads_it() -> None:
    content = read(EVERYTHING, INCLUDE)
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content, headers=headers))
    client: Any = OpenAI(base_url="http://127.0.0.1/v1", api_key="x", http_client=httpx.Client(transport=transport))
    with client.responses.stream(model="m", input="Hi") as stream:
        said = [event.delta for event in stream if event.type == "response.output_text.delta"]
        whole = stream.get_final_response()
    assert said == ["Look", "ing\n"]
    assert whole.output_text == "Looking\n"
    assert (whole.output[2].name, whole.output[2].arguments) == ("look", '{"at":1}')
    assert whole.output[3].input == '*** Begin\n+"é"😀'
