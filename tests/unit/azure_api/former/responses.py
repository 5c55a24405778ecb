"""The events of responses, images, transcripts, speech and runs, which have types: each format with its own last one.

Azure's are OpenAI's but for some fields, a stray `[DONE]` behind a response, and errors in an envelope of their own.
"""

from typing import Annotated

import msgspec

from proxy.azure_api import azure_fields
from proxy.azure_api.errors import AzureErrors
from proxy.errors import ProxyError
from proxy.openai_api import json_members
from proxy.openai_api.answers import encode_error, may_pass
from proxy.openai_api.json_members import Members
from proxy.openai_api.operations import StreamFormat
from tests.unit.azure_api.former.sse import DONE, encode_event

# A response announces itself with these before the model has said anything.
_ANNOUNCEMENTS = frozenset({"response.created", "response.queued", "response.in_progress"})
# With nothing but announcements before it, this is an error that another attempt may cure.
_FAILED = "response.failed"
_NULL = b"null"
_TYPE = msgspec.json.Decoder(str).decode
_NUMBER = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]).decode


class TypedEvents:
    """The events of one stream; those of a response are numbered."""

    closing = b""

    def __init__(self, form: StreamFormat, errors: AzureErrors, *, keep_filters: bool) -> None:
        self._errors = errors
        self._form = form
        self._keep = keep_filters
        self.begun = self.complete = self.over = False
        self.number = b"-1"

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event as OpenAI would send it."""
        if data == DONE:
            # The end of a run; the one behind a response is Azure's alone.
            return self._passed(name.decode(), name, data) if name.decode() in self._form.last else b""
        members = json_members.DECODE(data)
        kind = _TYPE(members["type"]) if "type" in members else name.decode()
        if name == b"error" or kind == "error" or _is_bare_error(members):
            raise self._errors.in_stream(data)
        number = b"%d" % _NUMBER(members["sequence_number"]) if "sequence_number" in members else self.number
        if kind == _FAILED and not self.begun and may_pass(error := self._errors.in_stream(data)):
            raise error
        if not self._keep and azure_fields.strip(members):
            data = json_members.ENCODE(members)
        self.number = number
        return self._passed(kind, name, data)

    def state(self) -> object:
        """Return what a later event's translation depends on."""
        return self.begun, self.over

    def encode_error(self, error: ProxyError) -> bytes:
        """Return an error as a response has it, flat and numbered, or in the envelope of all others."""
        if self._form is not StreamFormat.RESPONSE:
            return encode_event(encode_error(error))
        fields = {"type": "error", "code": error.code, "message": error.message, "param": error.param}
        return encode_event(msgspec.json.encode({**fields, "sequence_number": int(self.number) + 1}), b"error")

    def _passed(self, kind: str, name: bytes, data: bytes) -> bytes:
        self.begun |= kind not in _ANNOUNCEMENTS
        self.over = self.complete = kind in self._form.last
        return encode_event(data, name)


def _is_bare_error(members: Members) -> bool:
    """Tell an error without a type, as chat has them and Azure's gateway: an event of a response may be about one."""
    return "type" not in members and ("statusCode" in members or bytes(members.get("error", _NULL)) != _NULL)
