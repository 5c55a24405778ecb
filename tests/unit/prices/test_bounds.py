"""The most that a call may cost, by the rule of its operation; what has no bound is refused with the reason."""

import json
import re
from pathlib import Path

import pytest
from msgspec import structs

from proxy.config.price_table import Amounts, ModelSize
from proxy.openai_api.operations import OPERATIONS, Surface
from proxy.prices.asked import Asked
from proxy.prices.bounds import (
    DEFAULT_TOOL_CALLS,
    HIDDEN_TOKENS,
    MOST_VIDEO_SECONDS,
    PARTIAL_IMAGE_TOKENS,
    Bound,
    Priced,
    Refused,
    affordable_output,
    bound,
    calls_model,
    tiers_of,
    with_tool_calls,
)
from proxy.prices.choice import Doubt
from proxy.prices.rules import BOUNDINGS, CAUSES, REASONS, Rule, bounding, is_billed
from tests.unit.prices.samples import EVERY, SIZE, TEXT, call, priced, without_model

CHAT, RESPONSE, SPEECH, IMAGE = "createChatCompletion", "createResponse", "createSpeech", "createImage"
PRICES = sorted((Path(__file__).parents[3] / "proxy" / "prices").glob("*.py"))
LARGE = ModelSize(model="m", input=10**6, output=200, image_input=50, source="list")


def most(operation: str, given: Priced, **members: object) -> int:
    found = bound(operation, structs.replace(Asked(), **members), given)
    assert isinstance(found, Bound)
    return found.micro_dollars


def refused(operation: str, given: Priced, **members: object) -> str:
    found = bound(operation, structs.replace(Asked(), **members), given)
    assert isinstance(found, Refused)
    return found.cause


def test_every_operation_has_a_rule_and_every_refusal_a_reason() -> None:
    assert {operation.name for operation in OPERATIONS} == BOUNDINGS.keys()
    for name, found in BOUNDINGS.items():
        assert (found.rule is Rule.REFUSED) == bool(found.reason) == (name in REASONS)


def test_every_cause_has_words_for_who_reads_the_error() -> None:
    codes = {
        text
        for path in PRICES
        for text in re.findall(r'cause="(\w+)"|"(un\w+_(?:body|search|tool|prompt))"', path.read_text())
    }
    found = {one for pair in codes for one in pair if one} - {"unbounded_operation"}
    assert found | {doubt.value for doubt in Doubt} - {Doubt.UNKNOWN_SKU.value} == CAUSES.keys()
    assert Refused(cause="unknown_window").words == CAUSES["unknown_window"]
    assert Refused(cause="unbounded_operation", reason="why").words == "why"


def test_what_only_reads_or_deletes_and_what_azure_does_not_offer_is_free() -> None:
    for operation in OPERATIONS:
        if operation.method in {"GET", "DELETE"} or operation.surface in {Surface.LOCAL, Surface.UNSUPPORTED}:
            assert BOUNDINGS[operation.name].rule is Rule.FREE
            assert not is_billed(operation.name)


def test_every_operation_that_calls_a_model_is_bounded_by_it_or_refused() -> None:
    for operation in OPERATIONS:
        if operation.kind is not None:
            free = {"Getinputtokencounts", "modifyAssistant"}
            assert (BOUNDINGS[operation.name].rule is Rule.FREE) == (operation.name in free)


def test_an_operation_that_is_not_known_is_refused() -> None:
    assert bounding("newer").rule is Rule.REFUSED
    found = bound("newer", Asked(), without_model())
    assert found == Refused(cause="unbounded_operation", reason="nobody knows what the operation does")


@pytest.mark.parametrize("operation", REASONS)
def test_what_has_no_bound_is_refused_with_its_reason(operation: str) -> None:
    assert bound(operation, Asked(), priced()) == Refused(cause="unbounded_operation", reason=REASONS[operation])
    assert is_billed(operation)


def test_what_calls_no_model_costs_nothing() -> None:
    assert most("listFiles", without_model()) == 0
    assert not calls_model("listFiles")
    assert not calls_model("searchVectorStore")
    assert calls_model(CHAT)


def test_text_costs_one_token_for_each_byte_and_output_its_limit() -> None:
    assert most(CHAT, priced(size=LARGE), size=100, output=10) == (100 + HIDDEN_TOKENS) * 2 + 10 * 8
    assert most(CHAT, priced(size=LARGE), size=100, output=10, answers=3) == (100 + HIDDEN_TOKENS) * 2 + 30 * 8
    assert most(CHAT, priced(size=None), size=100, output=10) == (100 + HIDDEN_TOKENS) * 2 + 10 * 8


