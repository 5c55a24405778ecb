"""A chat that is made a response, and that a chat again, still has its messages, tools and calls."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.translation.chats import Json, ask
from tests.unit.translation.responses import translated

_TEXTS = st.text(min_size=1, max_size=20)
_NAMES = st.sampled_from(["look", "find", "go"])


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(members)


TEXT = _objects(type=st.just("text"), text=_TEXTS)
IMAGE = _objects(
    type=st.just("image_url"),
    image_url=_objects(url=st.just("https://x.example/a.png"), detail=st.sampled_from(["low", "high", "auto"])),
)
USERS = _objects(role=st.just("user"), content=_TEXTS | st.lists(TEXT | IMAGE, min_size=1, max_size=3))
CALLS = st.lists(st.tuples(_NAMES, _TEXTS, _TEXTS), max_size=3)
ANSWERS = st.tuples(st.none() | _TEXTS, CALLS).filter(lambda answer: answer[0] is not None or answer[1] != [])
# Of two answers without a tool's output between them one message would be made, so only the last may call nothing.
ANSWERED = st.lists(ANSWERS, max_size=2).filter(lambda answers: all(calls for _, calls in answers[:-1]))
TURNS = st.lists(st.tuples(USERS, ANSWERED), min_size=1, max_size=3)
TOOLS = st.lists(
    _objects(
        type=st.just("function"),
        function=st.fixed_dictionaries(
            {"name": _NAMES, "parameters": st.just({"type": "object", "properties": {}})},
            optional={"description": _TEXTS, "strict": st.just(True)},
        ),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda tool: tool["function"]["name"],
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "tool_choice": st.sampled_from(["auto", "none", "required"]),
        "parallel_tool_calls": st.booleans(),
        "max_tokens": st.integers(16, 1000),
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "reasoning_effort": st.sampled_from(["low", "high"]),
        "response_format": st.just(
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
        ),
    },
)


def messages(
    system: str | None, turns: list[tuple[Json, list[tuple[str | None, list[tuple[str, str, str]]]]]]
) -> list[Json]:
    """Return a conversation in which every call has its output directly behind its message."""
    made: list[Json] = [] if system is None else [{"role": "system", "content": system}]
    number = 0
    for user, answers in turns:
        made.append(user)
        for text, calls in answers:
            answer: Json = {"role": "assistant", "content": text}
            outputs = []
            for name, arguments, output in calls:
                number += 1
                call = {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
                answer.setdefault("tool_calls", []).append(call)
                outputs.append({"role": "tool", "tool_call_id": f"call_{number}", "content": output})
            made += [answer, *outputs]
    return made


def plain(message: Json) -> Json:
    """Return a message whose text is a string where it has nothing else."""
    content, rest = message.get("content"), {name: message[name] for name in message if name != "content"}
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        content = "\n\n".join(part["text"] for part in content)
    return {**rest, "content": content}


@given(st.none() | _TEXTS, TURNS, TOOLS, MEMBERS)
def test_a_conversation_comes_back_as_it_was(system: str | None, turns: Any, tools: list[Json], members: Json) -> None:
    asked = {"messages": messages(system, turns), "tools": tools, **members}
    other = json.loads(ask(**asked).body.raw)
    back = json.loads(translated(other, is_openai=True).body.raw)
    assert [plain(message) for message in back["messages"]] == [plain(message) for message in asked["messages"]]
    assert back["tools"] == tools
    assert {name: back.get(name) for name in members} == members
