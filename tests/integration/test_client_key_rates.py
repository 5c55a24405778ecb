"""Client keys with rates, slots and an end: what the official SDKs read, raise, wait and try again."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.node import run_script
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

RATE = "x-ratelimit-"
# Each test has a key of its own, so that none uses up what another one counts.
LIMITS: Mapping[str, Mapping[str, object]] = {
    "headers": {"rpm": 60, "tpm": 100_000},
    "one-request": {"rpm": 3},
    "node-request": {"rpm": 3},
    "debt": {"tpm": 1},
    "node-debt": {"tpm": 1},
    "slots": {"concurrency": 1},
    "node-slots": {"concurrency": 1},
    "models": {"models": ["gpt-4o"]},
    "usage": {"tpm": 1_000_000},
    "settled": {"tpm": 1_000_000},
    "translated": {"tpm": 1_000_000},
    "released": {"tpm": 1000},
    "output": {"max-output-tokens": 50},
    "ended": {"expires": "2020-01-01T00:00:00Z"},
    "objects": {"rpm": 2},
    "form": {"rpm": 2, "tpm": 1000},
}


def key_of(name: str) -> str:
    return f"sk-{name}-0123456789abcdef"


def environ(simulator: Simulator) -> dict[str, str]:
    keys = {name: {"key": key_of(name), **limits} for name, limits in LIMITS.items()}
    return environ_for(simulator) | {
        "CLIENT_KEYS": json.dumps({"tester": {"key": CLIENT_KEY}, **keys}),
        "AZURE_OPENAI_DEPLOYMENT_APIS": "gpt-4o-mini=responses",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ(simulator)) as running:
        yield running


class Patient(AsyncOpenAI):
    """The official client, which notes how long it would wait before each retry, and does not wait."""

    def __init__(self, host: HostProcess, name: str, retries: int = 2) -> None:
        super().__init__(base_url=f"{host.url}/v1", api_key=key_of(name), max_retries=retries)
        self.waits: list[float] = []

    def _calculate_retry_timeout(self, *arguments: Any, **named: Any) -> float:
        self.waits.append(super()._calculate_retry_timeout(*arguments, **named))
        return 0.0


async def ask(sdk: AsyncOpenAI, **members: Any) -> Mapping[str, str]:
    """Return the headers of a chat's answer."""
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO, **members}
    return dict((await sdk.chat.completions.with_raw_response.create(**asked)).headers)


def bodies(simulator: Simulator, seen: int) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in simulator.requests[seen:]]


async def test_an_answer_has_the_client_s_own_rates_in_openai_s_format(host: HostProcess) -> None:
    async with Patient(host, "headers") as sdk:
        headers = await ask(sdk)
    rates = {name.removeprefix(RATE): value for name, value in headers.items() if name.startswith(RATE)}
    assert rates.pop("reset-requests") == "1s"
    assert rates.pop("reset-tokens").endswith("s")
    assert 75_000 <= int(rates.pop("remaining-tokens")) < 100_000
    assert rates == {"limit-requests": "60", "limit-tokens": "100000", "remaining-requests": "59"}


async def test_a_key_without_rates_reads_those_of_azure(host: HostProcess) -> None:
    async with AsyncOpenAI(base_url=f"{host.url}/v1", api_key=CLIENT_KEY) as sdk:
        assert (await ask(sdk))[f"{RATE}limit-requests"] != "60"


async def test_one_request_too_many_is_a_429_that_says_when_and_the_sdk_waits_as_long(
    host: HostProcess, simulator: Simulator
) -> None:
    seen = len(simulator.requests)
    async with Patient(host, "one-request") as sdk:
        for _ in range(3):
            await ask(sdk)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(sdk)
    error, headers = caught.value, caught.value.response.headers
    assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
    assert "limit of 3 requests a minute. Please retry after" in error.message
    assert (headers[f"{RATE}limit-requests"], headers[f"{RATE}remaining-requests"]) == ("3", "0")
    assert "x-should-retry" not in headers
    assert [0 < wait <= 20 for wait in sdk.waits] == [True, True]  # it tries three times in all
    assert 0 < float(headers["retry-after-ms"]) / 1000 <= float(headers["retry-after"]) <= 20
    assert len(simulator.requests) == seen + 3


