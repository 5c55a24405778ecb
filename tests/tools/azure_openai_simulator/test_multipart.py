import hashlib

import pytest

from tools.azure_openai_simulator.multipart import MAX_HEAD, Form, FormReader
from tools.azure_openai_simulator.state import KEPT_BYTES

BODY = (
    b'preamble\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a b.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"one\r\n--not b\r\n\r\n--b\r\n"
    b'Content-Disposition: form-data; name="image[]"; filename="empty"\r\n\r\n\r\n--b--\r\n'
    b"epilogue\r\n\r\n--b\r\n\r\nmore\r\n--b--"
)


def read(body: bytes, size: int, *, whole: bool = False) -> Form:
    reader = FormReader("b", lambda _fields: whole)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    return reader.form


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_form_is_the_same_however_it_is_cut(size: int) -> None:
    form = read(BODY, size)
    assert form.fields == {"purpose": "assistants"}
    file, image = form.file("file"), form.file("image")
    assert file is not None
    assert image is not None
    assert (file.filename, file.content.media_type, file.content.data) == (
        "a b.txt",
        "text/plain",
        b"one\r\n--not b\r\n",
    )
    assert file.content.sha256 == hashlib.sha256(b"one\r\n--not b\r\n").hexdigest()
    assert (image.filename, image.content.size) == ("empty", 0)
    assert form.file("mask") is None


@pytest.mark.parametrize(
    "disposition", ['filename="grüß \\"dich\\".txt"', "filename*=utf-8''gr%C3%BC%C3%9F%20%22dich%22.txt"]
)
def test_the_name_of_a_file_may_be_any_text(disposition: str) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n\r\n--b--'.encode()
    part = read(body, 5).file("file")
    assert part is not None
    assert part.filename == 'grüß "dich".txt'


@pytest.mark.parametrize("whole", [True, False])
def test_the_bytes_of_a_large_file_stay_only_when_they_are_wanted(whole: bool) -> None:
    data = b"x" * (KEPT_BYTES + 1)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    part = read(head + data + b"\r\n--b--", 64 * 1024, whole=whole).file("file")
    assert part is not None
    assert part.content.data == (data if whole else None)
    assert (part.content.size, part.content.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_headers_without_an_end_end_the_form() -> None:
    reader = FormReader("b", lambda _fields: True)
    for chunk in (b"--b\r\n", b"x" * (MAX_HEAD + 1), b"\r\n\r\ndata\r\n--b--"):
        reader.feed(chunk)
    assert reader.form == Form()
