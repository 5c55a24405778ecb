"""Answers of Azure that leave while they come.

A body is one generator of bytes around a pure translator; a late failure, a shutdown or a break becomes an event of
the stream in the translator's `fail`, and behind it the connection to the client breaks off.
"""

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from proxy.azure_api.usage import parse_usage
from proxy.azure_services.upstream import BROKEN
from proxy.errors import ProxyError, ShuttingDown, UpstreamError, UpstreamTimeout
from proxy.pipeline.exchange import Exchange
from proxy.server.deadline import Deadline, Limit
from proxy.server.response_writer import ResponseWriter, StreamBroken
from proxy.translation.interface import EventStream

if TYPE_CHECKING:
    from proxy.azure_services.http_client import UpstreamAnswer

# What is held of a stream until it says something: a filter's annotations and the events of a beginning response,
# which repeats its instructions and tools.
MAX_HELD_BYTES = 1024 * 1024
# How long Azure's last event about a failure is waited for, in seconds: it comes in the same moment or not at all.
LAST_EVENT = 1.0

Tag = Callable[[bytes], bytes]


class EventRelay:
    """The events of one stream on their way; `tag` gives ids their affinity tag, None where they stay as they are.

    `at_end` is called when the stream is over, None where nobody needs to know.
    """

    __slots__ = ("_answer", "_at_end", "_heard", "_held", "_is_bounded", "_stream", "_tag")

    def __init__(
        self, answer: "UpstreamAnswer", stream: EventStream, tag: Tag | None, at_end: Callable[[], None] | None = None
    ) -> None:
        self._answer = answer
        self._stream = stream
        self._tag = tag
        self._at_end = at_end
        self._held = b""
        self._heard = 0.0
        self._is_bounded = False

    async def begin(self, deadline: Deadline, *, at_once: bool) -> ProxyError | None:
        """Read until the stream says something, or says anything if that is enough; return an error that came first."""
        stream, parts, size = self._stream, [], 0
        limit = 0 if at_once else MAX_HELD_BYTES
        try:
            while not (stream.begun or stream.ended or stream.failure or size > limit):
                self._bound_wait(deadline)
                chunk = await self._answer.read()
                self._answer.sending.take(len(chunk))
                parts.append(self._tagged(stream.feed(chunk) if chunk else stream.end()))
                size += len(parts[-1])
        except UpstreamError as error:
            parts.append(stream.fail(error))
        except self._answer.breaks:
            parts.append(stream.fail(UpstreamError(BROKEN)))
        finally:
            deadline.clear(Limit.LAST_EVENT)
        self._held = b"".join(parts)
        return None if stream.begun else stream.failure

    async def chunks(
        self, exchange: Exchange, writer: ResponseWriter, *, idle: float, end: float
    ) -> AsyncGenerator[bytes, None]:
        """Yield what the client gets, one piece for each read of Azure's.

        Azure may be silent for `idle` seconds, not counting the time in which the client reads, and must be done at the
        time `end` of the loop.
        """
        now, read, stream, tag = exchange.deadline.now, self._answer.read, self._stream, self._tag
        self._heard, received = now(), 0
        exchange.deadline.set(Limit.IDLE, min(end, self._heard + idle), lambda due: self._look(due, writer, idle, end))
        exchange.on_stop(lambda: self._answer.abort(ShuttingDown()))
        try:
            if self._held:
                exchange.entry.note_first_byte()
                yield self._held
            self._bound_wait(exchange.deadline)
            while not stream.ended and (chunk := await read()):
                received += len(chunk)
                if written := stream.feed(chunk):
                    yield written if tag is None else tag(written)
                else:
                    self._heard = now()
                if stream.waits:
                    self._bound_wait(exchange.deadline)
            rest = stream.end()
        except UpstreamError as error:
            rest = stream.fail(error)
        except self._answer.breaks:
            rest = stream.fail(UpstreamError(BROKEN))
        finally:
            exchange.deadline.clear(Limit.IDLE)
            exchange.deadline.clear(Limit.LAST_EVENT)
            self._answer.sending.take(received)
        if rest:
            yield self._tagged(rest)
        await self._finish(exchange)

    def _tagged(self, data: bytes) -> bytes:
        return data if self._tag is None or not data else self._tag(data)

    def _bound_wait(self, deadline: Deadline) -> None:
        """Wait no longer than a moment for what Azure says behind a failure."""
        if self._stream.waits and not self._is_bounded:
            self._is_bounded = True
            due, abort = deadline.now() + LAST_EVENT, self._answer.abort
            deadline.set(Limit.LAST_EVENT, due, lambda _: abort(UpstreamError(BROKEN)))

    def _look(self, now: float, writer: ResponseWriter, idle: float, end: float) -> float | None:
        """End the wait for bytes that do not come."""
        since = now if writer.is_sending else max(self._heard, writer.last)
        if now >= end:
            self._answer.abort(UpstreamTimeout("The answer of Azure OpenAI took too long in all."))
        elif now >= since + idle:
            self._answer.abort(UpstreamTimeout("Azure OpenAI stopped sending."))
        else:
            return min(since + idle, end)
        return None

    async def _finish(self, exchange: Exchange) -> None:
        """Write the request's line, before there is anything to wait for: now the client may leave."""
        answer, stream = self._answer, self._stream
        answer.sending.usage = parse_usage(stream.usage)
        if self._at_end is not None:
            self._at_end()
        _note_end(answer, exchange, stream.failure)
        if not stream.broken:
            await answer.finish()
        answer.close()
        if stream.broken:
            raise StreamBroken


async def download(
    answer: "UpstreamAnswer", exchange: Exchange, *, idle: float, end: float
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a file; raise `UpstreamError` when they break off, for which there is no other word."""
    deadline = exchange.deadline
    exchange.on_stop(lambda: answer.abort(ShuttingDown()))
    failure: UpstreamError | None = None
    try:
        while True:
            deadline.set(Limit.IDLE, min(end, deadline.now() + idle), lambda _: answer.abort(UpstreamTimeout(BROKEN)))
            chunk = await answer.read()
            deadline.clear(Limit.IDLE)
            if not chunk:
                break
            answer.sending.take(len(chunk))
            exchange.entry.note_first_byte()
            yield chunk
    except UpstreamError as error:
        failure = error
    except answer.breaks:
        failure = UpstreamError(BROKEN)
    answer.close()
    _note_end(answer, exchange, failure)
    if failure is not None:
        raise failure


def _note_end(answer: "UpstreamAnswer", exchange: Exchange, failure: ProxyError | None) -> None:
    outcome = "completed" if failure is None else "stream_broken"
    answer.sending.end(outcome)
    if failure is not None:
        exchange.entry.set_error(failure)
    exchange.entry.write(outcome=outcome)
