"""The ids of tool calls in a history, as Responses takes them: of 64 characters at most, and each of one call.

The names are the same in every turn, so that a prompt whose beginning is cached stays the same.
A longer one is refused: https://github.com/AnswerDotAI/fastllm/issues/45
"""

from collections import deque
from hashlib import sha256

import msgspec

MAX_CHARACTERS = 64
_DIGITS = 32


class Called(msgspec.Struct, frozen=True):
    """A tool call as its output names it; `custom` tells that it is one of a custom tool."""

    call_id: str
    custom: bool = False


class CallIds:
    """Gives the calls of one history their ids, and each output the id of its call."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._open: dict[str, deque[Called]] = {}
        self._last: dict[str, Called] = {}

    def begin_message(self) -> None:
        """Begin a message of the assistant: outputs that follow belong to its calls."""
        self._open = {}

    def call(self, given: str, *, custom: bool) -> str:
        """Return the id for a call."""
        times = self._times.get(given, 0)
        self._times[given] = times + 1
        called = Called(_fitting(given) if given and not times else _hashed(f"{times}:{given}"), custom)
        self._open.setdefault(given, deque()).append(called)
        self._last[given] = called
        return called.call_id

    def output(self, given: str) -> Called:
        """Return the call that an output belongs to; one that there is none of keeps its id."""
        waiting = self._open.get(given)
        if waiting:
            return waiting.popleft()
        return self._last.get(given) or Called(_fitting(given))


def _fitting(given: str) -> str:
    return given if len(given) <= MAX_CHARACTERS and given.isprintable() else _hashed(given)


def _hashed(text: str) -> str:
    return f"call_{sha256(text.encode(errors='replace')).hexdigest()[:_DIGITS]}"
