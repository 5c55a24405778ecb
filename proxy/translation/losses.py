"""What of a client's body has no place in the translated one, or another value, by names that a header may have."""

import re
from collections.abc import Mapping

import msgspec

# What a header may have; other names are none that a client's author would miss.
_NAME = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}", re.ASCII)
_UNSAFE = "*"
_NULL = msgspec.Raw(b"null")
# A header has room for some; a body could have thousands of members that nobody knows.
MAX_NAMES = 32


class Losses:
    """Notes what of a body is left out and what another value is sent for, by names that a header may have."""

    def __init__(self) -> None:
        self._dropped: dict[str, None] = {}
        self.changed: dict[str, str] = {}

    @property
    def dropped(self) -> tuple[str, ...]:
        """Return the names; those that are too many stand as one star."""
        names = tuple(self._dropped)
        return names if len(names) <= MAX_NAMES else (*names[: MAX_NAMES - 1], _UNSAFE)

    def drop(self, name: str, place: str = "") -> None:
        """Note a member that is left out, and the place of the object that had it."""
        shown = name if _NAME.fullmatch(name) else _UNSAFE
        if len(self._dropped) <= MAX_NAMES:
            self._dropped[f"{place}.{shown}" if place else shown] = None

    def drop_rest(self, members: Mapping[str, msgspec.Raw], place: str) -> None:
        """Note what is left of an object whose other members have been sent; null says nothing."""
        for name, value in members.items():
            if value != _NULL:
                self.drop(name, place)
