"""The Codex CLI, unchanged: conversations with a call of a tool in each turn, over two resources of which one dies.

Its package is large, so its tests are nightly.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.tool_calling_azure import ToolCallingAzure
from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import install
from tests.integration.several import entry, environ_of, has_a_tag
from tests.processes import REPOSITORY, HostProcess, running_host

pytestmark = pytest.mark.nightly

FOLDER = REPOSITORY / "tests" / "codex"
CODEX = FOLDER / "node_modules" / ".bin" / "codex"
TURN_TIMEOUT = 60.0
# A shell works it out, so that it stands in the tool's output alone.
COMMAND, OUTPUT = "echo out-of-the-tool-$((40+2))", "out-of-the-tool-42"
# Each new conversation goes to either resource; that all of so many go to one happens once in half a million runs.
MOST_CONVERSATIONS = 20
CONFIG = """\
model = "gpt-4o"
model_provider = "proxy"
[model_providers.proxy]
name = "proxy"
base_url = "{url}/v1"
env_key = "PROXY_KEY"
wire_api = "responses"
supports_websockets = {websockets}
"""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation of the CLI, which keeps it in a folder of its own."""

    home: Path

    async def say(self, words: str, *, model: str = "gpt-4o") -> str:
        """Make a turn; return what is answered."""
        process = await self._start(words, model)
        answer, complaints = await _communicate(process)
        assert process.returncode == 0, complaints.decode()
        return answer.decode().strip()

    async def interrupt(self, words: str, begun: asyncio.Event, *, model: str = "gpt-4o") -> None:
        """Make a turn that the user interrupts once it has `begun`."""
        process = await self._start(words, model)
        try:
            async with asyncio.timeout(TURN_TIMEOUT):
                await begun.wait()
            process.send_signal(signal.SIGINT)
        finally:
            await _communicate(process)

    async def _start(self, words: str, model: str) -> asyncio.subprocess.Process:
        begun = list(self.home.glob("sessions/**/*.jsonl"))
        return await asyncio.create_subprocess_exec(
            *(CODEX, "exec", *(("resume", "--last") if begun else ()), "--skip-git-repo-check", "-m", model),
            *("--dangerously-bypass-approvals-and-sandbox", words),
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": f"{self.home}", "CODEX_HOME": f"{self.home}"}
            | {"PROXY_KEY": CLIENT_KEY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


async def _communicate(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Return what a process prints until it ends, which it must in time."""
    try:
        async with asyncio.timeout(TURN_TIMEOUT):
            return await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass(frozen=True, kw_only=True)
class World:
    """An app over two resources, and a place for the files of conversations."""

    app: HostProcess
    azures: tuple[ToolCallingAzure, ToolCallingAzure]
    folder: Path

    def conversation(self, number: int, *, websockets: bool = False) -> Conversation:
        """Return a new conversation."""
        home = self.folder / f"{number}"
        home.mkdir()
        (home / "config.toml").write_text(CONFIG.format(url=self.app.url, websockets=str(websockets).lower()))
        return Conversation(home=home)

    async def begun(self) -> dict[str, Conversation]:
        """Return a conversation that each resource has begun, by the name of the resource."""
        found: dict[str, Conversation] = {}
        for number in range(MOST_CONVERSATIONS):
            conversation = self.conversation(number)
            found.setdefault((await conversation.say("hello")).removeprefix("said by "), conversation)
            if len(found) == len(self.azures):
                break
        return found

    def counts(self) -> list[int]:
        """Return how many requests each resource has answered."""
        return [len(azure.asked) for azure in self.azures]


@asynccontextmanager
async def running_world(folder: Path) -> AsyncIterator[World]:
    await asyncio.to_thread(install, FOLDER)
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(ToolCallingAzure(name, "exec_command", {"cmd": COMMAND}))
            for name in ("first", "second")
        ]
        environ = environ_of([entry(azure.name, azure.url) for azure in (first, second)])
        app = await stack.enter_async_context(running_host(REPOSITORY, environ))
        yield World(app=app, azures=(first, second), folder=folder)


def check_what_azure_read(azure: ToolCallingAzure) -> None:
    """Check that a resource has read whole conversations, each with the tool's output behind its call, and no tag."""
    for asked in azure.asked:
        items = asked.items
        assert asked.path == "/openai/v1/responses"
        assert not has_a_tag(asked.raw)
        calls = {item["call_id"] for item in items if item["type"] == "function_call"}
        outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
        assert calls == outputs.keys()
        assert all(OUTPUT in output for output in outputs.values())


async def test_conversations_of_three_turns_are_shared_out_and_each_goes_on_where_it_began(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        begun = await world.begun()
        assert begun.keys() == {"first", "second"}
        for name, conversation in begun.items():
            before = world.counts()
            assert [await conversation.say("and now?") for _ in range(2)] == [f"said by {name}"] * 2
            new = [after - earlier for after, earlier in zip(world.counts(), before, strict=True)]
            assert new == ([4, 0] if name == "first" else [0, 4])
        for azure in world.azures:
            check_what_azure_read(azure)
            # The tool was called in each of the three turns.
            assert max(sum(item["type"] == "function_call" for item in asked.items) for asked in azure.asked) == 3


@pytest.mark.parametrize("resets", [False, True], ids=["refuses connections", "resets what it has read"])
async def test_a_conversation_survives_the_death_of_its_resource(tmp_path: Path, *, resets: bool) -> None:
    async with running_world(tmp_path) as world:
        begun = await world.begun()
        first, second = world.azures
        if resets:
            first.resets = True
        else:
            await first.down()
        assert [await begun["first"].say("and now?") for _ in range(2)] == ["said by second"] * 2
        assert await begun["second"].say("and you?") == "said by second"
        if not resets:
            # What two resources have made goes on at the one that is left.
            await first.up()
            await second.down()
            assert await begun["first"].say("and again?") == "said by first"
            assert await begun["second"].say("and again?") == "said by first"
        for azure in world.azures:
            check_what_azure_read(azure)


async def test_a_websocket_is_tried_once_and_http_at_once_behind_it(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        assert (await world.conversation(0, websockets=True).say("hello")).startswith("said by ")
        lines = [line for line in world.app.output().splitlines() if '"outcome"' in line]
        assert sum(world.counts()) == 2
    assert ['"status":426' in line for line in lines] == [True, False, False]
