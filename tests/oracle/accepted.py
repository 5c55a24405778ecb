"""Differences between two recordings that are meant: the case, the field, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """`case` and `field` are patterns as of fnmatch; a field is a path as `client/0/headers`."""

    case: str
    field: str
    reason: str


_COUNTS = "the access log entry also counts bytes and tokens"
_GUIDE = "the message names the guide that lists the settings now"
ACCEPTED: tuple[Accepted, ...] = (
    *(Accepted("*", f"log/*/{name}", _COUNTS) for name in ("input_tokens", "output_tokens", "received", "sent")),
    Accepted("wrong-routing-name/*", "printed", _GUIDE),
    *(Accepted("wrong-routing-name/*", f"client/0/{part}", _GUIDE) for part in ("body", "headers")),
)
