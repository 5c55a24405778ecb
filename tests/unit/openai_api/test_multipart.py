"""Forms with files: a few fields are read, replaced or dropped, every other byte stays as it came."""

from collections.abc import Mapping

import pytest

from proxy.azure_api.forms import BatchLines
from proxy.errors import InvalidRequest, ModelNotFound
from proxy.openai_api.multipart import MAX_FIELD_BYTES, FormReader, FormRewriter, LineRewriter
from tests.unit.openai_api.forms import (
    BOUNDARY,
    every_cut,
    field,
    file,
    form,
    part,
    read_with_aiohttp,
)

DASHED = b"--" + BOUNDARY
AUDIO = b"RIFF\r\n\x00\xff\r\n--\r\n" + DASHED[:-1]
MODEL, FILE, STREAM = field("model", b"whisper-1"), file(AUDIO), field("stream", b"true")
AROUND = {"preamble": b"Hello\r\n", "epilogue": b"\r\nBye"}
Replace = Mapping[str, bytes | None]
BROKEN = {
    "twice": (form(MODEL, FILE, MODEL), "more than one"),
    "twice, in two spellings": (form(MODEL, part("filename*=a; NAME=model", b"a")), "more than one"),
    "a file": (form(file(b"whisper-1", "model")), "not a file"),
    "a file by its other name": (form(part("name=model; filename*=utf-8''a", b"a")), "not a file"),
    "encoded": (form(part("name=model", b"Z3B0", "Content-Transfer-Encoding: base64")), "must not be encoded"),
}


