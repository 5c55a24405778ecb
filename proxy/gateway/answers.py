"""Answers of Azure that leave while they come."""

from collections.abc import AsyncIterator
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
    outcome = "client_left"
    try:
        async for written in _translated(answer, stream):
            line.first_byte()
            yield written
        await answer.finish()
        outcome = "stream_broken" if stream.broken else "completed"
    finally:
        answer.close()
        line.write(outcome=outcome)


async def _translated(answer: UpstreamAnswer, stream: StreamTranslator) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.chunks():
            if written := stream.feed(chunk):
                yield written
            if stream.ended:
                return
    except UpstreamError as error:
        if written := stream.fail(error):
            yield written
        return
    if rest := stream.end():
        yield rest


async def download(answer: UpstreamAnswer, line: Line) -> AsyncIterator[bytes]:
    """Yield the bytes of a file; raise `UpstreamError` when they break off, which cuts the client's connection too."""
    outcome = "client_left"
    try:
        async for chunk in answer.chunks():
            line.first_byte()
            yield chunk
        outcome = "completed"
    except UpstreamError:
        outcome = "stream_broken"
        raise
    finally:
        answer.close()
        line.write(outcome=outcome)
