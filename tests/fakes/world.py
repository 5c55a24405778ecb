"""Something to fetch that answers, fails or hangs as a test says."""

import asyncio

from proxy.errors import ConfigurationError


def down(reason: str = "vault_down", retry_after: str | None = None) -> ConfigurationError:
    failure = ConfigurationError("the vault is down", reason=reason)
    if retry_after is not None:
        failure.headers = {"retry-after": retry_after}
    return failure


class World:
    """What is fetched: set `answer`; clear `open` to hold the fetches back."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer
        self.fetches = 0
        self.in_flight = 0
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def fetch(self) -> str:
        self.fetches += 1
        self.in_flight += 1
        assert self.in_flight == 1
        self.asked.set()
        try:
            await self.open.wait()
        finally:
            self.in_flight -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
