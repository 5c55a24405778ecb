"""When targets fail, the attempts of all requests together are few, and a target that is well is always asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import pytest

from proxy.app import Proxy
from proxy.config.policy import Policy
from tests.faults.client import call, open_application
from tests.faults.operations import AZURE_KEY, CHAT, CHAT_STREAM, CLIENT_KEY, Operation
from tests.faults.raw import End, Play, Upstream
from tests.faults.wire import answer, good, whole

REQUESTS, AT_ONCE, TARGETS = 1500, 100, 3
FAILS = answer(whole("500 No", b'{"error":{"code":"500","message":"It broke."}}'))
BUSY = answer(whole("429 No", b'{"error":{"code":"429","message":"Too much to do."}}', "retry-after: 1"))
FAILURES = Policy().breaker_failures


@asynccontextmanager
async def running(targets: Sequence[Upstream], **routing: float) -> AsyncIterator[Proxy]:
    """Run an application over targets."""
    async with AsyncExitStack() as stack:
        for target in targets:
            await stack.enter_async_context(target.serving())
        resources = [
            {"name": f"resource-{number}", "endpoint": target.url, "api_key": AZURE_KEY}
            for number, target in enumerate(targets)
        ]
        environ = {
            "AZURE_OPENAI_RESOURCES": json.dumps(resources),
            "AZURE_OPENAI_ROUTING": json.dumps(routing),
            "CLIENT_KEYS": f"somebody={CLIENT_KEY}",
        }
        application = open_application(environ, lambda _: None)
        yield application
        await application.stop(1)


async def ask_all(application: Proxy, operation: Operation, requests: int, at_once: int) -> list[int]:
    """Return the statuses that the clients read."""
    left = iter(range(requests))
    statuses: list[int] = []

    async def ask() -> None:
        statuses.extend([(await call(application, operation)).status for _ in left])

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return statuses


def asked(targets: Sequence[Upstream]) -> int:
    return sum(len(target.requests) for target in targets)


@pytest.mark.parametrize("operation", [CHAT, CHAT_STREAM], ids=lambda operation: operation.name)
async def test_when_all_are_down_azure_gets_little_more_than_the_requests(operation: Operation) -> None:
    targets = [Upstream(lambda _: FAILS) for _ in range(TARGETS)]
    async with running(targets) as application:
        statuses = await ask_all(application, operation, REQUESTS, AT_ONCE)
        assert asked(targets) <= REQUESTS + TARGETS * (FAILURES + AT_ONCE)
        before = asked(targets)
        statuses += await ask_all(application, operation, REQUESTS, AT_ONCE)  # The breakers are open now.
        assert asked(targets) - before <= 1.2 * REQUESTS
    assert set(statuses) == {503}


async def test_without_breakers_each_target_is_asked_once_by_a_request() -> None:
    targets = [Upstream(lambda _: FAILS) for _ in range(TARGETS)]
    async with running(targets, breaker_failures=80_000, breaker_calls=80_000) as application:
        await ask_all(application, CHAT, 100, 10)
    assert [len(target.requests) for target in targets] == [100] * TARGETS


async def test_all_attempts_at_the_only_target_that_does_not_answer_are_bounded() -> None:
    targets = [Upstream(lambda _: BUSY)]
    async with running(targets) as application:
        statuses = await ask_all(application, CHAT, REQUESTS, AT_ONCE)
    assert set(statuses) == {429}
    assert asked(targets) <= 2 * AT_ONCE + 30


def dying() -> Callable[[bytes], Play]:
    """Return a target that answers every third request and breaks the connection of the others."""
    numbers = count()
    return lambda request: answer(good(CHAT)) if request and next(numbers) % 3 == 0 else Play(end=End.RESET)


@pytest.mark.parametrize("well", range(TARGETS))
async def test_one_target_that_is_well_answers_every_request(well: int) -> None:
    plays = [lambda _: BUSY, dying()]
    plays.insert(well, lambda _: answer(good(CHAT)))
    targets = [Upstream(play) for play in plays]
    async with running(targets) as application:
        statuses = await ask_all(application, CHAT, requests=200, at_once=8)
    assert statuses == [200] * 200


async def test_the_only_target_is_asked_by_every_request_however_often_it_fails() -> None:
    targets = [Upstream(lambda _: FAILS)]
    async with running(targets) as application:
        statuses = await ask_all(application, CHAT, requests=50, at_once=1)
    assert statuses == [500] * 50
    assert asked(targets) == 50
