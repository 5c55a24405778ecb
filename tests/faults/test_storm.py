"""When every target fails, the retries of all requests together are few: a failing Azure is not asked to death."""

import asyncio
import json

import pytest

from proxy.config.policy import Policy
from tests.faults.client import call, open_application
from tests.faults.operations import AZURE_KEY, CHAT, CHAT_STREAM, CLIENT_KEY, Operation
from tests.faults.raw import Play, Upstream
from tests.faults.wire import answer, whole

REQUESTS, AT_ONCE, TARGETS = 1500, 100, 3
FAILS = answer(whole("500 No", b'{"error":{"code":"500","message":"It broke."}}'))
# The breaker would end the storm before the budget does.
NEVER_OPEN = '{"breaker_failures":80000,"breaker_calls":80000}'


async def storm(operation: Operation, routing: str, play: Play = FAILS) -> tuple[int, list[int]]:
    """Return how often the targets were asked in all, and the statuses that the clients read."""
    targets = [Upstream(lambda _: play) for _ in range(TARGETS)]
    running = asyncio.Semaphore(AT_ONCE)
    statuses: list[int] = []
    async with targets[0].serving(), targets[1].serving(), targets[2].serving():
        resources = [
            {"name": f"resource-{number}", "endpoint": target.url, "api_key": AZURE_KEY}
            for number, target in enumerate(targets)
        ]
        environ = {
            "AZURE_OPENAI_RESOURCES": json.dumps(resources),
            "AZURE_OPENAI_ROUTING": routing,
            "CLIENT_KEYS": f"somebody={CLIENT_KEY}",
        }
        application = open_application(environ, lambda _: None)

        async def ask() -> None:
            async with running:
                statuses.append((await call(application, operation)).status)

        await asyncio.gather(*(ask() for _ in range(REQUESTS)))
        await application.stop(1)
    return sum(len(target.requests) for target in targets), statuses


@pytest.mark.parametrize("operation", [CHAT, CHAT_STREAM], ids=lambda operation: operation.name)
async def test_the_budget_keeps_the_retries_of_all_requests_together_small(operation: Operation) -> None:
    asked, statuses = await storm(operation, NEVER_OPEN)
    assert REQUESTS < asked <= 1.2 * REQUESTS + Policy().min_retries
    assert set(statuses) <= {500, 503}


async def test_the_breaker_ends_the_storm() -> None:
    asked, statuses = await storm(CHAT, "{}")
    assert asked < AT_ONCE + REQUESTS * 0.2
    assert statuses.count(503) > REQUESTS * 0.8
