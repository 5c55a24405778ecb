"""Reasoning that a model writes into its text: what stands between `<think>` and `</think>` at the very start.

Later tags are the model's words. https://github.com/deepseek-ai/DeepSeek-R1#usage-recommendations
"""

from enum import Enum

_OPENING, _CLOSING = "<think>", "</think>"
_Split = tuple[str, str]


class _At(Enum):
    START = "before the first word"
    THOUGHT = "inside"
    BETWEEN = "before the first word of the text"
    TEXT = "inside the text"


class ThoughtSplitter:
    """Splits a text that comes in pieces into reasoning and text."""

    def __init__(self, *, reads: bool) -> None:
        self._held = ""
        self._at = _At.START if reads else _At.TEXT

    @property
    def passes(self) -> bool:
        """Tell whether all that comes is text from now on, and nothing is held."""
        return self._at is _At.TEXT

    def feed(self, piece: str) -> _Split:
        """Return the reasoning and the text that a piece completes."""
        self._held += piece
        thought = ""
        if self._at is _At.START:
            self._begin()
        if self._at is _At.THOUGHT:
            thought = self._think()
        return thought, self._say()

    def end(self) -> _Split:
        """Return what is held when nothing more comes."""
        held, at = self._held, self._at
        self._held, self._at = "", _At.TEXT
        return (held, "") if at is _At.THOUGHT else ("", held)

    def _begin(self) -> None:
        start = self._held.lstrip()
        if start.startswith(_OPENING):
            self._held, self._at = start.removeprefix(_OPENING), _At.THOUGHT
        elif not _OPENING.startswith(start):
            self._at = _At.TEXT

    def _think(self) -> str:
        thought, tag, rest = self._held.partition(_CLOSING)
        if tag:
            self._held, self._at = rest, _At.BETWEEN
            return thought
        kept = _overlap(thought)
        self._held = thought[len(thought) - kept :]
        return thought[: len(thought) - kept]

    def _say(self) -> str:
        if self._at is _At.BETWEEN:
            self._held = self._held.lstrip()
            self._at = _At.TEXT if self._held else _At.BETWEEN
        if self._at is not _At.TEXT:
            return ""
        said, self._held = self._held, ""
        return said


def _overlap(text: str) -> int:
    """Return how many of the last characters may begin the closing tag."""
    return next((size for size in range(len(_CLOSING) - 1, 0, -1) if text.endswith(_CLOSING[:size])), 0)
