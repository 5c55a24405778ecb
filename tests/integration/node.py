"""What the tests need from npm, installed once: OpenAI's SDK with a Node of today, and mocks of API documents."""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.processes import REPOSITORY, free_port, output_of

FOLDER = REPOSITORY / "tests" / "node"
NODE = FOLDER / "node_modules" / "node" / "bin" / "node"
MOCK = FOLDER / "node_modules" / "@stdy" / "cli" / "steady.js"
INSTALL_TIMEOUT = 300.0
SCRIPT_TIMEOUT = 90.0
START_TIMEOUT = 60.0
_READY = re.compile(rb"Ready to accept requests")
# OpenAI's SDKs write lists and objects of a query or a form with brackets.
BRACKETS = tuple(
    f"--validator-{place}-{kind}-format=brackets" for place in ("query", "form") for kind in ("array", "object")
)


@cache
def install(folder: Path = FOLDER) -> None:
    """Install what a lock file names, unless it is there; skip the test without npm, fail when npm fails."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    stamp = folder / "node_modules" / "installed"
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Other processes run other tests.
        digest = hashlib.sha256(lock.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            _install(npm, folder)
            stamp.write_text(digest)


def _install(npm: str, folder: Path) -> None:
    done = subprocess.run([npm, "ci"], cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    assert done.returncode == 0, f"npm ci failed:\n{done.stdout}{done.stderr}"


async def run_script(
    name: str | Path, environ: Mapping[str, str], *, timeout: float = SCRIPT_TIMEOUT
) -> dict[str, object]:
    """Run a script of the folder, which prints a line of JSON a call; return what came of each call."""
    await asyncio.to_thread(install)
    printed = await output_of(NODE, FOLDER / name, environ=environ, timeout=timeout)
    lines = [json.loads(line) for line in printed.splitlines()]
    return {str(line["name"]): line["came"] for line in lines}


@asynccontextmanager
async def running_mock(document: Path, arguments: Sequence[str] = ()) -> AsyncIterator[str]:
    """Serve a document as a mock that judges what it is asked; yield its URL."""
    await asyncio.to_thread(install)
    port = free_port()
    arguments = ("--host", "127.0.0.1", "-p", str(port), "-q", "--reject-on-sdk-error=false", *arguments)
    async with running_server(MOCK, *arguments, document, ready=_READY):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def running_server(*command: str | Path, ready: re.Pattern[bytes]) -> AsyncIterator[None]:
    """Run a server on Node until the block ends, which begins when a line that it prints matches `ready`."""
    process = await asyncio.create_subprocess_exec(
        *(NODE, *command),
        env={"PATH": os.environ["PATH"]},  # With CI in its environment the mock prints other lines.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    drain = None
    try:
        async with asyncio.timeout(START_TIMEOUT):
            drain = asyncio.create_task(_drain(await _until_ready(process, ready)))
        yield
    finally:
        if process.returncode is None:
            process.terminate()  # A mock ends its own processes then.
        await process.wait()
        if drain is not None:
            await drain


async def _until_ready(process: asyncio.subprocess.Process, ready: re.Pattern[bytes]) -> asyncio.StreamReader:
    assert process.stdout is not None
    printed = b""
    while line := await process.stdout.readline():
        printed += line
        if ready.search(line):
            return process.stdout
    raise AssertionError(f"The server did not start:\n{printed.decode()}")


async def _drain(output: asyncio.StreamReader) -> None:
    """Read what is printed, so that a full pipe stops nobody."""
    while await output.read(65536):
        pass


if __name__ == "__main__":
    for lock in sorted(REPOSITORY.glob("tests/*/package-lock.json")):
        install(lock.parent)
