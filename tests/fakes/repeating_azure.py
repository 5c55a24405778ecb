"""An Azure OpenAI that repeats what it was sent, prompt and key, in its answers and in errors of every kind.

The deployment says how: `says` answers, all others fail.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.server import Server

Members = Mapping[str, Any]
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What an error repeats: the words of a prompt and the credential; and the call it answers."""

    prompt: str
    key: str
    streams: bool
    on_responses: bool


def _error(status: int, **members: object) -> Callable[[Repeated], web.Response]:
    def answer(repeated: Repeated) -> web.Response:
        text = json.dumps({"error": members}).replace("PROMPT", repeated.prompt).replace("KEY", repeated.key)
        return web.Response(status=status, text=text, content_type="application/json")

    return answer


def _in_stream(**members: object) -> Callable[[Repeated], web.Response]:
    def answer(repeated: Repeated) -> web.Response:
        text = json.dumps({"error": members}).replace("PROMPT", repeated.prompt)
        return web.Response(text=f"event: error\ndata: {text}\n\n", content_type=EVENTS)

    return answer


def _plain(status: int, content_type: str, text: str, **headers: str) -> Callable[[Repeated], web.Response]:
    def answer(repeated: Repeated) -> web.Response:
        sent = {name: value.replace("PROMPT", repeated.prompt) for name, value in headers.items()}
        body = text.replace("PROMPT", repeated.prompt)
        return web.Response(status=status, text=body, content_type=content_type, headers=sent)

    return answer


_FILTERED = {"hate": {"filtered": True, "severity": "high"}}
FAILURES: Mapping[str, Callable[[Repeated], web.Response]] = {
    "filters": _error(
        400,
        code="content_filter",
        message="The prompt 'PROMPT' was filtered.",
        param="prompt",
        innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": _FILTERED, "revised": "PROMPT"},
    ),
    "blocks": _error(403, code="Forbidden", message="The request was blocked: 'PROMPT' breaks a policy."),
    "refuses": _error(403, code="PROMPT", message="Not this one: 'PROMPT'."),
    "denies": _error(401, code="401", message="The key KEY may not send 'PROMPT'."),
    "codes": _error(400, code="PROMPT", type="PROMPT", param="PROMPT", message="No."),
    "codes-at-length": _error(400, code="the prompt was PROMPT, which is wrong", message="No."),
    "lacks": _error(404, code="DeploymentNotFound", message="No deployment for 'PROMPT'."),
    "repairs": _error(400, code="unsupported_parameter", param="metadata", message="Unknown parameter: 'PROMPT'."),
    "fails": _error(500, code="InternalServerError", message="Failed at 'PROMPT' with KEY."),
    "throttles": _error(429, code="429", message="Too much of 'PROMPT'. Retry after 1 second."),
    "in-stream": _in_stream(code="server_error", message="Failed at 'PROMPT'."),
    "codes-in-stream": _in_stream(code="PROMPT", type="PROMPT", message="Failed."),
    "html": _plain(502, "text/html", "<p>PROMPT</p>"),
    "text": _plain(200, "text/plain", "PROMPT"),
    "no-json": _plain(200, "application/json", '{"PROMPT'),
    "redirects": _plain(302, "text/html", "", location="https://PROMPT.example/PROMPT"),
    "compressed": _plain(200, "application/json", "PROMPT", **{"content-encoding": "x-PROMPT"}),
}
BREAKS, HANGS, SAYS = "breaks", "hangs", "says"


class RepeatingAzure(Server):
    """`output` and `arguments` are what its model says and calls a tool with; `asked` is all that it was sent."""

    def __init__(self, output: str, arguments: str) -> None:
        super().__init__()
        self.asked: list[bytes] = []
        self.hanging = asyncio.Event()  # set while a request waits for an answer that never comes
        self.output, self.arguments = output, arguments

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        raw = await request.read()
        self.asked.append(f"{request.method} {request.raw_path} {request.headers}\n".encode() + raw)
        body = json.loads(raw) if raw[:1] == b"{" else {}
        deployment = request.path.split("/deployments/")[-1].split("/")[0] if "/deployments/" in request.path else ""
        repeated = Repeated(
            prompt=_prompt_of(body),
            key=request.headers.get("api-key", ""),
            streams=body.get("stream") is True,
            on_responses=request.path.endswith("/responses"),
        )
        return await self._answer_for(request, deployment or str(body.get("model")), repeated)

    async def _answer_for(self, request: web.Request, deployment: str, repeated: Repeated) -> web.StreamResponse:
        if deployment in FAILURES:
            return FAILURES[deployment](repeated)
        if deployment == HANGS:
            self.hanging.set()
            await asyncio.Event().wait()
        if deployment.startswith((BREAKS, SAYS)):
            return await self._say(request, repeated, breaks=deployment == BREAKS)
        # What the doctor and `/ready` ask for.
        return _error(403, code="Forbidden", message="KEY is blocked.")(repeated)

    async def _say(self, request: web.Request, repeated: Repeated, *, breaks: bool) -> web.StreamResponse:
        if not repeated.streams:
            if breaks and request.transport is not None:
                request.transport.abort()
            return web.json_response(self._response() if repeated.on_responses else self._chat())
        answer = web.StreamResponse(headers={"content-type": EVENTS})
        await answer.prepare(request)
        events = self._response_events() if repeated.on_responses else self._chunks()
        for event in events[:2] if breaks else events:
            await answer.write(f"data: {json.dumps(event)}\n\n".encode())
        if breaks and request.transport is not None:
            await asyncio.sleep(0)  # What was written has left.
            request.transport.abort()
        elif not repeated.on_responses:
            await answer.write(b"data: [DONE]\n\n")
        return answer

    def _chat(self) -> Members:
        function = {"name": "look_up", "arguments": self.arguments}
        message = {
            "role": "assistant",
            "content": self.output,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
        return {**head, "choices": [choice], "usage": usage}

    def _chunks(self) -> list[Members]:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}}
        deltas: list[Members] = [
            {"role": "assistant", "content": ""},
            {"content": self.output},
            {"tool_calls": [{**call, "function": {"name": "look_up", "arguments": self.arguments}}]},
        ]
        chunks: list[Members] = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
        ]
        end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
        usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        return [*chunks, end, {**head, "choices": [], "usage": usage}]

    def _response(self) -> dict[str, Any]:
        content = [{"type": "output_text", "text": self.output, "annotations": []}]
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "status": "completed", "name": "look_up"}
        message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}
        usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": "m",
            "status": "completed",
            "error": None,
            "output": [message, {**call, "arguments": self.arguments}],
            "usage": usage,
        }

    def _response_events(self) -> list[Members]:
        whole = self._response()
        message, call = whole["output"]
        empty = {**whole, "status": "in_progress", "output": [], "usage": None}
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events: list[Members] = [
            {"type": "response.created", "response": empty},
            {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}},
            {"type": "response.output_text.delta", **place, "delta": self.output},
            {"type": "response.output_item.done", "output_index": 0, "item": message},
            {"type": "response.output_item.added", "output_index": 1, "item": {**call, "arguments": ""}},
            {"type": "response.output_item.done", "output_index": 1, "item": call},
            {"type": "response.completed", "response": whole},
        ]
        return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _prompt_of(body: Members) -> str:
    """Return the last word of what the user says."""
    said = body.get("messages") or body.get("input") or ""
    if isinstance(said, list):
        said = said[-1].get("content", "") if isinstance(said[-1], dict) else said[-1]
    if isinstance(said, list):
        said = said[0].get("text", "")
    return str(said).split()[-1] if str(said).split() else ""
