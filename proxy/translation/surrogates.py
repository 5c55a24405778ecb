r"""Halves of surrogate pairs in JSON: allowed there, and refused by msgspec.

JavaScript writes the half of an emoji that it cut as `\ud83d`, and a model may well cut one between two chunks of a
stream. Masked, each half becomes a character of the same length from Unicode's private area.
https://www.rfc-editor.org/rfc/rfc8259#section-8.2
"""

import re

# More halves than this in one body is nothing that a program writes by accident.
MAX_HALVES = 10_000
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_MASKED = re.compile(rb"\\u[eE][89a-fA-F][0-9a-fA-F]{2}")
_MASK = {b"d": b"\\ue", b"D": b"\\uE", b"e": b"\\ud", b"E": b"\\uD"}


def mask(data: bytes) -> bytes:
    """Return the JSON with its halves masked; every other byte, and so every position, stays."""
    return _HALF.sub(_turn, data, count=MAX_HALVES)


def unmask(data: bytes) -> bytes:
    """Return what `mask` was given."""
    return _MASKED.sub(_turn, data)


def is_maskable(data: bytes) -> bool:
    """Tell whether `unmask` gives back exactly what `mask` takes: nothing in the JSON looks masked already."""
    return _MASKED.search(data) is None


def _turn(half: re.Match[bytes]) -> bytes:
    return _MASK[half[0][2:3]] + half[0][3:]
