"""What a call asks for is read from its body, as far as the cost depends on it."""

import pytest

from proxy.azure_api.request import Call
from proxy.openai_api.router import Route
from proxy.prices.asked import Asked, read_asked, read_form
from tests.unit.prices.samples import ROWS, call

CHAT, COMPLETION, RESPONSE = "createChatCompletion", "createCompletion", "createResponse"
USER = {"role": "user", "content": "hello"}


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": list(parts)}


def test_text_counts_by_its_bytes() -> None:
    asked = read_asked(call(CHAT, messages=[USER]))
    assert asked == Asked(size=len(call(CHAT, messages=[USER]).raw))


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        (CHAT, {"max_completion_tokens": 5, "max_tokens": 7}, 7),
        (CHAT, {"max_completion_tokens": 5, "max_tokens": None}, 5),
        (CHAT, {"max_completion_tokens": 5, "max_tokens": -1}, None),
        (CHAT, {"max_tokens": True}, None),
        (COMPLETION, {"prompt": "a"}, 16),
        (COMPLETION, {"prompt": "a", "max_tokens": 3}, 3),
        (COMPLETION, {"prompt": "a", "max_tokens": -1}, None),
        (RESPONSE, {"max_output_tokens": 9}, 9),
        (RESPONSE, {}, None),
    ],
)
def test_the_limit_of_the_output_is_the_highest_that_may_count(
    operation: str, members: dict[str, object], expected: int | None
) -> None:
    assert read_asked(call(operation, **members)).output == expected


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        (CHAT, {}, 1),
        (CHAT, {"n": 3}, 3),
        (COMPLETION, {"prompt": ["a", "b"], "n": 2, "best_of": 5}, 10),
        (COMPLETION, {"prompt": [1, 2, 3]}, 1),
        (COMPLETION, {"prompt": [[1], [2]]}, 2),
        (COMPLETION, {"prompt": []}, 1),
    ],
)
def test_every_answer_counts_also_those_that_lose(operation: str, members: dict[str, object], expected: int) -> None:
    assert read_asked(call(operation, **members)).answers == expected


@pytest.mark.parametrize(
    ("operation", "prompt", "expected"),
    [
        (COMPLETION, "a", 1),
        (COMPLETION, ["a", "b"], 2),
        (COMPLETION, [1, 2, 3], 1),
        (COMPLETION, [[1], [2], [3]], 3),
        (CHAT, ["a", "b"], 1),
    ],
)
def test_the_prompts_of_a_completion_are_counted(operation: str, prompt: object, expected: int) -> None:
    assert read_asked(call(operation, prompt=prompt, n=2)).prompts == expected