class Loud:
    """A rewriter that keeps the last byte back, as one that waits for the end of a line does."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, chunk: bytes) -> bytes:
        whole, self.held = self.held + chunk[:-1], chunk[-1:]
        return whole.upper()

    def end(self) -> bytes:
        return self.held.upper() + b"!"


def read(chunks: list[bytes], *wanted: str) -> FormReader:
    reader = FormReader(BOUNDARY, wanted)
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    return reader


def feed_often(reader: FormReader, chunk: bytes) -> None:
    for _ in range(10_000):
        reader.feed(chunk)


def rewrite(chunks: list[bytes], replace: Replace, lines: Mapping[str, LineRewriter] | None = None) -> bytes:
    rewriter = FormRewriter(BOUNDARY, replace, lines or {})
    return b"".join([*map(rewriter.feed, chunks), rewriter.end()])


@pytest.mark.parametrize(
    "body", [form(MODEL), form(MODEL, FILE, STREAM), form(STREAM, MODEL, FILE), form(FILE, STREAM, MODEL, **AROUND)]
)
def test_a_field_is_read_wherever_it_stands_and_whatever_the_cut(body: bytes) -> None:
    for chunks in every_cut(body):
        reader = read(chunks, "model", "purpose")
        assert reader.fields == {"model": "whisper-1"}
        assert reader.ended
        assert reader.complete


@pytest.mark.parametrize("value", ["", " a ", "größe 😀", "a\r\nb\r\n", "\r\n", "x" * MAX_FIELD_BYTES])
def test_a_value_is_read_as_it_is(value: str) -> None:
    assert read([form(field("model", value.encode()))], "model").fields == {"model": value}


def test_the_reader_is_complete_with_the_last_wanted_field() -> None:
    body = form(STREAM, MODEL, FILE)
    behind_model = body.index(b"whisper-1\r\n" + DASHED) + len(b"whisper-1\r\n" + DASHED)
    reader = FormReader(BOUNDARY, {"model", "stream"})
    reader.feed(body[: behind_model - 1])
    assert (reader.complete, reader.fields) == (False, {"stream": "true"})
    reader.feed(body[behind_model - 1 : behind_model])
    assert (reader.complete, reader.ended) == (True, False)
    assert reader.fields == {"stream": "true", "model": "whisper-1"}


def test_the_reader_is_complete_with_the_form_when_a_field_is_not_there() -> None:
    reader = FormReader(BOUNDARY, {"model"})
    reader.feed(form(STREAM, FILE, epilogue=b"")[:-1])
    assert (reader.complete, reader.ended) == (False, False)
    reader.feed(b"-")
    assert (reader.complete, reader.ended, reader.fields) == (True, True, {})


@pytest.mark.parametrize("body", [b"", b"\r\n", DASHED, b'{"model":"a"}', form(MODEL, FILE)[:-4]])
def test_a_body_that_stops_before_its_end_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="ended before"):
        read([body], "model")
    with pytest.raises(InvalidRequest, match="ended before"):
        rewrite([body], {})


@pytest.mark.parametrize(("body", "message"), BROKEN.values(), ids=BROKEN)
def test_a_field_that_readers_disagree_about_is_refused(body: bytes, message: str) -> None:
    for run in (lambda: read([body], "model"), lambda: rewrite([body], {"model": b"a"})):
        with pytest.raises(InvalidRequest, match=message) as caught:
            run()
        assert caught.value.param == "model"


@pytest.mark.parametrize(("body", "message"), BROKEN.values(), ids=BROKEN)
def test_other_fields_may_be_what_they_like(body: bytes, message: str) -> None:
    assert read([body], "purpose").fields == {}
    assert rewrite([body], {"purpose": b"a"}) == body


@pytest.mark.parametrize("value", [b"\xff", b"a\xc3"])
def test_a_field_that_is_not_utf_8_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        read([form(field("model", value))], "model")


@pytest.mark.parametrize("size", [1, 100, 1_000_000])
def test_a_field_that_is_too_large_is_refused_before_it_is_whole(size: int) -> None:
    reader = FormReader(BOUNDARY, {"model"})
    reader.feed(DASHED + b"\r\n" + field("model", b""))
    with pytest.raises(InvalidRequest, match="larger than 4096"):
        feed_often(reader, b"a" * size)


def test_the_bound_of_a_field_can_be_another() -> None:
    body = form(field("session", b"a" * 5000))
    reader = FormReader(BOUNDARY, {"session"}, max_field=5000)
    reader.feed(body)
    assert reader.fields == {"session": "a" * 5000}
    with pytest.raises(InvalidRequest, match="larger than 4999"):
        FormReader(BOUNDARY, {"session"}, max_field=4999).feed(body)


@pytest.mark.parametrize(
    "body",
    [form(), form(MODEL, FILE, STREAM), form(FILE, MODEL, **AROUND), form(b"\r\n", field("a", b""), epilogue=b"")],
)
def test_with_nothing_to_replace_the_body_is_the_same(body: bytes) -> None:
    for chunks in every_cut(body):
        assert rewrite(chunks, {}) == body
        assert rewrite(chunks, {"absent": b"a", "gone": None}) == body


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\\\a", "größe.wav", "C:\\\\a", "%00", ""])
def test_the_name_of_a_file_is_left_alone(name: str) -> None:
    body = form(part(f'name="file"; filename="{name}"', AUDIO), MODEL)
    assert rewrite([body], {"model": b"d"}) == body.replace(b"whisper-1", b"d")


@pytest.mark.parametrize("value", [b"", b"d", b"a-much-longer-name-of-a-deployment"])
@pytest.mark.parametrize("parts", [(MODEL, FILE, STREAM), (FILE, MODEL, STREAM), (STREAM, FILE, MODEL), (MODEL,)])
def test_a_value_is_replaced_and_nothing_else(parts: tuple[bytes, ...], value: bytes) -> None:
    body = form(*parts, **AROUND)
    expected = form(*(field("model", value) if part == MODEL else part for part in parts), **AROUND)
    for chunks in every_cut(body):
        assert rewrite(chunks, {"model": value}) == expected
    assert read([body], "model").length_change({"model": value}) == len(expected) - len(body)


def test_an_empty_value_is_replaced_too() -> None:
    body = form(field("model", b""), FILE)
    for chunks in every_cut(body):
        assert rewrite(chunks, {"model": b"d"}) == form(field("model", b"d"), FILE)


@pytest.mark.parametrize("parts", [(MODEL, FILE, STREAM), (FILE, MODEL, STREAM), (STREAM, FILE, MODEL), (MODEL,)])
async def test_a_part_is_dropped_wherever_it_stands(parts: tuple[bytes, ...]) -> None:
    body = form(*parts, **AROUND)
    expected = form(*(part for part in parts if part != MODEL), **AROUND)
    for chunks in every_cut(body):
        assert rewrite(chunks, {"model": None}) == expected
    assert read([body], "model").length_change({"model": None}) == len(expected) - len(body)
    assert await read_with_aiohttp(expected) == [
        named for named in await read_with_aiohttp(body) if named[0] != "model"
    ]


def test_parts_beside_each_other_are_dropped_and_others_replaced() -> None:
    body = form(STREAM, MODEL, FILE, field("n", b"1"))
    replace = {"stream": None, "model": None, "n": b"22", "absent": None, "missing": b"a"}
    expected = form(FILE, field("n", b"22"))
    assert rewrite([body], replace) == expected
    assert read([body], *replace).length_change(replace) == len(expected) - len(body)


def test_the_change_of_length_is_known_before_the_form_has_ended() -> None:
    reader = FormReader(BOUNDARY, {"model"})
    reader.feed(form(MODEL, FILE)[: -len(AUDIO)])
    assert reader.complete
    assert not reader.ended
    assert reader.length_change({"model": b"d"}) == -8
    assert reader.length_change({"model": None}) == len(form(FILE)) - len(form(MODEL, FILE))


@pytest.mark.parametrize("parts", [(FILE, STREAM), (STREAM, FILE), (FILE,)])
def test_a_part_goes_through_its_rewriter(parts: tuple[bytes, ...]) -> None:
    expected = form(*(file(AUDIO.upper() + b"!") if part == FILE else part for part in parts))
    for chunks in every_cut(form(*parts)):
        assert rewrite(chunks, {}, {"file": Loud()}) == expected


def test_an_empty_part_goes_through_its_rewriter() -> None:
    for chunks in every_cut(form(field("file", b""))):
        assert rewrite(chunks, {}, {"file": Loud()}) == form(field("file", b"!"))


def test_a_part_with_a_rewriter_stands_once_and_is_not_encoded() -> None:
    encoded = part("name=file; filename=a", b"e30=", "Content-Transfer-Encoding: base64")
    for body in (form(FILE, FILE), form(encoded)):
        with pytest.raises(InvalidRequest):
            rewrite([body], {}, {"file": Loud()})


def test_the_lines_of_a_batch_are_rewritten_inside_the_form() -> None:
    lines = b'{"body":{"model":"gpt-4o","n":1}}\r\n\r\n{"body": {"model" : "gpt-4o"}}'
    body = form(field("purpose", b"batch"), file(lines), epilogue=b"")
    expected = body.replace(b'"gpt-4o"', b'"mine"')
    for chunks in every_cut(body):
        assert rewrite(chunks, {}, {"file": BatchLines({"gpt-4o": "mine"}.__getitem__)}) == expected


def test_an_error_in_the_lines_of_a_batch_goes_to_the_client() -> None:
    def serving(model: str) -> str:
        raise ModelNotFound(model)

    with pytest.raises(ModelNotFound, match="Line 1 of your file"):
        rewrite([form(file(b'{"body":{"model":"x"}}'))], {}, {"file": BatchLines(serving)})
