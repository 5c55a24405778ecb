"""The chunks of chat and completions: Azure OpenAI's in, OpenAI's out.

Nearly every chunk of a stream is a plain one: a piece of the text, of a choice that has begun, with nothing odd about
it. Such a chunk is read into a struct that allows nothing else. Every other chunk is translated member by member.

Azure puts events of its content filter between them, which have a blank id and no text.
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
"""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType, field

from proxy.azure_api import azure_fields
from proxy.azure_api.errors import AzureErrors
from proxy.errors import ProxyError
from proxy.openai_api import json_members
from proxy.openai_api.answers import encode_error_event
from proxy.openai_api.json_members import ENCODE, UNREADABLE, Members, check_utf8
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import DONE, KEEP_ALIVE_NAMES, LF, encode_event

_NULL, _BLANK_TEXT = Raw(b"null"), Raw(b'""')
# Other servers than Azure's write a blank text for a choice that goes on.
_UNFINISHED = frozenset({b"null", b'""'})
_KEEP_ALIVE_TYPES = frozenset(b'"%s"' % name for name in KEEP_ALIVE_NAMES)
_IDENTITY = ("id", "object", "created", "model")
_BLANK = frozenset({b'""', b"0", b"null"})
# Annotations that wait for the first chunk or the next one; Azure sends one or two.
MAX_WAITING = 16
# What an event begins with whose choice has results of the content filter, and what it begins with without them.
_CHOICE_WITH_RESULTS = b'data: {"choices":[{"content_filter_results":'
_CHOICE = b'data: {"choices":[{'
_CHOICE_AT = len(_CHOICE) - len(b"data: ")
_Choice = TypeVar("_Choice")


