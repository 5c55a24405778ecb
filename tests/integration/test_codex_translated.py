"""The Codex CLI, unchanged, on a deployment that offers chat completions alone, and on one that has Responses as well.

Its package is large, so its tests are nightly.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.fakes.server import Server
from tests.fakes.tool_calling_azure import ToolCallingAzure
from tests.fakes.tool_calling_chat import ToolCall, ToolCallingChat
from tests.integration.node import install
from tests.integration.several import entry, environ_of
from tests.integration.test_codex import COMMAND, CONFIG, FOLDER, OUTPUT, Conversation
from tests.processes import REPOSITORY, HostProcess, running_host

pytestmark = pytest.mark.nightly

# Of the models that this version knows one has `apply_patch`, and one that it does not know gets namespaces.
PATCHES, HAS_NAMESPACE, NATIVE = "gpt-5.5", "gpt-4o", "gpt-5-native"
PATCH = '*** Begin Patch\n*** Add File: made.txt\n+by "a tool" 🙂\n*** End Patch'
Message = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class World:
    """An app over a deployment of chat alone and one of Responses, and a conversation."""

    app: HostProcess
    chat: ToolCallingChat
    native: ToolCallingAzure
    conversation: Conversation

    def outputs(self) -> list[str]:
        """Return what the tools have said, in the last request; every call has its output directly behind it."""
        messages: list[Message] = self.chat.asked[-1]["messages"]
        said = []
        for number, message in enumerate(messages):
            calls = [call["id"] for call in message.get("tool_calls", [])]
            behind = messages[number + 1 : number + 1 + len(calls)]
            assert [one.get("tool_call_id") for one in behind] == calls
            said += [one["content"] for one in behind]
        assert len(said) == sum(message["role"] == "tool" for message in messages)
        return said


@asynccontextmanager
async def running_world(folder: Path, calls: Sequence[ToolCall] = ()) -> AsyncIterator[World]:
    await asyncio.to_thread(install, FOLDER)
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(ToolCallingChat(calls))
        native = await stack.enter_async_context(ToolCallingAzure("native", "exec_command", {"cmd": COMMAND}))
        models = {PATCHES: "chatty", HAS_NAMESPACE: "chatty"}
        resources = (
            entry("chat", chat.url, models=models, deployment_apis={"chatty": "chat"}),
            entry("native", native.url, models={NATIVE: "has-responses"}),
        )
        app = await stack.enter_async_context(running_host(REPOSITORY, environ_of(resources)))
        (folder / "config.toml").write_text(CONFIG.format(url=app.url, websockets="false"))
        yield World(app=app, chat=chat, native=native, conversation=Conversation(home=folder))


async def test_it_edits_files_and_runs_commands_through_a_chat(tmp_path: Path) -> None:
    calls = (
        ToolCall(tool="apply_patch", arguments={"input": PATCH}),
        ToolCall(tool="exec_command", arguments={"cmd": COMMAND}),
    )
    async with running_world(tmp_path, calls) as world:
        assert await world.conversation.say("hello", model=PATCHES) == "said by chat"
        assert (tmp_path / "made.txt").read_text() == 'by "a tool" 🙂\n'
        patched, ran = world.outputs()
        assert "made.txt" in patched
        assert OUTPUT in ran
        # It offers a search on the web, which a chat has not.
        assert {tool["type"] for tool in world.chat.asked[-1]["tools"]} == {"function"}
        await world.app.wait_for_output('"translated":"chat"')


async def test_it_knows_its_tools_of_a_namespace_again(tmp_path: Path) -> None:
    calls = (ToolCall(tool="__close_agent", arguments={"target": "01a220f6-8d9d-71a1-beaa-f45b85ea2b2a"}),)
    async with running_world(tmp_path, calls) as world:
        assert await world.conversation.say("hello", model=HAS_NAMESPACE) == "said by chat"
        (told,) = world.outputs()
        assert "agent" in told
        assert "unsupported call" not in told


class Doorbell(Server):
    """Notes that it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.called = asyncio.Event()

    async def _answer(self, request: web.Request) -> web.Response:
        self.called.set()
        return web.Response()


async def test_a_conversation_goes_on_behind_a_call_that_was_interrupted(tmp_path: Path) -> None:
    async with Doorbell() as bell, running_world(tmp_path) as world:
        command = (
            f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{bell.port}; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; sleep 50'"
        )
        world.chat.calls = (ToolCall(tool="exec_command", arguments={"cmd": command, "yield_time_ms": 50_000}),)
        await world.conversation.interrupt("hello", bell.called, model=PATCHES)
        assert len(world.chat.asked) == 1
        world.chat.calls = ()
        assert await world.conversation.say("and now?", model=PATCHES) == "said by chat"
        (told,) = world.outputs()
        assert "abort" in told


async def test_a_conversation_goes_from_one_kind_of_model_to_the_other_and_back(tmp_path: Path) -> None:
    async with running_world(tmp_path, (ToolCall(tool="exec_command", arguments={"cmd": COMMAND}),)) as world:
        said = [await world.conversation.say("hello", model=model) for model in (NATIVE, PATCHES, NATIVE)]
        assert said == ["said by native", "said by chat", "said by native"]
        assert len(world.outputs()) == 2
        items = world.native.asked[-1].items
        calls = {item["call_id"] for item in items if item["type"] == "function_call"}
        outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
        assert len(calls) == 3
        assert calls == outputs.keys()
        assert all(OUTPUT in output for output in outputs.values())
        assert b"notstored" not in world.native.asked[-1].raw
