"""A newcomer's walk: a fresh clone, the README's command, and a streamed answer in the page."""

import asyncio
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.browser import chromium
from tests.integration import node
from tests.processes import REPOSITORY

FOLDER = Path(__file__).parent
# Seconds; everything is installed from nothing.
PATIENCE = 300.0


@pytest.mark.nightly
@pytest.mark.timeout(PATIENCE + 60)
async def test_make_chat_in_a_fresh_clone_leads_to_a_streamed_answer(tmp_path: Path) -> None:
    environ = chromium.environ(str(tmp_path))
    clone = tmp_path / "clone"
    await asyncio.to_thread(subprocess.check_call, ["git", "clone", "--quiet", str(REPOSITORY), str(clone)])
    assert "make chat" in (clone / "README.md").read_text()
    process = await asyncio.create_subprocess_exec(
        *("make", "chat", "PORT=0"),
        cwd=clone,
        env={name: os.environ[name] for name in ("PATH", "HOME")},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            printed = (await process.stdout.readuntil(b"Ctrl-C stops everything.\n")).decode()
            found = re.search(r"^Open (\S+) in a browser and use this key:\n\n(\S+)$", printed, re.MULTILINE)
            assert found is not None
            await asyncio.to_thread(node.install, FOLDER)
            walk = environ | {"ADDRESS": found[1], "KEY": found[2]}
            came: Any = (await node.run_script(FOLDER / "newcomer.js", walk))["newcomer"]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        await process.wait()
    assert "Hello from a newcomer" in came["answer"]
    assert came["lengths"] > 3
