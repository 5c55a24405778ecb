"""Forms cut into pieces: nothing is lost, and what readers do not agree about is refused."""

import tracemalloc
from itertools import groupby

import pytest

from proxy.errors import InvalidRequest
from proxy.openai_api.multipart import MAX_HEAD_BYTES, MAX_PARTS, FormSplitter, Kind, Part, Piece
from tests.unit.openai_api.forms import BOUNDARY, every_cut, field, file, form

DASHED = b"--" + BOUNDARY
FORMS = {
    "fields and a file": form(field("model", b"whisper-1"), file(b"RIFF\r\n\x00\xff"), field("n", b"2")),
    "one field": form(field("model", b"whisper-1")),
    "no part": form(),
    "no epilogue": form(field("model", b"a"), epilogue=b""),
    "preamble and epilogue": form(field("model", b"a"), preamble=b"For you:\r\n", epilogue=b"\r\nThe end\r\n" + DASHED),
    "a delimiter in the epilogue": form(field("a", b"b"), epilogue=b"\r\n" + form(field("model", b"c"))),
    "an epilogue behind LF": form(field("model", b"a"), epilogue=b"\n"),
    "an empty line first": form(field("model", b"a"), preamble=b"\r\n"),
    "empty parts": form(field("a", b""), file(b""), field("model", b"")),
    "parts without headers": form(b"\r\nabc", b"\r\n"),
    "padding": form(field("model", b"a")).replace(DASHED + b"\r", DASHED + b" \t\r") + b"x",
    "padding behind the end": form(field("model", b"a"), epilogue=b" \t \r\nx"),
    "padding and no more": form(field("model", b"a"), epilogue=b" \t "),
}
# None of these is a delimiter, for no reader.
LOOK_ALIKES = [
    DASHED, b"a" + DASHED + b"\r\n", b"-" + DASHED, b"\r\n", b"\r\n\r\n", b"\r\n-", b"\r\n--", b"\r\n" + DASHED[:-1],
    b"\r\n" + DASHED[:-1] + b"\r\n", b"\r\n" + DASHED[1:] + b"--\r\n", b"\r\n " + DASHED, b"\r\n\t" + DASHED + b"\r\n",
    b"\r\r\n" + DASHED[:-1], b"\r\n\r\n" + DASHED[:-1] + b"\r\n", b"\r\n" + DASHED.lower(), b"\r\n-" + DASHED + b"--",
    b"\r\n--\r\n" + DASHED[2:], b"\r", b"\n", b"\r\n" * 20, b"\x00" + DASHED + b"--\r\n",
]  # fmt: skip
NO_FORMS = {
    "LF only": form(field("model", b"a")).replace(b"\r\n", b"\n"),
    "CR only": form(field("model", b"a")).replace(b"\r\n", b"\r"),
    "LF before a delimiter": form(field("a", b"b\n" + DASHED + b"\r\n" + field("model", b"c"))),
    "CR before a delimiter": form(field("a", b"b\r" + DASHED + b"\r\n" + field("model", b"c"))),
    "CR before the first": form(field("model", b"a"), preamble=b"a\r"),
    "CR and nothing before it": form(field("model", b"a"), preamble=b"\r"),
    "CR as the content": form(field("a", b"\r" + DASHED + b"--")),
    "CR behind a delimiter": form(field("a", b"b\r\n" + DASHED + b"\r" + field("model", b"c"))),
    "LF before the first": form(field("model", b"a"), preamble=b"a\n"),
    "LF and nothing before it": form(field("model", b"a"), preamble=b"\n"),
    "LF as the content": form(field("a", b"\n" + DASHED + b"--")),
    "LF behind a delimiter": form(field("a", b"b\r\n" + DASHED + b"\n" + field("model", b"c"))),
    "no line between headers and delimiter": form(field("a", DASHED + b"\r\n" + field("model", b"c"))),
    "no content at all": form(b"A: b\r\n" + DASHED + b"\r\n" + field("model", b"c")),
    "a longer boundary": form(field("a", b"b\r\n" + DASHED + b"x\r\n" + field("model", b"c"))),
    "a longer boundary with a dash": form(field("a", b"b\r\n" + DASHED + b"-\r\n" + field("model", b"c"))),
    "words behind the boundary": form(field("a", b"b\r\n" + DASHED + b" x\r\n" + field("model", b"c"))),
    "words behind the end": form(field("a", b"b"), epilogue=b"x"),
    "words behind padding behind the end": form(field("a", b"b"), epilogue=b" \tx\r\n"),
    "a third dash": form(field("a", b"b"), epilogue=b"-\r\n"),
}


