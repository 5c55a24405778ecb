"""Compressed request bodies: gzip, deflate and, where Python has it, zstd.

Whoever reads the pieces bounds their sum: a few bytes can become gigabytes.
https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
"""

import importlib.util
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from proxy.errors import InvalidRequest, UnsupportedEncoding

# As much as is decoded at once, in bytes.
MAX_PIECE = 64 * 1024
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_BROKEN = "The compressed body of your request cannot be read."
_CUT_OFF = "The compressed body of your request ended too early."


class Decoder(Protocol):
    """Decodes one body, cut anywhere."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the bytes decode to, piece by piece; raise `InvalidRequest` when they cannot be read."""
        ...

    def end(self) -> None:
        """Raise `InvalidRequest` when the body ended too early."""
        ...


def decoder_for(headers: Mapping[str, str]) -> Decoder | None:
    """Return what decodes a body, None when it is not compressed.

    Raises `UnsupportedEncoding`, which names the encodings that are read, for any other and for several of them.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    make = _DECODERS.get(encoding.removeprefix("x-"))
    if make is None:
        accepted = ", ".join(_DECODERS)
        raise UnsupportedEncoding(
            f"The body of your request must be plain, or have one of these encodings: {accepted}.",
            headers={"accept-encoding": accepted},
        )
    return make()


class _Inflate:
    """Decodes gzip, whose members may follow one another, and deflate, which clients send with and without a header."""

    def __init__(self, wbits: int | None) -> None:
        self._wbits = wbits
        self._start = b""
        self._decoder = None if wbits is None else zlib.decompressobj(wbits)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            self._start += chunk
            if len(self._start) < 2:
                return
            chunk, self._wbits = self._start, _deflate_wbits(self._start)
            self._decoder = zlib.decompressobj(self._wbits)
        try:
            yield from self._decode(chunk)
        except zlib.error:
            raise InvalidRequest(_BROKEN) from None

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        while chunk and self._decoder is not None:
            if self._decoder.eof:
                if self._wbits != _GZIP:
                    raise InvalidRequest(_BROKEN)
                self._decoder = zlib.decompressobj(_GZIP)
            if piece := self._decoder.decompress(chunk, MAX_PIECE):
                yield piece
            chunk = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail

    def end(self) -> None:
        if self._decoder is None or not self._decoder.eof:
            raise InvalidRequest(_CUT_OFF)


def _deflate_wbits(start: bytes) -> int:
    """Tell deflate with the header of zlib, as it is defined, from the raw one that some clients send."""
    return _ZLIB if start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0 else _RAW


class _Zstandard:  # pragma: no cover  in Python 3.14 and later alone
    """Decodes zstd, whose frames may follow one another."""

    def __init__(self) -> None:
        zstd = importlib.import_module("compression.zstd")  # new in Python 3.14

        self._new: Callable[[], object] = zstd.ZstdDecompressor
        self._error = zstd.ZstdError
        self._decoder = zstd.ZstdDecompressor()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        try:
            yield from self._decode(chunk)
        except self._error:
            raise InvalidRequest(_BROKEN) from None

    def _decode(self, chunk: bytes) -> Iterator[bytes]:
        while chunk or not (self._decoder.eof or self._decoder.needs_input):
            if self._decoder.eof:
                self._decoder = self._new()
            if piece := self._decoder.decompress(chunk, MAX_PIECE):
                yield piece
            chunk = self._decoder.unused_data if self._decoder.eof else b""

    def end(self) -> None:
        if not self._decoder.eof:
            raise InvalidRequest(_CUT_OFF)


def _available() -> dict[str, Callable[[], Decoder]]:
    decoders: dict[str, Callable[[], Decoder]] = {
        "gzip": lambda: _Inflate(_GZIP),
        "deflate": lambda: _Inflate(None),
    }
    if importlib.util.find_spec("compression") is not None:  # pragma: no branch
        decoders["zstd"] = _Zstandard  # pragma: no cover  in Python 3.14 and later alone
    return decoders


_DECODERS = _available()
