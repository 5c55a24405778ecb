"""The items of an input as the messages of a chat, in which every call has its output directly behind it."""

import pytest

from proxy.errors import InvalidRequest
from proxy.translation.responses_on_chat.marks import seal
from tests.unit.translation.responses import (
    Json,
    assistant,
    call,
    chat,
    messages,
    output,
    tool,
    tool_call,
    translated,
    user,
)

HI = {"role": "user", "content": "Hi"}
IMAGE: Json = {"type": "input_image", "image_url": "https://x/i.png", "detail": "high"}
CHAT_IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://x/i.png", "detail": "high"}}
SEALED: Json = {"type": "reasoning", "id": "rs_notstored_1", "summary": [], "encrypted_content": seal("Hm… 🙂")}


def refused(*items: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translated({"input": items})
    return caught.value


def test_instructions_and_leading_messages_that_instruct_are_one() -> None:
    body = {
        "instructions": "One.",
        "input": [
            {
                "role": "developer",
                "content": [{"type": "input_text", "text": "Two."}, {"type": "input_text", "text": "3"}],
            },
            {"role": "system", "content": "Four."},
            user("Hi"),
            {"role": "developer", "content": "Later."},
        ],
    }
    assert chat(body)["messages"] == [
        {"role": "system", "content": "One.\n\nTwo.\n\n3\n\nFour."},
        HI,
        {"role": "system", "content": "Later."},
    ]
    assert chat(body, is_openai=True, reasons=True)["messages"][2]["role"] == "developer"


def test_texts_are_one_string_and_images_and_files_are_parts() -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}
    audio = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    content = [{"type": "input_text", "text": "Look"}, IMAGE, file, {"type": "input_file", "file_id": "file-1"}, audio]
    assert messages({"role": "user", "content": content}) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                CHAT_IMAGE,
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                audio,
            ],
        }
    ]
    two = [{"type": "input_text", "text": "A"}, {"type": "text", "text": "B"}]
    assert messages({"role": "user", "content": two}) == [{"role": "user", "content": "A\n\nB"}]


def test_a_mark_for_the_cache_keeps_its_part() -> None:
    part = {"type": "input_text", "text": "A", "prompt_cache_breakpoint": {"mode": "explicit"}}
    content = messages({"role": "user", "content": [part]})[0]["content"]
    assert content == [{"type": "text", "text": "A", "prompt_cache_breakpoint": {"mode": "explicit"}}]


def test_an_original_image_becomes_a_large_one_and_that_is_named() -> None:
    body = {
        "input": [
            {"role": "user", "content": [{**IMAGE, "detail": "original"}, {"type": "input_image", "image_url": "u"}]}
        ]
    }
    assert chat(body)["messages"][0]["content"] == [CHAT_IMAGE, {"type": "image_url", "image_url": {"url": "u"}}]
    assert translated(body).changed == {"input[].content[].detail": "high"}


def test_reasoning_text_and_calls_are_one_message_with_all_outputs_behind_it() -> None:
    items = (
        user("Hi"),
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        call("call_1"),
        assistant("Looking."),
        call("call_2", arguments='{"at":1}'),
        user("Wait"),
        output("call_2", "Two."),
        output("call_1", "One."),
    )
    said = {
        "role": "assistant",
        "content": "Looking.",
        "reasoning_content": "Hm.",
        "tool_calls": [tool_call("call_1"), tool_call("call_2", arguments='{"at":1}')],
    }
    outputs = [tool("call_1", "One."), tool("call_2", "Two.")]
    assert messages(*items) == [HI, said, *outputs, {"role": "user", "content": "Wait"}]


def test_an_output_ends_what_the_model_did() -> None:
    assert messages(call("a"), output("a"), call("b"), output("b"), assistant("Done.")) == [
        {"role": "assistant", "content": "", "tool_calls": [tool_call("a")]},
        tool("a"),
        {"role": "assistant", "content": "", "tool_calls": [tool_call("b")]},
        tool("b"),
        {"role": "assistant", "content": "Done."},
    ]


