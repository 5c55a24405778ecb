"""The chunks of one answer, which have the same bytes around what each of them says.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from proxy.openai_api.json_members import ENCODE, Members
from proxy.openai_api.sse import encode_event
from proxy.translation.chat_on_responses.pieces import NULL, ResponseFields, prompt_filters, to_filters, to_usage

_CHOICE = b'"choices":[{"index":0,"delta":'
_GOES_ON = b',"logprobs":null,"finish_reason":null}]'


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same in all chunks of a stream; `model` is for one whose response does not tell its own."""

    id: str
    created: int
    model: str


class Chunks:
    """Encodes the chunks of one stream; `has_begun` tells that there was one, after which the model stays."""

    def __init__(self, identity: Identity, *, with_usage: bool) -> None:
        self.has_begun = False
        self._identity = identity
        self._with_usage = with_usage
        # All chunks but the last have it, when the client asked for it.
        self._close = b',"usage":null}\n\n' if with_usage else b"}\n\n"
        self.set_model(identity.model)

    def set_model(self, model: str) -> None:
        """Take the name of the model that answers."""
        if not self.has_begun:
            common = {"id": self._identity.id, "object": "chat.completion.chunk", "created": self._identity.created}
            self._start = ENCODE({**common, "model": model or self._identity.model})[:-1]
            self._head = b"data: " + self._start + b"," + _CHOICE

    def plain(self, text: Raw, hidden: bytes) -> bytes:
        """Return the chunk for a piece of text; `hidden` are members that hide how long it is."""
        return b"".join((self._head, b'{"content":', text, b"}", _GOES_ON, hidden, self._close))

    def chunk(self, delta: Mapping[str, object], logprobs: object = None, hidden: bytes = b"") -> bytes:
        """Return a chunk; its text comes with probabilities, if it has any."""
        tail = _GOES_ON if logprobs is None else b',"logprobs":%s,"finish_reason":null}]' % ENCODE(logprobs)
        return b"".join((self._head, ENCODE(delta), tail, hidden, self._close))

    def begin(self, content: Raw) -> bytes:
        """Return the chunk that begins an answer, once."""
        if self.has_begun:
            return b""
        self.has_begun = True
        return self.chunk({"role": "assistant", "content": content, "refusal": None})

    def finish(self, reason: str, response: ResponseFields, *, with_filters: bool) -> bytes:
        """Return the last chunk of the choice, with what is only known at the end."""
        choice: dict[str, object] = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}
        last: dict[str, object] = {"choices": [choice]}
        if response.service_tier != NULL:
            last["service_tier"] = response.service_tier
        prompt, completion = to_filters(response.content_filters) if with_filters else ({}, {})
        choice |= {"content_filter_results": completion} if completion else {}
        last |= {"prompt_filter_results": prompt_filters(prompt)} if prompt else {}
        return b"".join((b"data: ", self._start, b",", ENCODE(last)[1:-1], self._close))

    def usage(self, response: ResponseFields) -> bytes:
        """Return the chunk with the usage, nothing if the client did not ask for it or Azure did not tell it."""
        counted: Members | None = to_usage(response.usage) if self._with_usage else None
        if counted is None:
            return b""
        return encode_event(b'%s,"choices":[],"usage":%s}' % (self._start, ENCODE(counted)))
