"""Answers of Azure that leave while they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Protocol

from proxy.edge.request_log import CLIENT_LEFT, Line
from proxy.errors import ProxyError, ShuttingDown, UpstreamError

if TYPE_CHECKING:
    from proxy.edge.upstream_answer import UpstreamAnswer

# What is held of a stream until it says something: a filter's annotations and the events of a beginning response,
# which repeats its instructions and tools.
MAX_HELD_BYTES = 1024 * 1024


class Stream:
    """A body that leaves as it comes; `abandon` ends it when nobody has begun to read it, `stop` with an error."""

    def __init__(
        self, chunks: AsyncGenerator[bytes, None], *, abandon: Callable[[], object], stop: Callable[[], object]
    ) -> None:
        self._chunks = chunks
        self._abandon = abandon
        self._stop = stop
        self._begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the chunks, which can be read once."""
        self._begun = True
        return self._chunks

    def stop(self) -> None:
        """End with an error for the client."""
        self._stop()

    async def aclose(self) -> None:
        """End the body and what it comes from."""
        if not self._begun:
            self._abandon()
        await self._chunks.aclose()


class StreamTranslator(Protocol):
    """Turns the bytes of Azure's events into events for the client."""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more is given."""
        ...

    @property
    def begun(self) -> bool:
        """Tell whether the stream has said something."""
        ...

    @property
    def failure(self) -> ProxyError | None:
        """Return the error that the stream ended with."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return whole events, possibly none."""
        ...

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over."""
        ...

    def fail(self, error: ProxyError) -> bytes:
        """Return an error for the client."""
        ...


class Tagged:
    """A stream whose ids get the tag of their resource."""

    def __init__(self, stream: StreamTranslator, tag: Callable[[bytes], bytes]) -> None:
        self._stream = stream
        self._tag = tag

    @property
    def ended(self) -> bool:
        """Tell whether nothing more is given."""
        return self._stream.ended

    @property
    def begun(self) -> bool:
        """Tell whether the stream has said something."""
        return self._stream.begun

    @property
    def failure(self) -> ProxyError | None:
        """Return the error that the stream ended with."""
        return self._stream.failure

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; return whole events, possibly none."""
        return self._tag(self._stream.feed(chunk))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over."""
        return self._tag(self._stream.end())

    def fail(self, error: ProxyError) -> bytes:
        """Return an error for the client."""
        return self._stream.fail(error)


class Held:
    """A stream of Azure and what came of it before it said anything."""

    def __init__(self, answer: "UpstreamAnswer", stream: StreamTranslator) -> None:
        self.answer = answer
        self.stream = stream
        self._chunks = answer.chunks()
        self._parts: list[bytes] = []
        self._over = False

    async def begin(self, *, at_once: bool = False) -> ProxyError | None:
        """Read until the stream says something, or says anything if that is enough; return an error that came first."""
        stream, size = self.stream, 0
        try:
            async for chunk in self._chunks:
                self._parts.append(stream.feed(chunk))
                size += len(self._parts[-1])
                if stream.begun or stream.ended or size > (0 if at_once else MAX_HELD_BYTES):
                    break
            else:
                self._parts.append(stream.end())
        except UpstreamError as error:
            self._parts.append(stream.fail(error))
        except BaseException:
            await self.aclose()
            raise
        if stream.failure is None or stream.begun:
            self._over = stream.ended
            return None
        await self.aclose()
        return stream.failure

    async def aclose(self) -> None:
        """Close Azure's side."""
        await self._chunks.aclose()
        self.answer.close()

    def relay(self, line: Line) -> Stream:
        """Return the stream for the client, one write for each read of Azure's."""
        return _stream(self._relay(line), self.answer, line)

    async def _relay(self, line: Line) -> AsyncGenerator[bytes, None]:
        stream = self.stream
        with _logged(self.answer, line) as ending:
            async with aclosing(self._chunks) as chunks:
                try:
                    if held := b"".join(self._parts):
                        line.first_byte()
                        yield held
                    if not self._over:
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
            await self._finish(ending)

    async def _finish(self, ending: "_Ending") -> None:
        ending.error = self.stream.failure
        if ending.error is None:
            await self.answer.finish()
        ending.outcome = "completed" if ending.error is None else "stream_broken"


def download(answer: "UpstreamAnswer", line: Line) -> Stream:
    """Return the bytes of a file; when they break off, so does the client's connection."""
    return _stream(_download(answer, line), answer, line)


async def _download(answer: "UpstreamAnswer", line: Line) -> AsyncGenerator[bytes, None]:
    with _logged(answer, line) as ending:
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                line.first_byte()
                yield chunk
        ending.outcome = "completed"


class _Ending:
    outcome = "failed"
    error: ProxyError | None = None


@contextmanager
def _logged(answer: "UpstreamAnswer", line: Line) -> Iterator[_Ending]:
    ending = _Ending()
    try:
        yield ending
    except (asyncio.CancelledError, GeneratorExit):
        ending.outcome = "client_left"
        raise
    except UpstreamError as error:
        ending.outcome, ending.error = "stream_broken", error
        raise
    finally:
        answer.close()
        if ending.error is not None:
            line.fails(ending.error)
        line.write(outcome=ending.outcome)


def _stream(chunks: AsyncGenerator[bytes, None], answer: "UpstreamAnswer", line: Line) -> Stream:
    return Stream(chunks, abandon=lambda: _unread(answer, line), stop=lambda: answer.abort(ShuttingDown()))


def _unread(answer: "UpstreamAnswer", line: Line) -> None:
    answer.close()
    line.write(outcome="client_left", status=line.status or CLIENT_LEFT)
