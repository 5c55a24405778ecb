"""OpenAI's own API, as far as a proxy falls back on it: chat, plain and streamed, and embeddings, for one key.

https://platform.openai.com/docs/api-reference
"""

import json
import re
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.server import Server

KEY = "sk-fake-of-openai"
MODELS = ("gpt-4.1", "gpt-4.1-mini", "text-embedding-3-small", "ft:gpt-4o-mini-2024-07-18:contoso::abc123")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call with the right key."""

    path: str
    headers: dict[str, str] = field(repr=False)
    body: dict[str, object]


class FakeOpenAI(Server):
    """Answer whoever brings the key as Bearer and names a model of OpenAI's; `fault` spoils all answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}" or "api-key" in request.headers:
            return _error(401, "invalid_api_key")
        body = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(path=request.raw_path, headers=headers, body=body))
        if wrong := await self._faulty(self.fault):
            return wrong
        if body.get("model") not in MODELS:
            return _error(404, "model_not_found")
        if request.path == "/v1/embeddings":
            vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            return web.json_response({"object": "list", "data": [vector], "model": body["model"], "usage": usage})
        if request.path != "/v1/chat/completions":
            return _error(404, "unknown_url")
        said = f"OpenAI says: {body['messages'][-1]['content']}"
        return _stream(body, said) if body.get("stream") else web.json_response(_chat(body, said))


def _chat(body: dict[str, object], said: str) -> dict[str, object]:
    message = {"role": "assistant", "content": said, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": "chatcmpl-openai", "object": "chat.completion", "created": 1, "model": body["model"]}
    return {**head, "choices": [choice], "usage": usage}


def _stream(body: dict[str, object], said: str) -> web.Response:
    head = {"id": "chatcmpl-openai", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\S+\s*", said)]
    reasons: list[str | None] = [*(None for _ in deltas), "stop"]
    choices = [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        for delta, reason in zip([*deltas, {}], reasons, strict=True)
    ]
    events = [json.dumps({**head, "choices": [choice]}) for choice in choices]
    text = "".join(f"data: {event}\n\n" for event in (*events, "[DONE]"))
    return web.Response(text=text, content_type="text/event-stream")


def _error(status: int, code: str) -> web.Response:
    error = {"message": "as OpenAI says it", "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
