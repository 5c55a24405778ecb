"""The response around the items: what the client asked for, how it ended and what it used.

https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from proxy.azure_api.usage import estimate_usage
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, rewrite
from proxy.translation.interface import Reply
from proxy.translation.responses_on_chat.draft import NULL
from proxy.translation.responses_on_chat.marks import new_id
from proxy.translation.responses_on_chat.names import ToolNames
from proxy.translation.responses_on_chat.texts import quoted

_LIST = msgspec.json.Decoder(list[Members]).decode
_COUNT = msgspec.json.Decoder(int | None).decode
# What a response repeats of its request, and what it has where the client left it out.
_REPEATED: Mapping[str, Raw] = {
    "background": Raw(b"false"),
    "instructions": NULL,
    "max_output_tokens": NULL,
    "max_tool_calls": NULL,
    "metadata": Raw(b"{}"),
    "parallel_tool_calls": Raw(b"true"),
    "reasoning": Raw(b'{"effort":null,"summary":null}'),
    "temperature": NULL,
    "text": Raw(b'{"format":{"type":"text"}}'),
    "tool_choice": Raw(b'"auto"'),
    "tools": Raw(b"[]"),
    "top_p": NULL,
    "truncation": Raw(b'"disabled"'),
}
_REPEATED_IF_SENT = ("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "top_logprobs", "user")
_FORMAT = Raw(b'{"type":"text"}')
# Members that the document requires of a function, and that clients leave out.
_OF_FUNCTION: Members = {"parameters": NULL, "strict": Raw(b"false")}
# Why a chat ended before its end, and how a response says it. The second is Mistral's: the context is full.
INCOMPLETE: Mapping[str, str] = {
    "length": "max_output_tokens",
    "model_length": "max_output_tokens",
    "content_filter": "content_filter",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer depends on.

    `sealed` tells that the client hands reasoning back itself, `sent` is the size of the request in bytes, for an
    estimate where no usage comes.
    """

    __repr__ = object.__repr__  # without what is in it

    document: JsonBody
    names: ToolNames
    reply: Reply
    sealed: bool
    reads_thoughts: bool
    keep_filters: bool
    sent: int


class ResponseObject:
    """The response of one call, as it is when it begins and as it is when it has ended."""

    def __init__(self, asked: Asked, model: str | None) -> None:
        self._asked = asked
        self._filters: dict[str, Raw] = {}
        self.usage: Members | None = None
        self.tier = NULL
        name = quoted(model) if model else Raw(asked.document.member("model") or b'""')
        self._begun: Members = {
            "id": quoted(new_id("resp", asked.reply)),
            "object": Raw(b'"response"'),
            "created_at": Raw(b"%d" % asked.reply.created),
            "status": Raw(b'"in_progress"'),
            "error": NULL,
            "incomplete_details": NULL,
            "model": name,
            "output": Raw(b"[]"),
            "previous_response_id": NULL,
            "store": Raw(b"false"),
            **_repeated(asked.document),
        }

    def note_filter(self, source: str, results: Raw) -> None:
        """Take the last results of Azure's content filter about the prompt or the completion."""
        if self._asked.keep_filters and results != NULL:
            self._filters[source] = results.copy()

    def begun(self) -> Members:
        """Return the response before it has said anything."""
        return self._begun

    def ended(self, output: list[Members], reason: str | None, received: int) -> Members:
        """Return the response with its items; `reason` is the chat's `finish_reason`, `received` the bytes of text."""
        cause = INCOMPLETE.get(reason or "")
        ended: Members = {
            **self._begun,
            "status": quoted("incomplete" if cause else "completed"),
            "output": Raw(ENCODE(output)),
            "usage": self._usage(received),
        }
        if cause:
            ended["incomplete_details"] = Raw(ENCODE({"reason": cause}))
        if self.tier != NULL:
            ended["service_tier"] = self.tier
        if self._filters:
            ended["content_filters"] = self._content_filters(is_blocked=reason == "content_filter")
        return ended

    def _usage(self, received: int) -> Raw:
        """Return the usage, estimated where none came that can be read: clients count on it."""
        try:
            if self.usage is not None:
                return _encode_usage(self.usage)
        except UNREADABLE:
            pass
        guess = estimate_usage(self._asked.sent, received)
        return _encode_counts(guess.input_tokens, guess.output_tokens, 0, 0)

    def _content_filters(self, *, is_blocked: bool) -> Raw:
        """Return the results as Azure has them in a response."""
        return Raw(
            ENCODE(
                [
                    {
                        "blocked": is_blocked and source == "completion",
                        "source_type": source,
                        "content_filter_results": results,
                    }
                    for source, results in self._filters.items()
                ]
            )
        )


def _repeated(document: JsonBody) -> Members:
    found = {name: _value(document, name) or default for name, default in _REPEATED.items()}
    found |= {name: value for name in _REPEATED_IF_SENT if (value := _value(document, name)) is not None}
    for name, complete in (("text", _with_format), ("tools", _with_required)):
        found[name] = Raw(rewrite(bytes(found[name]), complete))
    return found


def _value(document: JsonBody, name: str) -> Raw | None:
    value = document.member(name)
    return None if value is None else Raw(value)


def _with_format(text: bytes) -> bytes:
    members = DECODE(text)
    return text if members.get("format", NULL) != NULL else ENCODE({**members, "format": _FORMAT})


def _with_required(tools: bytes) -> bytes:
    """Return the tools as the client sent them, with the members that a function must have in an answer."""
    listed = _LIST(tools)
    complete = [{**_OF_FUNCTION, **tool} if tool.get("type") == Raw(b'"function"') else tool for tool in listed]
    return tools if complete == listed else ENCODE(complete)


def _encode_usage(usage: Members) -> Raw:
    """Return the usage of a chat as that of a response, which always has its details: Codex ends without them."""
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    return _encode_counts(
        _count(usage, "prompt_tokens"),
        _count(usage, "completion_tokens"),
        cached or _count(usage, "prompt_cache_hit_tokens"),
        _detail(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _encode_counts(sent: int, received: int, cached: int, reasoning: int) -> Raw:
    return Raw(
        ENCODE(
            {
                "input_tokens": sent,
                "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
                "output_tokens": received,
                "output_tokens_details": {"reasoning_tokens": reasoning},
                "total_tokens": sent + received,
            }
        )
    )


def _count(usage: Members, name: str) -> int:
    return _COUNT(usage.get(name, NULL)) or 0


def _detail(usage: Members, holder: str, name: str) -> int:
    inside = usage.get(holder, NULL)
    return 0 if inside == NULL else _count(DECODE(inside), name)
