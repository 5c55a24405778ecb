"""An Azure OpenAI whose model answers each message with a call of a tool, and what the tool says with a text."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.server import Server

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was answered: its path, its body as it came, and whether the answer was the call of a tool."""

    path: str
    raw: bytes
    called: bool

    @property
    def items(self) -> list[Members]:
        """The items of the input."""
        items: list[Members] = json.loads(self.raw)["input"]
        return items


class ToolCallingAzure(Server):
    """Streams responses of a model that calls `tool` with `arguments`; with `resets` it takes a request and resets."""

    def __init__(self, name: str, tool: str, arguments: Members) -> None:
        super().__init__()
        self.name = name
        self.asked: list[Asked] = []
        self.resets = False
        self._tool, self._arguments = tool, json.dumps(arguments)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if self.resets and request.transport is not None:
            request.transport.abort()
        calls = json.loads(raw)["input"][-1]["type"] == "message"
        self.asked.append(Asked(path=request.path, raw=raw, called=calls))
        item = self._call() if calls else self._message()
        events = zip(itertools.count(), self._events(item), strict=False)
        text = "".join(
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
            for number, event in events
        )
        return web.Response(text=text, content_type="text/event-stream")

    def _id(self, kind: str) -> str:
        return f"{kind}_{self.name}{len(self.asked)}"

    def _call(self) -> Members:
        call = {"name": self._tool, "arguments": self._arguments, "call_id": self._id("call")}
        return {"type": "function_call", "id": self._id("fc"), "status": "completed", **call}

    def _message(self) -> Members:
        content = [{"type": "output_text", "text": f"said by {self.name}", "annotations": []}]
        return {
            "type": "message",
            "id": self._id("msg"),
            "status": "completed",
            "role": "assistant",
            "content": content,
        }

    def _events(self, item: Members) -> Iterator[Members]:
        response = {"id": self._id("resp"), "object": "response", "created_at": 1, "model": "m", "error": None}
        begun = {**item, "status": "in_progress", **({"arguments": ""} if "arguments" in item else {"content": []})}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        place = {"item_id": item["id"], "output_index": 0}
        yield {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}}
        yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
        if "content" in item:
            delta = {"content_index": 0, "delta": item["content"][0]["text"]}
            yield {"type": "response.output_text.delta", **place, **delta}
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
        done = {**response, "status": "completed", "output": [item], "usage": usage}
        yield {"type": "response.completed", "response": done}
