"""The chunks of chat and completions: Azure OpenAI's in, OpenAI's out.

Azure puts events of its content filter between them, which have a blank id and no text.
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
"""

import msgspec

from proxy.azure_api import azure_fields
from proxy.azure_api.errors import AzureErrors
from proxy.errors import ProxyError
from proxy.openai_api import json_members
from proxy.openai_api.answers import encode_error
from proxy.openai_api.json_members import Members
from proxy.openai_api.operations import StreamFormat
from tests.unit.azure_api.former.sse import DONE, encode_event

# The member of a choice that holds what it says, the JSON for saying nothing, and the name of such a chunk.
_FORMS = {
    StreamFormat.CHAT: ("delta", b"{}", b'"chat.completion.chunk"'),
    StreamFormat.COMPLETION: ("text", b'""', b'"text_completion"'),
}
FORMATS = frozenset(_FORMS)
_NULL = b"null"
_IDENTITY = ("id", "object", "created", "model")
_BLANK = frozenset({b'""', b"0", _NULL})
# Annotations that wait for the first chunk or the next one; Azure sends one or two.
MAX_WAITING = 16


class Chunks:
    """The chunks of one stream with so many choices; Azure's annotations are taken out, or kept in chunks like others.

    A choice is running from its first text to its finish_reason.
    """

    def __init__(self, form: StreamFormat, errors: AzureErrors, choices: int, *, keep_filters: bool) -> None:
        self._errors = errors
        self._choices = choices
        self._keep = keep_filters
        self._content, nothing, kind = _FORMS[form]
        self._nothing = msgspec.Raw(nothing)
        self._identity: Members = {"object": msgspec.Raw(kind)}
        self._running: set[bytes] = set()
        self._finished: set[bytes] = set()
        self._on_prompts: list[Members] = []
        self._waiting: list[bytes] = []
        self.begun = self.complete = self.over = False
        self.number = b""
        self.closing = encode_event(DONE)

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return a chunk as OpenAI would send it."""
        if data == DONE:
            self.over = True
            return b""
        if name == b"error":
            raise self._errors.in_stream(data)
        chunk = json_members.DECODE(data)
        if "statusCode" in chunk or _has(chunk, "error"):
            raise self._errors.in_stream(data)
        return self._translate(chunk, azure_fields.choices_of(chunk), data)

    def state(self) -> object:
        """Return what a later chunk's translation depends on."""
        choices = frozenset(self._running), frozenset(self._finished)
        return choices, self.begun, self.over, len(self._identity), len(self._on_prompts), len(self._waiting)

    def encode_error(self, error: ProxyError) -> bytes:
        """Return an error as chat has it; the SDKs look for `error` in every event."""
        return encode_event(encode_error(error))

    def _translate(self, chunk: Members, choices: list[Members], data: bytes) -> bytes:
        changed = self._identify(chunk)
        kept = [choice for choice in choices if self._speaks(choice)]
        if kept or _has(chunk, "usage"):
            self.begun = True
        elif not self._keep or self._put_off(chunk, choices, data):
            return b""
        before = self._waited()
        if self._keep:
            changed |= self._annotate(chunk)
            kept = choices
        for one in () if self._keep else (chunk, *kept):
            changed |= azure_fields.strip(one, 0)
        for choice in kept:
            changed |= self._complete(choice)
        changed |= len(kept) < len(choices)
        return before + encode_event(azure_fields.with_choices(chunk, kept) if changed else data)

    def _identify(self, chunk: Members) -> bool:
        """Give each blank member of a chunk the stream's own, where that is known; tell whether there was one."""
        changed = False
        for name in _IDENTITY:
            value = chunk.get(name)
            if value is None:
                continue
            if bytes(value) not in _BLANK:
                self._identity.setdefault(name, value)
            elif name in self._identity:
                chunk[name] = self._identity[name]
                changed = True
        return changed

    def _speaks(self, choice: Members) -> bool:
        """Note whether the choice goes on; an annotation of the content filter alone says nothing."""
        index = bytes(choice.get("index", b"0"))
        if _has(choice, "finish_reason"):
            self._finished.add(index)
            self._running.discard(index)
            self.complete = len(self._finished) >= self._choices and not self._running
            return True
        if not _has(choice, self._content):
            return False
        if index not in self._finished:
            self._running.add(index)
            self.complete = False
        return True

    def _complete(self, choice: Members) -> bool:
        """Give a choice that says nothing an empty content, as OpenAI's always has one; tell whether it had none."""
        if _has(choice, self._content):
            return False
        choice[self._content] = self._nothing
        return True

    def _put_off(self, chunk: Members, choices: list[Members], data: bytes) -> bool:
        """Keep what is about the prompt for the next chunk, and what has no id yet until there is one."""
        if not choices:
            self._on_prompts = [*self._on_prompts, chunk][:MAX_WAITING]
            return True
        if not _is_blank(chunk, "id") or len(self._waiting) == MAX_WAITING:
            return False
        self._waiting.append(data)
        return True

    def _waited(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join([self.translate(b"", data) for data in waiting])

    def _annotate(self, chunk: Members) -> bool:
        """Add what was kept about the prompts; tell whether there was anything."""
        kept, self._on_prompts = self._on_prompts, []
        for earlier in reversed(kept):
            for name in azure_fields.OF_PROMPT.intersection(earlier):
                chunk[name] = _joined(earlier[name], chunk.get(name))
        return bool(kept)


def _has(members: Members, name: str) -> bool:
    return bytes(members.get(name, _NULL)) != _NULL


def _is_blank(members: Members, name: str) -> bool:
    return bytes(members.get(name, _NULL)) in _BLANK


def _joined(first: msgspec.Raw, second: msgspec.Raw | None) -> msgspec.Raw:
    """Return two lists as one; the one that is a list when the other is none."""
    return msgspec.Raw(json_members.ENCODE([*azure_fields.items_of(first), *azure_fields.items_of(second)]))
