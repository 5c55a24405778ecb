"""A parameter that a deployment refuses is repaired within the request, told to the client and spared the next one."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_http import CHAT
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

RESPONSES = "/v1/responses"
HEADER = "x-proxy-repaired"
PAGE = "https://chat.example.com"
# The deployment refuses each of them, one in each answer, in this order but for the order in which they stand here.
OF_CHAT: Mapping[str, Any] = {
    "temperature": 0.2,
    "top_p": 0.5,
    "prompt_cache_key": "k",
    "presence_penalty": 1,
    "max_tokens": 70,
}
OF_RESPONSES: Mapping[str, Any] = {
    "temperature": 0.2,
    "top_p": 0.5,
    "prompt_cache_key": "k",
    "text": {"verbosity": "low"},
}
CHAT_TOLD = "max_tokens=max_completion_tokens, temperature, prompt_cache_key, top_p, presence_penalty"
RESPONSES_TOLD = "temperature, prompt_cache_key, top_p, text.verbosity"


@pytest_asyncio.fixture(loop_scope="session")
async def app(simulator: Simulator) -> AsyncIterator[HostProcess]:
    """An app that has learnt nothing yet."""
    async with running_host(REPOSITORY, environ_for(simulator)) as host:
        yield host


class Calls:
    """The bodies that Azure has got since the last look."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._seen = len(simulator.requests)

    def new(self) -> list[dict[str, object]]:
        bodies = [json.loads(request.body) for request in self._simulator.requests[self._seen :]]
        self._seen = len(self._simulator.requests)
        return bodies


@pytest.fixture
def calls(simulator: Simulator) -> Calls:
    return Calls(simulator)


def chat(model: str, **members: object) -> dict[str, object]:
    return {"model": model, "messages": HELLO, **members}


async def ask(http: aiohttp.ClientSession, path: str, body: object) -> tuple[int, str | None, str]:
    """Return the status, what was changed and the text of an answer."""
    async with http.post(path, json=body) as answer:
        return answer.status, answer.headers.get(HEADER), await answer.text()


async def test_a_chat_is_answered_at_its_first_request_and_the_next_goes_through_at_once(
    client: AsyncOpenAI, calls: Calls
) -> None:
    for expected in (6, 1):
        answer = await client.chat.completions.with_raw_response.create(model="refuses-five", messages=HELLO, **OF_CHAT)
        assert answer.parse().choices[0].message.content == ECHO
        assert answer.headers[HEADER] == CHAT_TOLD
        made = calls.new()
        assert len(made) == expected
        assert made[-1] == chat("refuses-five", max_completion_tokens=70)


async def test_a_streamed_chat_is_answered_at_its_first_request_and_the_next_goes_through_at_once(
    client: AsyncOpenAI, calls: Calls
) -> None:
    for expected in (6, 1):
        async with client.chat.completions.with_streaming_response.create(
            model="refuses-five", messages=HELLO, stream=True, **OF_CHAT
        ) as answer:
            chunks = [chunk async for chunk in await answer.parse()]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ECHO
        assert answer.headers[HEADER] == CHAT_TOLD
        made = calls.new()
        assert len(made) == expected
        assert made[-1] == chat("refuses-five", max_completion_tokens=70, stream=True)


async def test_a_response_is_answered_at_its_first_request_and_the_next_goes_through_at_once(
    client: AsyncOpenAI, calls: Calls
) -> None:
    for expected in (5, 1):
        answer = await client.responses.with_raw_response.create(
            model="refuses-five", input="hello world", **OF_RESPONSES
        )
        assert answer.parse().output_text == ECHO
        assert answer.headers[HEADER] == RESPONSES_TOLD
        made = calls.new()
        assert len(made) == expected
        # The nearest verbosity that the refusal allows.
        assert made[-1] == {"model": "refuses-five", "input": "hello world", "text": {"verbosity": "medium"}}


async def test_a_streamed_response_is_answered_at_its_first_request_and_the_next_goes_through_at_once(
    client: AsyncOpenAI, calls: Calls
) -> None:
    for expected in (5, 1):
        async with client.responses.with_streaming_response.create(
            model="refuses-five", input="hello world", stream=True, **OF_RESPONSES
        ) as answer:
            kinds = [event.type async for event in await answer.parse()]
        assert kinds[-1] == "response.completed"
        assert answer.headers[HEADER] == RESPONSES_TOLD
        assert len(calls.new()) == expected


async def test_what_agents_ask_of_every_model_is_spared_one_that_does_not_reason(
    client: AsyncOpenAI, calls: Calls
) -> None:
    for expected in (4, 1):
        answer = await client.responses.with_raw_response.create(
            model="refuses-reasoning",
            input="hello world",
            store=False,
            include=["reasoning.encrypted_content"],
            reasoning={"summary": "auto", "effort": "medium"},
        )
        assert answer.parse().output_text == ECHO
        assert answer.headers[HEADER] == "include, reasoning.summary, reasoning.effort"
        made = calls.new()
        assert len(made) == expected
        assert made[-1] == {"model": "refuses-reasoning", "input": "hello world", "store": False}


