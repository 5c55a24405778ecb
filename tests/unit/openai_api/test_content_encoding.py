"""Compressed bodies of requests."""

import gzip
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest, UnsupportedEncoding
from proxy.openai_api.content_encoding import MAX_PIECE, decoder_for


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def decode(encoding: str, *chunks: bytes) -> bytes:
    decoder = decoder_for({"content-encoding": encoding})
    assert decoder is not None
    decoded = b"".join(piece for chunk in chunks for piece in decoder.feed(chunk))
    decoder.end()
    return decoded


@pytest.mark.parametrize("headers", [{}, {"content-encoding": ""}, {"content-encoding": " Identity "}])
def test_a_plain_body_has_no_decoder(headers: dict[str, str]) -> None:
    assert decoder_for(headers) is None


@pytest.mark.parametrize("encoding", ENCODERS)
@given(data=st.binary(max_size=300), size=st.integers(1, 40))
def test_a_body_reads_the_same_however_it_is_cut(encoding: str, data: bytes, size: int) -> None:
    encoded = ENCODERS[encoding](data)
    assert decode(encoding, encoded) == data
    assert decode(encoding, *(encoded[at : at + size] for at in range(0, len(encoded), size))) == data


def test_the_members_of_gzip_follow_one_another() -> None:
    assert decode("gzip", gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    assert decode("gzip", gzip.compress(b"a"), gzip.compress(b"b")) == b"ab"


def test_what_is_decoded_comes_in_pieces() -> None:
    decoder = decoder_for({"content-encoding": "gzip"})
    assert decoder is not None
    pieces = [len(piece) for piece in decoder.feed(gzip.compress(bytes(10 * MAX_PIECE)))]
    assert max(pieces) <= MAX_PIECE
    assert sum(pieces) == 10 * MAX_PIECE


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_that_is_cut_off_is_refused(encoding: str) -> None:
    encoded = ENCODERS[encoding](b"some text")
    for cut in (encoded[:-1], encoded[:1], b""):
        with pytest.raises(InvalidRequest, match="ended too early"):
            decode(encoding, cut)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"not gzip"), ("deflate", b"\x78\x9cnot"), ("deflate", zlib.compress(b"a") + b"more"), ("gzip", b"{}")],
)
def test_a_body_that_cannot_be_read_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        decode(encoding, body)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, gzip", "gzip,deflate", "é"])
def test_another_encoding_is_refused_with_those_that_are_read(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding) as caught:
        decoder_for({"content-encoding": encoding})
    assert caught.value.headers["accept-encoding"].startswith("gzip, deflate")


def test_zstd_is_read_where_python_has_it() -> None:
    with pytest.raises(UnsupportedEncoding) as caught:
        decoder_for({"content-encoding": "br"})
    assert ("zstd" in caught.value.headers["accept-encoding"]) is (sys.version_info >= (3, 14))
