"""The client's body: read whole, passed on as it comes, or kept until it is known where it goes."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

from proxy.errors import BodyTooLarge, ConfigurationError, InvalidRequest, RequestTimeout
from proxy.openai_api.content_encoding import Decoder, decoder_for
from proxy.server.connection import ClientDisconnected
from proxy.server.deadline import Deadline, Limit
from proxy.values import Receive, Request

# A client that sends nothing for this long, in seconds, in the middle of its own body has gone.
BODY_STALL = 30.0
# Bytes a second that a body must come at, on the whole.
SLOWEST = 50_000
_TOO_SLOW = "The body of your request did not arrive in time."

# Most forms are smaller and never touch the disk; many at once must not fill the memory.
SPOOL_MEMORY = 1024 * 1024
# A model may stand behind the files: audio of 25 MB, or 16 images. The disk of an instance is small.
MAX_SPOOL_BYTES = 100 * 1024 * 1024
# The largest file that Azure OpenAI takes; what passes while it is decoded is counted against it.
MAX_DECODED_BYTES = 512 * 1024 * 1024
# As much as one read of a connection gives.
PIECE = 64 * 1024


async def read_body(
    request: Request, limit: int, deadline: Deadline, end: float, take: Callable[[int], None] = lambda _: None
) -> bytes:
    """Return the client's body; `limit` is in bytes, `end` is the time of the loop by which it must be here.

    `take` hears of the bytes that are held, and may refuse them.

    Raises `BodyTooLarge`, before reading where the length is declared, `RequestTimeout` and `UnsupportedEncoding`.
    """
    declared = declared_length(request.headers) or 0
    if declared > limit:
        raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
    decoder = decoder_for(request.headers)
    parts: list[bytes] = []
    size, more, started = 0, True, deadline.now()
    try:
        while more:
            deadline.set(Limit.BODY_STALL, min(end, _due(started, declared, size, deadline.now())))
            part, more = await _receive(request.receive)
            for piece in (part,) if decoder is None else _decoded(decoder, part, more=more):
                size += len(piece)
                if size > limit:
                    raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
                take(len(piece))
                parts.append(piece)
    except asyncio.CancelledError:
        if deadline.interrupted(Limit.BODY_STALL):
            raise RequestTimeout(_TOO_SLOW) from None
        raise
    finally:
        deadline.clear(Limit.BODY_STALL)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def body_parts(request: Request, end: float) -> AsyncIterator[bytes]:
    """Yield the client's body as it comes, until the time `end` of the loop; whichever task reads it may be timed out.

    Raises `RequestTimeout` when it stops coming, `UnsupportedEncoding`, or `BodyTooLarge` if it decodes to too much.
    """
    decoder = decoder_for(request.headers)
    loop = asyncio.get_running_loop()
    declared, started = declared_length(request.headers) or 0, loop.time()
    size, received, more = 0, 0, True
    while more:
        try:
            async with asyncio.timeout_at(min(end, _due(started, declared, received, loop.time()))):
                part, more = await _receive(request.receive)
                received += len(part)
        except TimeoutError:
            raise RequestTimeout(_TOO_SLOW) from None
        for piece in (part,) if decoder is None else _decoded(decoder, part, more=more):
            size += len(piece) if decoder is not None else 0
            if size > MAX_DECODED_BYTES:
                raise BodyTooLarge(f"The body of your request is larger than {MAX_DECODED_BYTES} bytes.")
            if piece:
                yield piece


def _due(started: float, declared: int, received: int, now: float) -> float:
    """Return when the next part must be here: without a long stall, and at a pace that ends some time."""
    return min(now + BODY_STALL, started + BODY_STALL + max(declared, received) / SLOWEST)


async def _receive(receive: Receive) -> tuple[bytes, bool]:
    """Return the next bytes, and whether there may be more."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientDisconnected
    return message.get("body", b""), message.get("more_body", False)


def _decoded(decoder: Decoder, part: bytes, *, more: bool) -> Iterator[bytes]:
    yield from decoder.feed(part)
    if not more:
        decoder.end()


def declared_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of the body that the client declares, in bytes; raise `InvalidRequest` when it is no number.

    It is that of the encoded body, where it is compressed.
    """
    declared = headers.get("content-length")
    if declared is None:
        return None
    if not (declared.isascii() and declared.isdigit() and len(declared) < 19):
        raise InvalidRequest("The Content-Length of your request is not a number.")
    return int(declared)


class Spool:
    """Keeps bytes in memory or, when they are many, in a file that has no name and goes with the spool.

    Nothing here is awaited: the disk is local, a piece goes to the page cache or comes from it in some ten
    microseconds, and a thread for each would hold the event loop for longer.
    """

    def __init__(self, take: Callable[[int], None] = lambda _: None) -> None:
        """Keep bytes; `take` hears of those in memory, and may refuse them."""
        self._take = take
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY)  # noqa: SIM115  `close` closes it
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add a piece; raise `BodyTooLarge` when it is one too many, `ConfigurationError` when the disk is full."""
        if self.size + len(data) > MAX_SPOOL_BYTES:
            raise BodyTooLarge(
                f"Your form has more than {MAX_SPOOL_BYTES} bytes that must be read before it is sent. "
                "Put its model or purpose before its files."
            )
        if self.size < SPOOL_MEMORY:
            self._take(min(len(data), SPOOL_MEMORY - self.size))
        try:
            self._file.seek(self.size)
            self._file.write(data)
            self._file.flush()
        except OSError:
            raise ConfigurationError("The proxy has no disk space left for your request.", reason="disk_full") from None
        self.size += len(data)

    def chunks(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield all bytes from the beginning, at most `size` at a time; more than once if need be."""
        for start in range(0, self.size, size):
            self._file.seek(start)
            yield self._file.read(size)

    def close(self) -> None:
        """Give the memory and the disk back."""
        # A disk that was full is so again when the last write is tried once more; the file is closed all the same.
        with contextlib.suppress(OSError):
            self._file.close()
