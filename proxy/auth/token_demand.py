"""How many tokens a call reserves of its client's rate, before anybody knows how many it uses."""

from collections import deque
from math import ceil

# English text has about four bytes a token. https://help.openai.com/en/articles/4936856
BYTES_PER_TOKEN = 4
# Outputs of each client that are remembered; the 95th percentile of fewer says little.
MOST_REMEMBERED, FEWEST = 100, 20
# The part of a minute's tokens that one call reserves at most; what it uses above that becomes a debt.
LARGEST_PART = 4


class RecentOutputs:
    """The tokens of each client's latest answers; there are as many clients as keys with a rate."""

    def __init__(self) -> None:
        self._outputs: dict[str, deque[int]] = {}

    def note(self, client: str, tokens: int) -> None:
        """Remember the tokens of one answer."""
        self._outputs.setdefault(client, deque(maxlen=MOST_REMEMBERED)).append(tokens)

    def usual(self, client: str) -> int | None:
        """Return what 95 of 100 answers stay within, None while few are known."""
        known = sorted(self._outputs.get(client, ()))
        return known[ceil(len(known) * 0.95) - 1] if len(known) >= FEWEST else None


def reserved_tokens(tpm: int, sent: int, bound: int | None, usual: int | None) -> int:
    """Return the tokens to reserve for a body of so many bytes.

    That is its own size and the least of what the answer may have at most and what this client's answers usually have,
    but no more than a quarter of the limit.
    """
    largest = max(1, tpm // LARGEST_PART)
    outputs = [tokens for tokens in (bound, usual) if tokens is not None]
    return min(largest, sent // BYTES_PER_TOKEN + min(outputs, default=largest))


def bound_tokens(sent: int, bound: int | None) -> int | None:
    """Return what a call may have used that nobody has counted, None where it has no bound."""
    return None if bound is None else sent // BYTES_PER_TOKEN + bound
