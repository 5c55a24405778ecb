"""A client that did not ask for the usage of a stream reads the bytes that it would read if nobody had asked."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.fakes.server import Server
from tests.integration.conftest import environ_for
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES

PLAIN, COUNTED = "sk-plain-0123456789abcdef", "sk-counted-0123456789abcdef"
KEYS = json.dumps({"plain": {"key": PLAIN}, "counted": {"key": COUNTED, "tpm": 100_000_000}})
# What differs from call to call, and the streams that never end by themselves.
CHANGING = re.compile(rb'"(?:created|created_at)":\s?\d+|(?:chatcmpl-|cmpl-|call_|[\w-]*request[_ ]id)[^",]*')
ENDLESS = {"gated", "gated-cut", "gated-error", "stream-stall", "stream-slow"}
UNASKED, COMMENTS = "stream-async-filter-block", "stream-comments"
CHAT = "chat/completions"
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    environ = environ_for(simulator) | {"CLIENT_KEYS": KEYS, "AZURE_OPENAI_DEPLOYMENT_APIS": "gpt-4o-mini=responses"}
    async with running_host(REPOSITORY, environ) as running:
        yield running


async def read(url: str, key: str, path: str, body: Mapping[str, Any]) -> tuple[int, bytes, bool]:
    """Return the status and the bytes of an answer, and whether it broke off."""
    read, broke = b"", False
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as http,
        http.post(f"{url}/v1/{path}", json=body) as answer,
    ):
        try:
            async for piece in answer.content.iter_any():
                read += piece
        except aiohttp.ClientPayloadError:
            broke = True
        return answer.status, read, broke


async def same(url: str, path: str, body: Mapping[str, Any]) -> bytes:
    """Return what both keys read of a stream, byte for byte but for what differs from call to call."""
    (status, plain, broke), counted = [await read(url, key, path, body) for key in (PLAIN, COUNTED)]
    assert (counted[0], CHANGING.sub(b"", counted[1]), counted[2]) == (status, CHANGING.sub(b"", plain), broke)
    return plain


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"n": 2},
        {"stream_options": None},
        {"stream_options": {"include_usage": False}},
        {"stream_options": {"include_obfuscation": False}},
        {"max_tokens": 1},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"},
        {"messages": [{"role": "user", "content": 'say "usage": null, "usage" \\ud83d é'}]},
        {"model": "refuses-stream-options"},
        {"model": "gpt-4o-mini"},  # by Responses
    ],
    ids=str,
)
async def test_a_chat_is_the_same(host: HostProcess, members: Mapping[str, Any]) -> None:
    messages = [{"role": "user", "content": "hello world"}]
    body = {"model": "gpt-4o", "stream": True, "max_tokens": 100, "messages": messages, **members}
    written = await same(host.url, "chat/completions", body)
    assert written.endswith(b"data: [DONE]\n\n")
    assert b'"usage":' not in written
    assert b'"choices":[]' not in written


@pytest.mark.parametrize("members", [{}, {"prompt": ["a b", "c"]}, {"n": 2}], ids=str)
async def test_a_completion_is_the_same(host: HostProcess, members: Mapping[str, Any]) -> None:
    body = {"model": "gpt-35-turbo-instruct", "stream": True, "prompt": "hello world", **members}
    assert (await same(host.url, "completions", body)).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("model", sorted(STREAM_ODDITIES.keys() - ENDLESS - {UNASKED, COMMENTS}))
@pytest.mark.parametrize("path", ["chat/completions", "completions"])
async def test_an_odd_stream_is_the_same(host: HostProcess, model: str, path: str) -> None:
    content = {"prompt": "hello world", "messages": [{"role": "user", "content": "hello world"}]}
    # The bound is what a stream that breaks off costs its key.
    body = {"model": model, "stream": True, "max_tokens": 100, **content}
    await same(host.url, path, body)


async def test_a_usage_of_null_that_azure_sends_unasked_is_hidden_too_and_nothing_else(host: HostProcess) -> None:
    body = {"model": UNASKED, "stream": True, "messages": [{"role": "user", "content": "hello world"}]}
    plain, counted = [CHANGING.sub(b"", (await read(host.url, key, CHAT, body))[1]) for key in (PLAIN, COUNTED)]
    assert plain.count(b',"usage":null') == 1
    assert counted == plain.replace(b',"usage":null', b"")


async def test_what_azure_sends_to_keep_the_stream_alive_stays(host: HostProcess) -> None:
    body = {"model": COMMENTS, "stream": True, "messages": [{"role": "user", "content": "hello world"}]}
    plain, counted = [CHANGING.sub(b"", (await read(host.url, key, CHAT, body))[1]) for key in (PLAIN, COUNTED)]
    # Before the chunk of the usage, which nobody reads, stands one more.
    assert counted == plain.replace(b"data: [DONE]", b"\n\ndata: [DONE]")


async def test_calls_at_the_same_time_all_learn_that_a_deployment_does_not_tell_its_usage(simulator: Simulator) -> None:
    body = {"model": "refuses-stream-options", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with running_host(
        REPOSITORY, environ_for(simulator) | {"CLIENT_KEYS": KEYS, "REPAIR_PARAMETERS": "false"}
    ) as app:
        came = await asyncio.gather(*(read(app.url, COUNTED, CHAT, body) for _ in range(3)))
        assert [(status, read.endswith(b"data: [DONE]\n\n")) for status, read, _ in came] == [(200, True)] * 3
        seen = len(simulator.requests)
        await read(app.url, COUNTED, CHAT, body)
    assert ["stream_options" in json.loads(one.body) for one in simulator.requests[seen:]] == [False]


async def test_a_response_is_the_same(host: HostProcess) -> None:
    body = {"model": "gpt-4o", "stream": True, "input": "hello", "store": False}
    plain, counted = [await read(host.url, key, "responses", body) for key in (PLAIN, COUNTED)]
    ids = re.compile(rb'"(?:resp|msg|rs|fc)_[^"]*"|"(?:created|completed)_at":\d+')
    assert ids.sub(b"", plain[1]) == ids.sub(b"", counted[1])


Write = Callable[[dict[str, Any]], str]
TEXTS = ("hello", ' "usage": null', '{"usage":null}', ',"usage":null}', "é", "x")
STYLES: Mapping[str, tuple[Write, bool]] = {
    "compact-last": (lambda chunk: json.dumps(chunk, separators=(",", ":")), True),
    "compact-first": (lambda chunk: json.dumps(chunk, separators=(",", ":")), False),
    "spaced-last": (json.dumps, True),
    "spaced-first": (json.dumps, False),
    "of-several-lines": (lambda chunk: json.dumps(chunk, indent=1).replace("\n", "\ndata: "), True),
}


class Telling(Server):
    """A server that tells the usage only when asked, in the style that its model is named by."""

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        write, is_last = STYLES[asked["model"]]
        choices = [_choice({"content": text}) for text in TEXTS]
        chunks = [
            _chunk([one]) for one in (_choice({"role": "assistant", "content": ""}), *choices, _choice({}, "stop"))
        ]
        if asked.get("stream_options", {}).get("include_usage", False):
            told = [({"usage": None}, chunk) for chunk in chunks] + [({"usage": USAGE}, _chunk([]))]
            chunks = [{**chunk, **usage} if is_last else {**usage, **chunk} for usage, chunk in told]
        events = [f"data: {write(chunk)}\n\n" for chunk in chunks]
        return web.Response(text="".join([*events, "data: [DONE]\n\n"]), content_type="text/event-stream")


def _chunk(choices: list[Any]) -> dict[str, Any]:
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}


def _choice(delta: Mapping[str, str], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


async def test_the_bytes_of_any_server_are_the_same() -> None:
    async with Telling() as server:
        entry = {"name": "s", "kind": "openai", "endpoint": f"http://127.0.0.1:{server.port}/v1", "auth": "none"}
        environ = {
            "AZURE_OPENAI_RESOURCES": json.dumps([{**entry, "models": {style: style for style in STYLES}}]),
            "CLIENT_KEYS": KEYS,
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        }
        async with running_host(REPOSITORY, environ) as app:
            for style in STYLES:
                body = {
                    "model": style,
                    "stream": True,
                    "max_tokens": 100,
                    "messages": [{"role": "user", "content": "hi"}],
                }
                written = await same(app.url, CHAT, body)
                assert written.endswith(b"data: [DONE]\n\n")
                chunks = [json.loads(block[6:]) for block in written.split(b"\n\n")[:-2]]
                assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "".join(TEXTS)