@pytest.mark.parametrize(
    ("operation", "members", "images", "opaque", "audio"),
    [
        (CHAT, {"messages": [user({"type": "text", "text": "a"})]}, 0, False, False),
        (CHAT, {"messages": [user({"type": "image_url", "image_url": {"url": "data:"}})] * 2}, 2, False, False),
        (CHAT, {"messages": [user({"type": "input_audio", "input_audio": {}})]}, 0, True, True),
        (CHAT, {"messages": [user({"type": "file", "file": {"file_id": "x"}})]}, 0, True, False),
        (CHAT, {"messages": [{"role": "assistant", "audio": {"id": "audio_x"}}]}, 0, True, False),
        (CHAT, {"messages": [USER], "modalities": ["text", "audio"]}, 0, False, True),
        (CHAT, {"messages": [USER], "audio": {"voice": "alloy"}}, 0, False, True),
        (CHAT, {"messages": "no list"}, 0, False, False),
        (CHAT, {"messages": [1, user("a"), user(1)]}, 0, True, False),
        (RESPONSE, {"input": "hello"}, 0, False, False),
        (RESPONSE, {"input": [user({"type": "input_image", "file_id": "x"})]}, 1, False, False),
        (RESPONSE, {"input": [user({"type": "input_file", "file_id": "x"})]}, 0, True, False),
        (RESPONSE, {"input": [{"type": "item_reference", "id": "msg_x"}]}, 0, True, False),
        (RESPONSE, {"input": [{"id": "msg_x"}]}, 0, True, False),
        (RESPONSE, {"input": [{"type": "reasoning", "encrypted_content": "x", "summary": []}]}, 0, True, False),
        (RESPONSE, {"input": [{"type": "function_call_output", "output": "a"}]}, 0, False, False),
        (
            RESPONSE,
            {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot"}}]},
            1,
            False,
            False,
        ),
        (RESPONSE, {"input": "a", "previous_response_id": "resp_x"}, 0, True, False),
        (RESPONSE, {"input": "a", "conversation": {"id": "conv_x"}}, 0, True, False),
        (RESPONSE, {"prompt": {"id": "pmpt_x"}}, 0, True, False),
        (COMPLETION, {"prompt": "the text"}, 0, False, False),
    ],
)
def test_what_is_no_text_counts_as_an_image_or_may_be_anything(
    operation: str, members: dict[str, object], images: int, opaque: bool, audio: bool
) -> None:
    asked = read_asked(call(operation, **members))
    assert (asked.images, asked.opaque, asked.audio) == (images, opaque, audio)


def test_an_escape_hides_no_image() -> None:
    raw = rb'{"model": "m", "messages": [{"role": "user", "content": [{"type": "image\u005furl"}]}]}'
    given = Call(route=Route(operation=ROWS[CHAT]), raw=raw)
    assert read_asked(given).images == 1


@pytest.mark.parametrize(
    ("members", "tools", "refusal"),
    [
        ({"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]}, (), ""),
        ({"tools": [{"type": "file_search"}, {"type": "web_search_preview"}]}, ("file_search", "web_search"), ""),
        ({"tools": [{"type": "mcp"}]}, ("",), ""),
        ({"tools": [{"type": "image_generation"}]}, (), "unbounded_tool"),
        ({"tools": [{"type": "newer_than_this"}]}, (), "unbounded_tool"),
        ({"tools": [1]}, (), "unbounded_tool"),
        ({"web_search_options": {}}, (), "unbounded_search"),
        ({"data_sources": [{"type": "azure_search"}]}, (), "unbounded_search"),
    ],
)
def test_tools_that_azure_runs_have_prices_or_no_bound(
    members: dict[str, object], tools: tuple[str, ...], refusal: str
) -> None:
    asked = read_asked(call(RESPONSE, **members))
    assert (asked.tools, asked.refusal) == (tools, refusal)


def test_the_other_members_are_read_where_they_are_what_they_should_be() -> None:
    members = {
        "service_tier": "flex",
        "max_tool_calls": 3,
        "prediction": {"type": "content", "content": "abc"},
        "partial_images": 2,
        "seconds": "8",
    }
    asked = read_asked(call(RESPONSE, **members))
    assert (asked.tier, asked.max_tool_calls, asked.partial_images, asked.seconds) == ("flex", 3, 2, 8)
    assert asked.predicted == len(b'{"type":"content","content":"abc"}')
    wrong = read_asked(call(RESPONSE, service_tier=1, max_tool_calls=-1, seconds="x", partial_images=True))
    assert (wrong.tier, wrong.max_tool_calls, wrong.seconds, wrong.partial_images) == (None, None, None, 0)


def test_a_number_with_a_part_counts_as_the_next_whole_one() -> None:
    asked = read_asked(call(CHAT, n=3.0, max_completion_tokens=99.5))
    assert (asked.answers, asked.output) == (3, 100)


@pytest.mark.parametrize(
    ("given", "images"),
    [({"images": [{}, {}]}, 2), ({"images": [{}], "mask": {}}, 2), ({"image": "url"}, 1), ({"image": None}, 0)],
)
def test_images_that_are_edited_are_counted(given: dict[str, object], images: int) -> None:
    assert read_asked(call("createImageEdit", **given)).images == images


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff"])
def test_a_body_that_cannot_be_read_may_ask_for_anything(raw: bytes) -> None:
    asked = read_asked(Call(route=Route(operation=ROWS[CHAT]), raw=raw))
    assert (asked.opaque, asked.refusal) == (True, "unreadable_body")


def test_a_call_without_a_body_asks_for_nothing() -> None:
    assert read_asked(Call(route=Route(operation=ROWS["CreateContainer"]))) == Asked()


def test_a_form_says_the_same_in_its_fields() -> None:
    fields = {"prompt": "ä", "n": "2", "partial_images": "1", "seconds": "4"}
    assert read_form(fields, images=1) == Asked(size=5, images=1, made=2, partial_images=1, seconds=4)
    assert read_form({"seconds": "1" * 13}) == Asked(size=13)


def test_a_stored_prompt_may_have_any_tools_that_azure_runs() -> None:
    stored = call(RESPONSE, prompt={"id": "pmpt_x"}, tools=[{"type": "file_search"}])
    assert read_asked(stored).refusal == "unbounded_prompt"
    assert read_asked(call(RESPONSE, prompt=None)).refusal == ""
    assert read_asked(call(COMPLETION, prompt="the text")).refusal == ""


@pytest.mark.parametrize(
    ("item", "tools", "refusal"),
    [
        ({"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]}, ("web_search",), ""),
        ({"type": "tool_search_output", "tools": [{"type": "function", "name": "f"}]}, (), ""),
        ({"type": "tool_search_output", "tools": [{"type": "image_generation"}]}, (), "unbounded_tool"),
        ({"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "t", "input_schema": {}}]}, (), ""),
    ],
)
def test_items_may_bring_tools_that_azure_runs(item: dict[str, object], tools: tuple[str, ...], refusal: str) -> None:
    asked = read_asked(call(RESPONSE, input=["text", item]))
    assert (asked.tools, asked.refusal) == (tools, refusal)
