"""Requests of any kind: the chat is always one that OpenAI's document allows, and nothing is lost without a name."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.translation.responses_on_chat.marks import seal, unseal
from tests.unit.translation.responses import (
    END,
    FUNCTION,
    PATCH,
    Json,
    chat,
    chunk,
    events,
    piece,
    read_answer,
    response,
    translated,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = TEXT.map(lambda text: f"w{text}")
CALL_IDS = st.sampled_from(["a", "b", "c", "call_" + "x" * 59])
NAMES = st.sampled_from(["look", "apply_patch", "n" * 90, "dotted.name"])
NAMESPACES = st.sampled_from([{}, {"namespace": "mcp__a__"}])
IMAGE: Json = {"type": "input_image", "image_url": "https://x/i.png", "detail": "low"}


def _of(kind: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"type": st.just(kind), **members})


PART = st.one_of(_of("input_text", text=WORDS), st.just(IMAGE))
OUTPUT = st.one_of(WORDS, st.lists(PART, min_size=1, max_size=3))
SAID = st.one_of(WORDS, st.lists(_of("output_text", text=WORDS, annotations=st.just([])), max_size=2))
ITEM = st.one_of(
    _of("message", role=st.just("user"), content=st.one_of(WORDS, st.lists(PART, min_size=1, max_size=3))),
    _of("message", role=st.sampled_from(["system", "developer"]), content=WORDS),
    _of("message", role=st.just("assistant"), content=SAID),
    _of("message", role=st.just("assistant"), content=st.lists(_of("refusal", refusal=WORDS), min_size=1, max_size=1)),
    st.builds(
        lambda space, item: {**item, **space},
        NAMESPACES,
        _of("function_call", call_id=CALL_IDS, name=NAMES, arguments=WORDS.map(lambda word: json.dumps({"a": word}))),
    ),
    _of("custom_tool_call", call_id=CALL_IDS, name=NAMES, input=WORDS),
    _of("function_call_output", call_id=CALL_IDS, output=OUTPUT),
    _of("custom_tool_call_output", call_id=CALL_IDS, output=OUTPUT),
    _of("reasoning", summary=st.lists(_of("summary_text", text=WORDS), min_size=1, max_size=2)),
    _of("reasoning", summary=st.just([]), encrypted_content=st.one_of(st.just("gAAA"), WORDS.map(seal))),
    _of("tool_search_call", call_id=CALL_IDS, execution=st.just("client"), arguments=st.just({"query": "w"})),
    _of("web_search_call", id=st.just("1"), status=st.just("completed")),
    st.just(
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [FUNCTION, PATCH]}],
        }
    ),
)
TOOLS = st.lists(st.sampled_from([FUNCTION, PATCH, {"type": "web_search"}, {"type": "function", "name": "n" * 90}]))
BODY = st.fixed_dictionaries(
    {"input": st.lists(ITEM, max_size=8).map(lambda items: [{"role": "user", "content": "first"}, *items])},
    optional={
        "tools": TOOLS,
        "tool_choice": st.sampled_from(["auto", "none"]),
        "parallel_tool_calls": st.booleans(),
        "instructions": WORDS,
        "stream": st.booleans(),
        "temperature": st.floats(0, 2),
        "max_output_tokens": st.integers(16, 9000),
        "reasoning": st.fixed_dictionaries({"effort": st.sampled_from(["low", "high"]), "summary": st.just("auto")}),
        "text": st.fixed_dictionaries({"verbosity": st.just("low"), "format": st.just({"type": "json_object"})}),
        "client_metadata": st.just({"a": "w"}),
        "truncation": st.sampled_from(["auto", "disabled"]),
    },
)
# Members that a chat has no place for; their names are told.
NAMED = {
    "client_metadata": "client_metadata",
    "web_search": "tools.web_search",
    "web_search_call": "input.web_search_call",
    "gAAA": "input[].encrypted_content",
}


def strings(node: object) -> Iterator[str]:
    """Yield every string of a value, also of the JSON that is in one."""
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node
        if node.startswith("{"):
            yield from strings(json.loads(node))


def words_of(item: Json) -> Iterator[str]:
    """Yield what the model or the user said in an item."""
    found = [unseal(text) or text for text in strings(item)]
    yield from (text for text in found if text.startswith("w") and text not in NAMED)


def check_legal(messages: list[Json]) -> None:
    """Check that every call has its output directly behind the message that makes it, and no output stands alone."""
    owed: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == owed.pop(0)
            continue
        assert not owed
        owed = [call["id"] for call in message.get("tool_calls", [])]
        assert len(set(owed)) == len(owed)
        assert all(len(identifier) <= 40 for identifier in owed)
    assert not owed


@given(BODY, st.booleans(), st.booleans())
def test_every_request_is_a_legal_chat_that_has_all_that_was_said(body: Json, is_openai: bool, reasons: bool) -> None:
    sent = chat(body, is_openai=is_openai, reasons=reasons)
    request = translated(body, is_openai=is_openai, reasons=reasons)
    check_legal(sent["messages"])
    said = "\0".join(strings(sent))
    lost_thoughts = "input[].reasoning" in request.dropped
    for item in body["input"]:
        for word in words_of(item):
            assert word in said or (item.get("type") == "reasoning" and lost_thoughts)
    written = json.dumps(body)
    for word, name in NAMED.items():
        assert (f'"{word}"' in written) == (name in request.dropped)
    assert ("reasoning.summary" in request.dropped) == ("reasoning" in body)
    assert ("truncation" in request.dropped) == (body.get("truncation") == "auto")
    for name in ("tool_choice", "parallel_tool_calls"):
        assert (name in body) == (name in sent or name in request.dropped)


PIECES = st.lists(TEXT, min_size=1, max_size=4)


@given(PIECES, PIECES, PIECES, st.booleans(), st.data())
def test_every_answer_is_a_response_that_says_the_same_whole_and_streamed(
    thoughts: list[str], texts: list[str], inputs: list[str], is_openai: bool, data: st.DataObject
) -> None:
    body = {"stream": True, "tools": [FUNCTION, PATCH], "include": ["reasoning.encrypted_content"]}
    arguments = json.dumps({"input": "".join(inputs)}, ensure_ascii=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(arguments)))
    chunks = [
        *(chunk({"reasoning_content": thought}) for thought in thoughts),
        *(chunk({"content": text}) for text in texts),
        chunk(piece(0, "", "c", "apply_patch")),
        chunk(piece(0, arguments[:at])),
        chunk(piece(0, arguments[at:])),
        *END,
    ]
    message = {
        "content": "".join(texts),
        "reasoning_content": "".join(thoughts),
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "apply_patch", "arguments": arguments}}],
    }
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    choices = [{"message": message, "finish_reason": "stop"}]
    streamed = response(chunks, body, is_openai=is_openai)
    whole = read_answer({"model": "deepseek-v3", "choices": choices, "usage": usage}, body, is_openai=is_openai)
    assert streamed == whole
    assert whole["output"][-1]["input"] == "".join(inputs)
    found = events(chunks, body, is_openai=is_openai)
    assert "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta") == "".join(texts)


@given(PIECES, st.booleans())
def test_what_was_answered_can_be_sent_back(texts: list[str], is_openai: bool) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "apply_patch", "arguments": '{"input":"x"}'}}]
    message = {"content": "t" + "".join(texts), "reasoning_content": "Hm.", "tool_calls": calls}
    body: Json = {"tools": [PATCH], "include": ["reasoning.encrypted_content"]}
    whole = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    output = read_answer(whole, body, is_openai=is_openai)["output"]
    again = chat({**body, "input": [{"role": "user", "content": "Hi"}, *output]}, is_openai=is_openai)["messages"][1]
    assert (again["content"], again["tool_calls"]) == (message["content"], calls)
    assert again.get("reasoning_content") == (None if is_openai else "Hm.")
