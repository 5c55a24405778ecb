"""`make start`, as a newcomer uses it."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.processes import NO_FILE, REPOSITORY
from tools import start
from tools.models import default_model

START_TIMEOUT = 60.0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("alice=sk-a=b, bob=sk-b", "sk-a=b"),
        ('{"alice": {"key": "sk-a", "rpm": 60}, "bob": {"key": "sk-b"}}', "sk-a"),
        ("{}", None),
        ('{"alice": "sk-a"}', None),
        ("{", None),
        ("nothing", None),
    ],
)
def test_the_key_to_use_is_the_first_of_the_settings_in_either_form(tmp_path: Path, text: str, key: str | None) -> None:
    assert start.client_key({"CLIENT_KEYS": text}, tmp_path / "none.json") == key


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_start_prints_a_curl_line_that_works_and_ends_with_everything_it_began(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.start", "--port", "0", "--local-settings", str(NO_FILE)),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
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
        # Costs and budgets can be tried, because the deployments of the simulator have prices.
        whole = curl_line.replace('"stream": true', '"stream": false')
        curl = await asyncio.create_subprocess_shell(f"{whole} -sS -D -", stdout=asyncio.subprocess.PIPE)
        answer, _ = await curl.communicate()
        assert b"\nx-proxy-cost-usd: 0.0" in answer.lower()
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
