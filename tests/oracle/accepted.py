"""Differences between two recordings that are meant: the case, the field, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """`case` and `field` are patterns as of fnmatch; a field is a path as `client/0/headers`."""

    case: str
    field: str
    reason: str


_COUNTS = "the access log entry also counts bytes and tokens"
ACCEPTED: tuple[Accepted, ...] = tuple(
    Accepted("*", f"log/*/{name}", _COUNTS) for name in ("input_tokens", "output_tokens", "received", "sent")
)
