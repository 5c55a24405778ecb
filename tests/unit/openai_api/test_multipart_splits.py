"""Random forms, cut anywhere: what is not meant stays, and independent readers agree before and after."""

import re
import tracemalloc
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest
from proxy.openai_api.multipart import FormReader, FormRewriter, boundary_of
from tests.unit.openai_api.forms import (
    BOUNDARY,
    CONTENT_TYPE,
    REFUSED_BY_AIOHTTP,
    field,
    file,
    form,
    part,
    read_with_aiohttp,
    read_with_email,
)

DASHED = b"--" + BOUNDARY
MODEL, STREAM = field("model", b"whisper-1"), field("stream", b"true")
NAMES = st.sampled_from(["file", "n", "prompt", "image[]", "größe", "Model", "model ", "", "a;name=model"])
CONTENTS = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"-", b"--", BOUNDARY, BOUNDARY[:-1], b"a", b"\0\xff", b'name="model"']),
    max_size=12,
).map(b"".join).filter(lambda content: not re.search(rb"(\A|\r|\n)" + DASHED, content))  # fmt: skip
HEADERS = st.lists(st.sampled_from(["Content-Type: audio/wav", "X-A: b", "Content-Length: 3"]), max_size=2, unique=True)
FILENAMES = st.sampled_from(["", '; filename="../a"', "; filename=a; filename*=utf-8''a"])
PART = st.builds(
    lambda name, filename, content, headers: part(f'name="{name}"{filename}', content, *headers),
    NAMES, FILENAMES, CONTENTS, HEADERS,
)  # fmt: skip
PARTS = st.lists(PART, max_size=5)
RANDOM = st.randoms(use_true_random=True)


def cut(body: bytes, random: Random) -> list[bytes]:
    places = sorted({0, len(body), *(random.randint(0, len(body)) for _ in range(random.randint(0, 12)))})
    return [body[start:end] for start, end in pairwise(places)]


def rewrite(chunks: list[bytes], value: bytes | None) -> bytes:
    rewriter = FormRewriter(BOUNDARY, {"model": value})
    return b"".join([*map(rewriter.feed, chunks), rewriter.end()])


def read(chunks: list[bytes]) -> FormReader:
    reader = FormReader(BOUNDARY, {"model"})
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    return reader


@given(PARTS, RANDOM, st.text(max_size=8), st.sampled_from([None, b"", b"d", b"deployment"]))
async def test_one_part_changes_and_no_other_byte(
    parts: list[bytes], random: Random, model: str, value: bytes | None
) -> None:
    at = random.randint(0, len(parts))
    around = {
        "preamble": random.choice((b"", b"\r\n", b"Hello\r\n")),
        "epilogue": random.choice((b"", b"\r\n", b"\r\nBye")),
    }

    def written(*middle: bytes) -> bytes:
        return form(*parts[:at], *middle, *parts[at:], **around)

    old = model.encode().replace(b"\r", b"").replace(b"\n", b"")
    body = written(field("model", old))
    expected = written() if value is None else written(field("model", value))
    assert rewrite(cut(body, random), value) == expected
    reader = read(cut(body, random))
    assert reader.fields == {"model": old.decode()}
    assert reader.length_change({"model": value}) == len(expected) - len(body)
    before = await read_with_aiohttp(body)
    assert before.pop(at) == ("model", old)
    assert await read_with_aiohttp(written()) == before


@given(PARTS, RANDOM)
async def test_a_form_with_bytes_changed_is_refused_or_read_as_others_read_it(
    parts: list[bytes], random: Random
) -> None:
    body = bytearray(form(*parts, MODEL, *parts))
    for _ in range(random.randint(1, 3)):
        start = random.randint(0, len(body))
        body[start : start + random.randint(0, 2)] = random.choice(
            (b"", b"\r\n", b"\n", b"-", b" ", b'"', b";", DASHED, b"\0")
        )
    chunks = cut(bytes(body), random)
    try:
        fields = read(chunks).fields
    except InvalidRequest:
        return
    assert rewrite(chunks, fields.get("model", "").encode()) == body
    try:
        others = await read_with_aiohttp(bytes(body))
    except REFUSED_BY_AIOHTTP:
        return
    assert [content.decode() for name, content in others if name == "model"] == list(fields.values())


@given(st.binary(max_size=300) | CONTENTS, RANDOM)
def test_bytes_of_any_kind_are_a_form_or_refused(body: bytes, random: Random) -> None:
    chunks = cut(random.choice((b"", DASHED + b"\r\n")) + body + random.choice((b"", b"\r\n" + DASHED + b"--")), random)
    try:
        read(chunks)
    except InvalidRequest:
        return
    assert rewrite(chunks, None) == b"".join(chunks)


async def test_independent_readers_see_the_same_before_and_after() -> None:
    after_model = (file(b"a\r\nb" + DASHED), field("größe", "ü".encode()))
    body = form(STREAM, MODEL, *after_model, preamble=b"Hello\r\n", epilogue=b"\r\nBye")
    before = await read_with_aiohttp(body)
    assert [name for name, _ in before] == ["stream", "model", "file", "größe"]
    after = rewrite([body], b"d")
    expected = [(name, b"d" if name == "model" else content) for name, content in before]
    assert await read_with_aiohttp(after) == expected
    # Python's email package reads no names beyond ASCII.
    assert [content for _, content in read_with_email(body)] == [content for _, content in before]
    assert [content for _, content in read_with_email(after)] == [content for _, content in expected]


def test_a_large_file_passes_both_and_is_never_held() -> None:
    boundary = boundary_of(CONTENT_TYPE)
    reader, rewriter = FormReader(boundary, {"model"}), FormRewriter(boundary, {"model": b"d"})
    large = b"RIFF\r\n\x00\xff\r\n" + DASHED[:-1] + bytes(64 * 1024)
    chunks = [DASHED + b"\r\n" + file(b""), *[large] * 1440, b"\r\n" + form(MODEL)]
    tracemalloc.start()
    written = 0
    for chunk in chunks:
        reader.feed(chunk)
        written += len(rewriter.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reader.end()
    assert written == sum(map(len, chunks)) + reader.length_change({"model": b"d"})
    assert written > 90 * 1024 * 1024
    assert peak < 1024 * 1024