async def test_the_operations_of_a_deployment_learn_apart_and_a_stream_learns_for_all(
    http: aiohttp.ClientSession, calls: Calls
) -> None:
    status, told, text = await ask(http, CHAT, chat("refuses-five", stream=True, **OF_CHAT))
    assert (status, told, text.endswith("data: [DONE]\n\n"), len(calls.new())) == (200, CHAT_TOLD, True, 6)
    assert (await ask(http, CHAT, chat("refuses-five", **OF_CHAT)))[:2] == (200, CHAT_TOLD)
    assert len(calls.new()) == 1
    response = {"model": "refuses-five", "input": "hi", **OF_RESPONSES}
    assert (await ask(http, RESPONSES, response))[:2] == (200, RESPONSES_TOLD)
    assert len(calls.new()) == 5


async def test_a_request_is_changed_only_where_it_was_refused(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    body = b'{ "model":"refuses-new-limit" , "max_completion_tokens" : 70,"seed":10000000000000000,"messages":[]}'
    for _ in range(2):
        async with http.post(CHAT, data=body) as answer:
            assert (answer.status, answer.headers[HEADER]) == (200, "max_completion_tokens=max_tokens")
        assert simulator.requests[-1].body == body.replace(b"max_completion_tokens", b"max_tokens")


async def test_a_request_without_what_is_refused_passes_as_it_is_and_tells_nothing(
    http: aiohttp.ClientSession, calls: Calls
) -> None:
    assert (await ask(http, CHAT, chat("refuses-five", **OF_CHAT)))[1] == CHAT_TOLD
    calls.new()
    plain = chat("refuses-five", seed=1)
    status, told, _ = await ask(http, CHAT, plain)
    assert (status, told, calls.new()) == (200, None, [plain])
    limited = chat("refuses-five", max_completion_tokens=5, top_p=1)
    status, told, _ = await ask(http, CHAT, limited)
    assert (status, told, calls.new()) == (200, "top_p", [chat("refuses-five", max_completion_tokens=5)])


async def test_a_refused_value_is_learnt_alone_and_another_one_is_tried(
    http: aiohttp.ClientSession, calls: Calls
) -> None:
    for value, expected, told in (
        ("low", 2, "text.verbosity"),
        ("low", 1, "text.verbosity"),
        ("medium", 1, None),
        ("high", 2, "text.verbosity"),
        ("high", 1, "text.verbosity"),
        ("low", 1, "text.verbosity"),
    ):
        body = {"model": "refuses-five", "input": "hi", "text": {"verbosity": value, "format": {"type": "text"}}}
        assert (await ask(http, RESPONSES, body))[:2] == (200, told)
        made = calls.new()
        assert len(made) == expected
        assert made[-1]["text"] == {"verbosity": "medium", "format": {"type": "text"}}


@pytest.mark.parametrize("stream", [False, True])
async def test_what_changes_the_meaning_of_a_request_stays_and_azure_s_refusal_is_the_answer(
    client: AsyncOpenAI, calls: Calls, *, stream: bool
) -> None:
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(
                model="refuses-tools",
                messages=HELLO,
                stream=stream,
                tools=[{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
            )
        assert (raised.value.code, raised.value.param) == ("unknown_parameter", "tools")
        assert HEADER not in raised.value.response.headers
        assert len(calls.new()) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_more_than_five_refusals_end_with_the_first_of_them(
    http: aiohttp.ClientSession, calls: Calls, *, stream: bool
) -> None:
    body = chat("refuses-six", stream=stream, frequency_penalty=1, **OF_CHAT)
    status, told, text = await ask(http, CHAT, body)
    error = json.loads(text)["error"]
    assert (status, told) == (400, None)
    assert (error["code"], error["param"]) == ("unsupported_parameter", "max_tokens")
    assert len(calls.new()) == 6


async def test_a_limit_that_is_refused_under_both_of_its_names_ends_with_the_first_refusal(
    http: aiohttp.ClientSession, calls: Calls
) -> None:
    status, told, text = await ask(http, CHAT, chat("refuses-both-limits", max_tokens=5))
    assert (status, told, json.loads(text)["error"]["param"]) == (400, None, "max_tokens")
    assert len(calls.new()) == 2


async def test_a_page_may_read_what_was_changed(app: HostProcess) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "origin": PAGE}
    async with (
        aiohttp.ClientSession(app.url, headers=headers) as page,
        page.post(CHAT, json=chat("refuses-five", top_p=0.5)) as answer,
    ):
        assert (answer.status, answer.headers[HEADER]) == (200, "top_p")
        exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert HEADER in exposed


async def test_without_repairs_the_refusal_reaches_the_client(simulator: Simulator, calls: Calls) -> None:
    environ = environ_for(simulator) | {"REPAIR_PARAMETERS": "false"}
    async with (
        running_host(REPOSITORY, environ) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
    ):
        for stream in (False, True):
            for path, members, refused in (
                (CHAT, chat("refuses-five", **OF_CHAT), "max_tokens"),
                (RESPONSES, {"model": "refuses-five", "input": "hi", **OF_RESPONSES}, "temperature"),
            ):
                status, told, text = await ask(http, path, {**members, "stream": stream})
                assert (status, told, json.loads(text)["error"]["param"]) == (400, None, refused)
                assert len(calls.new()) == 1
