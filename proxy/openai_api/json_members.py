r"""Halves of surrogate pairs in JSON, which JSON allows and msgspec refuses.

JavaScript writes the half of an emoji that it cut as `\ud83d`, and a model may cut an emoji between two chunks of a
stream. `mask` turns each half into another character of the same length: its `d` becomes one of a few other letters.
https://www.rfc-editor.org/rfc/rfc8259#section-8.2
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

Members = dict[str, msgspec.Raw]

DECODE = msgspec.json.Decoder(Members).decode
ENCODE = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# Some programs write it before JSON, which RFC 8259 forbids to writers and allows readers to ignore.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A text takes up to four times the memory of its UTF-8, so a large one is decoded in pieces.
_UTF8_PIECE = 256 * 1024
# No program writes more in one body by accident.
MAX_HALVES = 10_000
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
# Letters that may replace the `d`; with each of them all characters are complete.
_LETTERS = "eabcf"


def check_utf8(data: bytes) -> None:
    """Raise `UnicodeDecodeError` for bytes that are no UTF-8; msgspec passes them where it does not read a value."""
    if data.isascii():
        return
    if len(data) <= _UTF8_PIECE:
        data.decode()
        return
    decoder = getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _UTF8_PIECE):
        decoder.decode(data[start : start + _UTF8_PIECE])
    decoder.decode(b"", final=True)


def rewrite(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return what `change` makes of some JSON, with halves of surrogate pairs kept; raise one of `UNREADABLE`."""
    try:
        return change(data)
    except UNREADABLE:
        letter = free_letter(data)
        if letter is None:
            raise
    return unmask(change(mask(data, letter)), letter)


def decode(data: bytes, decoder: Callable[[bytes], T]) -> T:
    """Return what a decoder makes of some JSON; halves of surrogate pairs read as other characters.

    Masking costs more than decoding, and next to no JSON needs it.
    """
    try:
        return decoder(data)
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        return decoder(mask(data))


def mask(data: bytes, letter: str = _LETTERS[0]) -> bytes:
    """Return the JSON with its halves masked; every other byte, and so every position, is the same."""
    if b"\\u" not in data:  # Most have none, and the pattern looks at every byte: some 20 us for each KB.
        return data
    return _HALF.sub(lambda half: _turned(half[0], letter), data, count=MAX_HALVES)


def unmask(data: bytes, letter: str) -> bytes:
    """Undo `mask`, with a letter that was free in the JSON."""
    return _masked(letter).sub(lambda half: _turned(half[0], "d"), data)


def free_letter(data: bytes) -> str | None:
    """Return a letter with which nothing in the JSON looks masked already, None if there is none."""
    return next((letter for letter in _LETTERS if _masked(letter).search(data) is None), None)


def _masked(letter: str) -> re.Pattern[bytes]:
    return re.compile(rb"\\u[%s%s][89a-fA-F][0-9a-fA-F]{2}" % (letter.encode(), letter.upper().encode()))


def _turned(half: bytes, letter: str) -> bytes:
    return b"\\u" + (letter if half[2:3].islower() else letter.upper()).encode() + half[3:]
