"""The prompt cache of one resource: how many tokens at the beginning of a prompt it has seen some minutes ago.

Azure caches from 1,024 tokens on, in steps of 128, and drops what was not used for 5 to 10 minutes.
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/prompt-caching
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from tools.azure_openai_simulator.echo import tokens_of

FIRST, STEP = 1024, 128
LIFE = 300  # seconds
KEPT_BEGINNINGS = 100_000


class PromptCache:
    """The beginnings of the prompts of a resource, with when each was used last, in seconds since 1970."""

    def __init__(self) -> None:
        self._used: dict[bytes, int] = {}

    def use(self, now: int, seed: bytes, texts: Iterable[tuple[str, str]]) -> int:
        """Return how many tokens of a prompt are cached, and keep all of its beginnings.

        `seed` is what stands before the prompt, such as the deployment and the tools; `texts` are the messages, each
        with its role.
        """
        cached = 0
        for length, beginning in list(_beginnings(seed, texts)):
            used = self._used.pop(beginning, None)
            if used is not None and now - used < LIFE:
                cached = length
            self._used[beginning] = now
        while len(self._used) > KEPT_BEGINNINGS:
            del self._used[next(iter(self._used))]
        return cached


def _beginnings(seed: bytes, texts: Iterable[tuple[str, str]]) -> Iterator[tuple[int, bytes]]:
    tokens = list(_tokens(texts))
    digest, done = hashlib.sha256(seed), 0
    for length in range(FIRST, len(tokens) + 1, STEP):
        digest.update("\0".join(tokens[done:length]).encode())
        done = length
        yield length, digest.digest()


def _tokens(texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the tokens; the first of each message has its role."""
    for role, text in texts:
        tokens: Sequence[str] = tokens_of(text)
        if tokens:
            yield f"{role}: {tokens[0]}"
            yield from tokens[1:]
