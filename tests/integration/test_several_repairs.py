"""What a deployment refuses is learnt of that deployment alone: another one gets the request as the client wrote it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.fakes.server import Fault
from tests.integration.several import FORGETFUL, App, Odd, Seen, entry, run_app, told
from tests.integration.test_repairs import CHAT_TOLD, HEADER, OF_CHAT
from tests.integration.test_sdk import ECHO, HELLO
from tools.azure_openai_simulator import Simulator

ASKED: Any = {"messages": HELLO, **OF_CHAT}


@pytest_asyncio.fixture(loop_scope="session")
async def two() -> AsyncIterator[App]:
    """An app that has learnt nothing yet; both resources have a deployment of the same name."""
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={"a": "refuses-five", "b": "error-500", "c": "refuses-five"}),
            entry("other", other.url, models={"a": "gpt-4o", "b": "refuses-five", "d": "refuses-five"}, priority=1),
        ]
        async with run_app(resources, one, other, AZURE_OPENAI_ROUTING=FORGETFUL) as running:
            yield running


async def ask(two: App, model: str) -> tuple[str | None, tuple[str | None, str | None]]:
    """Return what was changed, and who answered."""
    async with two.sdk() as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(model=model, **ASKED)
    assert answer.parse().choices[0].message.content == ECHO
    return answer.headers.get(HEADER), told(answer.headers)


async def test_a_repair_is_no_attempt_elsewhere_and_each_sending_counts(two: App) -> None:
    seen = Seen(two.resources)
    assert await ask(two, "a") == (CHAT_TOLD, ("0", "6"))
    assert seen.counts() == [6, 0]
    assert await ask(two, "a") == (CHAT_TOLD, ("0", "1"))
    assert await ask(two, "c") == (CHAT_TOLD, ("0", "1"))
    assert seen.counts() == [2, 0]


async def test_a_deployment_of_the_same_name_at_another_resource_learns_for_itself(two: App) -> None:
    assert await ask(two, "c") == (CHAT_TOLD, ("0", "6"))
    seen = Seen(two.resources)
    assert await ask(two, "d") == (CHAT_TOLD, ("1", "6"))
    assert seen.counts() == [0, 6]
    assert await ask(two, "d") == (CHAT_TOLD, ("1", "1"))
    assert seen.counts() == [0, 1]


async def test_a_request_is_repaired_where_it_arrives_after_a_failover(two: App) -> None:
    seen = Seen(two.resources)
    assert await ask(two, "b") == (CHAT_TOLD, ("1", "7"))
    assert seen.counts() == [1, 6]
    assert await ask(two, "b") == (CHAT_TOLD, ("1", "2"))
    first, second = seen.new()
    assert json.loads(first[0].body) == {"model": "b", **ASKED}
    assert [json.loads(one.body) for one in second] == [
        {"model": "b", "messages": HELLO, "max_completion_tokens": OF_CHAT["max_tokens"]}
    ]


async def test_what_one_deployment_refuses_another_one_gets() -> None:
    """The first resource refuses, is repaired, and is then too busy: the second gets what the client wrote."""
    odd = Odd()
    async with odd, Simulator().serving() as first, Simulator().serving() as second:
        odd.fault = Fault(status=400, body=REFUSAL)
        resources = [
            entry("odd", odd.url, models={"a": "gpt-4o"}),
            entry("second", second.url, models={"a": "gpt-4o"}, priority=1),
        ]
        async with (
            run_app(resources, first, second, AZURE_OPENAI_ROUTING=FORGETFUL) as running,
            running.sdk() as sdk,
        ):
            odd.then = [Fault(status=429, retry_after="1")]
            answer = await sdk.chat.completions.with_raw_response.create(model="a", messages=HELLO, top_p=0.5)
    assert (answer.headers.get(HEADER), told(answer.headers)) == (None, ("1", "3"))
    (_, _, whole), (_, _, repaired) = odd.asked
    assert repaired < whole
    assert json.loads(second.requests[-1].body) == {"model": "a", "messages": HELLO, "top_p": 0.5}


REFUSAL = json.dumps(
    {
        "error": {
            "message": "Unsupported parameter: 'top_p' is not supported with this model.",
            "type": "invalid_request_error",
            "param": "top_p",
            "code": "unsupported_parameter",
        }
    }
)
