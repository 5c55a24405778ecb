"""The reasoning items before tool calls: kept, given to the client, and sent again."""

import json

import pytest

from proxy.translation.chat_on_responses.reasoning import MAX_BYTES
from tests.unit.translation.chats import (
    Json,
    ask_with,
    body,
    called,
    chunks,
    event,
    events,
    items,
    play,
    reasoned,
    response,
    said,
)

USER: Json = {"role": "user", "content": "Hi"}
DETAILS = {"reasons": True, "with_details": True}


def calls(*ids: str, **members: object) -> Json:
    made = [{"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": made, **members}


def output(call_id: str) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": "seen"}


def kept(given: Json, *, stream: bool, **options: object) -> dict[str, list[Json]]:
    """Return what is there to remember of an answer."""
    summary = {"reasoning": {"summary": "auto"}} if options.pop("with_summary", False) else {}
    request = ask_with(dict(options), stream=stream, **summary)
    if stream:
        chunks(play([events(given)], request))
    else:
        request.reader.answer(json.dumps(given).encode())
    return {call: [json.loads(item) for item in found] for call, found in request.reader.reasoning.items()}


def sent(number: int = 1, **members: object) -> Json:
    """Return what is kept of a reasoning item."""
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": f"g{number}", **members}


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_is_kept_by_the_call_that_it_came_before(*, stream: bool) -> None:
    given = response(
        reasoned(1), reasoned(2), called("a"), called("b"), reasoned(3), said("x"), called("c"), reasoned(4)
    )
    assert kept(given, stream=stream) == {"a": [sent(1), sent(2)], "c": [sent(3)]}


@pytest.mark.parametrize("stream", [False, True])
def test_an_item_without_its_content_is_not_kept(*, stream: bool) -> None:
    # Azure would have to have stored it: https://github.com/openclaw/openclaw/issues/21782
    given = response(reasoned(1, encrypted_content=None), called("a"))
    assert kept(given, stream=stream) == {}


@pytest.mark.parametrize("stream", [False, True])
def test_members_that_azure_sends_and_refuses_are_not_kept(*, stream: bool) -> None:
    given = response(reasoned(1, "Why.", status=None, content=None, agent="x"), called("a"))
    assert kept(given, stream=stream) == {"a": [sent(summary=[{"type": "summary_text", "text": "Why."}])]}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_with_more_than_fits_keeps_nothing_behind_it(*, stream: bool) -> None:
    given = response(
        reasoned(1), called("a"), reasoned(2, encrypted_content="x" * MAX_BYTES), called("b"), reasoned(3), called("c")
    )
    assert kept(given, stream=stream) == {"a": [sent(1)]}


@pytest.mark.parametrize("stream", [False, True])
def test_a_summary_that_is_none_is_an_empty_one(*, stream: bool) -> None:
    given = response({**reasoned(1), "summary": None}, called("a"))
    assert kept(given, stream=stream, with_summary=True) == {"a": [sent(1)]}


def test_content_that_comes_only_with_the_end_is_merged() -> None:
    early = {**reasoned(1), "encrypted_content": None}
    late = reasoned(1)
    stream = b"".join(
        [
            event("response.output_item.done", output_index=0, item=early),
            event("response.output_item.done", output_index=1, item=reasoned(2)),
            event("response.output_item.done", output_index=2, item=called("a")),
            event("response.completed", response=response(late, reasoned(2, encrypted_content="other"), called("a"))),
        ]
    )
    request = ask_with({}, stream=True)
    play([stream], request)
    assert [json.loads(item) for item in request.reader.reasoning["a"]] == [sent(1), sent(2)]


def test_what_is_remembered_goes_before_its_call_and_before_what_was_said_with_it() -> None:
    memory = {"a": [b'{"type":"reasoning","id":"rs_1"}'], "b": [b'{"id":2}', b'{"id":3}']}
    read = items(USER, calls("a", "b", content="I look."), output("a"), output("b"), remembered=memory.get)
    assert [item.get("id") or item["type"] for item in read[1:]] == [
        "rs_1",
        "message",
        "function_call",
        2,
        3,
        "function_call",
        "function_call_output",
        "function_call_output",
    ]


def test_only_what_came_behind_the_last_word_of_the_user_is_sent_again() -> None:
    asked: list[str] = []

    def remembered(call_id: str) -> None:
        asked.append(call_id)

    items(USER, calls("a"), output("a"), USER, calls("b", ""), output("b"), output(""), remembered=remembered)
    assert asked == ["b"]


def test_the_memory_is_asked_by_the_id_that_the_client_knows() -> None:
    long = "call_" + "x" * 90
    item, call, _ = items(calls(long), output(long), remembered={long: [b'{"id":1}']}.get)
    assert (item, call["call_id"] == long) == ({"id": 1}, False)


def details(given: Json, *, stream: bool) -> list[Json]:
    request = ask_with(DETAILS, stream=stream)
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks(play([events(given)], request))]
        return [one for delta in deltas for one in delta.get("reasoning_details", [])]
    message = json.loads(request.reader.answer(json.dumps(given).encode()))["choices"][0]["message"]
    found: list[Json] = message.get("reasoning_details", [])
    return found