class _PlainDelta(msgspec.Struct, kw_only=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of a choice of a chat in the middle of its text, its members in Azure's order."""

    content_filter_results: Raw | UnsetType = UNSET
    content: Raw = field(name="delta")
    finish_reason: UnsetType | None = UNSET
    index: Raw
    logprobs: Raw | UnsetType = UNSET


class _PlainText(msgspec.Struct, kw_only=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """The same of a completion."""

    content_filter_results: Raw | UnsetType = UNSET
    finish_reason: UnsetType | None = UNSET
    index: Raw
    logprobs: Raw | UnsetType = UNSET
    content: Raw = field(name="text")


class _PlainChunk(
    msgspec.Struct, Generic[_Choice], kw_only=True, gc=False, forbid_unknown_fields=True, omit_defaults=True
):
    """A chunk of one such choice, its members in Azure's order, none of those blank that tell its stream."""

    choices: tuple[_Choice]
    created: Annotated[int, Meta(ge=1)]
    id: Annotated[str, Meta(min_length=1)]
    model: Annotated[str, Meta(min_length=1)]
    obfuscation: Raw | UnsetType = UNSET
    object: Annotated[str, Meta(min_length=1)]
    service_tier: Raw | UnsetType = UNSET
    system_fingerprint: Raw | UnsetType = UNSET
    usage: UnsetType | None = UNSET


_DecodePlain = Callable[[bytes], _PlainChunk[_PlainDelta] | _PlainChunk[_PlainText]]
_DECODE_CHAT: _DecodePlain = msgspec.json.Decoder(_PlainChunk[_PlainDelta]).decode
_DECODE_COMPLETION: _DecodePlain = msgspec.json.Decoder(_PlainChunk[_PlainText]).decode
# The member of a choice that holds what it says, the JSON for saying nothing, the name of such a chunk, and how a plain
# one is read.
_FORMS = {
    StreamFormat.CHAT: ("delta", b"{}", b'"chat.completion.chunk"', _DECODE_CHAT),
    StreamFormat.COMPLETION: ("text", b'""', b'"text_completion"', _DECODE_COMPLETION),
}
FORMATS = frozenset(_FORMS)


class Chunks:
    """The chunks of one stream with so many choices; Azure's annotations are taken out, or kept in chunks like others.

    A choice is running from its first text to its finish_reason.
    """

    def __init__(
        self, form: StreamFormat, errors: AzureErrors, choices: int, *, keep_filters: bool, keep_alive: bytes
    ) -> None:
        self._errors = errors
        self._keep_alive = keep_alive
        self._choices = choices
        self._keep = keep_filters
        self._content, nothing, kind, self._decode_plain = _FORMS[form]
        self._nothing = Raw(nothing)
        self._identity: Members = {"object": Raw(kind)}
        self._running: set[bytes] = set()
        self._finished: set[bytes] = set()
        self._on_prompts: list[Members] = []
        self._waiting: list[bytes] = []
        self._plain_index: Raw | None = None
        self.begun = self.complete = self.over = self.waits = self.broken = False
        self.failure: ProxyError | None = None
        self.usage: bytes | None = None
        self.billed: bytes | None = None

    def translate_plain(self, block: bytes) -> bytes | None:
        """Return a chunk that changes nothing for later ones as OpenAI would send it; None when it is another."""
        if self._plain_index is None or not block.startswith(b"data: ") or LF in block:
            return None
        try:
            if not block.isascii():
                check_utf8(block)
            chunk = self._decode_plain(block[6:])
        except UNREADABLE:
            return None
        choice = chunk.choices[0]
        if choice.index != self._plain_index or choice.content == _NULL:
            return None
        results = choice.content_filter_results
        if results is UNSET or self._keep:
            return block + b"\n\n"
        choice.content_filter_results = UNSET
        rest = ENCODE(chunk)[_CHOICE_AT:]
        # Members in another order, spaces between them or one that is there twice: more would change than the results.
        if block != b"".join((_CHOICE_WITH_RESULTS, results, b",", rest)):
            return None
        return b"".join((_CHOICE, rest, b"\n\n"))

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return a chunk as OpenAI would send it."""
        if data == DONE:
            # Azure's own end counts for more than the number of choices that were asked for.
            self.over, self.complete = True, bool(self._finished) and not self._running
            return b""
        if name == b"error":
            raise self._errors.in_stream(data)
        chunk = json_members.DECODE(data)
        if bytes(chunk.get("type", _NULL)) in _KEEP_ALIVE_TYPES:
            return self._keep_alive
        if "statusCode" in chunk or _has(chunk, "error"):
            raise self._errors.in_stream(data)
        check_utf8(data)
        written = self._translate(chunk, azure_fields.choices_of(chunk), data)
        may_be_plain = self._running and len(self._identity) == len(_IDENTITY)
        waits = self._waiting or self._on_prompts
        self._plain_index = Raw(next(iter(self._running))) if may_be_plain and not waits else None
        return written

    def close(self, error: ProxyError) -> bytes:
        """Return the end of a complete answer, else the error and nothing that looks like an end."""
        if self.complete:
            return encode_event(DONE)
        self.failure, self.broken = error, True
        return encode_error_event(error)

    def _translate(self, chunk: Members, choices: list[Members], data: bytes) -> bytes:
        changed = self._identify(chunk)
        kept = [choice for choice in choices if self._speaks(choice)]
        if _has(chunk, "usage"):
            self.usage, self.billed = bytes(chunk["usage"]), data
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
            changed |= self._mend(choice)
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
        if bytes(choice.get("finish_reason", _NULL)) not in _UNFINISHED:
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

    def _mend(self, choice: Members) -> bool:
        """Give a choice an empty content where it has none, and no reason where that is blank; tell whether it did."""
        is_blank, is_silent = choice.get("finish_reason") == _BLANK_TEXT, not _has(choice, self._content)
        if is_blank:
            choice["finish_reason"] = _NULL
        if is_silent:
            choice[self._content] = self._nothing
        return is_blank or is_silent

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
    return members.get(name, _NULL) != _NULL


def _is_blank(members: Members, name: str) -> bool:
    return bytes(members.get(name, _NULL)) in _BLANK


def _joined(first: Raw, second: Raw | None) -> Raw:
    """Return two lists as one; the one that is a list when the other is none."""
    return Raw(ENCODE([*azure_fields.items_of(first), *azure_fields.items_of(second)]))
