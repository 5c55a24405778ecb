"""How much one instance takes on at a time, and how it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable

from proxy.errors import Overloaded
from proxy.values import BodyStream

_FULL = "This instance of the proxy has too many requests in flight. Please try again."
_ENDING = "This instance of the proxy is about to end. Please try again."
# Time for the last words of what was stopped, in seconds.
LAST_WORDS = 1.0


class Admission:
    """Counts the requests in flight, up to `most`: one too many is refused before its body is read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ending = False
        self._tickets: set[Ticket] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Return how many requests are in flight."""
        return len(self._tickets)

    def enter(self, stop: Callable[[], None]) -> "Ticket":
        """Count a request that `stop` would end; raise `Overloaded` when there are too many or the end is near."""
        if self._ending or len(self._tickets) >= self._most:
            raise Overloaded(_ENDING if self._ending else _FULL)
        ticket = Ticket(self, stop)
        self._tickets.add(ticket)
        self._idle.clear()
        return ticket

    def forget(self, ticket: "Ticket") -> None:
        """Count a request no more."""
        self._tickets.discard(ticket)
        if not self._tickets:
            self._idle.set()

    async def end(self, grace: float) -> None:
        """Admit nothing more; after `grace` seconds stop what is still in flight, and let it say so."""
        self._ending = True
        if not await self._becomes_idle(grace):
            for ticket in tuple(self._tickets):
                ticket.stop()
            await self._becomes_idle(LAST_WORDS)

    async def _becomes_idle(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class Ticket:
    """One request in flight, until it leaves."""

    __slots__ = ("_admission", "stop")

    def __init__(self, admission: Admission, stop: Callable[[], None]) -> None:
        self._admission = admission
        self.stop = stop

    def leave(self) -> None:
        """Be in flight no more."""
        self._admission.forget(self)

    def carry(self, body: BodyStream) -> "Carried":
        """Return a body with which the request leaves."""
        self.stop = body.stop
        return Carried(body, self)


class Carried:
    """A body that takes its request's ticket with it."""

    def __init__(self, body: BodyStream, ticket: Ticket) -> None:
        self._body = body
        self._ticket = ticket

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the chunks, which can be read once."""
        return self._body.__aiter__()

    def stop(self) -> None:
        """End with an error for the client."""
        self._body.stop()

    async def aclose(self) -> None:
        """End the body and what it comes from."""
        try:
            await self._body.aclose()
        finally:
            self._ticket.leave()
