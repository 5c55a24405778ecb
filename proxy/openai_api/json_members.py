r"""Halves of surrogate pairs in JSON: allowed there, and refused by msgspec.

JavaScript writes the half of an emoji that it cut as `\ud83d`, and a model may well cut one between two chunks of a
stream. Masked, each half becomes another character of the same length: the `d` becomes one of some other letters.
https://www.rfc-editor.org/rfc/rfc8259#section-8.2
"""

import re
from collections.abc import Callable

import msgspec

Members = dict[str, msgspec.Raw]

DECODE = msgspec.json.Decoder(Members).decode
ENCODE = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# More halves than this in one body is nothing that a program writes by accident.
MAX_HALVES = 10_000
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
# What may stand for the `d`: with each letter the characters are others, all of them whole.
_LETTERS = "eabcf"


def rewrite(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return some JSON changed, its halves of surrogate pairs as they came; `change` raises one of `UNREADABLE`."""
    try:
        return change(data)
    except UNREADABLE:
        letter = free_letter(data)
        if letter is None:
            raise
    return unmask(change(mask(data, letter)), letter)


def mask(data: bytes, letter: str = _LETTERS[0]) -> bytes:
    """Return the JSON with its halves masked; every other byte, and so every position, stays."""
    if b"\\u" not in data:  # Most have none, and the pattern looks at every byte: some 20 us for each KB.
        return data
    return _HALF.sub(lambda half: _turned(half[0], letter), data, count=MAX_HALVES)


def unmask(data: bytes, letter: str) -> bytes:
    """Return what `mask` was given, with a letter that was free in it."""
    return _masked(letter).sub(lambda half: _turned(half[0], "d"), data)


def free_letter(data: bytes) -> str | None:
    """Return a letter with which nothing in the JSON looks masked already; None in the odd case that there is none."""
    return next((letter for letter in _LETTERS if _masked(letter).search(data) is None), None)


def _masked(letter: str) -> re.Pattern[bytes]:
    return re.compile(rb"\\u[%s%s][89a-fA-F][0-9a-fA-F]{2}" % (letter.encode(), letter.upper().encode()))


def _turned(half: bytes, letter: str) -> bytes:
    return b"\\u" + (letter if half[2:3].islower() else letter.upper()).encode() + half[3:]
