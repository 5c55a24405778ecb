"""The running app writes what the queries of the workbook and of the alerts ask for, and a budget at 80 % is seen.

That the fields are those of the log's schema is a test of tests/infra.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.infra.queries import QUERIES, asked
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import FORGETFUL, entry, environ_of, official
from tests.integration.test_sdk import HELLO
from tests.integration.test_usage import PRICES
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

DEPLOYED = {"gpt-4o": "big/GlobalStandard", "stream-slow": "big/GlobalStandard"}
Line = Mapping[str, Any]


def lines_of(host: HostProcess) -> list[Line]:
    """Return the lines of requests that the queries see."""
    found = [line for line in host.output().splitlines() if line.startswith('{"request_id"')]
    return [json.loads(line) for line in found]


@asynccontextmanager
async def running(budget: str) -> AsyncIterator[tuple[HostProcess, AsyncOpenAI]]:
    """Run an app over two resources, with a budget for all clients together."""
    async with Simulator().serving() as first, Simulator().serving() as second:
        resources = [
            entry(
                "first",
                first.url,
                models={"chat": "gpt-4o", "slow": "stream-slow", "hop": "error-429-old"},
                deployment_models=DEPLOYED,
            ),
            entry("second", second.url, priority=1, models={"hop": "gpt-4o"}, deployment_models=DEPLOYED),
        ]
        settings = {"AZURE_OPENAI_ROUTING": FORGETFUL, "PRICES": json.dumps(PRICES), "PROXY_BUDGET": budget}
        async with (
            running_host(REPOSITORY, environ_of(resources, **settings)) as host,
            official(f"{host.url}/v1", CLIENT_KEY) as sdk,
        ):
            yield host, sdk


async def line_of(host: HostProcess, headers: Mapping[str, str]) -> Line:
    """Return the line of the request whose answer has these headers."""
    await host.wait_for_output(headers["x-request-id"])
    (line,) = [line for line in lines_of(host) if line["request_id"] == headers["x-request-id"]]
    return line


def is_of(conversion: str, value: object) -> bool:
    """Tell whether Azure Monitor makes of a value what a query asks for."""
    kinds: Mapping[str, tuple[type, ...]] = {"tolong": (int,), "todouble": (int, float), "tostring": (str, int)}
    return isinstance(value, kinds[conversion]) if conversion in kinds else value is not None


async def test_each_field_that_a_query_asks_for_is_written_by_the_app() -> None:
    async with running("5 soft") as (host, sdk):
        long = [{"role": "user", "content": "a " * 2000}]
        for _ in range(2):  # the second is in the cache
            await sdk.chat.completions.create(model="chat", messages=long, max_completion_tokens=10)  # type: ignore[arg-type]
        with pytest.raises(openai.NotFoundError):
            await sdk.chat.completions.create(model="no such model", messages=HELLO)
        await sdk.chat.completions.create(model="hop", messages=HELLO)
        await host.wait_for_output('"failures":[')
        lines = lines_of(host)
    written = {"line": lines, "failure": [failure for line in lines for failure in line.get("failures", ())]}
    for query in QUERIES:
        for conversion, owner, name in asked(query.read_text("utf-8")):
            values = [one[name] for one in written[owner] if name in one]
            assert values, f"nothing has {owner}.{name}, which {query.name} asks for"
            assert all(is_of(conversion, value) for value in values), f"{conversion}({owner}.{name}) in {query.name}"


def threshold() -> float:
    """Return from which share of the budget on the alert has a row."""
    text = next(query.read_text("utf-8") for query in QUERIES if query.name == "alert-budget.kql")
    assert "used = max(todouble(line.budget_used))" in text
    found = re.search(r"\| where used >= ([0-9.]+)\s*$", text)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(("budget", "refused"), [("0.1", 2), ("0.1 soft", 0)])
async def test_the_alert_sees_a_budget_when_80_percent_of_it_are_spent_and_not_before(
    budget: str, refused: int
) -> None:
    body: Any = {"model": "chat", "messages": [{"role": "user", "content": "a " * 1000}], "max_completion_tokens": 1100}
    lines, spent, expected = list[Line](), 0.0, list[float]()
    async with running(budget) as (host, sdk):
        for _ in range(11):  # each costs a hundredth of a dollar
            try:
                headers = (await sdk.chat.completions.with_raw_response.create(**body)).headers
            except openai.RateLimitError as error:
                headers = error.response.headers
            lines.append(await line_of(host, headers))
            spent += lines[-1].get("cost_usd", 0.0)
            expected.append(spent / 0.1)
    assert [line["budget_used"] for line in lines] == [pytest.approx(share, abs=1e-4) for share in expected]
    assert [line["status"] for line in lines] == [200] * (11 - refused) + [429] * refused
    seen = [line["budget_used"] >= threshold() for line in lines]
    assert seen == [False] * 7 + [True] * 4
    assert seen == [share >= 0.8 for share in expected]


async def test_a_stream_and_one_whose_client_leaves_are_in_what_the_alert_sees() -> None:
    body: Any = {"model": "chat", "messages": HELLO, "max_completion_tokens": 1000, "stream": True}
    async with running("0.1 soft") as (host, sdk):
        stream = await sdk.chat.completions.create(**body)
        assert [chunk async for chunk in stream]
        whole = await line_of(host, stream.response.headers)
        left = await sdk.chat.completions.create(**{**body, "model": "slow"})
        await anext(aiter(left))
        await left.close()
        broken = await line_of(host, left.response.headers)
    assert whole["budget_used"] == pytest.approx(whole["cost_usd"] / 0.1, abs=1e-4)
    # What was not counted to its end is charged with all that it may cost: 1000 tokens at 8 micro-dollars, and more.
    assert broken["outcome"] == "client_left"
    assert broken["budget_used"] > 0.08
