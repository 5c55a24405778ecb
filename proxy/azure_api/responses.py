"""The events of responses, images, transcripts, speech and runs, which have types: each format with its own last one.

Azure's are OpenAI's but for some fields, a stray `[DONE]` behind a response, and errors in an envelope of their own.
Nearly every event of a stream is a plain one, which goes out as it came: it has a type that means nothing to the proxy,
and no member that Azure's fields may be in.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from proxy.azure_api import azure_fields
from proxy.azure_api.errors import AzureErrors
from proxy.openai_api.answers import may_pass
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, check_utf8
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import DONE, LF, encode_event

# A response announces itself with these before the model has said anything.
_ANNOUNCEMENTS = frozenset({"response.created", "response.queued", "response.in_progress"})
# With nothing but announcements before it, this is an error that another attempt may cure.
_FAILED = "response.failed"
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

    def __init__(self, form: StreamFormat, errors: AzureErrors, *, keep_filters: bool) -> None:
        self._errors = errors
        self._form = form
        self._keep = keep_filters
        self.begun = self.complete = self.over = False
        self._not_plain = form.last | _ANNOUNCEMENTS | {_FAILED, "error"}
        self.number = -1
        self.usage: bytes | None = None

    def translate_plain(self, block: bytes) -> bytes | None:
        """Return an event that goes out as it came; None when it is another."""
        head, _, data = block.partition(b"data: ")
        if block.find(b"\n") != len(head) - 1 or LF in data:
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
            self.number = event.sequence_number
        self.begun = True
        return block + b"\n\n"

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event as OpenAI would send it."""
        if data == DONE:
            # The end of a run; the one behind a response is Azure's alone.
            return self._passed(name.decode(), name, data) if name.decode() in self._form.last else b""
        members = DECODE(data)
        kind = _TYPE(members["type"]) if "type" in members else name.decode()
        if name == b"error" or kind == "error" or _is_bare_error(members):
            raise self._errors.in_stream(data)
        check_utf8(data)
        number = _NUMBER(members["sequence_number"]) if "sequence_number" in members else self.number
        if kind == _FAILED and not self.begun and may_pass(error := self._errors.in_stream(data)):
            raise error
        self.usage = _usage_of(members) or self.usage
        if not self._keep and azure_fields.strip(members):
            data = ENCODE(members)
        self.number = number
        return self._passed(kind, name, data)

    def _passed(self, kind: str, name: bytes, data: bytes) -> bytes:
        self.begun |= kind not in _ANNOUNCEMENTS
        self.over = self.complete = kind in self._form.last
        return encode_event(data, name)


def _is_bare_error(members: Members) -> bool:
    """Tell an error without a type, as chat has them and Azure's gateway: an event of a response may be about one."""
    return "type" not in members and ("statusCode" in members or members.get("error", _NULL) != _NULL)


def _usage_of(members: Members) -> bytes | None:
    """Return the usage that an event, or the response in it, tells; None when it tells none."""
    usage, response = members.get("usage", _NULL), members.get("response", _NULL)
    if usage == _NULL and bytes(response).startswith(b"{"):
        usage = _RESPONSE(response).usage
    return None if usage == _NULL else bytes(usage)