def pieces(chunks: list[bytes]) -> list[Piece]:
    splitter = FormSplitter(BOUNDARY)
    found = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    splitter.end()
    return found


def joined(found: list[Piece]) -> list[tuple[Kind, Part | None, bytes]]:
    groups = groupby(found, lambda piece: (piece.kind, piece.part))
    return [(kind, part, b"".join(piece.raw for piece in group)) for (kind, part), group in groups]


def contents(chunks: list[bytes]) -> list[bytes]:
    return [raw for kind, _, raw in joined(pieces(chunks)) if kind is Kind.CONTENT]


def refused(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        pieces([body])
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    return caught.value.message


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_the_pieces_are_the_form_and_the_same_for_every_cut(body: bytes) -> None:
    expected = joined(pieces([body]))
    assert b"".join(raw for *_, raw in expected) == body
    for chunks in every_cut(body):
        assert joined(pieces(chunks)) == expected


def test_a_piece_is_of_its_part_from_the_headers_to_the_next_boundary() -> None:
    model = Part(name="model", file=False, encoded=False)
    assert joined(pieces([form(field("model", b"gpt"), epilogue=b"")])) == [
        (Kind.DELIMITER, None, DASHED),
        (Kind.HEAD, model, b'\r\nContent-Disposition: form-data; name="model"\r\n\r\n'),
        (Kind.CONTENT, model, b"gpt"),
        (Kind.DELIMITER, model, b"\r\n" + DASHED),
        (Kind.DELIMITER, None, b"--"),
    ]


@pytest.mark.parametrize("content", LOOK_ALIKES)
def test_what_only_looks_like_a_boundary_is_content(content: bytes) -> None:
    body = form(file(b"a" + content), field("model", b"b" + content + b"b"))
    for chunks in every_cut(body):
        assert contents(chunks) == [b"a" + content, b"b" + content + b"b"]


@pytest.mark.parametrize("body", NO_FORMS.values(), ids=NO_FORMS)
def test_a_boundary_that_readers_disagree_about_is_refused_whatever_the_cut(body: bytes) -> None:
    for chunks in every_cut(body):
        with pytest.raises(InvalidRequest):
            pieces(chunks)


def test_a_form_that_stops_anywhere_before_its_end_is_refused() -> None:
    body = FORMS["fields and a file"]
    for size in range(len(body) - 2):
        assert "ended before" in refused(body[:size])
    assert joined(pieces([body[:-2]])) == [*joined(pieces([body]))[:-1], (Kind.DELIMITER, None, b"--")]


def test_headers_without_an_end_are_not_waited_for() -> None:
    splitter = FormSplitter(BOUNDARY)
    list(splitter.feed(DASHED + b"\r\nX: "))
    for _ in range(MAX_HEAD_BYTES // 4 - 2):
        assert not list(splitter.feed(b"abcd"))
    with pytest.raises(InvalidRequest):
        list(splitter.feed(b"abcdabcd"))


def test_a_form_may_have_some_parts_and_no_more() -> None:
    assert len(contents([form(*[field("a", b"b")] * MAX_PARTS)])) == MAX_PARTS
    assert "128 parts" in refused(form(*[field("a", b"b")] * (MAX_PARTS + 1)))
    assert "128 parts" in refused(form(*[field("a", b"b")] * 10_000))


@pytest.mark.parametrize("unit", [b"\0", b"\r\n", b"\r\n" + DASHED[:-1], b"-"])
def test_a_large_content_is_not_held(unit: bytes) -> None:
    splitter = FormSplitter(BOUNDARY)
    chunk = unit * (64 * 1024 // len(unit))
    list(splitter.feed(DASHED + b"\r\n\r\nx"))
    tracemalloc.start()
    size = sum(len(piece.raw) for _ in range(100) for piece in splitter.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 <= 100 * len(chunk) - size <= len(DASHED) + 1
    assert peak < 5 * len(chunk)
