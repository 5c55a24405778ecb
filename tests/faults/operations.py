"""The six calls of the matrix: what the client sends, and what Azure OpenAI says when all is well."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

MODEL = "some-model"
# Nothing of these may be in a log line.
PROMPT, CLIENT_KEY, AZURE_KEY = "CANARY-prompt", "CANARY-client-key-0123456789", "CANARY-azure-key-0123456789"
CANARIES = ("CANARY", "127.0.0.1")
_BOUNDARY = "part-of-a-form"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call.

    A stream is what comes `before` the first content, its `content` and what comes `behind`; an answer that is not
    streamed has all of it in `whole`. `checks` tells that the proxy reads the JSON of the whole answer.
    """

    name: str
    path: str
    body: bytes
    content_type: str = "application/json"
    whole: bytes = b""
    before: bytes = b""
    content: bytes = b""
    behind: bytes = b""
    checks: bool = True

    @property
    def api(self) -> str:
        """Return what the settings call the API of conversations that the call is one of."""
        return "responses" if self.path.endswith("/responses") else "chat"

    @property
    def streams(self) -> bool:
        """Tell whether the client asks for a stream."""
        return not self.whole

    def for_model(self, name: str) -> "Operation":
        """Return the call for another model."""
        return replace(self, body=self.body.replace(MODEL.encode(), name.encode()))

    @property
    def events(self) -> bytes:
        """Return all of the stream."""
        return self.before + self.content + self.behind


def event(body: Mapping[str, object], name: str = "") -> bytes:
    """Return an event as Azure OpenAI sends it."""
    line = b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"
    return f"event: {name}\n".encode() + line if name else line


def encode(body: Mapping[str, object]) -> bytes:
    """Return JSON as it is sent."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


_CHUNK = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def chunk(delta: Mapping[str, object], reason: str | None = None) -> bytes:
    """Return a chunk of a chat with one choice."""
    return event({**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


USAGE = event({**_CHUNK, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})


def typed(kind: str, number: int, **members: object) -> bytes:
    """Return an event of a response."""
    return event({"type": f"response.{kind}", "sequence_number": number, **members}, f"response.{kind}")


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": MODEL, "output": []}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}


def _asked(**members: object) -> bytes:
    return encode({"model": MODEL, **members})


def _form() -> bytes:
    parts = (
        f'Content-Disposition: form-data; name="model"\r\n\r\n{MODEL}\r\n',
        f'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF{PROMPT}\r\n',
    )
    begins, ends = f"--{_BOUNDARY}\r\n", f"--{_BOUNDARY}--\r\n"
    return "".join([*(begins + part for part in parts), ends]).encode()


_MESSAGES = [{"role": "user", "content": PROMPT}]
CHAT_STREAM = Operation(
    name="chat stream",
    path="/v1/chat/completions",
    body=_asked(messages=_MESSAGES, stream=True),
    before=event({**_CHUNK, "id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
    content=chunk({"role": "assistant", "content": ""}) + chunk({"content": "Grüße"}),
    behind=chunk({"content": " an alle"}) + chunk({}, "stop") + USAGE + DONE,
)
CHAT = Operation(
    name="chat",
    path="/v1/chat/completions",
    body=_asked(messages=_MESSAGES),
    whole=encode(
        {
            "id": "cmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": MODEL,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Grüße an alle"}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        }
    ),
)
RESPONSES = Operation(
    name="responses stream",
    path="/v1/responses",
    body=_asked(input=PROMPT, stream=True),
    before=typed("created", 0, response={**RESPONSE, "status": "in_progress"})
    + typed("in_progress", 1, response={**RESPONSE, "status": "in_progress"}),
    content=typed("output_item.added", 2, output_index=0, item=_MESSAGE)
    + typed("output_text.delta", 3, **_PLACE, delta="Grüße"),
    behind=typed("output_text.delta", 4, **_PLACE, delta=" an alle")
    + typed("completed", 5, response={**RESPONSE, "status": "completed"}),
)
# Not in the matrix, for its own API is read like a chat's: it is what a translated chat is made of.
RESPONSE_WHOLE = Operation(
    name="response",
    path="/v1/responses",
    body=_asked(input=PROMPT),
    whole=encode(
        {
            **RESPONSE,
            "status": "completed",
            "output": [
                {
                    **_MESSAGE,
                    "status": "completed",
                    "content": [{"type": "output_text", "text": "Grüße an alle", "annotations": []}],
                }
            ],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        }
    ),
)
EMBEDDINGS = Operation(
    name="embeddings",
    path="/v1/embeddings",
    body=_asked(input=PROMPT),
    whole=encode(
        {
            "object": "list",
            "model": "größer",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
    ),
    checks=False,
)
IMAGES = Operation(
    name="images",
    path="/v1/images/generations",
    body=_asked(prompt=PROMPT),
    whole=encode({"created": 1, "data": [{"b64_json": "QUJD", "revised_prompt": "größer"}]}),
)
AUDIO = Operation(
    name="audio form",
    path="/v1/audio/transcriptions",
    body=_form(),
    content_type=f"multipart/form-data; boundary={_BOUNDARY}",
    whole=encode({"text": "Grüße an alle"}),
    checks=False,
)
OPERATIONS = (CHAT_STREAM, CHAT, RESPONSES, EMBEDDINGS, IMAGES, AUDIO)
