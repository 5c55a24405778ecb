"""How a stream of a response fails: an error event, and behind it `response.failed` with the response so far.

https://platform.openai.com/docs/api-reference/responses-streaming/response/failed
Some clients read only the one and some only the other. An error event has its members twice, as the documents have it
and in the envelope that the SDKs look for.
"""

from collections.abc import Mapping

from msgspec import Raw

from proxy.errors import ProxyError
from proxy.openai_api.json_members import DECODE, ENCODE, Members
from proxy.openai_api.sse import encode_event, encode_last_event

FAILED = "response.failed"
# What a stream begins with; each has the response as it is then.
ANNOUNCEMENTS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ITEM_ADDED, _ITEM_DONE = "response.output_item.added", "response.output_item.done"
_PART_ADDED = "response.content_part.added"
TEXT = "response.output_text.delta"
# Events that are looked into, but for the text.
NOTED = ANNOUNCEMENTS | {_ITEM_ADDED, _ITEM_DONE, _PART_ADDED}
# What is kept of each stream in case it fails. A response repeats its instructions and tools, which may be megabytes
# and which the client has; an output may have images.
MAX_OBJECT_BYTES = 32 * 1024
MAX_OUTPUT_BYTES = 64 * 1024
# The codes that the documents have; others become the nearest one.
_CODES = frozenset(
    {
        *("server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"),
        *("vector_store_timeout", "invalid_image", "invalid_image_format", "invalid_base64_image"),
        *("invalid_image_url", "image_too_large", "image_too_small", "image_parse_error"),
        *("image_content_policy_violation", "invalid_image_mode", "image_file_too_large"),
        *("unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found"),
    }
)
# Members that the documents require, for what is not known. No resource has an object of this id, and none is asked
# for it: it gets no tag, because no id of Azure's has a colon.
_UNKNOWN: Mapping[str, object] = {
    "id": "resp_:none",
    "object": "response",
    "created_at": 0,
    "status": None,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "",
    "output": [],
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}


def encode_error(error: ProxyError, number: int) -> bytes:
    """Return the event of an error."""
    fields = {"code": error.code, "message": error.message, "param": error.param}
    event = {"type": "error", "sequence_number": number, **fields, "error": {"type": error.type, **fields}}
    return encode_last_event(ENCODE(event), b"error")


def error_fields(error: ProxyError) -> Mapping[str, str]:
    """Return an error as a response has it."""
    if error.code in _CODES:
        code = error.code
    elif error.status == 429:
        code = "rate_limit_exceeded"
    else:
        code = "invalid_prompt" if error.status < 500 and error.status != 408 else "server_error"
    return {"code": code, "message": error.message}


class ResponseSoFar:
    """What a stream has told of its response: the object, the items that are done and the text of one that is not.

    What would be more than the bounds is left out.
    """

    def __init__(self) -> None:
        self._object: Members = {}
        self._items: list[Raw] = []
        self._room = MAX_OUTPUT_BYTES
        self._open: Raw | None = None
        self._texts: list[bytearray] = []
        self._text_room = MAX_OUTPUT_BYTES

    def note(self, kind: str, members: Members) -> None:
        """Take an event of one of the kinds in `NOTED`, or of the text; raise one of `json_members.UNREADABLE`."""
        if kind in ANNOUNCEMENTS:
            response = bytes(members.get("response", b""))
            self._object = _fitting(DECODE(response)) if response.startswith(b"{") else {}
        elif kind == TEXT:
            delta = members.get("delta", Raw(b"null"))
            # The half of a character is masked here, and is none of the text.
            self.add_text(Raw(b"null") if b"\\u" in bytes(delta) else delta)
        elif kind == _PART_ADDED:
            self._texts += [bytearray()] * bool(self._texts and self._texts[-1])
        elif kind == _ITEM_ADDED:
            self._begin_item(members.get("item", Raw(b"null")))
        else:
            self._end_item(members.get("item", Raw(b"null")))

    def add_text(self, delta: Raw) -> None:
        """Take a piece of text, as JSON."""
        if self._open is not None:
            text = bytes(delta)
            self._text_room -= len(text)
            if self._text_room < 0 or not text.startswith(b'"'):
                self._open = None
            else:
                self._texts[-1] += text[1:-1]

    def encode_failed(self, error: ProxyError, number: int) -> bytes:
        """Return the event that tells of the failure of the response."""
        told = {"status": "failed", "error": error_fields(error), "output": self._output()}
        event = {"type": FAILED, "sequence_number": number, "response": {**_UNKNOWN, **self._object, **told}}
        return encode_event(ENCODE(event), FAILED.encode())

    def _begin_item(self, item: Raw) -> None:
        raw = bytes(item)
        is_message = raw.startswith(b"{") and b'"message"' in raw
        self._open = item.copy() if is_message and len(raw) <= self._room else None
        self._texts, self._text_room = [bytearray()], MAX_OUTPUT_BYTES

    def _end_item(self, item: Raw) -> None:
        self._open = None
        self._room -= len(bytes(item))
        if self._room < 0:
            self._room = 0  # nothing behind it either: the output has no gaps
        elif bytes(item).startswith(b"{"):
            self._items.append(item.copy())

    def _output(self) -> list[Raw]:
        if self._open is None or not any(self._texts):
            return self._items
        parts = [{"type": "output_text", "text": Raw(b'"%s"' % text), "annotations": []} for text in self._texts]
        item = {**DECODE(self._open), "status": "incomplete", "content": parts}
        return [*self._items, Raw(ENCODE(item))]


def _fitting(members: Members) -> Members:
    """Return the members that fit into the bound, the smallest first."""
    kept, left = set(), MAX_OBJECT_BYTES
    for name in sorted(members, key=lambda name: len(bytes(members[name]))):
        left -= len(name) + len(bytes(members[name]))
        if left < 0:
            break
        kept.add(name)
    return {name: value.copy() for name, value in members.items() if name in kept}
