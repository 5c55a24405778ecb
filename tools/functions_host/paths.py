"""What the host makes of a request target.

Kestrel decodes the path once (all but %2F), removes dot segments and refuses NUL and raw non-ASCII; the proxy then
encodes what it got, every percent sign included, so that `%2F` reaches the worker as `%252F`. Of the query only what
.NET's Uri would write in another way is changed.
"""

import re
from urllib.parse import quote, unquote_to_bytes

PATH_CHARACTERS = "-._~:@/!$&'()*+,;="
QUERY_ENCODED = '"#<>\\^`{|}'
_ENCODED = re.compile(r"(?:%(?!2[Ff])[0-9A-Fa-f]{2})+")
_QUERY_PIECE = re.compile("%[0-9A-Fa-f]{2}|[%" + re.escape(QUERY_ENCODED) + "]")
_UNDECODABLE = re.compile("[\udc80-\udcff]")


class BadTarget(ValueError):
    """The host answers 400 to this target."""


def split_target(target: str) -> tuple[str, str]:
    """Return the decoded, normalised path and the raw query; raise BadTarget."""
    if not target.isascii() or (not target.startswith("/") and target != "*"):
        raise BadTarget(target)
    raw_path, _, query = target.partition("?")
    if target == "*":
        raw_path = "/"  # of OPTIONS
    path = _ENCODED.sub(_decode, raw_path)
    if "\0" in path:
        raise BadTarget(target)
    return remove_dot_segments(path), _QUERY_PIECE.sub(_encode_query, query)


def encode_path(path: str) -> str:
    """Encode a decoded path for the worker."""
    return quote(path, safe=PATH_CHARACTERS)


def remove_dot_segments(path: str) -> str:
    """Resolve `.` and `..`, keeping empty segments (RFC 3986, 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _encode_query(piece: re.Match[str]) -> str:
    """Write one character or escape of a query as .NET's Uri does."""
    text = piece[0]
    if text in QUERY_ENCODED or text == "%":
        return quote(text)
    character = chr(int(text[1:], 16))
    if character in QUERY_ENCODED and character != "#":
        return text.upper()
    return character if character.isascii() and (character.isalnum() or character in "-._~") else text


def _decode(encoded: re.Match[str]) -> str:
    text = unquote_to_bytes(encoded[0]).decode("utf-8", "surrogateescape")
    return _UNDECODABLE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
