"""Servers that have a part of OpenAI's API, as Ollama, vLLM, LM Studio, Foundry Local and llama.cpp answer.

The errors of Ollama were recorded from version 0.13.5, the others are those of public reports; `proxy.azure_api.
other_servers` says where.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.server import Server

Error = tuple[int, str, str]
TEXT, JSON = "text/plain", "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """How a server says that it has no such path, no such method and no such model."""

    path: Error
    method: Error
    model: Error
    responses: bool = False


def _error(**members: object) -> str:
    return json.dumps({"error": members})


FLAVOURS: Mapping[str, Flavour] = {
    "ollama": Flavour(
        path=(404, TEXT, "404 page not found"),
        method=(405, TEXT, "405 method not allowed"),
        model=(404, JSON, _error(message="model 'x' not found", type="api_error", param=None, code=None)),
        responses=True,
    ),
    "vllm": Flavour(
        path=(404, JSON, '{"detail":"Not Found"}'),
        method=(405, JSON, '{"detail":"Method Not Allowed"}'),
        model=(
            404,
            JSON,
            '{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}',
        ),
    ),
    "lm studio": Flavour(
        path=(200, JSON, '{"error":"Unexpected endpoint or method. (POST /v1/x)"}'),
        method=(200, JSON, '{"error":"Unexpected endpoint or method. (GET /v1/x)"}'),
        model=(404, JSON, _error(message="No models loaded.", param="model", code="model_not_found")),
    ),
    "foundry local": Flavour(
        path=(404, TEXT, ""),
        method=(405, TEXT, ""),
        model=(400, TEXT, "No OpenAIService provider found for modelName:x"),
    ),
    "llama.cpp": Flavour(
        path=(404, JSON, _error(message="File Not Found", type="not_found_error", code=404)),
        method=(404, JSON, _error(message="File Not Found", type="not_found_error", code=404)),
        model=(404, JSON, _error(message="model 'x' not found", type="not_found_error", code=404)),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object]


class OtherServer(Server):
    """Answers chats with one of its `models` at `prefix`; `refuses` are parameters that it does not know."""

    def __init__(self, flavour: str, prefix: str = "/v1", models: tuple[str, ...] = ("llama3.2:latest",)) -> None:
        super().__init__()
        self.flavour = FLAVOURS[flavour]
        self.prefix = prefix
        self.models = models
        self.refuses: frozenset[str] = frozenset()
        self.redirects = ""
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def calls(self) -> list[str]:
        """Return the paths that were called, but for the list of models."""
        return [asked.path for asked in self.asked if asked.path != f"{self.prefix}/models"]

    async def _answer(self, request: web.Request) -> web.Response:
        raw = await request.read()
        body = json.loads(raw) if raw.startswith(b"{") else {}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(method=request.method, path=request.path, headers=headers, body=body))
        if self.redirects:
            return web.Response(status=307, headers={"Location": self.redirects})
        if wrong := await self._faulty(self.fault):
            return wrong
        served = {"/models": "GET", "/chat/completions": "POST"}
        if self.flavour.responses:
            served["/responses"] = "POST"
        path = request.path.removeprefix(self.prefix)
        if path not in served or not request.path.startswith(self.prefix):
            return _respond(self.flavour.path)
        if request.method != served[path]:
            return _respond(self.flavour.method)
        return self._list() if path == "/models" else self._call(path, body)

    def _list(self) -> web.Response:
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "library"} for name in self.models]
        return web.json_response({"object": "list", "data": models or None})

    def _call(self, path: str, body: Mapping[str, object]) -> web.Response:
        names = {*self.models, *(name.removesuffix(":latest") for name in self.models)}
        if body.get("model") not in names:
            return _respond(self.flavour.model)
        if unknown := sorted(self.refuses & body.keys()):
            extra = f"[{{'type': 'extra_forbidden', 'loc': ('body', '{unknown[0]}'), "
            extra += "'msg': 'Extra inputs are not permitted', 'input': True}]"
            return _respond((400, JSON, json.dumps({"object": "error", "message": extra, "code": 400})))
        if path == "/responses":
            text = {"type": "output_text", "text": "hello", "annotations": []}
            item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
            whole = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "output": [item]}
            return web.json_response({**whole, "created_at": 1, "model": body["model"], "tools": []})
        return _stream(body) if body.get("stream") else web.json_response(_chat(body))


def _respond(error: Error) -> web.Response:
    status, content_type, text = error
    return web.Response(status=status, text=text, content_type=content_type)


def _chat(body: Mapping[str, object]) -> dict[str, object]:
    message = {"role": "assistant", "content": "hello"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return {**head, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _stream(body: Mapping[str, object]) -> web.Response:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": "hel"}, None), ({"content": "lo"}, None), ({}, "stop"),
    ]  # fmt: skip
    events = [
        json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        for delta, reason in deltas
    ]
    return web.Response(
        text="".join(f"data: {event}\n\n" for event in (*events, "[DONE]")), content_type="text/event-stream"
    )