def test_openais_models_have_calls_without_any_text() -> None:
    assert messages(call("a"), output("a"), is_openai=True)[0]["content"] is None


def test_what_says_nothing_is_joined_to_nothing() -> None:
    nothing, one = {"type": "input_text", "text": ""}, {"type": "input_text", "text": "1"}
    body = {"instructions": "", "input": [{"role": "system", "content": ""}, {"role": "developer", "content": "D"}]}
    assert chat(body)["messages"] == [{"role": "system", "content": "D"}]
    assert messages(user("Hi"), {"role": "developer", "content": [nothing]}) == [HI]
    assert messages({"role": "user", "content": [nothing, one, nothing]}) == [{"role": "user", "content": "1"}]
    empty = {"type": "output_text", "text": "", "annotations": []}
    said = {"role": "assistant", "content": [empty, {**empty, "text": "A"}]}
    assert messages(said, {"role": "assistant", "content": [empty]}) == [{"role": "assistant", "content": "A"}]
    assert messages(call("a"), output("a", [nothing, one]))[1] == tool("a", "1")


def test_mistrals_models_get_no_reasoning_of_others() -> None:
    items = (user("Hi"), {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, call("a"))
    assert messages(*items)[1]["reasoning_content"] == "Hm."
    assert messages(*items, is_mistral=True)[1].keys() == {"role", "content", "tool_calls"}
    assert translated({"input": items}, is_mistral=True).dropped == ("input[].reasoning",)
    own = {"type": "reasoning", "summary": [], "encrypted_content": seal("Hm.", is_part=True)}
    body = {"input": [user("Hi"), own, call("a")]}
    said = chat(body, judges=False, is_mistral=True)["messages"][1]["content"]
    assert said == [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}]


def test_mistrals_models_get_ids_of_nine_letters() -> None:
    items = (call("call_1"), call("abcDEF123"), call("call_1"), output("call_1", "1"), output("abcDEF123", "2"))
    said, *outputs = messages(*items, output("call_1", "3"), is_mistral=True)
    ids = [one["id"] for one in said["tool_calls"]]
    assert ids[1] == "abcDEF123"
    assert len(set(ids)) == 3
    assert all(len(one) == 9 and one.isalnum() for one in ids)
    assert [(one["tool_call_id"], one["content"]) for one in outputs] == list(zip(ids, "123", strict=True))
    assert messages(call("call_1"), is_mistral=True)[0]["tool_calls"][0]["id"] == ids[0]


def test_mistrals_models_get_no_message_of_the_user_right_behind_an_output() -> None:
    items = (call("a"), output("a", [IMAGE]), user("Hi"))
    between = {"role": "assistant", "content": "OK."}
    assert [message["role"] for message in messages(*items)] == ["assistant", "tool", "user", "user"]
    assert [message["role"] for message in messages(*items, is_mistral=True)][1:4] == ["tool", "assistant", "user"]
    assert messages(call("a"), output("a"), user("Hi"), is_mistral=True)[2:] == [between, HI]


def test_neighbouring_messages_of_the_assistant_are_one() -> None:
    refusal = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert messages(assistant("A"), {"role": "assistant", "content": "B"}) == [
        {"role": "assistant", "content": "A\n\nB"}
    ]
    assert messages(assistant("A"), refusal) == [{"role": "assistant", "content": "A\n\nNo."}]
    assert messages(refusal, is_openai=True) == [{"role": "assistant", "refusal": "No.", "content": None}]
    assert messages({"role": "assistant", "content": ""}) == [{"role": "assistant", "content": ""}]
    assert messages({"role": "assistant", "content": None}) == [{"role": "assistant", "content": ""}]


def test_a_call_without_an_output_was_aborted() -> None:
    assert messages(call("a"), user("Hi")) == [
        {"role": "assistant", "content": "", "tool_calls": [tool_call("a")]},
        tool("a", "aborted"),
        HI,
    ]


