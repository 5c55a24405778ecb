"""Every program in examples/, and of the front page's settings, does what it shows, against the simulator."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clients.environments import INSTALL_TIMEOUT, python_of
from tests.integration import node, test_codex, test_sdk_028, test_translated_frameworks
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXAMPLES = REPOSITORY / "examples"
ECHO = "You said: Hello"
PROGRAM_TIMEOUT = 90.0
FRAMEWORKS = test_translated_frameworks.FOLDER
NODE = {"openai_node.mjs": node.FOLDER, "langchain_js.mjs": FRAMEWORKS, "ai_sdk.mjs": FRAMEWORKS}
OWN_ENVIRONMENT = {"langchain_python.py": "langchain", "llama_index_python.py": "llama-index"}
# Clients of the front page.
NODE_CLIENTS = {"openai-node": node.FOLDER, "LangChain (JS)": FRAMEWORKS, "Vercel AI SDK": FRAMEWORKS}
PYTHON_CLIENTS = {"LangChain (Python)": "langchain", "LlamaIndex": "llama-index"}
# Nothing here can compile it.
NOT_RUN = {"dotnet.cs"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app() -> AsyncIterator[HostProcess]:
    """An app over a simulator."""
    async with Simulator().serving() as azure, running_host(REPOSITORY, environ_for(azure)) as host:
        yield host


async def output_of(app: HostProcess, *command: str | Path, **environ: str) -> str:
    """Return what a program prints."""
    access = {"OPENAI_BASE_URL": f"{app.url}/v1", "OPENAI_API_KEY": CLIENT_KEY, "MODEL": "gpt-4o"}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **access, **environ},
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
    return printed.decode().strip()


async def test_openai_python_streams_an_answer(app: HostProcess) -> None:
    assert await output_of(app, sys.executable, EXAMPLES / "openai_python.py") == ECHO


async def test_openai_python_028_streams_an_answer(app: HostProcess) -> None:
    await asyncio.to_thread(test_sdk_028.install)
    assert await output_of(app, test_sdk_028.PYTHON, EXAMPLES / "openai_python_028.py") == ECHO


async def test_curl_streams_an_answer(app: HostProcess) -> None:
    events = await output_of(app, "sh", EXAMPLES / "chat.sh")
    assert events.count("data: {") > 3
    assert events.endswith("data: [DONE]")


@pytest.mark.parametrize("program", NODE)
async def test_a_program_for_node_streams_an_answer(app: HostProcess, tmp_path: Path, program: str) -> None:
    for folder in (node.FOLDER, NODE[program]):
        await asyncio.to_thread(node.install, folder)
    # Node looks for packages beside the program.
    (tmp_path / "node_modules").symlink_to(NODE[program] / "node_modules")
    shutil.copy(EXAMPLES / program, tmp_path)
    assert await output_of(app, node.NODE, tmp_path / program) == ECHO


async def test_codex_answers_with_the_configuration(app: HostProcess, tmp_path: Path) -> None:
    await asyncio.to_thread(node.install, test_codex.FOLDER)
    config = (EXAMPLES / "codex" / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(config.replace("https://NAME.azurewebsites.net", app.url))
    command = (test_codex.CODEX, "exec", "--skip-git-repo-check", "-m", "gpt-4o", "-C", str(tmp_path), "Hello")
    assert await output_of(app, *command, HOME=f"{tmp_path}", CODEX_HOME=f"{tmp_path}") == ECHO


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings() -> dict[str, str]:
    """The settings that the front page has for each client."""
    await asyncio.to_thread(node.install)
    module = (REPOSITORY / "proxy" / "front_page" / "clients.js").as_uri()
    program = f"console.log(JSON.stringify((await import({module!r})).CLIENTS))"
    printed = await asyncio.create_subprocess_exec(
        *(node.NODE, "--no-warnings", "--input-type=module", "--eval", program), stdout=subprocess.PIPE
    )
    output, _ = await printed.communicate()
    return dict(json.loads(output))


def filled(settings: str, app: HostProcess) -> str:
    """Return settings with the values that the page puts in."""
    values = {"PROXY": app.url, "KEY": CLIENT_KEY, "MODEL": "gpt-4o"}
    return re.sub(r"(?<![A-Z_])(PROXY|KEY|MODEL)(?![A-Z_])", lambda name: values[name[1]], settings)


@pytest.mark.parametrize(("client", "folder"), NODE_CLIENTS.items())
async def test_what_the_page_has_for_a_client_of_node_works(
    app: HostProcess, settings: dict[str, str], tmp_path: Path, client: str, folder: Path
) -> None:
    await asyncio.to_thread(node.install, folder)
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    (tmp_path / "program.mjs").write_text(filled(settings[client], app))
    assert await output_of(app, node.NODE, tmp_path / "program.mjs") == ECHO


async def test_what_the_page_has_for_python_and_curl_works(
    app: HostProcess, settings: dict[str, str], tmp_path: Path
) -> None:
    program = filled(settings["openai-python"], app)
    assert await output_of(app, sys.executable, "-c", program) == ECHO
    assert (await output_of(app, "sh", "-c", filled(settings["curl"], app))).endswith("data: [DONE]")


@pytest.mark.clients
@pytest.mark.timeout(INSTALL_TIMEOUT + PROGRAM_TIMEOUT)
@pytest.mark.parametrize(("client", "environment"), PYTHON_CLIENTS.items())
async def test_what_the_page_has_for_a_framework_of_python_works(
    app: HostProcess, settings: dict[str, str], client: str, environment: str
) -> None:
    python = await asyncio.to_thread(python_of, environment)
    assert await output_of(app, python, "-c", filled(settings[client], app)) == ECHO


@pytest.mark.clients
@pytest.mark.timeout(INSTALL_TIMEOUT + PROGRAM_TIMEOUT)
@pytest.mark.parametrize("program", OWN_ENVIRONMENT)
async def test_a_framework_of_python_streams_an_answer(app: HostProcess, program: str) -> None:
    python = await asyncio.to_thread(python_of, OWN_ENVIRONMENT[program])
    assert await output_of(app, python, EXAMPLES / program) == ECHO


async def test_every_example_is_run_and_listed() -> None:
    files = {path.name for path in EXAMPLES.rglob("*.*") if path.suffix != ".pyc"} - {"README.md"}
    run = {"openai_python.py", "openai_python_028.py", "chat.sh", "config.toml", *NODE, *OWN_ENVIRONMENT, *NOT_RUN}
    assert files == run
    listed = (EXAMPLES / "README.md").read_text()
    assert [name for name in files if name not in listed] == []
