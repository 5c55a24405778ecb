"""`make start`, as a newcomer uses it."""

import asyncio
import os
import re
import signal
import sys

import pytest

from tests.processes import NO_FILE, REPOSITORY
from tools.models import default_model

START_TIMEOUT = 60.0


@pytest.mark.parametrize(
    ("number", "keys"),
    [
        (signal.SIGINT, {}),
        (signal.SIGTERM, {"CLIENT_KEYS": '{"me": {"key": "sk-me-0123456789abcdefghij", "rpm": 60}}'}),
    ],
)
async def test_start_prints_a_curl_line_that_works_and_ends_with_everything_it_began(
    number: signal.Signals, keys: dict[str, str]
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.start", "--port", "0", "--local-settings", str(NO_FILE)),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **keys},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(START_TIMEOUT):
        printed = (await process.stdout.readuntil(b"Ctrl-C stops everything.\n")).decode()
        assert "Models of other names are answered by: " in printed
        curl_line = next(line for line in printed.splitlines() if line.startswith("curl "))
        assert re.search(r"^Base URL +http://127\.0\.0\.1:\d+/v1$", printed, re.MULTILINE)
        curl = await asyncio.create_subprocess_shell(f"{curl_line} -sS", stdout=asyncio.subprocess.PIPE)
        streamed, _ = await curl.communicate()
        assert streamed.endswith(b"data: [DONE]\n\n")
        for model in ("gpt-3.5-turbo", "gpt-5-mini"):  # what chat clients ask for by themselves
            other = curl_line.replace(f'"{default_model().name}"', f'"{model}"')
            curl = await asyncio.create_subprocess_shell(f"{other} -sS", stdout=asyncio.subprocess.PIPE)
            streamed, _ = await curl.communicate()
            assert streamed.endswith(b"data: [DONE]\n\n")
        process.send_signal(number)
        worker = int(re.findall(r"worker process (\d+)", printed)[0])
        await process.stdout.read()  # Everybody who holds its output has ended.
        assert await process.wait() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
