"""HEAD answers what GET would, without its body, and leaves the connection usable."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
import pytest
from openai import AsyncOpenAI

from tests.fakes.raw_azure import serving
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import ATTEMPTS, FORGETFUL, TARGET, entry, run_app
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

# These differ from answer to answer, whatever the method.
CHANGING = frozenset({"date", "x-request-id", "apim-request-id", "openai-processing-ms", "server", "transfer-encoding"})
MANY = 1 << 40


def stable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in CHANGING}


async def same_without_body(http: aiohttp.ClientSession, path: str) -> int:
    """Return the status of HEAD, which has all that GET has but the body; the connection goes on."""
    async with http.get(path) as answer:
        expected, body = (answer.status, stable(answer.headers)), await answer.read()
    for _ in range(2):
        async with http.head(path) as answer:
            assert (answer.status, stable(answer.headers)) == expected
            assert await answer.read() == b""
    async with http.get(path) as answer:
        assert (answer.status, len(await answer.read())) == (expected[0], len(body))
    return expected[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models", 200),
        ("/v1/models/chat", 200),
        ("/v1/models/nothing", 404),
        ("/health", 200),
        ("/", 200),
        ("/front-page/page.css", 200),
        ("/usage", 200),
        ("/v1/realtime", 404),
        ("/v1/files/file-nothing", 404),
        ("/v1/files/file-nothing/content", 404),
        ("/v1/responses/resp_nothing?stream=true", 404),
    ],
)
async def test_head_is_get_without_its_body(http: aiohttp.ClientSession, path: str, status: int) -> None:
    assert await same_without_body(http, path) == status


async def test_head_on_what_is_kept_asks_azure_by_get(
    http: aiohttp.ClientSession, client: AsyncOpenAI, simulator: Simulator
) -> None:
    made = await client.files.create(file=("a.txt", b"x" * 2000, "text/plain"), purpose="assistants")
    response = await client.responses.create(model="chat", input="hello")
    before = len(simulator.requests)
    for path in (
        "/v1/files?limit=1", f"/v1/files/{made.id}", f"/v1/files/{made.id}/content", f"/v1/responses/{response.id}",
        "/v1/chat/completions",
    ):  # fmt: skip
        assert await same_without_body(http, path) == 200
    assert {request.method for request in simulator.requests[before:]} == {"GET"}
    async with http.head(f"/v1/files/{made.id}/content") as answer:
        assert answer.headers["content-length"] == "2000"


async def test_head_on_a_stream_is_its_head_alone(http: aiohttp.ClientSession, client: AsyncOpenAI) -> None:
    response = await client.responses.create(model="chat", input="hello")
    path = f"/v1/responses/{response.id}?stream=true"
    async with http.head(path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.content_type == "text/event-stream"
    async with http.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert b"response.completed" in await answer.read()


@pytest.mark.parametrize(("path", "allow"), [("/v1/embeddings", "POST"), ("/v1/responses/resp_1/cancel", "POST")])
async def test_head_on_what_can_only_be_posted_says_so(http: aiohttp.ClientSession, path: str, allow: str) -> None:
    async with http.head(path) as answer:
        assert (answer.status, answer.headers["allow"]) == (405, allow)


async def test_head_on_no_operation_is_not_found(http: aiohttp.ClientSession) -> None:
    async with http.head("/v1/nowhere") as answer:
        assert (answer.status, await answer.read()) == (404, b"")


async def test_who_has_no_key_reads_no_head(app: HostProcess) -> None:
    async with aiohttp.ClientSession(app.url) as nobody, nobody.head("/v1/files") as answer:
        assert (answer.status, await answer.read()) == (401, b"")


async def test_of_a_large_file_only_the_head_is_read() -> None:
    written, ended = 0, asyncio.Event()

    async def endless(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % MANY)
        with suppress(ConnectionError):
            while written < MANY:
                writer.write(b"x" * 65536)
                await writer.drain()
                written += 65536
        ended.set()

    async with serving(endless) as azure:
        environ = {
            "AZURE_OPENAI_ENDPOINT": azure.url.removesuffix("/path"),
            "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
            "CLIENT_KEYS": f"a={CLIENT_KEY}",
        }
        async with (
            running_host(REPOSITORY, environ) as host,
            aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http,
        ):
            async with http.head("/v1/videos/video_1/content") as answer:
                assert (answer.status, answer.headers["content-length"]) == (200, str(MANY))
                assert answer.content_type == "video/mp4"
            await ended.wait()
            await host.wait_for_output('"outcome":"completed"')
        assert azure.heads[0].startswith(b"GET ")
        # What fits into the buffers of two sockets and of the proxy.
        assert written < 32 * 1024 * 1024


async def test_head_goes_to_another_resource_as_get_does() -> None:
    async with Simulator().serving() as first, Simulator().serving() as second:
        resources = [entry("first", first.url), entry("second", second.url, priority=1)]
        async with run_app(resources, first, second, AZURE_OPENAI_ROUTING=FORGETFUL) as several, several.http() as http:
            # Nothing is on the first one's list, so that the page is the second one's.
            assert await same_without_body(http, "/v1/files") == 200
            async with http.head("/v1/files") as answer:
                assert (answer.headers[TARGET], answer.headers[ATTEMPTS]) == ("1", "2")


async def test_head_on_an_operation_that_is_not_known_is_asked_by_get(simulator: Simulator) -> None:
    environ = {
        "AZURE_OPENAI_ENDPOINT": simulator.url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "CLIENT_KEYS": f"a={CLIENT_KEY}",
        "FORWARD_UNKNOWN_OPERATIONS": "true",
    }
    before = len(simulator.requests)
    async with (
        running_host(REPOSITORY, environ) as host,
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http,
        http.head("/v1/brand/new") as answer,
    ):
        assert answer.status == 404
    assert [request.method for request in simulator.requests[before:]] == ["GET"]
