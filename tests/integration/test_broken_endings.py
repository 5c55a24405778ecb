"""A stream that breaks off behind its error looks complete to nobody, and nobody asks for it again because of that.

The same is tried on Microsoft's own host, where there is one.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.scripted_azure import Script, ScriptedAzure
from tests.integration.conftest import CLIENT_KEY
from tests.integration.endings import RETRY
from tests.integration.node import run_script
from tests.integration.recordings import CHAT, RESPONSE, Recording
from tests.processes import REPOSITORY, running_host
from tests.real_host.hosts import KINDS, PRODUCTION, make_folder, running_real_host

HOSTS = ["own", *([pytest.param("real", marks=pytest.mark.real_host)] if PRODUCTION in KINDS else [])]
CURL = shutil.which("curl") or ""
# What curl says of a body that ends too early, of a reset, and of either in HTTP/2.
CUT_EXITS = (18, 56, 92)
LONGEST_TIMER = 2**31 - 1
RECORDINGS = (CHAT, RESPONSE)
MEGABYTE = 1024 * 1024
# How much a slow reader has not read when Azure breaks off, in bytes.
BEHIND = {"script-burst": MEGABYTE // 4, "script-large": 4 * MEGABYTE}
BURSTS = [pytest.param("script-burst"), pytest.param("script-large", marks=pytest.mark.nightly)]
ENDINGS: Mapping[str, tuple[Recording, bytes]] = {
    f"script-{recording.name}-{name}": (recording, raw)
    for recording in RECORDINGS
    for name, raw in {
        "whole": recording.raw,
        "cut": b"".join(event.raw for event in recording.events[: len(recording.events) // 2]),
    }.items()
}
LARGE = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    b'{"content":"%s"},"finish_reason":null}]}\n\n' % (b"x" * 10_000)
)
SCRIPTS = {name: Script(parts=(raw,)) for name, (_, raw) in ENDINGS.items()} | {
    name: Script(parts=(LARGE,) * (size // len(LARGE) + 1)) for name, size in BEHIND.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app on a host, and its Azure."""

    url: str
    azure: ScriptedAzure


@asynccontextmanager
async def on_own_host(environ: Mapping[str, str]) -> AsyncIterator[str]:
    """Run the app on the host of this repository; yield its URL."""
    async with running_host(REPOSITORY, environ) as host:
        yield host.url
        assert "Traceback" not in host.output()
        assert host.output().count("stream_broken") <= host.output().count('"request_id"')


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=HOSTS)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with ScriptedAzure(SCRIPTS).serving() as azure:
        environ = {
            "AZURE_OPENAI_ENDPOINT": azure.url,
            "AZURE_OPENAI_API_KEY": "key",
            "CLIENT_KEYS": f"tester={CLIENT_KEY}",
        }
        if request.param == "own":
            async with on_own_host(environ) as url:
                yield App(url=url, azure=azure)
        else:
            folder = make_folder(tmp_path_factory.mktemp("endings") / "app", PRODUCTION)
            async with running_real_host(PRODUCTION, folder, environ) as host:
                yield App(url=host.url, azure=azure)


def asked_of(name: str) -> tuple[str, bytes]:
    """Return path and body of the call that asks for a script."""
    recording = ENDINGS[name][0] if name in ENDINGS else CHAT
    return recording.path, json.dumps({**recording.asked, "model": name, "stream": True}).encode()


async def curl(app: App, name: str, *arguments: str) -> tuple[int, bytes]:
    """Return curl's exit code and what it has read."""
    if not CURL:
        pytest.skip("curl is not installed")
    path, body = asked_of(name)
    headers = (f"authorization: Bearer {CLIENT_KEY}", "content-type: application/json")
    process = await asyncio.create_subprocess_exec(
        *(CURL, "--silent", "--no-buffer", "--max-time", "120", "--data-binary", body.decode(), *arguments),
        *(part for header in headers for part in ("--header", header)),
        f"{app.url}/v1/{path}",
        stdout=subprocess.PIPE,
    )
    came, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, came


@pytest.mark.parametrize("name", ENDINGS)
async def test_curl_fails_where_the_stream_is_broken_and_only_there(app: App, name: str) -> None:
    before = len(app.azure.answered)
    code, came = await curl(app, name)
    assert len(app.azure.answered) == before + 1
    if name.endswith("whole"):
        assert (code, came.count(RETRY)) == (0, 0)
    else:
        assert code in CUT_EXITS
        assert (came.count(RETRY), came.count(b"[DONE]")) == (1, 0)
        assert came.endswith(b"\n\n")


@pytest.mark.parametrize("name", BURSTS)
async def test_a_slow_reader_reads_all_of_a_broken_stream(app: App, name: str) -> None:
    code, came = await curl(app, name, "--limit-rate", "100K")
    assert code in CUT_EXITS
    assert came.count(LARGE) == len(SCRIPTS[name].parts)
    assert came.replace(LARGE, b"").count(RETRY) == 1


async def test_fetch_event_source_does_not_ask_again(app: App) -> None:
    before = len(app.azure.answered)
    cases = {}
    for name in ENDINGS:
        path, body = asked_of(name)
        cases[name] = {"path": path, "body": json.loads(body)}
    came = await run_script("reconnecting.js", {"URL": app.url, "KEY": CLIENT_KEY, "CASES": json.dumps(cases)})
    assert len(app.azure.answered) == before + len(ENDINGS)
    for name, one in came.items():
        assert isinstance(one, dict)
        broken = name.endswith("cut")
        assert one["wait"] == (LONGEST_TIMER if broken else None), name
        assert any('"error":{' in event for event in one["events"]) is broken, name


class Reconnecting:
    """The rules of reqwest-eventsource 0.6: it asks again behind every end, proper or not, unless it is closed.

    Its first wait is 300 ms, its longest 5 s; the `retry` of an event that has data replaces the one and raises the
    other. https://github.com/jpopesculian/reqwest-eventsource/blob/main/src/retry.rs
    """

    def __init__(self) -> None:
        self.wait, self.longest = 300, 5000
        self._data, self._retry = b"", 0

    def line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data += value.strip()
        elif field == b"retry" and value.strip().isdigit():
            self._retry = int(value)
        elif not line:
            if self._data and self._retry:
                self.wait, self.longest = self._retry, max(self.longest, self._retry)
            self._data, self._retry = b"", 0


@pytest.mark.parametrize("name", [name for name in ENDINGS if name.endswith("cut")])
async def test_a_reader_with_the_rules_of_reqwest_eventsource_does_not_ask_again(app: App, name: str) -> None:
    before = len(app.azure.answered)
    path, body = asked_of(name)
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-type": "application/json"}
    reader = Reconnecting()
    async with (
        aiohttp.ClientSession(app.url, headers=headers) as http,
        http.post(f"/v1/{path}", data=body) as answer,
    ):
        with suppress(aiohttp.ClientPayloadError):
            async for line in answer.content:
                reader.line(line.rstrip(b"\n"))
    assert reader.wait == LONGEST_TIMER
    assert len(app.azure.answered) == before + 1
