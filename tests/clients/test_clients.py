"""Clients in Python, each in an environment of its own: a chat, a stream and a call of a tool where it has them.

`make test-clients` runs them. Clients for Node are in tests/integration: test_node_sdk, test_translated_frameworks and
test_codex; openai-python of today and 0.28 are there too, in more detail.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.environments import INSTALL_TIMEOUT, python_of
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_sdk import ECHO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

PROGRAM_TIMEOUT = 120.0
pytestmark = [
    pytest.mark.clients,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(INSTALL_TIMEOUT + PROGRAM_TIMEOUT),
]

PROGRAMS = Path(__file__).parent / "programs"
CHAT = {"chat": ECHO, "stream": ECHO}
TOOL = {"tool": "weather"}
RESPONSES = {"response": ECHO, "response_stream": ECHO}
OPENAI = CHAT | TOOL | RESPONSES | {"stream_async": ECHO, "response_tool": "weather", "azure": ECHO}
# An argument that the simulator makes up, by the type that it was asked to have.
MADE_UP = "str"
# Environment, program, and what comes of its calls.
CLIENTS: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("openai-0.28", "openai_028", CHAT | TOOL),
    ("openai-1", "openai_sdk", OPENAI),
    ("openai-latest", "openai_sdk", OPENAI),
    ("litellm", "litellm_sdk", CHAT | TOOL | {"stream_async": ECHO, "response": ECHO}),
    ("llm", "llm_cli", CHAT | {"with_tools": ECHO, "schema": {"said": "hello world"}}),
    ("aider", "aider_cli", CHAT),
    ("instructor", "instructor_sdk", {"tool": MADE_UP, "stream": MADE_UP, "as_json_schema": MADE_UP}),
    ("pydantic-ai", "pydantic_ai_sdk", CHAT | RESPONSES | {"tool": MADE_UP}),
    ("openai-agents", "agents_sdk", CHAT | RESPONSES | {"tool": [1, ECHO], "response_tool": [1, ECHO]}),
    ("langchain", "langchain_sdk", CHAT | TOOL | RESPONSES | {"agent": ECHO, "as_object": MADE_UP, "embedding": 2}),
    ("llama-index", "llama_index_sdk", CHAT | TOOL | {"completion": ECHO}),
)
# Aider pins packages that have no wheels for later ones.
AIDER_PYTHON = (3, 12)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app() -> AsyncIterator[HostProcess]:
    """An app over a simulator."""
    async with Simulator().serving() as azure, running_host(REPOSITORY, environ_for(azure)) as host:
        yield host


@pytest.mark.parametrize(("client", "program", "expected"), CLIENTS, ids=[name for name, _, _ in CLIENTS])
async def test_a_client_finds_what_it_expects(
    app: HostProcess, tmp_path: Path, client: str, program: str, expected: Mapping[str, object]
) -> None:
    if client == "aider" and sys.version_info[:2] > AIDER_PYTHON:
        pytest.skip("aider runs on Python up to 3.12")
    python = await asyncio.to_thread(python_of, client)
    assert await run_program(python, program, app, tmp_path) == expected


async def run_program(python: Path, program: str, app: HostProcess, home: Path) -> dict[str, object]:
    """Run a program, which prints a line of JSON a call; return what came of each."""
    process = await asyncio.create_subprocess_exec(
        *(python, PROGRAMS / f"{program}.py"),
        env={"PATH": os.environ["PATH"], "HOME": f"{home}", "PROXY": app.url, "KEY": CLIENT_KEY, "MODEL": "gpt-4o"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PROGRAM_TIMEOUT):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith(b"{")]
    return {str(line["name"]): line["came"] for line in lines}