def test_what_is_predicted_may_be_billed_besides() -> None:
    assert most(CHAT, priced(size=LARGE), output=10, predicted=5) == HIDDEN_TOKENS * 2 + 15 * 8


def test_neither_input_nor_output_is_more_than_the_model_has() -> None:
    assert most(CHAT, priced(), size=10**9, output=10**9) == 1000 * 2 + 200 * 8
    assert most(CHAT, priced(), size=10**9) == 1000 * 2 + 200 * 8


def test_without_any_limit_the_output_has_no_bound() -> None:
    assert refused(CHAT, priced(size=None)) == "unbounded_output"
    assert refused(RESPONSE, priced(size=structs.replace(SIZE, output=None))) == "unbounded_output"


def test_what_is_stored_may_fill_the_window() -> None:
    assert most(RESPONSE, priced(), opaque=True, output=1) == 1000 * 2 + 8
    assert refused(RESPONSE, priced(size=None), opaque=True, output=1) == "unknown_window"


def test_each_prompt_of_a_completion_may_fill_the_window() -> None:
    given = priced()
    one = most("createCompletion", given, size=10**6, output=0)
    assert one == 1000 * 2
    assert most("createCompletion", given, size=10**6, prompts=3, output=0) == 3 * one


def test_images_count_by_their_largest_size_or_may_fill_the_window() -> None:
    assert most(CHAT, priced(size=LARGE), images=2, output=0) == (100 + HIDDEN_TOKENS) * 2
    unknown = structs.replace(SIZE, image_input=None)
    assert most(CHAT, priced(size=unknown), images=2, output=0) == 1000 * 2
    assert refused(CHAT, priced(size=None), images=2, output=0) == "unknown_window"
    assert most(CHAT, priced(EVERY, size=LARGE), images=2, output=0) == (100 + HIDDEN_TOKENS) * 3


def test_the_dearest_kind_of_token_counts() -> None:
    assert most(CHAT, priced(EVERY, size=LARGE), output=0) == HIDDEN_TOKENS * 5 // 2
    assert most(CHAT, priced(EVERY), output=1, audio=True, opaque=True) == 1000 * 6 + 40
    spoken = Amounts(input=1_000_000, output=1_000_000, audio_output=9_000_000)
    assert most(CHAT, priced(spoken, size=LARGE), output=2) == HIDDEN_TOKENS + 2
    assert most(CHAT, priced(spoken, size=LARGE), output=2, audio=True) == HIDDEN_TOKENS + 18


def test_a_prompt_that_may_be_long_costs_the_long_price() -> None:
    small = structs.replace(LARGE, input=600)
    long = Amounts(input=4_000_000, output=1_000_000)
    assert most(CHAT, priced(size=small, long=long), size=10**6, output=1) == 600 * 2 + 8
    assert most(CHAT, priced(size=LARGE, long=long), size=10**6, output=1) == 10**6 * 4 + 8


def test_tools_that_azure_runs_cost_a_pass_of_the_window_for_each_call() -> None:
    found = bound(RESPONSE, Asked(tools=("file_search",), max_tool_calls=2, output=1), priced())
    assert found == Bound(micro_dollars=3 * (1000 * 2 + 2500) + 8, tool_calls=2)
    found = bound(RESPONSE, Asked(tools=("",), output=1), priced())
    assert found == Bound(micro_dollars=(DEFAULT_TOOL_CALLS + 1) * 1000 * 2 + 8, tool_calls=DEFAULT_TOOL_CALLS)
    found = bound(RESPONSE, Asked(tools=("file_search",), max_tool_calls=2), priced())
    assert found == Bound(micro_dollars=3 * (1000 * 2 + 2500) + 3 * 200 * 8, tool_calls=2)
    assert refused(RESPONSE, priced(size=None), tools=("",), output=1) == "unknown_window"


def test_a_tool_without_a_good_price_is_refused() -> None:
    assert refused(RESPONSE, priced(), tools=("web_search",), output=1) == "tool_without_price"
    assert refused(RESPONSE, priced(), tools=("code_interpreter",), output=1) == "tool_without_price"
    assert most(RESPONSE, priced(hard=False), tools=("code_interpreter",), output=0, max_tool_calls=0) == 2000 + 30_000


def test_a_reason_in_the_call_refuses_it() -> None:
    assert refused(RESPONSE, priced(), refusal="unbounded_tool") == "unbounded_tool"


def test_embeddings_cost_their_bytes_and_compaction_what_a_conversation_does() -> None:
    assert most("createEmbedding", priced(size=None), size=10) == (10 + HIDDEN_TOKENS) * 2
    assert most("Compactconversation", priced(), opaque=True) == 1000 * 2 + 200 * 8


