"""Which resource is asked: the first in order, none during its cooldown, each again behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.server import Fault
from tests.integration.asks import ask_chat, ask_chat_stream
from tests.integration.several import App, Odd, Seen, entry, run_app, told
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import HELLO
from tools.azure_openai_simulator import Simulator

GOOD = "gpt-4o"
BUSY = Fault(status=429, retry_after="60")
# No test takes as long as these seconds: what a machine is busy with beside it ends no wait.
PATIENT = {"cooldown": 100, "breaker_open": 60}
# Model: the deployment at each of two resources, which differ in priority.
MODELS = {
    "throttled": ("error-429-2026", GOOD),
    "throttled in a stream": ("stream-error-429", GOOD),
    "busy for a day": ("error-429-old-day", GOOD),
    "all throttled": ("error-429-old-day", "error-429-2026"),
    "all throttled, soon": ("error-429-milliseconds", "error-429-2026"),
    "all broken": ("error-500", "error-503-text"),
    "one of each": ("error-500-backend", "error-429-capacity"),
    "throttled and missing": ("error-429-old", "error-404-deployment"),
    "missing and throttled": ("error-404-deployment", "error-429-old-calls"),
    "missing": ("error-404-deployment", "error-404-deployment"),
    "fails": ("error-500-model", GOOD),
    "falls back": ("error-503-text-long", "error-500-array"),
    "spare": (GOOD, GOOD),
}


@pytest_asyncio.fixture(loop_scope="session")
async def two() -> AsyncIterator[App]:
    """An app to which nothing has happened yet."""
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={model: pair[0] for model, pair in MODELS.items()}),
            entry("other", other.url, models={model: pair[1] for model, pair in MODELS.items()}, priority=1),
        ]
        fallbacks = json.dumps({"falls back": ["spare"]})
        settings = {"AZURE_OPENAI_FALLBACKS": fallbacks, "AZURE_OPENAI_ROUTING": json.dumps(PATIENT)}
        async with run_app(resources, one, other, **settings) as running:
            yield running


async def ask(http: aiohttp.ClientSession, model: str) -> tuple[int, tuple[str | None, str | None]]:
    async with http.post(CHAT, data=chat(model)) as answer:
        return answer.status, told(answer.headers)


@pytest.mark.parametrize("model", ["throttled", "busy for a day"])
async def test_a_resource_that_is_too_busy_is_left_alone_by_the_next_requests(two: App, model: str) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        assert told((await ask_chat(sdk, model))[0]) == ("1", "2")
        for _ in range(3):
            assert told((await ask_chat(sdk, model))[0]) == ("1", "1")
        assert told((await ask_chat(sdk, "spare"))[0]) == ("0", "1")  # Only the deployment rests.
    assert seen.counts() == [2, 4]


async def test_a_stream_s_own_429_lets_its_deployment_rest_for_all(two: App) -> None:
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        assert told((await ask_chat_stream(sdk, "throttled in a stream"))[0]) == ("1", "2")
        assert told((await ask_chat_stream(sdk, "throttled in a stream"))[0]) == ("1", "1")
        assert told((await ask_chat(sdk, "throttled in a stream"))[0]) == ("1", "1")
    assert seen.counts() == [1, 3]


async def test_a_resource_that_only_fails_is_left_alone_after_five_times(two: App) -> None:
    seen = Seen(two.resources)
    async with two.http() as http:
        came = [await ask(http, "fails") for _ in range(8)]
    assert came == [(200, ("1", "2"))] * 5 + [(200, ("1", "1"))] * 3
    assert seen.counts() == [5, 8]


async def test_a_model_that_nobody_can_serve_falls_back_only_where_it_is_written(two: App) -> None:
    seen = Seen(two.resources)
    async with two.http() as http:
        assert await ask(http, "falls back") == (200, ("0", "3"))
        assert (await ask(http, "all broken"))[0] == 503
    made = [[request.raw_path.split("/")[3] for request in requests] for requests in seen.new()]
    assert made == [["error-503-text-long", GOOD, "error-500"], ["error-500-array", "error-503-text"]]


@asynccontextmanager
async def odd_and_good(odd: Odd, **settings: str) -> AsyncIterator[App]:
    """Run an app whose first resource can change its mind."""
    async with odd, Simulator().serving() as good:
        resources = [
            entry("odd", odd.url, models={"a": GOOD}),
            entry("good", good.url, models={"a": GOOD}, priority=1),
        ]
        async with run_app(resources, good, **settings) as running:
            yield running


async def until_back(http: aiohttp.ClientSession) -> None:
    """Ask until the first resource answers; nobody may get an error meanwhile."""
    while (came := await ask(http, "a")) != (200, ("0", "1")):
        assert came == (200, ("1", "1"))


async def test_a_resource_that_has_rested_is_asked_again() -> None:
    odd = Odd(BUSY)
    async with odd_and_good(odd, AZURE_OPENAI_ROUTING='{"max_wait": 1}') as running, running.http() as http:
        assert await ask(http, "a") == (200, ("1", "2"))
        odd.fault = None
        await until_back(http)


@pytest.mark.parametrize("falls", ["down", "broken"])
async def test_a_resource_that_comes_back_is_found_by_one_probe(falls: str) -> None:
    odd = Odd(Fault(status=500) if falls == "broken" else None)
    routing = '{"breaker_open": 1, "breaker_failures": 2}'
    async with odd_and_good(odd, AZURE_OPENAI_ROUTING=routing) as running, running.http() as http:
        if falls == "down":
            await odd.down()
        assert [await ask(http, "a") for _ in range(2)] == [(200, ("1", "2"))] * 2
        odd.fault = None
        if falls == "down":
            await odd.up()
        odd.asked.clear()
        await until_back(http)
        assert len(odd.asked) == 1
        assert await ask(http, "a") == (200, ("0", "1"))


async def test_a_resource_whose_limit_is_spent_is_asked_last() -> None:
    odd = Odd()
    odd.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60"}
    async with odd_and_good(odd) as running, running.http() as http:
        assert await ask(http, "a") == (200, ("0", "1"))
        assert [await ask(http, "a") for _ in range(3)] == [(200, ("1", "1"))] * 3


async def test_the_only_resource_is_asked_again_when_the_wait_is_short() -> None:
    odd = Odd(Fault(status=429, retry_after="0.3"))
    odd.then = [Fault()]
    async with odd, run_app([entry("odd", odd.url, models={"a": GOOD})]) as one, one.http() as http:
        assert await ask(http, "a") == (200, ("0", "2"))
        odd.fault = Fault(status=429, retry_after="3")
        assert await ask(http, "a") == (429, (None, "1"))


async def test_the_sdk_s_own_retry_comes_back_when_it_was_told_and_finds_an_answer() -> None:
    """Both resources are too busy for half a second; nobody waits longer than he was told."""
    busy = Fault(status=429, retry_after="0.5")
    async with Odd(busy) as one, Odd(busy) as other:
        resources = [entry("one", one.url, models={"a": GOOD}), entry("other", other.url, models={"a": GOOD})]
        async with run_app(resources) as two, two.sdk() as sdk:
            for odd in (one, other):
                odd.then = [Fault()]
            answer = await sdk.with_options(max_retries=1).chat.completions.create(model="a", messages=HELLO)
    assert answer.choices[0].message.content == "odd"
    assert len(one.asked) + len(other.asked) == 3


async def test_that_no_file_can_be_sent_says_nothing_about_chats() -> None:
    odd = Odd(BUSY)
    odd.then = [Fault()]
    async with odd_and_good(odd) as running, running.sdk() as sdk, running.http() as http:
        for expected in (("1", "2"), ("1", "1")):
            file = await sdk.files.with_raw_response.create(file=("a.txt", b"text"), purpose="assistants")
            assert told(file.headers) == expected
            assert await ask(http, "a") == (200, ("0", "1"))


async def test_requests_are_shared_out_by_weight_and_a_weight_of_nothing_only_stands_in() -> None:
    async with Simulator().serving() as one, Simulator().serving() as two, Simulator().serving() as three:
        shares = zip((one, two, three), (3, 1, 0), strict=True)
        resources = [
            entry(f"r{weight}", each.url, weight=weight, models={"a": GOOD, "b": GOOD if weight == 0 else "error-500"})
            for each, weight in shares
        ]
        at_random = {"AZURE_OPENAI_ROUTING": '{"prompt_affinity": false}'}
        async with run_app(resources, one, two, three, **at_random) as running, running.http() as http:
            seen = Seen(running.resources)
            assert {(await ask(http, "a"))[0] for _ in range(200)} == {200}
            first, second, third = seen.counts()
            assert await ask(http, "b") == (200, ("2", "3"))
    # By chance it is farther off once in a million runs.
    assert 115 < first < 180
    assert (first + second, third) == (200, 0)


async def test_a_burst_of_which_each_finds_the_first_resource_too_busy_is_answered_by_the_second() -> None:
    slow = Odd(Fault(status=429, retry_after="60", delay=0.3))
    async with odd_and_good(slow) as running, running.http() as http:
        came = await asyncio.gather(*(ask(http, "a") for _ in range(100)))
        assert {await ask(http, "a") for _ in range(5)} == {(200, ("1", "1"))}
    assert {status for status, _ in came} == {200}


async def test_the_only_resource_is_asked_by_every_request_however_often_it_fails() -> None:
    odd = Odd(Fault(status=500))
    async with odd, run_app([entry("odd", odd.url, models={"a": GOOD})]) as one, one.http() as http:
        assert [await ask(http, "a") for _ in range(9)] == [(500, (None, "1"))] * 9
        odd.fault = None
        assert await ask(http, "a") == (200, ("0", "1"))
    assert len(odd.asked) == 10


async def test_a_long_wait_of_the_only_resource_is_told_and_a_429_of_it_is_repeated_once() -> None:
    odd = Odd(Fault(status=429, retry_after="0.1"))
    async with odd, run_app([entry("odd", odd.url, models={"a": GOOD})]) as one, one.http() as http:
        assert await ask(http, "a") == (429, (None, "2"))
        odd.fault = Fault(status=429, retry_after="100")
        while len(odd.asked) < 3:
            await ask(http, "a")
        async with http.post(CHAT, data=chat("a")) as answer:
            assert (answer.status, told(answer.headers)) == (429, (None, "0"))
            assert 0 < int(answer.headers["retry-after"]) <= 100
        odd.fault = None
        while (came := await ask(http, "a")) != (200, ("0", "1")):  # One request a second is sent.
            assert came == (429, (None, "0"))
    assert len(odd.asked) == 4
