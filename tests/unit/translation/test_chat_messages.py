"""The messages of a chat as input items."""

import pytest

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body
from proxy.translation.chat_on_responses.request import translate
from tests.unit.translation.chats import REPLY, Json, ask, ask_with, body, items

LONG = "call_" + "x" * 90
USER: Json = {"role": "user", "content": "Hi"}


def message(role: str, content: object) -> Json:
    return {"type": "message", "role": role, "content": content}


def call(call_id: str, name: str = "look", arguments: str = "{}") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asks(*calls: Json, **members: object) -> Json:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **members}


def output(call_id: str, content: object = "seen") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_texts_stay_in_their_order_and_roles() -> None:
    roles = ["system", "developer", "user", "assistant", "user", "system"]
    given = [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]
    assert items(*given) == [message(role, f"{n}") for n, role in enumerate(roles)]


def test_no_message_becomes_instructions() -> None:
    sent = body(ask(messages=[{"role": "system", "content": "JSON."}, USER], response_format={"type": "json_object"}))
    assert "instructions" not in sent
    assert sent["input"][0] == message("system", "JSON.")


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_parts_of_text_keep_their_mark_of_the_prompt_cache(role: str) -> None:
    part = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert items({"role": role, "content": [part, {"type": "text", "text": "b"}]}) == [
        message(
            role,
            [
                {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_text", "text": "b"},
            ],
        )
    ]


@pytest.mark.parametrize(
    ("image", "sent"),
    [
        ({"url": "https://x/y.png"}, {"image_url": "https://x/y.png", "detail": "auto"}),
        (
            {"url": "data:image/png;base64,AA==", "detail": "low"},
            {"image_url": "data:image/png;base64,AA==", "detail": "low"},
        ),
        ({"url": "https://x/y.png", "detail": None}, {"image_url": "https://x/y.png", "detail": "auto"}),
        ("https://x/y.png", {"image_url": "https://x/y.png", "detail": "auto"}),
    ],
)
def test_an_image_keeps_its_detail(image: object, sent: Json) -> None:
    [one] = items({"role": "user", "content": [{"type": "image_url", "image_url": image}]})
    assert one == message("user", [{"type": "input_image", **sent}])


@pytest.mark.parametrize(
    "file", [{"file_id": "file-1"}, {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}]
)
def test_a_file_goes_by_its_id_or_its_data(file: dict[str, str]) -> None:
    [one] = items({"role": "user", "content": [{"type": "file", "file": file}]})
    assert one == message("user", [{"type": "input_file", **file}])


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, "input_audio"),
        ({"type": "file", "file": {"file_url": "https://x/y.pdf"}}, "file.file_url"),
        ({"type": "file", "file": {"url": "https://x/y.pdf"}}, "file.url"),
        ({"type": "video_url", "video_url": {}}, "type"),
        ({"type": "input_text", "text": "a"}, "type"),
        ({"type": 1}, "type"),
        ({"type": "image_url", "image_url": 1}, "image_url"),
        ({"type": "file"}, "file"),
    ],
)
def test_a_part_that_responses_has_not_is_refused_by_its_name(part: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(messages=[USER, {"role": "user", "content": [{"type": "text", "text": "a"}, part]}])
    assert refused.value.param == f"messages[1].content[1].{param}"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("Hi", "messages"),
        ([1], "messages"),
        ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
        ([{"content": "Hi"}], "messages[0].role"),
        ([{"role": "user", "content": [1]}], "messages[0].content"),
        ([{"role": "assistant", "audio": {"id": "audio_1"}}], "messages[0].audio"),
        ([{"role": "assistant", "content": [{"type": "text", "text": 1}]}], "messages[0].content[0].text"),
        ([{"role": "assistant", "content": [{"type": "image_url"}]}], "messages[0].content[0].type"),
        ([{"role": "assistant", "tool_calls": {}}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [{"type": "mcp"}]}], "messages[0].tool_calls[0].type"),
        ([{"role": "assistant", "tool_calls": [{"id": 1, "function": {}}]}], "messages[0].tool_calls[0].id"),
        ([{"role": "assistant", "tool_calls": [{"id": "a"}]}], "messages[0].tool_calls[0].function"),
        ([{"role": "assistant", "function_call": {}}], "messages[0].function_call.name"),
        ([{"role": "tool", "tool_call_id": 1}], "messages[0].tool_call_id"),
    ],
)
def test_what_is_no_message_of_a_chat_is_refused_by_its_name(messages: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(messages=messages)
    assert refused.value.param == param


def test_a_request_without_messages_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(messages=None)
    assert (refused.value.param, refused.value.code) == ("messages", "missing_required_parameter")


def test_calls_and_their_outputs_become_items() -> None:
    given = [USER, asks(call("a"), call("b", arguments='{"x":1}'), content="Let me see."), output("a"), output("b")]
    assert items(*given)[1:] == [
        message("assistant", "Let me see."),
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "look", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "a", "output": "seen"},
        {"type": "function_call_output", "call_id": "b", "output": "seen"},
    ]


def test_calls_of_custom_tools_become_items_of_their_own_type() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    assert items(asks(custom), output("a")) == [
        {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "seen"},
    ]


