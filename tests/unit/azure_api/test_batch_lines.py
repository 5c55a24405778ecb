"""The input file of a batch: the model of each line becomes its deployment, every other byte stays as it came."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.forms import MAX_LINE_BYTES, BatchLines
from proxy.errors import InvalidRequest, ModelNotFound, ProxyError
from tests.unit.openai_api.forms import every_cut

DEPLOYMENTS = {"gpt-4o": "mine", "größe": "four", 'a"b\\': "five", "same": "same"}
LINE = b'{"custom_id": "1", "method":"POST", "url":"/v1/chat/completions", "body": {"model": "gpt-4o", "n":1}}'
MAPPED = LINE.replace(b'"gpt-4o"', b'"mine"')
FILES = {
    "one line": (LINE + b"\n", MAPPED + b"\n"),
    "no last line end": (LINE + b"\n" + LINE, MAPPED + b"\n" + MAPPED),
    "CR LF": (LINE + b"\r\n" + LINE + b"\r\n", MAPPED + b"\r\n" + MAPPED + b"\r\n"),
    "blank lines": (
        b"\n\r\n" + LINE + b"\n \t\n\n" + LINE + b"\n\n",
        b"\n\r\n" + MAPPED + b"\n \t\n\n" + MAPPED + b"\n\n",
    ),
    "byte order mark": (b"\xef\xbb\xbf" + LINE + b"\n" + LINE, b"\xef\xbb\xbf" + MAPPED + b"\n" + MAPPED),
    "mark and blank line": (b"\xef\xbb\xbf\r\n" + LINE, b"\xef\xbb\xbf\r\n" + MAPPED),
    "mark alone": (b"\xef\xbb\xbf", b"\xef\xbb\xbf"),
    "white space": (b' {"body" :\t{ "model" : "gpt-4o" } } \n', b' {"body" :\t{ "model" : "mine" } } \n'),
    "escapes": (rb'{"b\u006fdy":{"mod\u0065l":"gpt-\u0034o"}}', rb'{"b\u006fdy":{"mod\u0065l":"mine"}}'),
    "other letters": ('{"body":{"model":"größe","x":"😀"}}'.encode(), '{"body":{"model":"four","x":"😀"}}'.encode()),
    "quotes": (rb'{"body":{"model":"a\"b\\"}}', b'{"body":{"model":"five"}}'),
    "half of a pair": (rb'{"body":{"model":"gpt-4o","x":"\ud83d"}}', rb'{"body":{"model":"mine","x":"\ud83d"}}'),
    "models elsewhere": (
        b'{"model":"gpt-4o","x":{"model":"gpt-4o"},"body":{"messages":[{"model":"gpt-4o"}],"model":"gpt-4o"}}',
        b'{"model":"gpt-4o","x":{"model":"gpt-4o"},"body":{"messages":[{"model":"gpt-4o"}],"model":"mine"}}',
    ),
}
UNTOUCHED = [
    b"", b"\n", b"{}", b'{"model":"gpt-4o"}', b'{"body":{}}', b'{"body":null}', b'{"body":"{}"}', b'{"body":[]}',
    b'{"body":1}', b'{"body":{"model":null}}', b'{"body":{"model":""}}', rb'{"body":{"model":"s\u0061me"}}',
    b'{"body":{"messages":[{"model":"gpt-4o"}]}}', b'{"Body":{"model":"gpt-4o"}}',
]  # fmt: skip
BROKEN = [
    b"{", b"[]", b"1", b'"a"', b"null", b"model", b"{} {}", b"{}\r{}", b"\xff", b"{'a':1}", b"\xef\xbb\xbf{}", b"\0",
    b'{"body":{"model":"gpt-4o"},}', b'{"body":{"model":"gpt-4o"},"body":{}}', b'{"body":{"model":"a","model":"b"}}',
    b'{"body":{"model":1}}', b'{"body":{"model":["gpt-4o"]}}', b'{"a":' * 100_000, b"\x1f\x8b",
]  # fmt: skip


def serving(model: str) -> str:
    if model not in DEPLOYMENTS:
        raise ModelNotFound(model)
    return DEPLOYMENTS[model]


def run(chunks: list[bytes]) -> bytes:
    lines = BatchLines(serving)
    return b"".join([*map(lines.feed, chunks), lines.end()])


def error_of(chunks: list[bytes]) -> ProxyError:
    with pytest.raises(ProxyError) as caught:
        run(chunks)
    assert str(caught.value) == caught.value.message
    assert caught.value.param == "file"
    return caught.value


@pytest.mark.parametrize(("file", "expected"), FILES.values(), ids=FILES)
def test_the_model_of_each_line_is_mapped_and_nothing_else_whatever_the_cut(file: bytes, expected: bytes) -> None:
    for chunks in every_cut(file):
        assert run(chunks) == expected


@pytest.mark.parametrize("line", UNTOUCHED)
def test_a_line_without_a_model_to_map_passes_as_it_is(line: bytes) -> None:
    file = line + b"\n" + LINE + b"\r\n" + line
    assert run([file]) == file.replace(LINE, MAPPED)


def test_a_line_leaves_as_soon_as_it_is_whole() -> None:
    lines = BatchLines(serving)
    assert lines.feed(LINE) == b""
    assert lines.feed(b"\r") == b""
    assert lines.feed(b"\n" + LINE + b"\n{") == MAPPED + b"\r\n" + MAPPED + b"\n"
    assert lines.feed(b"}") == b""
    assert (lines.end(), lines.end()) == (b"{}", b"")


@pytest.mark.parametrize("line", BROKEN, ids=lambda line: str(line[:40]))
def test_a_line_that_cannot_be_read_is_refused_by_its_number(line: bytes) -> None:
    for file in (LINE + b"\n\n" + line, LINE + b"\r\n\r\n" + line + b"\r\n" + LINE):
        error = error_of([file])
        assert isinstance(error, InvalidRequest)
        assert error.message.startswith("Line 3 of your file: ")


def test_an_unknown_model_is_refused_by_the_number_of_its_line() -> None:
    error = error_of([LINE + b"\n" + LINE.replace(b"gpt-4o", b"gpt-9")])
    assert isinstance(error, ModelNotFound)
    assert (error.status, error.code) == (404, "model_not_found")
    assert error.message == "Line 2 of your file: The model `gpt-9` does not exist or you do not have access to it."


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [64 * 1024, MAX_LINE_BYTES * 2])
def test_a_line_may_be_as_large_as_the_bound_and_no_larger(size: int, end: bytes) -> None:
    room = MAX_LINE_BYTES - len(LINE) - len(end.rstrip(b"\n"))
    line = LINE[:-2] + b',"image":"' + b"A" * (room - 11) + b'"}}' + end

    def cut(file: bytes) -> list[bytes]:
        return [file[at : at + size] for at in range(0, len(file), size)]

    assert run(cut(LINE + b"\n" + line)) == MAPPED + b"\n" + line.replace(b"gpt-4o", b"mine", 1)
    error = error_of(cut(LINE + b"\n" + line.replace(b'"A', b'"AA', 1)))
    assert error.message == f"Line 2 of your file: The line is longer than {MAX_LINE_BYTES} bytes."


def test_a_line_without_an_end_is_not_waited_for() -> None:
    lines = BatchLines(serving)
    for _ in range(MAX_LINE_BYTES // (1024 * 1024)):
        assert lines.feed(b" " * 1024 * 1024) == b""
    with pytest.raises(InvalidRequest):
        lines.feed(b"{")


REQUESTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "custom_id": st.text(max_size=6),
            "body": st.none()
            | st.dictionaries(st.sampled_from(["model", "n", "messages"]), st.sampled_from([*DEPLOYMENTS])),
        },
    ),
    max_size=6,
)


@given(REQUESTS, st.randoms(use_true_random=True))
def test_every_line_says_the_same_but_its_model(requests: list[dict[str, object]], random: Random) -> None:
    def mapped(request: dict[str, object]) -> dict[str, object]:
        body = request.get("body")
        if not isinstance(body, dict) or "model" not in body:
            return request
        return {**request, "body": {**body, "model": DEPLOYMENTS[body["model"]]}}

    end = random.choice(("\n", "\r\n"))
    file = end.join(json.dumps(request, ensure_ascii=random.random() < 0.5) for request in requests).encode()
    size = random.randint(1, 40)
    written = run([file[at : at + size] for at in range(0, len(file), size)])
    assert written.count(end.encode()) == file.count(end.encode())
    assert [json.loads(line) for line in written.splitlines()] == [mapped(request) for request in requests]


def test_what_else_is_not_azures_is_changed_with_the_model() -> None:
    lines = BatchLines({"gpt-4o": "mine"}.__getitem__, lambda body: body.replace(b"-tag", b""))
    sent = b'{"url":"/v1/responses","body":{"model":"gpt-4o","previous_response_id":"resp_1-tag"}}\n{"body":{"x":1}}'
    expected = b'{"url":"/v1/responses","body":{"model":"mine","previous_response_id":"resp_1"}}\n{"body":{"x":1}}'
    assert lines.feed(sent) + lines.end() == expected
