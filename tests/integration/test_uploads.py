"""Forms through Microsoft's worker runtime: large ones in little memory, and what becomes of the bad ones."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

MEGABYTE = 1024 * 1024
LARGE = 90 * MEGABYTE  # The platform takes 100 MB.
MANY = 10_000  # requests, of which none may be forgotten
MAX_GROWTH = 30 * MEGABYTE
PIECE = bytes(range(256)) * 256
WHISPER, FILES = "/v1/audio/transcriptions", "/v1/files"
BOUNDARY = "----boundary--7"
FORM = {"content-type": f'multipart/form-data; boundary="{BOUNDARY}"'}
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def resource() -> AsyncIterator[Simulator]:
    async with Simulator(keep=MANY).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def roomy(resource: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostProcess]:
    """Run an app that has no other tests in its memory, and a folder of its own for what it spools."""
    settings = environ_for(resource) | {"TMPDIR": str(tmp_path_factory.mktemp("spool"))}
    async with running_host(REPOSITORY, settings) as host:
        yield host


def field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(data: bytes) -> bytes:
    return file_head() + data + b"\r\n"


def file_head() -> bytes:
    head = 'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode()


USER_DATA = field("purpose", "assistants")
END = f"--{BOUNDARY}--\r\n".encode()


def large_form(named: bytes, *, file_first: bool) -> Iterator[bytes]:
    """Yield a form of 90 MB and one field."""
    yield file_head() if file_first else named + file_head()
    for _ in range(LARGE // len(PIECE)):
        yield PIECE
    yield b"\r\n" + (named if file_first else b"") + END


async def sent(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@asynccontextmanager
async def client_of(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as session:
        yield session


def memory(host: HostProcess, name: str) -> int:
    """Return what the worker holds, `VmRSS` now or `VmHWM` at most, in bytes."""
    lines = Path(f"/proc/{host.worker_pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def forget_peak(host: HostProcess) -> None:
    """Make the most that the worker has held what it holds now: proc(5), clear_refs."""
    Path(f"/proc/{host.worker_pid}/clear_refs").write_text("5")


def nameless_files(host: HostProcess) -> list[str]:
    """Return the files without a name that the worker has open; a spool is one."""
    links = [link.readlink() for link in Path(f"/proc/{host.worker_pid}/fd").iterdir() if link.is_symlink()]
    return [str(link) for link in links if str(link).endswith(" (deleted)")]


async def no_nameless_files(host: HostProcess) -> None:
    """Wait until a spool is closed, which is just behind its answer; a spool that stays fails the test."""
    async with asyncio.timeout(30):
        while nameless_files(host):
            await asyncio.to_thread(os.sched_yield)


@on_linux
@pytest.mark.serial
@pytest.mark.parametrize("told", [True, False], ids=["length told", "length unknown"])
@pytest.mark.parametrize("file_first", [False, True], ids=["model first", "file first"])
@pytest.mark.parametrize("path", [WHISPER, FILES])
async def test_90_megabytes_pass_in_little_memory(
    roomy: HostProcess, resource: Simulator, path: str, *, file_first: bool, told: bool
) -> None:
    asked, wanted = (field("model", "chat"), field("model", "gpt-4o")) if path == WHISPER else [USER_DATA] * 2
    length = {"content-length": str(sum(map(len, large_form(asked, file_first=file_first))))} if told else {}
    async with client_of(roomy) as http:
        small = field("model", "chat") + file(b"warm") + END
        async with http.post(WHISPER, data=small, headers=FORM) as warm:
            assert warm.status == 200, await warm.text()
        forget_peak(roomy)
        before = memory(roomy, "VmRSS")
        form = large_form(asked, file_first=file_first)
        async with http.post(path, data=sent(form), headers=FORM | length) as answer:
            assert answer.status == 200, await answer.text()
    assert memory(roomy, "VmHWM") - before < MAX_GROWTH
    await no_nameless_files(roomy)
    expected = hashlib.sha256()
    for part in large_form(wanted, file_first=file_first):
        expected.update(part)
    assert resource.requests[-1].body_sha256 == expected.hexdigest()
    if told:
        assert resource.requests[-1].headers["content-length"] == str(resource.requests[-1].body_size)


@pytest.mark.parametrize("path", [WHISPER, FILES])
async def test_a_form_may_be_cut_anywhere(roomy: HostProcess, resource: Simulator, path: str) -> None:
    """A part of the file looks like the boundary, and the model is between two others."""
    tricky = b"\r\n--" + BOUNDARY[:-1].encode() + b"\r\n\r\n--"
    whole = field("language", "en") + field("model", "chat") + USER_DATA + file(tricky) + END
    wanted = whole.replace(b"\r\n\r\nchat\r\n", b"\r\n\r\ngpt-4o\r\n") if path == WHISPER else whole
    before = len(resource.requests)

    async def post(http: aiohttp.ClientSession, cut: int) -> int:
        pieces = iter((whole[:cut], whole[cut : cut + 1], whole[cut + 1 :]))
        async with http.post(path, data=sent(piece for piece in pieces if piece), headers=FORM) as answer:
            return answer.status

    async with client_of(roomy) as http:
        assert {await post(http, cut) for cut in range(len(whole))} == {200}
    arrived = resource.requests[before:]
    assert len(arrived) == len(whole)
    assert {request.body for request in arrived} == {wanted}


BAD_FORMS = {
    "no boundary": ({"content-type": "multipart/form-data"}, field("model", "chat") + file(b"x") + END),
    "another boundary": (FORM, (field("model", "chat") + file(b"x") + END).replace(BOUNDARY.encode(), b"other")),
    "no form at all": (FORM, b"hello"),
    "nothing": (FORM, b""),
    "no model": (FORM, file(b"x") + END),
    "an empty model": (FORM, field("model", "") + file(b"x") + END),
    "two models": (FORM, field("model", "chat") + file(b"x") + field("model", "gpt-4o") + END),
    "two models before the file": (FORM, field("model", "chat") + field("model", "gpt-4o") + file(b"x") + END),
    "no end": (FORM, file(b"x") + field("model", "chat")[:-4]),
    "a model without an end": (FORM, file(b"x") + field("model", "chat" * 100_000) + END),
}


@pytest.mark.parametrize(("headers", "body"), BAD_FORMS.values(), ids=BAD_FORMS.keys())
async def test_a_bad_form_is_refused_and_never_sent(
    roomy: HostProcess, resource: Simulator, headers: dict[str, str], body: bytes
) -> None:
    before = len(resource.requests)
    async with client_of(roomy) as http, http.post(WHISPER, data=body, headers=headers) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["type"]) == (400, "invalid_request_error")
    assert len(resource.requests) == before


async def test_a_form_for_an_unknown_model_is_a_404(roomy: HostProcess, resource: Simulator) -> None:
    body = file(b"x") + field("model", "nothing") + END
    async with client_of(roomy) as http, http.post(WHISPER, data=body, headers=FORM) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("file_first", [False, True], ids=["model first", "file first"])
async def test_a_key_that_azure_refuses_is_a_clear_error_of_an_upload_too(*, file_first: bool) -> None:
    async with (
        Simulator(keys=["another"]).serving() as simulator,
        running_host(REPOSITORY, environ_for(simulator)) as host,
        client_of(host) as http,
    ):
        form = large_form(field("model", "chat"), file_first=file_first)
        async with http.post(WHISPER, data=sent(form), headers=FORM) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == (502, "upstream_auth_error")
            assert "credential" in error["message"] or "key" in error["message"]
        await no_nameless_files(host)


@asynccontextmanager
async def dying_upstream(after: int) -> AsyncIterator[str]:
    """Serve who reads so many bytes of a request and then breaks the line."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("file_first", [False, True], ids=["model first", "file first"])