def test_an_output_without_a_call_before_it_is_a_message_of_the_user() -> None:
    assert messages(output("a", "Late."), call("a")) == [
        {"role": "user", "content": "Output of the call a:\n\nLate."},
        {"role": "assistant", "content": "", "tool_calls": [tool_call("a")]},
        tool("a", "aborted"),
    ]
    orphan = messages(output("a", [{"type": "input_text", "text": "See"}, IMAGE]))
    assert orphan[0]["content"] == [{"type": "text", "text": "Output of the call a:\n\nSee"}, CHAT_IMAGE]


def test_an_output_that_comes_twice_is_told_as_one_without_a_call() -> None:
    found = messages(call("a"), output("a"), output("a", "Again."))
    assert [message["role"] for message in found] == ["assistant", "tool", "user"]


def test_ids_that_are_used_again_and_again_belong_to_the_next_call() -> None:
    found = messages(call("a"), output("a", "1"), call("a"), output("a", "2"))
    assert [message.get("content") for message in found] == ["", "1", "", "2"]


def test_ids_that_a_chat_refuses_are_replaced_the_same_way_on_call_and_output() -> None:
    long = "call_" + "x" * 59
    found = messages(call(long), call("a"), call("a"), output(long), output("a", "1"), output("a", "2"))
    ids = [one["id"] for one in found[0]["tool_calls"]]
    assert len(set(ids)) == 3
    assert ids[1] == "a"
    assert all(len(one) <= 40 for one in ids)
    assert [message["tool_call_id"] for message in found[1:]] == ids
    assert [message["content"] for message in found[1:]] == ["Seen.", "1", "2"]


def test_images_of_outputs_follow_behind_the_last_output() -> None:
    both = [{"type": "input_text", "text": "A"}, {"type": "input_text", "text": "B"}, IMAGE]
    assert messages(call("a"), call("b"), output("a", both), output("b", [IMAGE])) == [
        {"role": "assistant", "content": "", "tool_calls": [tool_call("a"), tool_call("b")]},
        tool("a", "A\nB"),
        tool("b", "The output is attached to the next message."),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Attached to the output of the call a:"},
                CHAT_IMAGE,
                {"type": "text", "text": "Attached to the output of the call b:"},
                CHAT_IMAGE,
            ],
        },
    ]


def test_arguments_that_are_empty_are_an_empty_object() -> None:
    assert messages(call("a", arguments=""))[0]["tool_calls"] == [tool_call("a")]


def test_the_input_of_a_custom_tool_is_an_argument_and_not_read() -> None:
    raw = rb'{"model":"m","input":[{"type":"custom_tool_call","call_id":"a","name":"p","input":"1\n\"2\" \\ \ud83d"}]}'
    assert rb'"arguments":"{\"input\":\"1\\n\\\"2\\\" \\\\ \\ud83d\"}"' in translated(raw).body.raw


def test_a_search_for_tools_is_a_call_and_what_it_finds_are_tools() -> None:
    search = {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "x"}}
    found = {
        "type": "tool_search_output",
        "call_id": "s",
        "execution": "client",
        "status": "completed",
        "tools": [
            {"type": "namespace", "name": "mcp__a__", "description": "", "tools": [{"type": "function", "name": "f"}]}
        ],
    }
    body = chat({"input": [user("Hi"), search, found, {**search, "call_id": "t", "arguments": None}]})
    assert body["messages"][1:] == [
        {"role": "assistant", "content": "", "tool_calls": [tool_call("s", "tool_search", '{"query":"x"}')]},
        tool("s", '{"tools":["mcp__a__f"]}'),
        {"role": "assistant", "content": "", "tool_calls": [tool_call("t", "tool_search")]},
        tool("t", "aborted"),
    ]
    assert [one["function"]["name"] for one in body["tools"]] == ["mcp__a__f"]


