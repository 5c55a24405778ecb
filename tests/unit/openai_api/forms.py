"""Forms written by hand, cut in every way, and independent readers of what comes out."""

import asyncio
import email.policy
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser

from aiohttp import BodyPartReader, MultipartReader, StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BadContentDispositionHeader, BadContentDispositionParam

BOUNDARY = b"--Bound-7MA4"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"

Parts = list[tuple[str | None, bytes]]
REFUSED_BY_AIOHTTP = (ValueError, HttpProcessingError, BadContentDispositionHeader, BadContentDispositionParam)


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    """Return a part without its boundary: `disposition` is what follows `form-data; `."""
    lines = "".join(f"{header}\r\n" for header in (f"Content-Disposition: form-data; {disposition}", *headers))
    return lines.encode() + b"\r\n" + content


def field(name: str, value: bytes) -> bytes:
    return part(f'name="{name}"', value)


def file(content: bytes, name: str = "file") -> bytes:
    return part(f'name="{name}"; filename="a.wav"', content, "Content-Type: audio/wav")


def form(*parts: bytes, preamble: bytes = b"", epilogue: bytes = b"\r\n") -> bytes:
    """Return a whole body; a preamble ends in its own CR LF."""
    delimiter = b"--" + BOUNDARY
    middle = b"".join(delimiter + b"\r\n" + written + b"\r\n" for written in parts)
    return preamble + middle + delimiter + b"--" + epilogue


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """Yield the body whole, byte by byte, and in two at each place, with nothing between now and then."""
    yield [body]
    yield [bytes([byte]) for byte in body]
    for at in range(len(body) + 1):
        yield [body[:at], b"", body[at:]]


async def read_with_aiohttp(body: bytes) -> Parts:
    """Return the names and contents that aiohttp reads; raise one of `REFUSED_BY_AIOHTTP` for what it refuses."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    reader = MultipartReader({"Content-Type": CONTENT_TYPE}, stream)
    parts: Parts = []
    while (read := await reader.next()) is not None:
        assert isinstance(read, BodyPartReader)
        parts.append((read.name, bytes(await read.read())))
    return parts


def read_with_email(body: bytes) -> Parts:
    """Return the names and contents that Python's email package reads."""
    head = f"Content-Type: {CONTENT_TYPE}\r\n\r\n".encode()
    message = BytesParser(policy=email.policy.compat32).parsebytes(head + body)
    return [(_name(read), bytes(read.get_payload(decode=True))) for read in message.get_payload()]  # type: ignore[arg-type, union-attr]


def _name(read: Message) -> str | None:
    name = read.get_param("name", header="content-disposition")
    return None if name is None else str(name)
