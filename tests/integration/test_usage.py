"""What calls cost and who used them: the header, the log, a stream's usage, and OpenAI's usage endpoints for admins."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from proxy.usage.counts import DAY
from tests import documents
from tests.integration.azurite import running_azurite
from tests.integration.conftest import CLIENT_KEY, SECOND_KEY, environ_for
from tests.integration.node import run_script
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

ADMIN_KEY = "sk-admin-0123456789abcdefgh"
COST = "x-proxy-cost-usd"
PRICES = {
    "sources": {"own": {"title": "own", "url": "https://example.com", "date": "2026-11-01"}},
    "prices": [
        {"model": "big", "sku": "GlobalStandard", "source": "own", "input": 2_000_000, "output": 8_000_000},
        {"model": "sound", "sku": "GlobalStandard", "source": "own", "characters": 15_000_000},
    ],
}
DEPLOYED = "gpt-4o=big/GlobalStandard,gpt-4o-mini-tts=sound/GlobalStandard,gpt-4o-mini=nobody-knows"


def environ(simulator: Simulator, store: str) -> dict[str, str]:
    return environ_for(simulator) | {
        "ADMIN_KEYS": f"root={ADMIN_KEY}",
        "AZURE_OPENAI_DEPLOYMENT_MODELS": DEPLOYED,
        "PRICES": json.dumps(PRICES),
        "USAGE_STORE": store,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with (
        running_azurite() as store,
        running_host(REPOSITORY, environ(simulator, store)) as running,
    ):
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(host: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{host.url}/v1", api_key=CLIENT_KEY, admin_api_key=ADMIN_KEY, max_retries=0
    ) as opened:
        yield opened


def dollars(usage: Any) -> str:
    """Return the cost of a usage by the prices of this test, which have no fraction of a micro-dollar."""
    return f"{(usage.prompt_tokens * 2 + usage.completion_tokens * 8) / 1e6:.6f}"


async def line_of(host: HostProcess, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the line of the log for an answer with these headers."""
    wanted = f'"request_id":"{headers["x-request-id"]}"'
    await host.wait_for_output(wanted)
    (line,) = (line for line in host.output().splitlines() if wanted in line)
    found: dict[str, Any] = json.loads(line[line.index("{") :])
    return found


async def usage_of(http: aiohttp.ClientSession, path: str, key: str = ADMIN_KEY) -> Any:
    async with http.get(path, headers={"authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_a_whole_answer_says_what_it_cost(sdk: AsyncOpenAI, host: HostProcess) -> None:
    answer = await sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    cost = dollars(answer.parse().usage)
    assert answer.headers[COST] == cost
    assert f"{(await line_of(host, answer.headers))['cost_usd']:.6f}" == cost
    response = await sdk.responses.with_raw_response.create(model="gpt-4o", input="hello")
    usage = response.parse().usage
    assert usage is not None
    assert response.headers[COST] == f"{(usage.input_tokens * 2 + usage.output_tokens * 8) / 1e6:.6f}"


async def test_a_model_without_a_price_has_no_cost(sdk: AsyncOpenAI, host: HostProcess) -> None:
    answer = await sdk.chat.completions.with_raw_response.create(model="slow model", messages=HELLO)
    assert COST not in answer.headers
    assert "cost_usd" not in await line_of(host, answer.headers)


async def test_a_speech_costs_by_its_characters(sdk: AsyncOpenAI, host: HostProcess) -> None:
    async with sdk.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hé" * 50
    ) as answer:
        await answer.read()
    assert answer.headers[COST] == "0.001500"
    assert (await line_of(host, answer.headers))["cost_usd"] == 0.0015


async def test_a_stream_hides_the_usage_that_the_log_counts(sdk: AsyncOpenAI, host: HostProcess) -> None:
    stream = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert {chunk.usage for chunk in chunks} == {None}
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)
    line = await line_of(host, stream.response.headers)
    assert line["cost_usd"] == pytest.approx((line["input_tokens"] * 2 + line["output_tokens"] * 8) / 1e6)


async def test_a_stream_says_its_cost_where_it_is_asked_for(sdk: AsyncOpenAI) -> None:
    asking = {"x-proxy-include-cost": "true"}
    stream = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True, extra_headers=asking)
    usage = [chunk async for chunk in stream][-1].usage
    assert usage is not None
    assert usage.model_extra == {"cost_usd": dollars(usage)}
    events = await sdk.responses.create(model="gpt-4o", input="hello", stream=True, extra_headers=asking)
    last = [event async for event in events][-1]
    assert last.type == "response.completed"
    counted = last.response.usage
    assert counted is not None
    cost = f"{(counted.input_tokens * 2 + counted.output_tokens * 8) / 1e6:.6f}"
    assert counted.model_extra == {"cost_usd": cost}


