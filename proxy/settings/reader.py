"""Reads single variables; an empty one counts as unset."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from proxy.errors import ConfigurationError

T = TypeVar("T")


class SettingError(ConfigurationError):
    """A setting is wrong; the message names the variable and what is expected, never the value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


class Reader:
    """One environment, read variable by variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def has(self, name: str) -> bool:
        """Tell whether the variable is set to something."""
        return bool(self._environ.get(name, "").strip())

    def __call__(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Return the parsed variable, or the default when it is unset.

        `parse` raises ValueError with what is expected; that becomes a `SettingError`.
        """
        if not self.has(name):
            return default
        try:
            return parse(self._environ[name].strip())
        except ValueError as error:
            raise SettingError(name, str(error)) from None

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return the parsed variable, or None when it is unset."""
        return self(name, parse, None) if self.has(name) else None

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        """Return the parsed variable; raise `SettingError` when it is unset, with what `parse` expects."""
        try:
            return parse(self._environ.get(name, "").strip())
        except ValueError as error:
            problem = str(error) if self.has(name) else f"is not set: it {error}"
            raise SettingError(name, problem) from None