def test_images_cost_their_largest_size_each() -> None:
    given = priced(structs.replace(EVERY, image=None))
    each = 80 + PARTIAL_IMAGE_TOKENS * 3
    assert most(IMAGE, given, size=10, made=2, partial_images=3) == (10 + HIDDEN_TOKENS) * 3 + 2 * each * 40
    assert most("createImageEdit", given, images=2) == (100 + HIDDEN_TOKENS) * 3 + 80 * 40
    assert most(IMAGE, priced(EVERY), made=3) == 120_000
    assert refused(IMAGE, priced(TEXT, size=None)) == "unbounded_output"
    assert refused(IMAGE, priced(TEXT, size=structs.replace(SIZE, image_output=None))) == "unbounded_output"
    assert refused("createImageEdit", priced(TEXT, size=structs.replace(SIZE, image_input=None)), images=1) == (
        "unknown_image_size"
    )


def test_speech_costs_its_characters_or_what_the_model_can_say() -> None:
    assert most(SPEECH, priced(EVERY), size=10) == 150
    spoken = Amounts(input=1_000_000, audio_output=12_000_000)
    assert most(SPEECH, priced(spoken), size=10) == 10 + HIDDEN_TOKENS + 200 * 12
    assert refused(SPEECH, priced(spoken, size=None), size=10) == "unbounded_output"
    assert refused(SPEECH, priced(spoken, size=structs.replace(SIZE, output=None)), size=10) == "unbounded_output"


def test_a_transcription_costs_the_window_and_is_refused_where_time_is_paid() -> None:
    heard = Amounts(input=1_000_000, audio_input=6_000_000, output=10_000_000)
    assert most("createTranscription", priced(heard)) == (1000 + HIDDEN_TOKENS) * 6 + 200 * 10
    assert refused("createTranscription", priced(EVERY)) == "unknown_duration"
    for size in (None, structs.replace(SIZE, input=None), structs.replace(SIZE, output=None)):
        assert refused("createTranslation", priced(heard, size=size)) == "unknown_window"


def test_a_video_costs_its_seconds_or_the_longest() -> None:
    assert most("createVideo", priced(EVERY), seconds=8) == 800_000
    assert most("createVideo", priced(EVERY)) == MOST_VIDEO_SECONDS * 100_000
    assert most("createVideo", priced(EVERY), seconds=0) == MOST_VIDEO_SECONDS * 100_000
    assert refused("createVideo", priced(TEXT), seconds=8) == "video_without_price"


def test_a_search_and_a_session_cost_one_call() -> None:
    assert most("searchVectorStore", without_model()) == 2750
    assert refused("CreateContainer", without_model()) == "tool_without_price"
    assert most("CreateContainer", structs.replace(without_model(), hard=False)) == 30_000


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, ("default", "priority")),
        ("auto", ("default", "priority")),
        ("newer", ("default", "priority")),
        ("default", ("default",)),
        ("flex", ("flex", "default")),
        ("priority", ("priority",)),
    ],
)
def test_the_tiers_that_may_serve_a_call_are_known_before(tier: str | None, expected: tuple[str, ...]) -> None:
    assert tiers_of(tier) == expected


@pytest.mark.parametrize(("members", "expected"), [({}, 4), ({"max_tool_calls": 9}, 4), ({"max_tool_calls": 3}, 3)])
def test_azure_is_told_how_often_it_may_call_tools(members: dict[str, object], expected: int) -> None:
    limited = with_tool_calls(call(RESPONSE, **members), 4)
    assert json.loads(limited.raw)["max_tool_calls"] == expected
    assert limited.document is not None
    assert limited.raw == limited.document.raw


def test_a_call_that_was_not_read_stays() -> None:
    given = structs.replace(call(RESPONSE), document=None)
    assert with_tool_calls(given, 4) is given


def test_an_output_that_a_budget_can_pay_is_the_largest_one() -> None:
    given = priced(size=LARGE)
    for budget, answers in ((5000, 1), (3000, 3), (2048, 1), (2056, 1)):
        asked = Asked(answers=answers)
        tokens = affordable_output(asked, given, budget)
        assert most(CHAT, given, output=tokens, answers=answers) <= budget
        if tokens < 200:
            assert most(CHAT, given, output=tokens + 1, answers=answers) > budget
    assert affordable_output(Asked(), given, 10**9) == 200
    assert affordable_output(Asked(), priced(size=None), 2048 + 80) == 10
    assert affordable_output(Asked(), given, 2047) == 0
    assert affordable_output(Asked(tools=("web_search",)), given, 10**9) == 0


def test_an_output_that_costs_nothing_is_not_limited() -> None:
    free = priced(Amounts(), size=LARGE)
    assert affordable_output(Asked(output=7), free, 0) == 7
    assert affordable_output(Asked(), priced(Amounts(), size=None), 0) == 0