def test_a_search_that_openai_made_is_left_out_but_for_the_tools_that_it_found() -> None:
    hosted: Json = {"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {}}
    found = {"type": "tool_search_output", "call_id": None, "tools": [{"type": "function", "name": "f"}]}
    request = translated({"input": [user("Hi"), hosted, found]})
    assert request.dropped == ("input.tool_search_call", "input.tool_search_output")
    assert [one["function"]["name"] for one in chat({"input": [user("Hi"), hosted, found]})["tools"]] == ["f"]


def test_reasoning_that_was_sealed_here_goes_back_with_its_calls() -> None:
    found = messages(SEALED, SEALED, call("a"))
    assert found[0]["reasoning_content"] == "Hm… 🙂\n\nHm… 🙂"
    text = {"type": "reasoning", "summary": None, "content": [{"type": "reasoning_text", "text": "So."}]}
    assert messages(text, call("a"))[0]["reasoning_content"] == "So."


def test_reasoning_that_azure_sealed_is_left_out_and_named() -> None:
    body = {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, call("a")]}
    assert translated(body).dropped == ("input[].encrypted_content",)
    assert "reasoning_content" not in chat(body)["messages"][0]
    broken = {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "notstored.1.x"}, call("a")]}
    assert translated(broken).dropped == ("input[].encrypted_content",)


def test_reasoning_without_calls_or_for_openais_models_is_left_out_and_named() -> None:
    body = {"input": [user("Hi"), SEALED, assistant("Hello")]}
    assert translated(body).dropped == ("input[].reasoning",)
    assert chat(body)["messages"] == [HI, {"role": "assistant", "content": "Hello"}]
    calls = {"input": [SEALED, call("a")]}
    assert translated(calls, is_openai=True).dropped == ("input[].reasoning",)
    assert "reasoning_content" not in chat(calls, is_openai=True)["messages"][0]
    assert messages(user("Hi"), SEALED) == [HI]


def test_calls_of_hosted_tools_are_left_out_and_named_and_part_nothing() -> None:
    body = {"input": [call("a"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, call("b")]}
    assert translated(body).dropped == ("input.web_search_call",)
    assert len(chat(body)["messages"][0]["tool_calls"]) == 2


def test_other_members_of_items_and_parts_are_named() -> None:
    message = {**assistant("A"), "phase": "commentary"}
    message["content"][0]["annotations"] = [{"type": "url_citation"}]
    assert translated({"input": [message, call("a", caller={"type": "program"})]}).dropped == (
        "input[].phase",
        "input[].content[].annotations",
        "input[].caller",
    )


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        ({"type": "item_reference", "id": "msg_1"}, "input[1].id", "unsupported_parameter"),
        ({"id": "msg_notstored_1"}, "input[1].id", "previous_response_not_found"),
        ({"type": "compaction", "encrypted_content": "x"}, "input[1]", "unsupported_parameter"),
        ({"type": "odd"}, "input[1].type", "invalid_value"),
        ({"type": 1}, "input[1].type", "invalid_type"),
        (1, "input[1]", "invalid_type"),
        ({"role": "critic", "content": "x"}, "input[1].role", "invalid_value"),
        ({"role": "user", "content": None}, "input[1].content", "invalid_type"),
        ({"role": "user", "content": [{"type": "odd"}]}, "input[1].content[0].type", "invalid_value"),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
            "input[1].content[0].file_id",
            "unsupported_parameter",
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_url": "u"}]},
            "input[1].content[0].file_url",
            "unsupported_parameter",
        ),
        ({"role": "system", "content": [IMAGE]}, "input[1].content[0].type", "invalid_value"),
        ({"role": "assistant", "content": [IMAGE]}, "input[1].content[0].type", "invalid_value"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "input[1].call_id", "invalid_type"),
        ({"type": "function_call", "call_id": "a", "name": "f", "arguments": {}}, "input[1].arguments", "invalid_type"),
        (
            {"type": "function_call_output", "call_id": "a", "output": [{"type": "odd"}]},
            "input[1].output[0].type",
            "invalid_value",
        ),
    ],
)
def test_an_item_that_a_chat_has_no_place_for_is_refused_by_its_number(item: object, param: str, code: str) -> None:
    error = refused(user("Hi"), item)
    assert (error.param, error.code) == (param, code)
