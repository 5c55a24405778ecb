"""What an answer and a stream of one have in common: the pieces of a response in the form that a chat has for them."""

import json
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from proxy.errors import AzureRefusal, UpstreamError
from proxy.openai_api.json_members import ENCODE, Members

NULL, BLANK, EMPTY_LIST = Raw(b"null"), Raw(b'""'), Raw(b"[]")
# Between the messages of one response, which a chat has one of: a model that announces its calls says something before
# and something after. https://github.com/BerriAI/litellm/issues/37299
BETWEEN = b"\\n\\n"
CALLS = frozenset({"function_call", "custom_tool_call"})
_NO_RESPONSE = "Azure OpenAI's answer is not the response that it should be."


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the client reads, see `translate`; `rest` is `needs_usage`, `functions` that it knows no tools."""

    stops: Sequence[str] = ()
    usage: bool = False
    rest: bool = False
    functions: bool = False
    details: bool = False
    filters: bool = False
    summary: bool = False


class Incomplete(msgspec.Struct):
    """Why a response ended early."""

    reason: str | None = None


class ErrorFields(msgspec.Struct):
    """Why a response failed."""

    code: str | None = None
    message: str | None = None


class Filtered(msgspec.Struct):
    """What the content filter found in the prompt or in the completion."""

    source_type: str = ""
    content_filter_results: Members | None = None


class ResponseFields(msgspec.Struct):
    """What is read of a response."""

    model: str = ""
    status: str | None = None
    error: ErrorFields | None = None
    incomplete_details: Incomplete | None = None
    output: list[Members] | None = None
    usage: Raw = NULL
    service_tier: Raw = NULL
    content_filters: Raw = NULL


class Usage(msgspec.Struct):
    """The tokens of a response, each as it came."""

    input_tokens: Raw = Raw(b"0")
    output_tokens: Raw = Raw(b"0")
    total_tokens: Raw = NULL
    input_tokens_details: Raw = NULL
    output_tokens_details: Raw = NULL


class Part(msgspec.Struct):
    """A part of what a message says."""

    type: str = ""
    text: Raw = BLANK
    refusal: Raw = BLANK
    annotations: list[Members] | None = None
    logprobs: list[Members] | None = None


TEXT = msgspec.json.Decoder(str).decode
PARTS = msgspec.json.Decoder(list[Part] | None).decode
_USAGE = msgspec.json.Decoder(Usage).decode
_FILTERS = msgspec.json.Decoder(list[Filtered] | None).decode
_TOKENS = msgspec.json.Decoder(list[Members] | None).decode
_NUMBER = msgspec.json.Decoder(int).decode


def finish_reason(response: ResponseFields, *, called: bool, functions: bool) -> str:
    """Return why an answer ended; that it was cut short counts for more than its calls, which may not be whole."""
    if response.incomplete_details is not None or response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details is not None else None
        return "content_filter" if reason == "content_filter" else "length"
    if called:
        return "function_call" if functions else "tool_calls"
    return "stop"


def failed(response: ResponseFields) -> AzureRefusal | UpstreamError:
    """Return the error of a response that failed."""
    error = response.error
    if error is None:
        return UpstreamError(_NO_RESPONSE)
    status, kind = _STATUSES.get(error.code or "", (400, "invalid_request_error"))
    message = error.message or "Azure OpenAI could not make the answer."
    return AzureRefusal(message, status=status, type=kind, code=error.code)


_STATUSES: Mapping[str, tuple[int, str]] = {
    "rate_limit_exceeded": (429, "requests"),
    **dict.fromkeys(("", "server_error", "vector_store_timeout"), (500, "server_error")),
}


def to_usage(raw: Raw) -> Members | None:
    """Return how many tokens were used; None where that is not told."""
    if not bytes(raw).startswith(b"{"):
        return None
    usage = _USAGE(raw)
    total = usage.total_tokens
    if total == NULL:
        total = Raw(b"%d" % (_NUMBER(usage.input_tokens) + _NUMBER(usage.output_tokens)))
    counts = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens, "total_tokens": total}
    details = {
        "prompt_tokens_details": usage.input_tokens_details,
        "completion_tokens_details": usage.output_tokens_details,
    }
    return counts | {name: value for name, value in details.items() if value != NULL}


def to_logprobs(tokens: Sequence[Members]) -> dict[str, object] | None:
    """Return the probabilities of a text; None where there are none."""
    return {"content": [_token(token) for token in tokens], "refusal": None} if tokens else None


def parse_tokens(raw: Raw) -> list[Members]:
    """Return the tokens of an event."""
    return _TOKENS(raw) or []


def _token(token: Members) -> dict[str, object]:
    others = _TOKENS(token.get("top_logprobs", NULL)) or []
    return {**_with_bytes(token), "top_logprobs": [_with_bytes(other) for other in others]}


def _with_bytes(token: Members) -> dict[str, object]:
    """Return a token with the bytes of its text, which events do not tell; half a character has no bytes of its own."""
    if token.get("bytes", NULL) not in (NULL, EMPTY_LIST):
        return dict(token)
    text = TEXT(token.get("token", BLANK))
    return {**token, "bytes": None if "\ufffd" in text else list(text.encode())}


def to_annotations(annotations: Sequence[Members], offset: int) -> list[dict[str, object]]:
    """Return those that a chat has; `offset` is how many characters the client has before their message."""
    return [_citation(one, offset) for one in annotations if bytes(one.get("type", NULL)) == b'"url_citation"']


def _citation(annotation: Members, offset: int) -> dict[str, object]:
    cited: dict[str, object] = {name: value for name, value in annotation.items() if name != "type"}
    for name in ("start_index", "end_index") if offset else ():
        if name in annotation:
            cited[name] = _NUMBER(annotation[name]) + offset
    return {"type": "url_citation", "url_citation": cited}


def to_filters(raw: Raw) -> tuple[Members, Members]:
    """Return what the content filter found in the prompt, and what in the answer."""
    prompt: Members = {}
    completion: Members = {}
    for found in _FILTERS(raw) or []:
        (prompt if found.source_type == "prompt" else completion).update(found.content_filter_results or {})
    return prompt, completion


def prompt_filters(prompt: Members) -> Raw:
    """Return what the content filter found in the prompt as a chat tells it."""
    return Raw(ENCODE([{"prompt_index": 0, "content_filter_results": prompt}]))


def inner_of(text: Raw) -> bytes:
    """Return what stands between the quotes of a text, nothing for null; raise one of `UNREADABLE` for what is none."""
    written = bytes(text)
    if not written.startswith(b'"'):
        if text == NULL:
            return b""
        raise msgspec.ValidationError("no text")
    return written[1:-1]


def length(text: Raw) -> int:
    """Return how many characters a text has."""
    return len(TEXT(b'"%s"' % inner_of(text)))


def encode_text(text: str, source: bytes) -> Raw:
    """Return a text as JSON; one from JSON with escapes keeps them, which half a surrogate pair may hide behind."""
    return Raw(json.dumps(text).encode() if b"\\u" in source else ENCODE(text))


def no_response() -> UpstreamError:
    """Return the error for an answer that is not one of Responses."""
    return UpstreamError(_NO_RESPONSE)
