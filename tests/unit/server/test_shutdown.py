"""The end of a process that is asked to end, in a process of its own."""

import asyncio
import os
import signal
import sys

import pytest

from proxy.server.shutdown import end_on_sigterm
from tests.processes import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to handle")

PROGRAM = """
import asyncio
import signal
from proxy.server.shutdown import end_on_sigterm, ends_with

async def end():
    print("ends", flush=True)
    await asyncio.to_thread(input)
    print("has ended", flush=True)

async def last():
    print("server too", flush=True)

async def main():
    signal.signal(signal.SIGTERM, lambda *_: print("not ours", flush=True))
    ends_with(last)
    end_on_sigterm(end)
    print("runs", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_sigterm_begins_the_end_once_and_the_process_dies_of_it() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM), cwd=REPOSITORY, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"runs\n"
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.readline() == b"ends\n"
    process.send_signal(signal.SIGTERM)  # a second one changes nothing
    process.stdin.write(b"\n")
    assert await process.stdout.read() == b"has ended\nserver too\n"
    assert await process.wait() == -signal.SIGTERM


async def test_where_signals_cannot_be_handled_nothing_changes() -> None:
    async def end() -> None:
        os.abort()

    async def elsewhere() -> None:
        end_on_sigterm(end)

    before = signal.getsignal(signal.SIGTERM)
    await asyncio.to_thread(asyncio.run, elsewhere())
    assert signal.getsignal(signal.SIGTERM) is before
