"""What is made only once: a call that creates something goes elsewhere only when it was surely refused; and uploads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai._legacy_response import LegacyAPIResponse

from tests.fakes.server import Fault
from tests.integration.several import FORGETFUL, SAME_NAMES, App, Odd, Seen, entry, nobody, run_app, told
from tools.azure_openai_simulator import Simulator

# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")

GOOD = "gpt-4o"
FAILURES = ("connection-reset", "error-408", "error-429-old", "error-500", "error-503-text")
MODELS = {name: name for name in (*FAILURES, "stream-error-429")}
AUDIO = ("speech.wav", bytes(range(256)) * 4096 * 3, "audio/wav")
THROTTLED = Fault(status=429, retry_after="1")


@asynccontextmanager
async def behind(url: str, good: Simulator) -> AsyncIterator[App]:
    """Run an app whose first resource is odd in whatever it is asked."""
    resources = [
        entry("first", url, models=SAME_NAMES),
        entry("second", good.url, models=SAME_NAMES, priority=1),
    ]
    async with run_app(resources, good, AZURE_OPENAI_ROUTING=FORGETFUL) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def good() -> AsyncIterator[Simulator]:
    async with Simulator().serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def odd() -> AsyncIterator[Odd]:
    async with Odd() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def odd_first(odd: Odd, good: Simulator) -> AsyncIterator[App]:
    async with behind(odd.url, good) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def down_first(good: Simulator) -> AsyncIterator[App]:
    with nobody() as closed:
        async with behind(closed, good) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two() -> AsyncIterator[App]:
    """An app whose first resource fails by the name of a model."""
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models=MODELS),
            entry("other", other.url, models=dict.fromkeys(MODELS, GOOD), priority=1),
        ]
        async with run_app(resources, one, other, AZURE_OPENAI_ROUTING=FORGETFUL) as running:
            yield running


Raw = LegacyAPIResponse[Any]
EVAL: Any = {
    "name": "sums",
    "data_source_config": {"type": "custom", "item_schema": {"type": "object", "properties": {}}},
    "testing_criteria": [],
}
KINDS: Mapping[str, Callable[[AsyncOpenAI], Awaitable[Raw]]] = {
    "file": lambda sdk: sdk.files.with_raw_response.create(file=AUDIO, purpose="assistants"),
    "vector store": lambda sdk: sdk.vector_stores.with_raw_response.create(name="notes"),
    "container": lambda sdk: sdk.containers.with_raw_response.create(name="bench"),
    "conversation": lambda sdk: sdk.conversations.with_raw_response.create(),
    "video": lambda sdk: sdk.videos.with_raw_response.create(model="sora-2", prompt="a cat"),
    "eval": lambda sdk: sdk.evals.with_raw_response.create(**EVAL),
    "response in the background": lambda sdk: sdk.responses.with_raw_response.create(
        model=GOOD, input="hello", background=True
    ),
    "response that is stored": lambda sdk: sdk.responses.with_raw_response.create(
        model=GOOD, input="hello", store=True
    ),
    "response that searches": lambda sdk: sdk.responses.with_raw_response.create(
        model=GOOD, input="hello", tools=[{"type": "web_search"}]
    ),
    "response with a server's tools": lambda sdk: sdk.responses.with_raw_response.create(
        model=GOOD, input="hello", tools=[{"type": "mcp", "server_label": "a", "server_url": "https://a.example"}]
    ),
    "chat that is stored": lambda sdk: sdk.chat.completions.with_raw_response.create(
        model=GOOD, messages=[{"role": "user", "content": "hello"}], store=True
    ),
}
"""What lasts or acts, and how it is created."""


async def create(running: App, kind: str) -> Mapping[str, str]:
    """Create something that lasts; return the headers of the answer."""
    async with running.sdk() as sdk:
        return (await KINDS[kind](sdk)).headers


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_refused_is_made_at_the_second_resource(
    odd: Odd, odd_first: App, good: Simulator, kind: str
) -> None:
    odd.fault, odd.resets = THROTTLED, False
    seen = Seen([good])
    odd.asked.clear()
    assert told(await create(odd_first, kind)) == ("1", "2")
    assert (len(odd.asked), seen.counts()) == (1, [1])


@pytest.mark.parametrize("kind", KINDS)
async def test_what_could_not_be_sent_is_made_at_the_second_resource(
    down_first: App, good: Simulator, kind: str
) -> None:
    seen = Seen([good])
    assert told(await create(down_first, kind)) == ("1", "2")
    assert seen.counts() == [1]


@pytest.mark.parametrize("failure", ["500", "408", "reset"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_may_have_been_made_is_not_made_twice(
    odd: Odd, odd_first: App, good: Simulator, kind: str, failure: str
) -> None:
    odd.fault = Fault(status=int(failure)) if failure.isdecimal() else None
    odd.resets = failure == "reset"
    seen = Seen([good])
    odd.asked.clear()
    with pytest.raises(openai.APIStatusError) as raised:
        await create(odd_first, kind)
    assert raised.value.status_code == (int(failure) if failure.isdecimal() else 502)
    assert told(raised.value.response.headers) == ("0", "1")
    assert (len(odd.asked), seen.counts()) == (1, [0])


@pytest.mark.parametrize("model", FAILURES)
async def test_a_response_that_is_stored_without_a_word_is_no_more_than_an_answer(two: App, model: str) -> None:
    function: Any = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        answer = await sdk.responses.with_raw_response.create(model=model, input="hello", tools=[function])
    assert told(answer.headers) == ("1", str(sum(seen.counts())))


@pytest.mark.parametrize("model", FAILURES)
async def test_a_response_that_continues_another_stays_where_that_is(two: App, model: str) -> None:
    async with two.sdk() as sdk:
        before = await sdk.responses.with_raw_response.create(model="error-500", input="hello")
        assert told(before.headers) == ("1", "2")
        previous = before.parse().id
        after = await sdk.responses.with_raw_response.create(
            model="error-500", input="again", previous_response_id=previous
        )
        assert told(after.headers) == ("1", "1")  # It never goes to the first resource, which does not know the other.
        seen = Seen(two.resources)
        with pytest.raises(openai.APIStatusError) as raised:
            await sdk.responses.create(model=model, input="again", previous_response_id="resp_of_old")
    assert raised.value.status_code in (408, 429, 500, 502, 503)
    assert seen.counts()[1] == 0
