"""Each attempt leaves one record for whoever keeps accounts, and nothing of what was said is in it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy import bootstrap
from proxy.config.settings import Settings
from proxy.gateway import Gateway
from proxy.values import AttemptRecord, Request, Usage
from tests.integration.conftest import CLIENT_KEY
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

CANARY = "CANARY-prompt"


@asynccontextmanager
async def gateway(simulator: Simulator, records: list[AttemptRecord], **models: str) -> AsyncIterator[Gateway]:
    resources = [
        {"name": name, "endpoint": simulator.url, "auth": "key", "api_key": DEFAULT_KEY, "priority": place}
        | {"models": {"chat": models[name]}}
        for place, name in enumerate(models)
    ]
    environ = {"AZURE_OPENAI_RESOURCES": json.dumps(resources), "CLIENT_KEYS": f"alice={CLIENT_KEY}"}
    opened = bootstrap.build_gateway(Settings.from_environ(environ), records.append)
    yield opened
    await opened.end(1)


async def body_of(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def request(*, stream: bool = False) -> Request:
    raw = json.dumps({"model": "chat", "stream": stream, "messages": [{"role": "user", "content": CANARY}]}).encode()
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-length": str(len(raw))}
    return Request(id="1", method="POST", path="/v1/chat/completions", query="", headers=headers, body=body_of(raw))


async def test_a_whole_answer_is_recorded_with_azures_count(simulator: Simulator) -> None:
    records: list[AttemptRecord] = []
    async with gateway(simulator, records, one="gpt-4o") as working:
        answer = await working.handle(request())
    assert isinstance(answer.body, bytes)
    (record,) = records
    assert (record.client, record.operation, record.model) == ("alice", "createChatCompletion", "chat")
    assert (record.resource, record.deployment, record.attempt) == (0, "gpt-4o", 1)
    assert (record.status, record.outcome, record.received) == (200, "completed", len(answer.body))
    assert record.first_byte is not None
    assert 0 < record.first_byte <= record.duration
    usage = json.loads(answer.body)["usage"]
    assert record.usage == Usage(input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"])
    assert CANARY not in repr(record)


async def test_a_stream_is_recorded_at_its_end_and_estimated_where_nobody_counts(simulator: Simulator) -> None:
    records: list[AttemptRecord] = []
    async with gateway(simulator, records, one="gpt-4o") as working:
        answer = await working.handle(request(stream=True))
        assert not isinstance(answer.body, bytes)
        assert records == []
        written = b"".join([chunk async for chunk in answer.body])
        await answer.body.aclose()
    (record,) = records
    assert (record.outcome, record.received) == ("completed", len(written))
    assert record.usage is not None
    assert record.usage.estimated
    assert record.usage.output_tokens == len(written) // 4


async def test_every_attempt_has_a_record_of_its_own(simulator: Simulator) -> None:
    records: list[AttemptRecord] = []
    async with gateway(simulator, records, one="error-429-old", two="gpt-4o") as working:
        await working.handle(request())
    assert [(record.resource, record.attempt, record.status, record.outcome) for record in records] == [
        (0, 1, 429, "answer"),
        (1, 2, 200, "completed"),
    ]
    assert records[0].usage is None


async def test_a_client_that_leaves_is_recorded_once(simulator: Simulator) -> None:
    records: list[AttemptRecord] = []
    arrived = len(simulator.requests)
    async with gateway(simulator, records, one="no-answer") as working:
        handling = asyncio.create_task(working.handle(request()))
        await simulator.requested(arrived + 1)
        handling.cancel()
        await asyncio.wait({handling})
    async with gateway(simulator, records, one="gpt-4o") as working:
        answer = await working.handle(request(stream=True))
        assert not isinstance(answer.body, bytes)
        await answer.body.aclose()
    assert [(record.status, record.outcome) for record in records] == [(None, "client_left"), (200, "client_left")]