async def test_an_upstream_that_dies_in_the_middle_is_a_502(resource: Simulator, *, file_first: bool) -> None:
    async with dying_upstream(MEGABYTE) as url:
        settings = environ_for(resource) | {"AZURE_OPENAI_ENDPOINT": url}
        async with running_host(REPOSITORY, settings) as host, client_of(host) as http:
            form = large_form(field("model", "chat"), file_first=file_first)
            async with http.post(WHISPER, data=sent(form), headers=FORM) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (502, "upstream_error")
            await no_nameless_files(host)


@pytest.mark.parametrize("file_first", [False, True], ids=["model first", "file first"])
async def test_nothing_is_left_of_a_client_that_leaves_in_the_middle(resource: Simulator, *, file_first: bool) -> None:
    gone = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        form = large_form(field("model", "chat"), file_first=file_first)
        for _ in range(200):
            yield next(form)
        gone.set()
        await asyncio.Event().wait()

    async with running_host(REPOSITORY, environ_for(resource)) as host:
        async with client_of(host) as http:
            call = asyncio.create_task(http.post(WHISPER, data=half(), headers=FORM).__aenter__())
            await gone.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        await host.wait_for_output('"outcome":"client_left"')
        line = next(line for line in host.output().splitlines() if "client_left" in line)
        assert json.loads(line)["status"] == 499
        await no_nameless_files(host)
