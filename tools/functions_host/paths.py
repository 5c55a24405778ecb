"""What the host makes of a request target.

Kestrel decodes the path once (all but %2F), removes dot segments and refuses NUL and raw non-ASCII; the proxy then
encodes what it got, every percent sign included, so that `%2F` reaches the worker as `%252F`. The query is left alone.
"""

import re
from urllib.parse import quote, unquote_to_bytes

PATH_CHARACTERS = "-._~:@/!$&'()*+,;="
HOST_PATHS = re.compile(r"/(admin/host|runtime/webhooks)(/|$)|/admin/functions", re.IGNORECASE)
_ENCODED = re.compile(r"(?:%(?!2[Ff])[0-9A-Fa-f]{2})+")
_UNDECODABLE = re.compile("[\udc80-\udcff]")


class BadTarget(ValueError):
    """The host answers 400 to this target."""


def split_target(target: str) -> tuple[str, str]:
    """Return the decoded, normalised path and the raw query; raise BadTarget."""
    if not target.isascii() or not target.startswith("/"):
        raise BadTarget(target)
    raw_path, _, query = target.partition("?")
    path = _ENCODED.sub(_decode, raw_path)
    if "\0" in path:
        raise BadTarget(target)
    return remove_dot_segments(path), query


def encode_path(path: str) -> str:
    """Encode a decoded path for the worker."""
    return quote(path, safe=PATH_CHARACTERS)


def belongs_to_host(path: str) -> bool:
    """Tell whether the host answers `path` itself and shows it to no function."""
    return HOST_PATHS.match(path) is not None


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


def _decode(encoded: re.Match[str]) -> str:
    text = unquote_to_bytes(encoded[0]).decode("utf-8", "surrogateescape")
    return _UNDECODABLE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
