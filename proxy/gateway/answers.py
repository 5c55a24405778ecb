"""Answers of Azure that leave while they come."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Protocol

from proxy.edge.request_log import Line
from proxy.edge.upstream import UpstreamAnswer
from proxy.errors import ProxyError, UpstreamError


class StreamTranslator(Protocol):
    """Turns the bytes of Azure's events into events for the client."""

    ended: bool
    broken: bool

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return whole events, possibly none."""
        ...

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over."""
        ...

    def fail(self, error: ProxyError) -> bytes:
        """Return an error for the client."""
        ...


async def relay(answer: UpstreamAnswer, stream: StreamTranslator, line: Line) -> AsyncIterator[bytes]:
    """Yield a stream for the client, one write for each read of Azure's; close Azure's side whatever happens."""
    with _logged(answer, line) as ending:
        try:
            async with aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    if written := stream.feed(chunk):
                        line.first_byte()
                        yield written
                    if stream.ended:
                        break
            rest = stream.end()
        except UpstreamError as error:
            rest = stream.fail(error)
        if rest:
            line.first_byte()
            yield rest
        if not stream.broken:
            await answer.finish()
        ending.outcome = "stream_broken" if stream.broken else "completed"


async def download(answer: UpstreamAnswer, line: Line) -> AsyncIterator[bytes]:
    """Yield the bytes of a file; raise `UpstreamError` when they break off, which cuts the client's connection too."""
    with _logged(answer, line) as ending:
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                line.first_byte()
                yield chunk
        ending.outcome = "completed"


class _Ending:
    outcome = "failed"


@contextmanager
def _logged(answer: UpstreamAnswer, line: Line) -> Iterator[_Ending]:
    ending = _Ending()
    try:
        yield ending
    except (asyncio.CancelledError, GeneratorExit):
        ending.outcome = "client_left"
        raise
    except UpstreamError:
        ending.outcome = "stream_broken"
        raise
    finally:
        answer.close()
        line.write(outcome=ending.outcome)
