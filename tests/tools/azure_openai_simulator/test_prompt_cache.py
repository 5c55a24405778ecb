"""The cached tokens of a prompt, as Azure counts them."""

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseCompletedEvent

from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.prompt_cache import FIRST, KEPT_BEGINNINGS, LIFE, STEP, PromptCache

LONG = " ".join(f"word{number}" for number in range(1300))


def words(count: int, name: str = "word") -> list[tuple[str, str]]:
    return [("user", " ".join(f"{name}{number}" for number in range(count)))]


@pytest.mark.parametrize(
    ("count", "cached"), [(0, 0), (FIRST - 1, 0), (FIRST, FIRST), (FIRST + STEP - 1, FIRST), (1300, FIRST + 2 * STEP)]
)
def test_beginnings_are_cached_from_1024_tokens_on_in_steps_of_128(count: int, cached: int) -> None:
    cache = PromptCache()
    assert cache.use(0, b"", words(count)) == 0
    assert cache.use(1, b"", words(count)) == cached


def test_a_prompt_that_grows_or_goes_on_otherwise_shares_its_beginning() -> None:
    cache = PromptCache()
    cache.use(0, b"", words(1300))
    assert cache.use(1, b"", [*words(1300), ("assistant", "and more")]) == 1280
    assert cache.use(1, b"", [*words(1200), ("assistant", "other")]) == 1152
    assert cache.use(1, b"", words(1300, "other")) == 0


def test_what_stands_before_the_prompt_and_who_said_it_are_part_of_the_beginning() -> None:
    cache = PromptCache()
    cache.use(0, b"tools", words(1300))
    assert cache.use(1, b"other tools", words(1300)) == 0
    assert cache.use(1, b"tools", [("system", words(1300)[0][1])]) == 0
    assert cache.use(1, b"tools", words(1300)) == 1280


def test_what_is_not_used_for_some_minutes_is_dropped_and_each_use_counts() -> None:
    cache = PromptCache()
    cache.use(0, b"", words(1300))
    assert cache.use(LIFE - 1, b"", words(1300)) == 1280
    assert cache.use(2 * LIFE - 2, b"", words(1300)) == 1280
    assert cache.use(3 * LIFE, b"", words(1300)) == 0


def test_the_beginnings_that_are_kept_are_bounded() -> None:
    cache = PromptCache()
    cache.use(0, b"first", words(FIRST))
    cache.use(0, b"", words(FIRST + STEP * KEPT_BEGINNINGS // 100))
    assert cache.use(0, b"first", words(FIRST)) == FIRST


async def test_a_chat_tells_its_cached_tokens_and_so_does_its_stream(azure: AsyncAzureOpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": LONG}, {"role": "user", "content": "a"}]
    seen = []
    for _ in range(2):
        whole = await azure.chat.completions.create(model="gpt-4o", messages=messages)
        assert whole.usage is not None
        assert whole.usage.prompt_tokens_details is not None
        seen.append(whole.usage.prompt_tokens_details.cached_tokens)
    stream = await azure.chat.completions.create(
        model="gpt-4o", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    usages = [chunk.usage for chunk in [chunk async for chunk in stream] if chunk.usage is not None]
    seen += [usage.prompt_tokens_details.cached_tokens for usage in usages if usage.prompt_tokens_details is not None]
    assert seen == [0, 1280, 1280]


async def test_a_response_tells_its_cached_tokens_and_so_does_its_stream(v1: AsyncOpenAI) -> None:
    seen = []
    for _ in range(2):
        whole = await v1.responses.create(model="gpt-4o", instructions=LONG, input="a")
        assert whole.usage is not None
        seen.append(whole.usage.input_tokens_details.cached_tokens)
        assert whole.usage.input_tokens == 1301
    stream = await v1.responses.create(model="gpt-4o", instructions=LONG, input="a", stream=True)
    last = [event async for event in stream][-1]
    assert isinstance(last, ResponseCompletedEvent)
    assert last.response.usage is not None
    seen.append(last.response.usage.input_tokens_details.cached_tokens)
    assert seen == [0, 1280, 1280]


def test_each_resource_and_each_deployment_has_a_cache_of_its_own() -> None:
    one, other = Simulator(), Simulator()
    one.state.prompt_cache.use(0, b"a", words(1300))
    assert other.state.prompt_cache.use(1, b"a", words(1300)) == 0
    assert one.state.prompt_cache.use(1, b"b", words(1300)) == 0
