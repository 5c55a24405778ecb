"""One record of each attempt, for whoever keeps accounts; without such a one nothing is recorded, and nothing costs."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace

from proxy.azure_api.usage import estimate_usage, find_usage
from proxy.gateway.attempt import Answered, Refused
from proxy.gateway.exchange import Exchange
from proxy.routing.targets import Target
from proxy.values import AttemptRecord, BodyStream, Response, Usage

Note = Callable[[AttemptRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Makes the records that `note` takes; `now` is in seconds since 1970 UTC, `clock` never goes back."""

    note: Note
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic

    def begin(self, exchange: Exchange, target: Target, attempt: int) -> "Entry":
        """Open the entry of an attempt."""
        sent = exchange.request.headers.get("content-length", "")
        record = AttemptRecord(
            client=exchange.line.client,
            operation=exchange.route.operation.name,
            model=target.model,
            resource=target.resource,
            deployment=target.deployment,
            attempt=attempt,
            status=None,
            outcome="failed",
            started=self.now(),
            first_byte=None,
            duration=0.0,
            sent=int(sent) if sent.isdecimal() else 0,
            received=0,
            usage=None,
        )
        return Entry(self, record)


class Entry:
    """The record of one attempt while it goes on; it is noted once."""

    def __init__(self, ledger: Ledger, record: AttemptRecord) -> None:
        self._ledger = ledger
        self._record = record
        self._began = ledger.clock()
        self._first_byte: float | None = None
        self._received = 0
        self._usage: Usage | None = None
        self._open = True

    def refused(self, refused: Refused) -> None:
        """Close the entry of an attempt that failed."""
        self._close(refused.failure.status, refused.failure.kind.name.lower())

    def answered(self, answered: Answered) -> Answered:
        """Close the entry of a whole answer; that of a stream goes along with it."""
        response = answered.response
        if isinstance(response.body, bytes):
            self._take(response.body)
            self._close(response.status, "completed")
            return answered
        return replace(answered, response=replace(response, body=_Recorded(response.body, self, response)))

    async def follow(self, body: BodyStream, status: int) -> AsyncGenerator[bytes, None]:
        """Yield a body and note what it was."""
        outcome = "stream_broken"
        try:
            async for chunk in body:
                self._take(chunk)
                yield chunk
            outcome = "completed"
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "client_left"
            raise
        finally:
            self._close(status, outcome)

    def abandoned(self, status: int | None) -> None:
        """Close the entry of an attempt that nobody waits for any more."""
        self._close(status, "client_left")

    def _take(self, chunk: bytes) -> None:
        if self._first_byte is None:
            self._first_byte = self._ledger.clock() - self._began
        self._received += len(chunk)
        self._usage = find_usage(chunk) or self._usage

    def _close(self, status: int | None, outcome: str) -> None:
        if not self._open:
            return
        self._open = False
        answered = status is not None and status < 300
        estimated = estimate_usage(self._record.sent, self._received) if answered else None
        self._ledger.note(
            replace(
                self._record,
                status=status,
                outcome=outcome,
                first_byte=self._first_byte,
                duration=self._ledger.clock() - self._began,
                received=self._received,
                usage=self._usage or estimated,
            )
        )


class _Recorded:
    def __init__(self, body: BodyStream, entry: Entry, response: Response) -> None:
        self._body = body
        self._entry = entry
        self._status = response.status
        self._chunks: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = self._entry.follow(self._body, self._status)
        return self._chunks

    def stop(self) -> None:
        self._body.stop()

    async def aclose(self) -> None:
        if self._chunks is not None:
            await self._chunks.aclose()
        self._entry.abandoned(self._status)
        await self._body.aclose()
