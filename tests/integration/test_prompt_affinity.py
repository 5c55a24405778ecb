"""Prompts with the same beginning over two resources: each conversation stays where its beginning is cached."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import TARGET, App, Odd, Seen, entry, official, run_app
from tools.azure_openai_simulator import Simulator

LONG = " ".join(f"word{number}" for number in range(1300))
GATED = "gated"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two() -> AsyncIterator[App]:
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [entry("one", one.url), entry("other", other.url)]
        async with run_app(resources, one, other) as running:
            yield running


async def chat(app: App, *texts: str, **members: Any) -> tuple[str, int]:
    """Return which target answered a conversation, and how many tokens of its prompt it had in its cache."""
    roles = ["system", *("user", "assistant") * 4][: len(texts)]
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    async with app.sdk() as sdk:
        raw = await sdk.chat.completions.with_raw_response.create(
            model="gpt-4o",
            messages=messages,  # type: ignore[arg-type]
            **members,
        )
    usage = raw.parse().usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    return raw.headers[TARGET], usage.prompt_tokens_details.cached_tokens or 0


async def test_a_conversation_that_grows_stays_at_its_resource_and_is_cached_there(two: App) -> None:
    for name in ("a", "b", "c", "d", "e"):
        texts = ["Be brief.", f"{name} {LONG}"]
        came = []
        for _ in range(4):
            came.append(await chat(two, *texts))
            texts += [f"answer {name}", "more"]
        assert {target for target, _ in came} == {came[0][0]}
        assert [cached >= 1280 for _, cached in came] == [False, True, True, True]


async def test_conversations_are_shared_among_the_resources(two: App) -> None:
    targets = [(await chat(two, "Be brief.", f"question {number}"))[0] for number in range(40)]
    # By chance it is farther off once in a million runs of other texts.
    assert 4 < targets.count("0") < 36


async def test_the_clients_own_key_counts_whatever_the_prompt(two: App) -> None:
    for key in ("k1", "k2", "k3", "k4"):
        targets = {(await chat(two, "Be brief.", f"{n}", prompt_cache_key=key))[0] for n in range(5)}
        assert len(targets) == 1


async def test_a_large_system_prompt_is_cached_for_all_who_share_it(two: App) -> None:
    came = [await chat(two, f"shared {LONG}", f"question {number}") for number in range(6)]
    assert len({target for target, _ in came}) == 1
    assert [cached for _, cached in came] == [0, *[1280] * 5]


async def test_responses_and_their_streams_stay_together_too(two: App) -> None:
    async with two.sdk() as sdk:
        for name in ("a", "b", "c", "d"):
            seen = Seen(two.resources)
            for number in range(4):
                stream = await sdk.responses.create(
                    model="gpt-4o", instructions=f"{name} {LONG}", input=f"{number}", stream=True, store=False
                )
                [usage] = [event.response.usage async for event in stream if event.type == "response.completed"]
                assert usage is not None
                assert usage.input_tokens_details.cached_tokens == (1280 if number else 0)
            assert sorted(seen.counts()) == [0, 4]


async def test_completions_stay_together_too(two: App) -> None:
    async with two.sdk() as sdk:
        for name in ("a", "b", "c", "d"):
            seen = Seen(two.resources)
            for number in range(3):
                prompt = f"{name} {LONG} {number}"
                await sdk.completions.create(model="gpt-35-turbo-instruct", prompt=prompt, max_tokens=4)
            assert sorted(seen.counts()) == [0, 3]


async def test_the_id_of_an_object_comes_before_the_prompt(two: App) -> None:
    async with two.sdk() as sdk:
        for number in range(6):
            first = await sdk.responses.with_raw_response.create(model="gpt-4o", input=f"question {number}")
            then = await sdk.responses.with_raw_response.create(
                model="gpt-4o", input="more", previous_response_id=first.parse().id, prompt_cache_key="k"
            )
            assert then.headers[TARGET] == first.headers[TARGET]


async def test_calls_beyond_the_bounded_load_go_to_the_other_resource(two: App) -> None:
    """The streams of one key, of which 1.25 x half of them and 4 more may be at its target."""
    body = json.dumps(
        {
            "model": GATED,
            "stream": True,
            "messages": [{"role": "user", "content": "hello"}],
            "prompt_cache_key": "everybody",
        }
    )
    seen, places = Seen(two.resources), []
    async with two.http() as http:
        answers = [await http.post("/v1/chat/completions", data=body) for _ in range(20)]
        places = [answer.headers[TARGET] for answer in answers]
        assert {answer.status for answer in answers} == {200}
        most = max(map(places.count, places))
        assert places[:5] == [places[0]] * 5
        assert 10 < most <= 17  # 1.25 x 10 + 4 = 16.5
        assert max(seen.counts()) == most
        for _ in range(200):
            for one in two.resources:
                one.gate.release()
        for answer in answers:
            assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        # They are over, so the key has its target again.
        again = await http.post("/v1/chat/completions", data=body)
        assert again.headers[TARGET] == places[0]
        await again.read()


async def test_a_resource_that_is_down_gives_its_conversations_to_the_other_and_has_them_back_afterwards() -> None:
    odd = Odd()
    async with odd, Simulator().serving() as good:
        resources = [entry("odd", odd.url), entry("good", good.url)]
        settings = {"AZURE_OPENAI_ROUTING": '{"breaker_failures": 1, "breaker_open": 0.2}'}
        async with run_app(resources, good, **settings) as app, official(f"{app.app.url}/v1", CLIENT_KEY) as sdk:

            async def ask(key: str) -> str:
                raw = await sdk.chat.completions.with_raw_response.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "hello"}], prompt_cache_key=key
                )
                return raw.headers[TARGET]

            names = [f"k{number}" for number in range(12)]
            before = [await ask(name) for name in names]
            assert set(before) == {"0", "1"}
            odd.fault = Fault(status=500)
            assert {await ask(name) for name in names} == {"1"}
            odd.fault = None
            while [await ask(name) for name in names] != before:
                pass  # The breaker is open for a moment.
