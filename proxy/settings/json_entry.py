"""One entry of a list that is written as JSON, read member by member."""

from collections.abc import Callable, Collection
from typing import TypeVar

from proxy.settings import json_text

T = TypeVar("T")


class JsonEntry:
    """One object of the list; every failure is a ValueError that names the entry and the member, never a value."""

    def __init__(self, number: int, entry: object, known: Collection[str]) -> None:
        self._number = number
        try:
            self._members = json_text.members(entry)
        except ValueError as error:
            raise ValueError(f"is wrong in entry {number}: it {error}") from None
        for name in self._members:
            if name not in known:
                raise self.wrong(json_text.shown(name), "is not known")

    def has(self, name: str) -> bool:
        """Tell whether the member is there."""
        return name in self._members

    def __call__(self, name: str, read: Callable[[object], T], default: T) -> T:
        """Return a member's value, or the default when it is not there.

        `read` raises ValueError with what is expected.
        """
        if name not in self._members:
            return default
        try:
            return read(self._members[name])
        except ValueError as error:
            raise self.wrong(name, str(error)) from None

    def text(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Return a member that must be a text."""
        return self(name, lambda value: parse(json_text.text(value)), default)

    def wrong(self, name: str, problem: str) -> ValueError:
        """Return what to raise about a member."""
        return ValueError(f"is wrong in entry {self._number}: {name} {problem}")