async def test_a_wait_that_no_sdk_waits_for_is_not_tried_again(host: HostProcess) -> None:
    async with Patient(host, "debt") as sdk:
        await ask(sdk)  # of a full minute's tokens, and far more than that
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(sdk)
    headers = caught.value.response.headers
    assert (caught.value.type, headers["x-should-retry"], sdk.waits) == ("tokens", "false", [])
    assert int(headers["retry-after"]) > 60
    assert headers[f"{RATE}remaining-tokens"] == "0"


async def test_a_second_request_at_the_same_time_waits_for_its_slot(host: HostProcess, simulator: Simulator) -> None:
    async with Patient(host, "slots") as sdk:
        simulator.gate.release()
        stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
        await anext(stream)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(sdk)
        assert "limit of 1 requests at the same time" in caught.value.message
        assert sdk.waits == [1.0, 1.0]
        await stream.close()
        simulator.gate._value = 0
        for _ in range(100):  # until the app has heard that its client is gone
            try:
                await ask(sdk)
            except openai.RateLimitError:
                continue
            break
        else:
            raise AssertionError("the slot was never freed")


async def test_the_usage_of_a_stream_is_asked_for_and_hidden(host: HostProcess, simulator: Simulator) -> None:
    seen = len(simulator.requests)
    async with Patient(host, "usage") as sdk:
        stream = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
        told = await sdk.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        with_usage = [chunk async for chunk in told]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ECHO
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)
    assert with_usage[-1].usage is not None
    assert [body["stream_options"] for body in bodies(simulator, seen)] == [{"include_usage": True}] * 2
    await host.wait_for_output('"output_tokens":')


@pytest.mark.parametrize("asks", [False, True])
async def test_a_chat_by_responses_hides_its_usage_from_who_did_not_ask_and_counts_it(
    host: HostProcess, asks: bool
) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if asks else {}
    async with Patient(host, "translated") as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=HELLO, stream=True, **options
        )
        chunks = [chunk async for chunk in answer.parse()]
        left = int((await ask(sdk, max_tokens=1))[f"{RATE}remaining-tokens"])
    assert answer.headers["x-proxy-translated"] == "responses"
    assert any(chunk.usage is not None for chunk in chunks) is asks
    assert all(chunk.choices for chunk in chunks) is not asks
    assert left > 999_000  # the quarter that was reserved has come back


async def test_a_deployment_that_does_not_tell_its_usage_is_asked_once(host: HostProcess, simulator: Simulator) -> None:
    seen = len(simulator.requests)
    async with Patient(host, "usage") as sdk:
        for _ in range(2):
            stream = await sdk.chat.completions.create(model="refuses-stream-options", messages=HELLO, stream=True)
            assert [chunk async for chunk in stream]
    assert ["stream_options" in body for body in bodies(simulator, seen)] == [True, False, False]


async def test_what_was_reserved_is_settled_by_what_azure_counted(host: HostProcess) -> None:
    async with Patient(host, "settled") as sdk:
        answer = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=100_000)
        assert answer.usage is not None
        # Until then the bound of 100,000 tokens was reserved.
        left = int((await ask(sdk, max_tokens=1))[f"{RATE}remaining-tokens"])
    assert left >= 1_000_000 - answer.usage.total_tokens - 200


async def test_a_call_that_azure_refuses_costs_no_token(host: HostProcess) -> None:
    async with Patient(host, "released", retries=0) as sdk:
        for _ in range(8):  # each reserves a quarter of a minute's
            with pytest.raises(openai.BadRequestError):
                await ask(sdk, model="error-400-content-filter")


async def test_the_most_tokens_of_an_answer_are_written_into_the_request(
    host: HostProcess, simulator: Simulator
) -> None:
    seen = len(simulator.requests)
    async with Patient(host, "output") as sdk:
        await ask(sdk)
        await ask(sdk, max_tokens=20)
        await ask(sdk, max_completion_tokens=200)
        await sdk.responses.create(model="gpt-4o", input="x")
    asked = [
        {name: value for name, value in body.items() if name.startswith("max_")} for body in bodies(simulator, seen)
    ]
    assert asked == [
        {"max_completion_tokens": 50},
        {"max_tokens": 20},
        {"max_completion_tokens": 50},
        {"max_output_tokens": 50},
    ]