WHOLE = response(reasoned(1, "Why.", "Thus."), called("a"), called("b"), reasoned(2), called("c"))


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_gets_the_details_where_that_is_set(*, stream: bool) -> None:
    common = {"format": "openai-responses-v1", "id": "rs_1", "tool_call_id": "a"}
    assert details(WHOLE, stream=stream) == [
        {"type": "reasoning.summary", **common, "index": 0, "summary": "Why."},
        {"type": "reasoning.summary", **common, "index": 1, "summary": "Thus."},
        {"type": "reasoning.encrypted", **common, "index": 2, "data": "g1"},
        {"type": "reasoning.encrypted", **common, "id": "rs_2", "tool_call_id": "c", "index": 3, "data": "g2"},
    ]
    assert details(response(reasoned(1), said("x")), stream=stream) == []


def test_what_a_client_sends_back_is_what_it_got_and_counts_for_more_than_memory() -> None:
    given = details(WHOLE, stream=False)
    memory = {one: [b'{"id":"old"}'] for one in "abc"}
    read = items(USER, calls("a", "b", "c", reasoning_details=given), **DETAILS, remembered=memory.get)
    summary = [{"type": "summary_text", "text": text} for text in ("Why.", "Thus.")]
    assert [item for item in read if item["type"] == "reasoning"] == [sent(1, summary=summary), sent(2)]
    assert [item["type"] for item in read[1:]] == [
        "reasoning",
        "function_call",
        "function_call",
        "reasoning",
        "function_call",
    ]


def test_details_that_do_not_name_their_call_go_before_the_first() -> None:
    bare: list[Json] = [{"type": "reasoning.encrypted", "format": "openai-responses-v1", "data": "g"}]
    read = items(USER, calls("a", "b", reasoning_details=bare), **DETAILS)
    assert read[1] == {"type": "reasoning", "summary": [], "encrypted_content": "g"}
    assert [item["type"] for item in read[1:]] == ["reasoning", "function_call", "function_call"]


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "reasoning.encrypted", "format": "anthropic-claude-v1", "data": "x"},
        {"type": "reasoning.encrypted", "format": "openai-responses-v1", "data": None},
        {"type": "reasoning.summary", "format": "openai-responses-v1", "summary": 1},
        {"type": "reasoning.text", "format": "openai-responses-v1", "text": "x"},
    ],
)
def test_details_of_another_maker_are_passed_over_and_memory_is_asked(entry: Json) -> None:
    message = calls("a", reasoning_details=[entry])
    assert items(USER, message, **DETAILS, remembered={"a": [b'{"id":1}']}.get)[1] == {"id": 1}


@pytest.mark.parametrize("odd", [1, {}, [1], [{"type": 1}], [{}]])
def test_what_are_no_details_is_named(odd: object) -> None:
    request = ask_with(DETAILS, messages=[USER, calls("a", reasoning_details=odd)])
    assert request.dropped == ("messages[].reasoning_details",)
    assert [item["type"] for item in body(request)["input"]] == ["message", "function_call"]


def test_details_of_an_earlier_turn_are_not_needed() -> None:
    message = calls("a", reasoning_details=details(WHOLE, stream=False))
    request = ask_with(DETAILS, messages=[message, output("a"), USER])
    assert [item["type"] for item in body(request)["input"]] == ["function_call", "function_call_output", "message"]
    assert request.dropped == ()