async def test_an_admin_key_reads_the_usage_that_the_clients_made(sdk: AsyncOpenAI, host: HostProcess) -> None:
    start = int(time.time()) - DAY
    before = await total(sdk, start)
    second = sdk.with_options(api_key=SECOND_KEY)
    answer = await second.chat.completions.create(model="gpt-4o", messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        await second.chat.completions.create(model="no such model", messages=HELLO)
    assert answer.usage is not None
    after = await total(sdk, start)
    assert after - before == answer.usage.prompt_tokens
    for model in ("gpt-4o", "gpt-4o-mini"):
        await sdk.chat.completions.create(model=model, messages=HELLO)
    page: Any = await sdk.admin.organization.usage.completions(start_time=start, group_by=["model", "api_key_id"])
    found = {(one.model, one.api_key_id) for bucket in page.data for one in bucket.results}
    assert {("big", "second"), ("big", "tester"), ("nobody-knows", "tester")} <= found
    costs: Any = await sdk.admin.organization.usage.costs(start_time=start, group_by=["line_item"])
    amounts = {one.line_item: one.amount.value for bucket in costs.data for one in bucket.results}
    assert amounts["big"] > 0
    assert amounts["nobody-knows"] == 0


async def total(sdk: AsyncOpenAI, start: int) -> int:
    """Return the input of all completions since a time."""
    page: Any = await sdk.admin.organization.usage.completions(start_time=start, api_key_ids=["second"])
    return sum(one.input_tokens for bucket in page.data for one in bucket.results)


async def test_the_node_client_of_an_admin_reads_the_same(host: HostProcess) -> None:
    start = str(int(time.time()) - DAY)
    came: Any = await run_script("usage.js", {"URL": host.url, "KEY": ADMIN_KEY, "START": start})
    assert "big" in {one["model"] for one in results_of(came["the usage of completions"])}
    assert "big" in {one["line_item"] for one in results_of(came["the costs"])}


def results_of(page: Any) -> list[Any]:
    return [one for bucket in page["data"] for one in bucket["results"]]


@documents.needed
@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/organization/usage/{name}"
            for name in ("completions", "embeddings", "images", "audio_speeches", "audio_transcriptions")
        ),
        "/organization/costs",
    ],
)
async def test_every_page_is_what_openais_document_describes(host: HostProcess, path: str) -> None:
    group = "api_key_id" if path.endswith("costs") else "model"
    async with aiohttp.ClientSession(host.url) as http:
        page = await usage_of(http, f"/v1{path}?start_time={int(time.time()) - DAY}&group_by[]={group}")
    assert documents.load(documents.OPENAI).faults_of_answer("GET", path, 200, page) == []


async def test_each_key_reads_its_own_kind_alone(host: HostProcess, sdk: AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        await sdk.with_options(api_key=ADMIN_KEY).chat.completions.create(model="gpt-4o", messages=HELLO)
    client = sdk.with_options(admin_api_key=CLIENT_KEY)
    with pytest.raises(openai.AuthenticationError, match="needs the key of an operator"):
        await client.admin.organization.usage.completions(start_time=0)
    with pytest.raises(openai.AuthenticationError):
        await sdk.with_options(api_key=ADMIN_KEY).models.list()


async def test_a_client_reads_its_own_month(host: HostProcess, sdk: AsyncOpenAI) -> None:
    await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
    async with aiohttp.ClientSession(host.url) as http:
        account = await usage_of(http, "/usage", CLIENT_KEY)
    month, days = account["month"], account["days"]
    assert month["requests"] > 0
    assert month["input_tokens"] == sum(day["input_tokens"] for day in days)
    assert month["output_tokens"] == sum(day["output_tokens"] for day in days) > 0
    assert float(month["cost_usd"]) > 0
    assert days[-1]["date"] == time.strftime("%Y-%m-%d", time.gmtime())


async def test_what_the_instance_before_used_is_there_for_the_next(simulator: Simulator) -> None:
    async with running_azurite() as store:
        async with (
            running_host(REPOSITORY, environ(simulator, store)) as first,
            AsyncOpenAI(base_url=f"{first.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk,
        ):
            for _ in range(3):
                await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
        async with (
            running_host(REPOSITORY, environ(simulator, store)) as second,
            aiohttp.ClientSession(second.url) as http,
        ):
            assert (await usage_of(http, "/usage", CLIENT_KEY))["month"]["requests"] == 3