@pytest.mark.parametrize("name", ["ended", "nobody"])
async def test_an_ended_and_a_wrong_key_are_refused_in_the_same_words_and_once(host: HostProcess, name: str) -> None:
    async with Patient(host, name) as sdk:
        with pytest.raises(openai.AuthenticationError) as caught:
            await ask(sdk)
    assert (caught.value.code, sdk.waits) == ("invalid_api_key", [])
    assert caught.value.message.endswith("Incorrect API key provided. Ask the operator of this proxy for a key.")


async def test_requests_about_objects_count_and_use_no_tokens(host: HostProcess) -> None:
    async with Patient(host, "objects", retries=0) as sdk:
        await sdk.files.list()
        await sdk.models.list()  # the proxy's own answers count for nothing
        await sdk.files.list()
        with pytest.raises(openai.RateLimitError):
            await sdk.files.list()


async def test_a_form_counts(host: HostProcess) -> None:
    async with Patient(host, "form", retries=0) as sdk:
        for _ in range(2):
            await sdk.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF"))
        with pytest.raises(openai.RateLimitError):
            await sdk.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF"))


async def test_refusals_are_counted_in_the_log_at_most_once_a_minute(host: HostProcess) -> None:
    async with Patient(host, "nobody") as sdk:
        for _ in range(3):
            with pytest.raises(openai.AuthenticationError):
                await ask(sdk)
    await host.wait_for_output('"error":"client_rate_limit"')
    assert host.output().count("requests without a valid key:") == 1


async def test_the_sdk_of_node_reads_waits_and_tries_the_same(host: HostProcess, simulator: Simulator) -> None:
    asked = {
        "one request too many": {"key": key_of("node-request"), "calls": 4},
        "a long wait": {"key": key_of("node-debt"), "calls": 2},
        "an ended key": {"key": key_of("ended")},
        "a wrong key": {"key": key_of("nobody")},
        "no slot": {"key": key_of("node-slots")},
        "another model": {"key": key_of("models"), "model": "gpt-4o-mini"},
    }
    async with Patient(host, "node-slots") as sdk:
        simulator.gate.release()
        stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
        await anext(stream)
        came: Any = await run_script("refusals.js", {"URL": host.url, "KEY": CLIENT_KEY, "REFUSALS": json.dumps(asked)})
        await stream.close()
        simulator.gate._value = 0
    limited = came.pop("one request too many")
    assert (limited["error"], limited["code"], limited["status"]) == ("RateLimitError", "rate_limit_exceeded", 429)
    assert [0 < wait <= 20_000 for wait in limited["waits"]] == [True, True]
    assert {name: (one["error"], one["code"], one["waits"]) for name, one in came.items()} == {
        "a long wait": ("RateLimitError", "rate_limit_exceeded", []),
        "an ended key": ("AuthenticationError", "invalid_api_key", []),
        "a wrong key": ("AuthenticationError", "invalid_api_key", []),
        "no slot": ("RateLimitError", "rate_limit_exceeded", [1000, 1000]),
        "another model": ("NotFoundError", "model_not_found", []),
    }


async def test_a_model_outside_of_the_key_s_is_refused_and_not_tried_again(host: HostProcess) -> None:
    async with Patient(host, "models") as sdk:
        with pytest.raises(openai.NotFoundError) as caught:
            await ask(sdk, model="gpt-4o-mini")
    assert (caught.value.code, sdk.waits) == ("model_not_found", [])


async def test_the_sdk_of_node_reads_a_usage_only_where_it_asked_for_it(host: HostProcess) -> None:
    came: Any = await run_script("hidden_usage.js", {"URL": host.url, "KEY": key_of("usage")})
    hidden, shown = came["a stream whose usage is hidden"], came["a stream with its usage"]
    assert hidden == {"withUsage": False, "withoutChoices": 0, "text": ECHO}
    assert shown == {"withUsage": True, "withoutChoices": 1, "text": ECHO}
