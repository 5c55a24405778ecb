"""Strings of JSON that are joined, and put into strings of JSON, without being read."""

import json
import re
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from proxy.openai_api.json_members import ENCODE
from proxy.translation.responses_on_chat.draft import invalid_type

_TEXT = msgspec.json.Decoder(str).decode
EMPTY = Raw(b'""')
# Between texts that the one API has apart and the other in one.
PARAGRAPH = rb"\n\n"


def is_text(value: Raw) -> bool:
    """Tell whether some JSON is a string."""
    return bytes(value).startswith(b'"')


def text_of(value: Raw, param: str) -> str:
    """Return a string; raise `InvalidRequest` for anything else."""
    return _TEXT(checked(value, param))


def checked(value: Raw, param: str) -> Raw:
    """Return some JSON that is a string; raise `InvalidRequest` for anything else."""
    if not is_text(value):
        raise invalid_type(param, "a string")
    return value


def joined(texts: Iterable[Raw], between: bytes = PARAGRAPH) -> Raw:
    """Return several strings as one; `between` is written as in JSON, and stands beside no empty one."""
    return Raw(b'"%s"' % between.join(inner for text in texts if (inner := bytes(text)[1:-1])))


def quoted(text: str) -> Raw:
    """Return a text as JSON."""
    return Raw(ENCODE(text))


def nested(value: Raw) -> bytes:
    """Return some JSON as it stands inside of a string of JSON."""
    written = bytes(value).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return written.replace(b"\n", rb"\n").replace(b"\r", rb"\r").replace(b"\t", rb"\t")


# The first half of a pair of surrogates, whose second half comes with the next piece.
_HALF_AT_END = re.compile(rb"(?<!\\)(?:\\\\)*+(\\u[dD][89abAB][0-9a-fA-F]{2})\Z")


class PieceDecoder:
    """Decodes a text that comes in pieces, each the inside of a string of JSON."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> str:
        """Return the characters that a piece completes."""
        whole = self._held + piece
        half = _HALF_AT_END.search(whole) if b"\\u" in whole else None
        self._held = half[1] if half is not None else b""
        return _decoded(whole[: half.start(1)] if half is not None else whole)

    def end(self) -> str:
        """Return what is held when nothing more comes."""
        return _decoded(self.rest())

    def rest(self) -> bytes:
        """Return what is held as it came."""
        held, self._held = self._held, b""
        return held


def _decoded(inside: bytes) -> str:
    """Return what the inside of a string says; half of a pair of surrogates is no character."""
    if b"\\" not in inside:
        return inside.decode()
    text = str(json.loads(b'"%s"' % inside))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
