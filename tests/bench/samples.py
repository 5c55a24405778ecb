"""The bytes of a client's request and of Azure OpenAI's answers, built once."""

import json
from collections.abc import Iterator

TEXT = "The quick brown fox jumps over the lazy dog, and then it does so once more. "
# What a model says, word by word; some words hold what JSON escapes.
WORDS = [f" {word}" for word in TEXT.split()] + ["\n\n", " naïve", ' "so"', " 日本"]
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
STREAM_HEAD = f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n{MODEL_HEADERS}\r\n"


def request(model: str, *, stream: bool) -> bytes:
    """Build a chat of about 1 KB."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": TEXT * 11}]
    return _encode({"model": model, "messages": messages, "temperature": 0.7, "max_tokens": 256, "stream": stream})


def request_of_response(model: str) -> bytes:
    """Build the same question for a response."""
    return _encode({"model": model, "instructions": "You are a helpful assistant.", "input": TEXT * 11, "stream": True})


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
    blank = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    role = _delta({"content": "", "refusal": None, "role": "assistant"}, filters={})
    return STREAM_HEAD.encode() + chunk(_event(blank | {"prompt_filter_results": PROMPT_FILTERS}) + role)


def events(count: int) -> Iterator[bytes]:
    """Build content events, word by word."""
    for number in range(count):
        yield _delta({"content": WORDS[number % len(WORDS)]}, filters=FILTERS, padding="x" * (number % 9 + 1))


def ending() -> bytes:
    """Build the end of a stream: its finish, `[DONE]` and the end of the body."""
    return chunk(_delta({}, filters={}, reason="stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n"


def response_opening() -> bytes:
    """Build the head of a streamed response with the events that announce it in one chunk."""
    begun = _response("in_progress")
    announced = _of_response("created", 0, begun), _of_response("in_progress", 1, begun)
    return STREAM_HEAD.encode() + chunk(b"".join(announced))


def response_events(count: int) -> Iterator[bytes]:
    """Build deltas of a response's text, word by word."""
    place = {"content_index": 0, "item_id": "msg_0001", "output_index": 0, "logprobs": []}
    for number in range(count):
        text = {"delta": WORDS[number % len(WORDS)], "obfuscation": "x" * (number % 9 + 1)}
        yield _of_response("output_text.delta", number + 2, place | text)


def response_ending(count: int) -> bytes:
    """Build the end of a streamed response that had so many deltas."""
    filters = [{"blocked": False, "source_type": "completion", "content_filter_results": FILTERS}]
    last = _of_response("completed", count + 2, {"content_filters": filters} | _response("completed"))
    return chunk(last) + b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return some bytes as a chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _delta(delta: object, *, filters: object, reason: str | None = None, padding: str = "x") -> bytes:
    choice = {"content_filter_results": filters, "delta": delta, "finish_reason": reason, "index": 0, "logprobs": None}
    rest = {**_frame("chat.completion.chunk"), "obfuscation": padding}
    return _event({"choices": [choice], **dict(sorted(rest.items()))})


def _of_response(kind: str, number: int, members: dict[str, object]) -> bytes:
    event = {"type": f"response.{kind}", "sequence_number": number} | members
    return f"event: response.{kind}\n".encode() + _event(event)


def _response(status: str) -> dict[str, object]:
    return {"response": {"id": "resp_0001", "object": "response", "model": "gpt-4o", "status": status}}


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
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
