"""An Azure OpenAI that offers chat completions alone, whose model calls tools and then says a text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.server import Server

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of the tool whose name ends so."""

    tool: str
    arguments: Members


class ToolCallingChat(Server):
    """Streams chats; behind each message of the user the model makes the `calls`, one after the other."""

    def __init__(self, calls: Sequence[ToolCall] = ()) -> None:
        super().__init__()
        self.calls = calls
        self.asked: list[Members] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        self.asked.append(asked)
        roles = [message["role"] for message in asked["messages"]]
        done = roles[::-1].index("user")
        # One message of the assistant and one of the tool for each call.
        number = done // 2
        deltas = self._call(asked, number) if number < len(self.calls) else _text()
        chunks = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(deltas))
        return web.Response(text=f"{chunks}data: [DONE]\n\n", content_type="text/event-stream")

    def _call(self, asked: Members, number: int) -> Iterator[tuple[Members, str | None]]:
        call = self.calls[number]
        names = [tool["function"]["name"] for tool in asked["tools"]]
        name = next(name for name in names if name.endswith(call.tool))
        arguments = json.dumps(call.arguments)
        half = len(arguments) // 2
        begun = {"index": 0, "id": f"call_{len(self.asked)}", "type": "function"}
        yield {"tool_calls": [{**begun, "function": {"name": name, "arguments": ""}}]}, None
        for piece in (arguments[:half], arguments[half:]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, None
        yield {}, "tool_calls"


def _text() -> Iterator[tuple[Members, str | None]]:
    yield {"content": "said by "}, None
    yield {"content": "chat"}, None
    yield {}, "stop"


def _chunks(deltas: Iterator[tuple[Members, str | None]]) -> Iterator[Members]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
    for delta, reason in deltas:
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    yield {**head, "choices": [], "usage": usage}
