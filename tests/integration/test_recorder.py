"""Each sending to Azure leaves one record for whoever keeps accounts, and nothing of the bodies is in it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from proxy.app import Proxy, build_application
from proxy.config.settings import Settings
from proxy.server.connection import EXTENSION
from proxy.values import Scope, SendingRecord, Usage
from tests.faults.client import Answer, ask, scope_of
from tests.integration.conftest import CLIENT_KEY
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

CANARY = "CANARY-prompt"


@asynccontextmanager
async def application(simulator: Simulator, records: list[SendingRecord], **models: str) -> AsyncIterator[Proxy]:
    resources = [
        {"name": name, "endpoint": simulator.url, "auth": "key", "api_key": DEFAULT_KEY, "priority": place}
        | {"models": {"chat": models[name]}}
        for place, name in enumerate(models)
    ]
    environ = {"AZURE_OPENAI_RESOURCES": json.dumps(resources), "CLIENT_KEYS": f"alice={CLIENT_KEY}"}
    opened = build_application(Settings.from_environ(environ), records.append)
    yield opened
    await opened.stop(1)


def request(*, stream: bool = False) -> tuple[Scope, bytes]:
    raw = json.dumps({"model": "chat", "stream": stream, "messages": [{"role": "user", "content": CANARY}]}).encode()
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-length": str(len(raw))}
    return scope_of("/v1/chat/completions", headers), raw


async def test_a_whole_answer_is_recorded_with_azures_count(simulator: Simulator) -> None:
    records: list[SendingRecord] = []
    answer = Answer()
    async with application(simulator, records, one="gpt-4o") as working:
        await ask(working, *request(), answer)
    (record,) = records
    assert (record.client, record.operation, record.model) == ("alice", "createChatCompletion", "chat")
    assert (record.resource, record.deployment, record.attempt) == (0, "gpt-4o", 1)
    assert (record.status, record.outcome) == (200, "completed")
    assert record.sent == len(
        json.dumps({"model": "chat", "stream": False, "messages": [{"role": "user", "content": CANARY}]})
    )
    assert record.received >= len(answer.body)
    assert record.first_byte is not None
    assert 0 < record.first_byte <= record.duration
    usage = json.loads(answer.body)["usage"]
    assert record.usage == Usage(input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"])
    assert CANARY not in repr(record)


async def test_a_stream_is_recorded_at_its_end_and_estimated_where_nobody_counts(simulator: Simulator) -> None:
    records: list[SendingRecord] = []
    answer = Answer(lambda: before.append(len(records)))
    before: list[int] = []
    async with application(simulator, records, one="gpt-4o") as working:
        await ask(working, *request(stream=True), answer)
    assert set(before) <= {0, 1}
    assert before[0] == 0
    (record,) = records
    assert record.outcome == "completed"
    assert record.received >= len(answer.body)
    assert record.usage is not None
    assert record.usage.estimated
    assert record.usage.output_tokens == record.received // 4


async def test_every_sending_has_a_record_of_its_own(simulator: Simulator) -> None:
    records: list[SendingRecord] = []
    async with application(simulator, records, one="error-429-old", two="gpt-4o") as working:
        await ask(working, *request(), Answer())
    assert [(record.resource, record.attempt, record.status, record.outcome) for record in records] == [
        (0, 1, 429, "answer"),
        (1, 2, 200, "completed"),
    ]
    assert records[0].usage is None


async def test_a_client_that_disconnects_is_recorded_once(simulator: Simulator) -> None:
    records: list[SendingRecord] = []
    arrived = len(simulator.requests)
    scope, body = request()
    async with application(simulator, records, one="no-answer") as working:
        handling = asyncio.create_task(ask(working, scope, body, Answer()))
        await simulator.requested(arrived + 1)
        scope["extensions"][EXTENSION].lost()
        await handling
        assert working.held().slots == working.held().connections == 0
    scope, body = request(stream=True)
    lost = scope["extensions"][EXTENSION].lost
    async with application(simulator, records, one="gated") as working:
        simulator.gate.release()
        await ask(working, scope, body, Answer(lambda: _soon(lost)))
    simulator.gate._value = 0
    assert [(record.status, record.outcome) for record in records] == [(None, "client_left"), (200, "client_left")]


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)
