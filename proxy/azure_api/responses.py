"""The events of responses, images, transcripts, speech and runs, which have types: each format with its own last one.

Azure's are OpenAI's but for some fields, a stray `[DONE]` behind a response, and errors in an envelope of their own.
Azure tells the failure of a response in an error event, in `response.failed` or in both, in either order, and says why
in one of them or in both. Nearly every event of a stream is a plain one, which goes out as it came: it has a type that
means nothing to the proxy, and no member that Azure's fields may be in.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from proxy.azure_api import azure_fields
from proxy.azure_api.errors import AzureErrors, parse_texts
from proxy.azure_api.failed_response import (
    ANNOUNCEMENTS,
    FAILED,
    NOTED,
    TEXT,
    ResponseSoFar,
    encode_error,
    error_fields,
)
from proxy.errors import ProxyError
from proxy.openai_api.answers import encode_error_event, may_pass
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, check_utf8
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import DONE, KEEP_ALIVE_NAMES, LF, encode_event

_KEEP_ALIVE_TYPES = frozenset(name.decode() for name in KEEP_ALIVE_NAMES)
_NULL = Raw(b"null")
# Lines that name an error, and that OpenAI's events do not have.
_ODD_NAMES = (b"event: error\n", b"event: \n")
_Number = Annotated[int, Meta(ge=-(2**53), le=2**53)]
_TYPE = msgspec.json.Decoder(str).decode
_NUMBER = msgspec.json.Decoder(_Number).decode
# A type that no JSON has: no event with such a member is read.
_Nothing = Annotated[int, Meta(gt=0, lt=0)] | UnsetType


class _PlainEvent(msgspec.Struct, kw_only=True, gc=False):
    """An event that has none of the members that must be looked into."""

    type: str
    sequence_number: _Number | UnsetType = UNSET
    delta: Raw | UnsetType = UNSET
    choices: _Nothing = UNSET
    data: _Nothing = UNSET
    response: _Nothing = UNSET
    usage: _Nothing = UNSET
    content_filter_results: _Nothing = UNSET
    content_filter_result: _Nothing = UNSET
    content_filter_raw: _Nothing = UNSET
    content_filter_offsets: _Nothing = UNSET
    content_filters: _Nothing = UNSET
    prompt_filter_results: _Nothing = UNSET
    prompt_annotations: _Nothing = UNSET


class _Response(msgspec.Struct, gc=False):
    usage: Raw = _NULL


_DECODE_PLAIN = msgspec.json.Decoder(_PlainEvent).decode
_RESPONSE = msgspec.json.Decoder(_Response).decode


class TypedEvents:
    """The events of one stream; those of a response are numbered."""

    def __init__(self, form: StreamFormat, errors: AzureErrors, *, keep_filters: bool, keep_alive: bytes) -> None:
        self._errors = errors
        self._form = form
        self._keep = keep_filters
        self._keep_alive = keep_alive
        self._response = ResponseSoFar() if form is StreamFormat.RESPONSE else None
        # A `response.failed` that does not say why: its name and data.
        self._unexplained: tuple[bytes, bytes] | None = None
        self._not_plain = form.last | NOTED | {FAILED, "error"} | _KEEP_ALIVE_TYPES
        self._number = -1
        self.begun = self.complete = self.over = self.waits = self.broken = False
        self.failure: ProxyError | None = None
        self.usage: bytes | None = None
        self.billed: bytes | None = None

    def translate_plain(self, block: bytes) -> bytes | None:
        """Return an event that goes out as it came; None when it is another."""
        head, _, data = block.partition(b"data: ")
        if self.waits or block.find(b"\n") != len(head) - 1 or LF in data:
            return None
        if head and (not head.startswith(b"event: ") or head in _ODD_NAMES):
            return None
        try:
            if not block.isascii():
                check_utf8(block)
            event = _DECODE_PLAIN(data)
        except UNREADABLE:
            return None
        if event.type in self._not_plain:
            return None
        if event.sequence_number is not UNSET:
            self._number = event.sequence_number
        if event.type == TEXT and self._response is not None and event.delta is not UNSET:
            self._response.add_text(event.delta)
        self.begun = True
        return block + b"\n\n"

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event as OpenAI would send it."""
        if data == DONE:
            # The end of a run; the one behind a response is Azure's alone.
            return self._passed(name.decode(), name, data) if name.decode() in self._form.last else b""
        members = DECODE(data)
        kind = _TYPE(members["type"]) if "type" in members else name.decode()
        if kind in _KEEP_ALIVE_TYPES:
            return self._keep_alive
        if name == b"error" or self._is_error(kind, members):
            return self._fail(self._errors.in_stream(data))
        check_utf8(data)
        number = _NUMBER(members["sequence_number"]) if "sequence_number" in members else self._number
        if kind == FAILED:
            return self._end_failed(name, data)
        if self.waits:
            return b""
        self._note_usage(members, data)
        if not self._keep and azure_fields.strip(members):
            data = ENCODE(members)
        if self._response is not None and (kind in NOTED or kind == TEXT):
            self._response.note(kind, members)
        self._number = number
        return self._passed(kind, name, data)

    def close(self, error: ProxyError) -> bytes:
        """Return nothing behind a complete answer, else the error and the end that the format has for it."""
        if self.complete:
            return b""
        if self._unexplained is not None:
            if not self.begun:
                self.failure = self._errors.in_stream(self._unexplained[1])
            return self._last(*self._unexplained)
        self.broken = True
        if self._response is None:
            self.failure = error
            return encode_error_event(error)
        told = b"" if self.failure is not None else self._tell(error)
        return told + self._response.encode_failed(self.failure or error, self._number + 1)

    def _passed(self, kind: str, name: bytes, data: bytes) -> bytes:
        self.begun |= kind not in ANNOUNCEMENTS
        self.over = self.complete = kind in self._form.last
        return encode_event(data, name)

    def _is_error(self, kind: str, members: Members) -> bool:
        """Tell an error by its type, or by having none; the failure of a response is one in all other streams."""
        return kind == "error" or _is_bare_error(members) or (kind == FAILED and self._response is None)

    def _fail(self, error: ProxyError) -> bytes:
        """Take an error of Azure; behind that of a response comes its last event, or has come before."""
        if self._response is None:
            raise error
        if self.failure is not None:
            return b""
        told = self._tell(error)
        self.waits = True
        return told if self._unexplained is None else told + self._last(*self._unexplained)

    def _tell(self, error: ProxyError) -> bytes:
        self.failure = error
        self._number += 1
        return encode_error(error, self._number)

    def _end_failed(self, name: bytes, data: bytes) -> bytes:
        """Take the last event of a response that failed, and wait for the cause when it does not say it."""
        if self.failure is None and not any(parse_texts(data)):
            self._unexplained, self.waits = (name, data), True
            return b""
        if self.failure is None and not self.begun and may_pass(error := self._errors.in_stream(data)):
            # With nothing but announcements before it, another attempt may cure it.
            self.failure = error
        return self._last(name, data)

    def _note_usage(self, members: Members, data: bytes) -> None:
        usage = _usage_of(members)
        if usage is not None:
            self.usage = usage
            self.billed = data if "usage" in members else bytes(members["response"])

    def _last(self, name: bytes, data: bytes) -> bytes:
        """Return Azure's own last event, with the cause and a number behind that of the error event before it."""
        members = DECODE(data)
        self._note_usage(members, data)
        changed = not self._keep and azure_fields.strip(members)
        if self.failure is not None:
            changed |= self._explain(members, data, self.failure)
        self.begun |= self.failure is None
        self.over = self.complete = True
        return encode_event(ENCODE(members) if changed else data, name)

    def _explain(self, members: Members, data: bytes, error: ProxyError) -> bool:
        """Put the cause where there is none, and a number that rises; tell whether anything has changed."""
        is_explained = any(parse_texts(data)) or not bytes(members.get("response", _NULL)).startswith(b"{")
        if not is_explained:
            response = DECODE(members["response"]) | {"error": Raw(ENCODE(error_fields(error)))}
            members["response"] = Raw(ENCODE(response))
        rises = "sequence_number" not in members or _NUMBER(members["sequence_number"]) > self._number
        if not rises:
            members["sequence_number"] = Raw(b"%d" % (self._number + 1))
        return not (is_explained and rises)


def _is_bare_error(members: Members) -> bool:
    """Tell an error without a type, as chat has them and Azure's gateway: an event of a response may be about one."""
    return "type" not in members and ("statusCode" in members or members.get("error", _NULL) != _NULL)


def _usage_of(members: Members) -> bytes | None:
    """Return the usage that an event, or the response in it, tells; None when it tells none."""
    usage, response = members.get("usage", _NULL), members.get("response", _NULL)
    if usage == _NULL and bytes(response).startswith(b"{"):
        usage = _RESPONSE(response).usage
    return None if usage == _NULL else bytes(usage)
