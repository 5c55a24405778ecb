"""The event stream of chat and completions: Azure OpenAI's chunks in, OpenAI's chunks out.

What goes out is always made of whole events, ends with one `data: [DONE]` and a blank line, and never looks complete
when it is not: openai-python takes a stream that just ends for a good one.
"""

import msgspec

from proxy.errors import ProxyError, UpstreamError
from proxy.translation import azure_fields
from proxy.translation.azure_fields import Members
from proxy.translation.errors import AzureErrors, encode_error
from proxy.translation.operations import StreamFormat
from proxy.translation.sse import EventSplitter, encode_data, parse_event

# The member of a choice that holds what it says, with the JSON for saying nothing.
CONTENTS = {StreamFormat.CHAT: ("delta", b"{}"), StreamFormat.COMPLETION: ("text", b'""')}
DONE = b"data: [DONE]\n\n"
_NULL = b"null"
_BLANK = b'""'
_IDENTITY = ("id", "object", "created", "model")


class ChoicesStream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client.

    `content` is the member of a choice that holds what it says, with the JSON for saying nothing; `choices` is how
    many were asked for.
    """

    def __init__(self, errors: AzureErrors, content: tuple[str, bytes], choices: int = 1) -> None:
        self._errors = errors
        self._choices = choices
        self._content, self._nothing = content[0], msgspec.Raw(content[1])
        self._splitter = EventSplitter()
        self._running: set[bytes] = set()
        self._finished: set[bytes] = set()
        self._identity: Members = {}
        self.ended = False
        self.broken = False

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        return b"".join(map(self._block, self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: a missing `[DONE]`, or the error of a stream cut short."""
        rest = self._splitter.end()
        last = self._block(rest) if rest else b""
        return last + self._done()

    def fail(self, error: ProxyError) -> bytes:
        """Return an error event and the end of the stream; nothing when it has ended already.

        A connection that breaks behind the last choice's finish_reason took nothing from the answer: that is an end.
        """
        if self.ended:
            return b""
        self.ended = True
        if isinstance(error, UpstreamError) and self._is_complete():
            return DONE
        self.broken = True
        return encode_data(encode_error(error)) + DONE

    def _block(self, block: bytes) -> bytes:
        if self.ended:
            return b""
        try:
            event = parse_event(block)
            if event.data is None:
                return event.comment
            if event.name == b"error":
                return self.fail(self._errors.in_stream(event.data))
            return self._done() if event.data == b"[DONE]" else azure_fields.rewrite(event.data, self._normalise)
        except UpstreamError as error:
            return self.fail(error)
        except azure_fields.UNREADABLE:
            return self.fail(UpstreamError("Azure OpenAI sent an event that is not the JSON it should be."))

    def _done(self) -> bytes:
        return self.fail(UpstreamError("Azure OpenAI ended the stream before the answer was complete."))

    def _is_complete(self) -> bool:
        return len(self._finished) >= self._choices and not self._running

    def _normalise(self, data: bytes) -> bytes:
        chunk = azure_fields.DECODE(data)
        if "statusCode" in chunk or bytes(chunk.get("error", _NULL)) != _NULL:
            return self.fail(self._errors.in_stream(data))
        choices = azure_fields.choices_of(chunk)
        changed = azure_fields.strip_answer(chunk) | self._identify(chunk)
        kept = []
        for choice in choices:
            changed |= azure_fields.strip_choice(choice)
            if self._carries_something(choice):
                changed |= self._complete(choice)
                kept.append(choice)
        if not kept and bytes(chunk.get("usage", _NULL)) == _NULL:
            return b""
        if changed or len(kept) < len(choices):
            data = azure_fields.with_choices(chunk, kept)
        return encode_data(data)

    def _identify(self, chunk: Members) -> bool:
        """Give a chunk of the content filter, which has a blank one, the identity of its stream; tell whether so."""
        if bytes(chunk.get("object", _BLANK)) != _BLANK:
            self._identity = self._identity or {name: chunk[name] for name in _IDENTITY if name in chunk}
            return False
        chunk.update(self._identity)
        return bool(self._identity)

    def _carries_something(self, choice: Members) -> bool:
        """Note whether the choice goes on; an annotation of the content filter alone is not worth an event."""
        index = bytes(choice.get("index", b"0"))
        if bytes(choice.get("finish_reason", _NULL)) != _NULL:
            self._finished.add(index)
            self._running.discard(index)
            return True
        if bytes(choice.get(self._content, _NULL)) == _NULL:
            return False
        if index not in self._finished:
            self._running.add(index)
        return True

    def _complete(self, choice: Members) -> bool:
        """Give a choice that has only its finish_reason an empty content, as OpenAI's always has; tell whether so."""
        if self._content in choice:
            return False
        choice[self._content] = self._nothing
        return True
