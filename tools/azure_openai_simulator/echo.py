"""The text of the simulated model, which repeats its prompt.

A token is a word with the white space before it.
"""

import re

_TOKEN = re.compile(r"\s*\S+|\s+")


def tokens_of(text: str) -> tuple[str, ...]:
    """Cut a text into tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


def echo(prompt: str) -> str:
    """Answer a prompt."""
    return f"You said: {prompt}"


def truncate(tokens: tuple[str, ...], limit: int | None) -> tuple[tuple[str, ...], str]:
    """Return at most `limit` tokens and the finish reason."""
    if limit is None or len(tokens) <= limit:
        return tokens, "stop"
    return tokens[:limit], "length"
