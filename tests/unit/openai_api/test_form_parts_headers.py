"""The headers of a form and of its parts: read in every spelling that all readers share, and in no other."""

import pytest

from proxy.errors import InvalidRequest
from proxy.openai_api.multipart import MAX_HEAD_BYTES, MAX_HEAD_LINES, FormSplitter, Part, boundary_of
from tests.unit.openai_api.forms import BOUNDARY, form


def head(*lines: str) -> Part:
    """Return what is read from the headers of one part."""
    body = form("".join(f"{line}\r\n" for line in lines).encode() + b"\r\nabc")
    (part,) = {piece.part for piece in FormSplitter(BOUNDARY).feed(body) if piece.part}
    return part


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4", b"----WebKitFormBoundary7MA4"),
        ('Multipart/Form-Data;charset=utf-8 ; BOUNDARY = "a b:c" ;', b"a b:c"),
        ("multipart/form-data;boundary=*****", b"*****"),
        ("multipart/form-data; boundary=a/b:c=d?e(f)g@h<i>[j]", b"a/b:c=d?e(f)g@h<i>[j]"),
        (f"multipart/form-data; boundary={'a' * 70}", b"a" * 70),
        ('multipart/form-data; boundary="--"; a="\\""', b"--"),
    ],
)
def test_a_boundary_is_read_in_every_spelling(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "", "multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary", "boundary=a",
        "multipart/form-data; boundary=", 'multipart/form-data; boundary=""', 'multipart/form-data; boundary="a',
        'multipart/form-data; boundary=a"', 'multipart/form-data; boundary="a"b', "multipart/form-data; boundary=a b",
        "application/json; boundary=a", 'multipart/form-data; boundary="a "',
        'multipart/form-data; boundary="a\\"b"', "multipart/form-data, boundary=a",
        f"multipart/form-data; boundary={'a' * 71}", "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=a; Boundary=a", "multipart/form-data; boundary*=utf-8''a",
        "multipart/form-data; boundary=a; boundary*0=b", "multipart/form-data; boundary=é",
        'multipart/form-data; boundary="\t"', "multipart/form-data; boundary=a, multipart/form-data; boundary=b",
        "multipart/form-data; boundary=a,b", 'multipart/form-data; boundary="a\r\nb"', "multipart/mixed; boundary=a",
        "application/x-www-form-urlencoded", "multipart/form-data-x; boundary=a",
        "multipart/form-data boundary=a", f"multipart/form-data{'; ' * 50_000}x",
        f"multipart/form-data{' ' * 100_000}x",
    ],
)  # fmt: skip
def test_what_gives_no_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        boundary_of(content_type)
    assert caught.value.status == 400
    assert "Content-Type" in caught.value.message


@pytest.mark.parametrize(
    ("line", "name", "is_file"),
    [
        ('Content-Disposition: form-data; name="model"', "model", False),
        ("Content-Disposition: form-data; name=model", "model", False),
        ("content-disposition:FORM-DATA ;NAME = model ; ", "model", False),
        ('CONTENT-DISPOSITION: \t form-data;;\tname="model";', "model", False),
        ('Content-Disposition: form-data; name="größe 😀"', "größe 😀", False),
        ('Content-Disposition: form-data; name="a;b=c"', "a;b=c", False),
        ('Content-Disposition: form-data; name="mod%65l"', "mod%65l", False),
        ('Content-Disposition: form-data; name=""', "", False),
        ("Content-Disposition: form-data", None, False),
        ("Content-Type: text/plain", None, False),
        ('Content-Disposition: form-data; name="file"; filename="../../etc/passwd"', "file", True),
        (r'Content-Disposition: form-data; filename="a\"; name=\"model"; name="file"', "file", True),
        ("Content-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''a.wav", "file", True),
        ("Content-Disposition: form-data; name=file; filename*0=a", "file", True),
        ('Content-Disposition: form-data; name="file"; filename=""', "file", True),
        ('Content-Disposition: form-data; name="a"; size=3', "a", False),
    ],
)
def test_a_name_is_read_in_every_spelling(line: str, name: str | None, is_file: bool) -> None:
    assert head("X-Before: a", line, "X-Behind: b") == Part(name=name, file=is_file, encoded=False)


def test_a_name_that_is_not_utf_8_is_nobodys() -> None:
    body = form(b'Content-Disposition: form-data; name="mod\xffel"\r\n\r\na')
    assert {piece.part.name for piece in FormSplitter(BOUNDARY).feed(body) if piece.part} == {"mod\udcffel"}


@pytest.mark.parametrize(
    ("encoding", "encoded"), [("binary", False), ("8BIT ", False), ("7bit", False), ("base64", True)]
)
def test_an_encoding_that_changes_the_content_is_told(encoding: str, encoded: bool) -> None:
    assert head(f"Content-Transfer-Encoding: {encoding}").encoded is encoded


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Disposition: form-data; name"],
        ['Content-Disposition: form-data; name="model'],
        ['Content-Disposition: form-data; name="model"x'],
        ['Content-Disposition: form-data; name="mo\\del"'],
        ['Content-Disposition: form-data; name="a\\"; name="model"'],
        ["Content-Disposition: form-data; name=a b"],
        ["Content-Disposition: form-data; name="],
        ["Content-Disposition: form-data; name=a; Name=model"],
        ["Content-Disposition: form-data; name*=utf-8''model"],
        ['Content-Disposition: form-data; name="a"; name*=model'],
        ["Content-Disposition: form-data; name*0=mo; name*1=del"],
        ['Content-Disposition: attachment; name="model"'],
        ['Content-Disposition: form-data, name="model"'],
        ["Content-Disposition:"],
        ["Content-Disposition: form-data; name=a", "content-disposition: form-data; name=model"],
        ["Content-Disposition: form-data;", " name=model"],
        ["Content-Disposition : form-data; name=model"],
        [" Content-Disposition: form-data; name=model"],
        ["Content-Disposition"],
        [": form-data; name=model"],
        ["Content-Disposition: form-data;\rname=model"],
        ["A: b\nContent-Disposition: form-data; name=model"],
        ['Content-Disposition: form-data; name="model\0"'],
        ["Content-Type: text/plain", "Content-type: text/html"],
    ],
    ids=str,
)
def test_headers_that_readers_disagree_about_are_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        head(*lines)


def test_a_part_may_have_some_headers_and_no_more() -> None:
    lines = [f"X-{number}: a" for number in range(MAX_HEAD_LINES + 1)]
    assert head(*lines[1:]).name is None
    with pytest.raises(InvalidRequest):
        head(*lines)


def test_headers_may_be_as_large_as_the_bound_and_no_larger() -> None:
    filler = MAX_HEAD_BYTES - len("\r\nX: ")
    assert head("X: " + "a" * filler).name is None
    with pytest.raises(InvalidRequest):
        head("X: " + "a" * (filler + 1))
