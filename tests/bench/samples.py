"""The bytes of a client's request and of Azure OpenAI's answers, built once."""

import json

TEXT = "The quick brown fox jumps over the lazy dog, and then it does so once more. "
SAFE = {"filtered": False, "severity": "safe"}
FILTERS = {"hate": SAFE, "self_harm": SAFE, "sexual": SAFE, "violence": SAFE}
PROMPT_FILTERS = [{"prompt_index": 0, "content_filter_results": FILTERS | {"jailbreak": {"filtered": False}}}]
MODEL_HEADERS = (
    "apim-request-id: 0a1b2c3d-0000-4000-8000-000000000001\r\n"
    "azureml-model-session: d001-20260101000000\r\n"
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    "x-content-type-options: nosniff\r\n"
    "x-ms-client-request-id: Not-Available\r\n"
    "x-ms-region: East US\r\n"
    "x-ratelimit-limit-requests: 1000\r\n"
    "x-ratelimit-limit-tokens: 100000\r\n"
    "x-ratelimit-remaining-requests: 999\r\n"
    "x-ratelimit-remaining-tokens: 99990\r\n"
    "x-request-id: 0a1b2c3d-0000-4000-8000-000000000002\r\n"
)


def request(model: str, *, stream: bool) -> bytes:
    """Build a chat of about 1 KB."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": TEXT * 11}]
    return _encode({"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 256, "stream": stream})


def answer() -> bytes:
    """Build a whole HTTP answer with a completion of about 1 KB."""
    message: dict[str, object] = {"annotations": [], "content": TEXT * 2, "refusal": None, "role": "assistant"}
    choice = {"finish_reason": "stop", "index": 0, "logprobs": None, "message": message}
    body = _encode(
        {
            "choices": [choice | {"content_filter_results": FILTERS}],
            **_frame("chat.completion"),
            "prompt_filter_results": PROMPT_FILTERS,
            "usage": {"completion_tokens": 36, "prompt_tokens": 200, "total_tokens": 236},
        }
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\ncontent-type: application/json\r\n{MODEL_HEADERS}\r\n"
    return head.encode() + body


def opening() -> bytes:
    """Build the head of a streamed answer with its first events in one chunk, the filter's and the role's."""
    head = f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n{MODEL_HEADERS}\r\n"
    blank = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    role = _delta({"content": "", "refusal": None, "role": "assistant"}, filters={})
    return head.encode() + _chunk(_event(blank | {"prompt_filter_results": PROMPT_FILTERS}) + role)


def events(count: int) -> bytes:
    """Build content events in one chunk."""
    return _chunk(_delta({"content": " token"}, filters=FILTERS) * count)


def ending() -> bytes:
    """Build the end of a stream: its finish, `[DONE]` and the end of the body."""
    return _chunk(_delta({}, filters={}, reason="stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _delta(delta: object, *, filters: object, reason: str | None = None) -> bytes:
    choice = {"content_filter_results": filters, "delta": delta, "finish_reason": reason, "index": 0, "logprobs": None}
    return _event({"choices": [choice], **_frame("chat.completion.chunk")})


def _frame(kind: str) -> dict[str, object]:
    return {
        "created": 1780000000,
        "id": "chatcmpl-00000000000000000000000000001",
        "model": "gpt-4o-2024-11-20",
        "object": kind,
        "system_fingerprint": "fp_c79ab13e31",
    }


def _event(document: object) -> bytes:
    return b"data: " + _encode(document) + b"\n\n"


def _encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
