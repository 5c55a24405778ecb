"""Differences between two recordings that are meant: the case, the field, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """`case` and `field` are patterns as of fnmatch; a field is a path as `client/0/headers`.

    With `new`, only this text of the new value is accepted.
    """

    case: str
    field: str
    reason: str
    new: str | None = None


_COUNTS = "the access log entry also counts bytes and tokens"
_GUIDE = "the message names the guide that lists the settings now"
_KEYS = "of two keys in a request the valid one counts"
_GZIP = "a request's body may be compressed, and one that only says so cannot be read"
_SLASH = "a model's name may have slashes"
_TRACE = "an answer that breaks off prints no traceback of the server"
ACCEPTED: tuple[Accepted, ...] = (
    *(Accepted("*", f"log/*/{name}", _COUNTS) for name in ("input_tokens", "output_tokens", "received", "sent")),
    Accepted("wrong-routing-name/*", "printed", _GUIDE),
    *(Accepted("wrong-routing-name/*", f"client/0/{part}", _GUIDE) for part in ("body", "headers")),
    *(Accepted(case, "*", _KEYS) for case in ("bad-headers/authorization twice", "bad-keys/* two keys")),
    *(Accepted(case, "*", _GZIP) for case in ("bad-http/gzip", "uploads-odd/encoded gzip", "uploads-odd/encoded br")),
    Accepted("bad-paths/15 * /v1/models/a/b", "*", _SLASH),
    *(Accepted(f"{group}/(group)", "printed", _TRACE, "[]") for group in ("operations-refused", "shutdown-too-late-*")),
)