def test_functions_of_before_there_were_tools_are_paired_by_their_names() -> None:
    given: list[Json] = [
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": None},
    ]
    first, one, second, two = items(*given)
    assert first["call_id"] == one["call_id"] != second["call_id"] == two["call_id"]
    assert [one["output"], two["output"]] == ["1", ""]
    assert all(len(item["call_id"]) <= 64 and item["call_id"].isidentifier() for item in (first, second))


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("seen", "seen"),
        ([{"type": "text", "text": "seen"}], "seen"),
        (
            [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        ),
        (
            [{"type": "image_url", "image_url": {"url": "https://x"}}],
            [{"type": "input_image", "image_url": "https://x", "detail": "auto"}],
        ),
        ([], []),
    ],
)
def test_an_output_is_a_text_unless_it_has_more(content: object, sent: object) -> None:
    # https://github.com/BerriAI/litellm/pull/18226
    assert items(asks(call("a")), output("a", content))[1]["output"] == sent


@pytest.mark.parametrize("given", [LONG, "", "a\nb"])
def test_an_id_that_responses_would_refuse_is_renamed_on_the_call_and_on_its_output(given: str) -> None:
    one, two = items(asks(call(given)), output(given))
    assert one["call_id"] == two["call_id"] != given
    assert 1 <= len(one["call_id"]) <= 64


def test_long_ids_with_the_same_beginning_stay_apart_and_are_the_same_in_every_turn() -> None:
    given = [asks(call(LONG + "1"), call(LONG + "2")), output(LONG + "2"), output(LONG + "1")]
    one, two, second, first = items(*given)
    assert one["call_id"] == first["call_id"] != two["call_id"] == second["call_id"]
    assert items(*given, USER)[:4] == [one, two, second, first]


def test_an_id_that_each_turn_repeats_is_renamed_behind_the_first() -> None:
    given = [asks(call("0")), output("0", "a"), asks(call("0")), output("0", "b")]
    one, first, two, second = items(*given)
    assert one["call_id"] == first["call_id"] == "0" != two["call_id"] == second["call_id"]


def test_a_repeated_id_whose_first_call_was_never_answered_goes_with_its_own_output() -> None:
    one, two, second = items(asks(call("0")), asks(call("0")), output("0"))
    assert one["call_id"] == "0" != two["call_id"] == second["call_id"]


def test_the_same_id_twice_in_one_message_is_paired_in_order() -> None:
    one, two, first, second = items(asks(call("0"), call("0")), output("0", "a"), output("0", "b"))
    assert [one["call_id"], two["call_id"]] == [first["call_id"], second["call_id"]]


def test_an_output_without_a_call_and_a_second_one_keep_their_id() -> None:
    assert [item["call_id"] for item in items(output("a"), asks(call("b")), output("b"), output("b"))] == ["a", *"bbb"]


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"content": "No.", "refusal": "I will not."}, ["No.", "I will not."]),
        ({"content": None, "refusal": "I will not."}, ["I will not."]),
        ({"content": [{"type": "text", "text": "a\\u00e9"}, {"type": "refusal", "refusal": "b"}]}, ["a\\u00e9b"]),
        ({"content": ""}, [""]),
        ({}, [""]),
        ({"content": "", "tool_calls": [call("a")]}, []),
    ],
)
def test_what_an_assistant_said_is_a_plain_text(given: Json, texts: list[str]) -> None:
    # Parts of an output need ids and annotations: https://github.com/BerriAI/litellm/issues/35213
    sent = [item for item in items({"role": "assistant", **given}) if item["type"] == "message"]
    assert sent == [message("assistant", text) for text in texts]


def test_what_responses_has_no_place_for_in_a_message_is_named() -> None:
    request = ask(
        messages=[
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "a", "cache_control": {}}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x", "size": 1}}]},
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "f", "format": "pdf"}}]},
            asks(
                {**call("a"), "index": 0, "function": {"name": "n", "arguments": "", "thought": 1}},
                reasoning_content="Hm",
            ),
            {**output("a"), "name": "look", "is_error": None},
            {"role": "assistant", "function_call": {"name": "n", "arguments": "", "more": 1}, "reasoning_details": []},
        ]
    )
    assert request.dropped == (
        "messages[].content[].cache_control",
        "messages[].name",
        "messages[].content[].image_url.size",
        "messages[].content[].file.format",
        "messages[].tool_calls[].index",
        "messages[].tool_calls[].function.thought",
        "messages[].reasoning_content",
        "messages[].function_call.more",
        "messages[].reasoning_details",
    )


def test_names_that_no_header_may_have_are_stars_and_many_names_end_in_one() -> None:
    odd = ask(messages=[{"role": "user", "content": "Hi", "a b\r\nx: y": 1, "é": 2}])
    assert odd.dropped == ("messages[].*",)
    many = ask(messages=[{"role": "user", "content": "Hi", **{f"m{n}": 1 for n in range(100)}}]).dropped
    assert len(many) == 32
    assert (many[0], many[-1]) == ("messages[].m0", "*")


def test_numbers_and_escapes_of_the_client_pass_as_they_came() -> None:
    members = rb'"model":"m","temperature":1.0e0,"big":123456789012345678901234567890'
    raw = rb'{%s,"messages":[{"role":"user","content":"\u00e9\ud83d"}]}' % members
    sent = translate(parse_json_body(raw), REPLY).body.raw
    assert b'"temperature":1.0e0' in sent
    assert b'"big":123456789012345678901234567890' in sent
    assert rb'"content":"\u00e9\ud83d"' in sent


def test_the_options_of_the_proxy_do_not_change_the_messages() -> None:
    assert body(ask_with({"reasons": True}))["input"] == body(ask())["input"]
