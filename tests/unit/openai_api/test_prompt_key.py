"""The key of a prompt: the client's own, or what its beginning is."""

import json

import pytest

from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.prompt_key import KEY_BYTES, LARGE, MAX_HASHED, MAX_MESSAGES, PROMPTS, find_prompt_key

CHAT, RESPONSE, COMPLETION, COMPACT = PROMPTS_OF = (
    "createChatCompletion",
    "createResponse",
    "createCompletion",
    "Compactconversation",
)
LONG = "You are a careful assistant. " * (LARGE // 29 + 1)
TOOLS = [{"type": "function", "function": {"name": "look", "description": "x" * LARGE}}]


def key(operation: str, **members: object) -> bytes | None:
    return find_prompt_key(operation, parse_json_body(json.dumps(members).encode()))


def message(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def chat(*pairs: tuple[str, object], **members: object) -> bytes | None:
    return key(CHAT, messages=[message(role, content) for role, content in pairs], **members)


def test_all_operations_with_a_prompt_have_a_key() -> None:
    assert set(PROMPTS) == set(PROMPTS_OF)
    for operation in PROMPTS:
        found = key(operation, prompt_cache_key="mine", model="gpt-4o")
        assert found is not None
        assert len(found) == KEY_BYTES


@pytest.mark.parametrize("operation", PROMPTS_OF)
def test_the_clients_own_key_counts_whatever_the_prompt(operation: str) -> None:
    one = key(operation, prompt_cache_key="mine", messages=[message("user", "a")], input="a", prompt="a")
    assert key(operation, prompt_cache_key="mine", messages=[message("user", "b")], input="b", prompt="b") == one
    assert key(operation, prompt_cache_key="yours", messages=[message("user", "a")], input="a", prompt="a") != one


def test_a_key_of_null_is_none() -> None:
    assert chat(("user", "a"), prompt_cache_key=None) == chat(("user", "a"))


def test_a_conversation_that_grows_keeps_its_key() -> None:
    first = chat(("system", "Be brief."), ("user", "Hello"))
    grown = chat(("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi"), ("user", "More"))
    assert first == grown
    assert first not in (chat(("system", "Be brief."), ("user", "Other")), chat(("system", "Other"), ("user", "Hello")))


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_large_system_prompt_is_the_key_of_all_who_share_it(role: str) -> None:
    assert chat((role, LONG), ("user", "a")) == chat((role, LONG), ("user", "b"))
    assert chat((role, LONG), ("user", "a")) != chat((role, LONG + "!"), ("user", "a"))


def test_large_tools_are_the_key_of_all_who_share_them() -> None:
    assert chat(("user", "a"), tools=TOOLS) == chat(("user", "b"), tools=TOOLS)
    assert key(RESPONSE, input="a", tools=TOOLS) == key(RESPONSE, input="b", tools=TOOLS)
    assert chat(("user", "a"), tools=TOOLS) != chat(("system", "s"), ("user", "a"), tools=TOOLS)


def test_system_prompt_and_tools_are_measured_together() -> None:
    half = "x" * (LARGE // 2)
    assert chat(("system", half), ("user", "a")) != chat(("system", half), ("user", "b"))
    tools = [{"type": "function", "function": {"name": half}}]
    assert chat(("system", half), ("user", "a"), tools=tools) == chat(("system", half), ("user", "b"), tools=tools)


def test_several_messages_at_the_beginning_are_the_system_prompt_and_later_ones_are_not() -> None:
    both = (("system", LONG), ("developer", "Today is Monday."))
    assert chat(*both, ("user", "a")) == chat(*both, ("user", "b"), ("system", "Other."))
    assert chat(*both, ("user", "a")) != chat(both[0], ("developer", "Today is Tuesday."), ("user", "a"))


def test_a_response_is_told_by_instructions_and_input() -> None:
    assert key(RESPONSE, instructions=LONG, input="a") == key(RESPONSE, instructions=LONG, input="b")
    assert key(RESPONSE, instructions="short", input="a") != key(RESPONSE, instructions="short", input="b")
    first = [message("user", [{"type": "input_text", "text": "a"}])]
    then = [*first, {"type": "reasoning", "id": "rs_1"}, message("assistant", "b"), message("user", "c")]
    assert key(RESPONSE, instructions="short", input=first) == key(RESPONSE, instructions="short", input=then)
    assert key(RESPONSE, input=[message("developer", LONG), *first]) == key(
        RESPONSE, input=[message("developer", LONG), message("user", "other")]
    )
    assert key(COMPACT, instructions="short", input=first) == key(RESPONSE, instructions="short", input=first)


def test_a_response_of_a_kept_prompt_is_told_by_it() -> None:
    assert key(RESPONSE, prompt={"id": "pmpt_1"}) != key(RESPONSE, prompt={"id": "pmpt_2"})


def test_a_completion_is_told_by_the_beginning_that_a_cache_needs() -> None:
    assert key(COMPLETION, prompt="def main():") != key(COMPLETION, prompt="def other():")
    text = "x" * LARGE
    assert key(COMPLETION, prompt=text + "a") == key(COMPLETION, prompt=text + "b")
    assert key(COMPLETION, prompt=["a", "b"]) == key(COMPLETION, prompt=["a", "b"])


def test_what_is_beyond_the_bound_does_not_count() -> None:
    text = "x" * MAX_HASHED
    assert chat(("system", text + "a"), ("user", "a")) == chat(("system", text + "b"), ("user", "c"))
    assert chat(("system", "s"), ("user", text + "a")) == chat(("system", "s"), ("user", text + "b"))


def test_the_user_is_looked_for_in_the_first_messages_alone() -> None:
    assistants = [("assistant", "hello")] * MAX_MESSAGES
    assert chat(("system", "s"), *assistants, ("user", "a")) == chat(("system", "s"), *assistants, ("user", "b"))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (CHAT, b"{}"),
        (CHAT, b'{"messages":[]}'),
        (CHAT, b'{"messages":[ ]}'),
        (CHAT, b'{"messages":null}'),
        (CHAT, b'{"messages":[{"role":"assistant","content":"a"}]}'),
        (CHAT, b'{"messages":[1,"user",null,[],{"role":1},{"role":["user"]},{}]}'),
        (RESPONSE, b'{"input":[{"type":"item_reference","id":"msg_1"}]}'),
        (RESPONSE, b"{}"),
        (COMPLETION, b"{}"),
    ],
)
def test_a_prompt_without_a_beginning_has_no_key(operation: str, body: bytes) -> None:
    assert find_prompt_key(operation, parse_json_body(body)) is None


def test_a_body_that_was_not_read_has_no_key() -> None:
    assert find_prompt_key(RESPONSE, None) is None


@pytest.mark.parametrize("body", [b'{"messages":"text"}', b'{"messages":{"role":"user"}}', b'{"messages":7}'])
def test_what_azure_will_refuse_does_no_harm(body: bytes) -> None:
    assert find_prompt_key(CHAT, parse_json_body(body)) is not None


def test_halves_of_surrogate_pairs_and_any_white_space_do_no_harm() -> None:
    body = b'{ "messages" : [ {"role" : "user", "content":"\\ud83d"} , {"role":"assistant"} ] }'
    assert find_prompt_key(CHAT, parse_json_body(body)) is not None


@pytest.mark.parametrize(
    "role",
    [
        '"role":"user"',
        '"role" : "user"',
        '"type":"message", "role":"user"',
        '"x":[1],"role":"user"',
        '"role":"us\\u0065r"',
    ],
)
def test_the_first_message_of_the_user_is_found_wherever_its_role_stands(role: str) -> None:
    bodies = [
        f'{{"messages":[{{"role":"system"}},{{{role},"name":"{name}"}},{{"role":"user"}}]}}' for name in ("a", "b", "a")
    ]
    one, other, same = (find_prompt_key(CHAT, parse_json_body(body.encode())) for body in bodies)
    assert one == same != other
