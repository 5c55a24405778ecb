"""JSON bodies that are broken, too deep, or large."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body

MEGABYTE = 1024 * 1024
NOT_OBJECTS = [b"[]", b"1", b'["\\ud83d"]', b'"a"', b"null", b"true", b"-0", b"[1,2]", b'[{"model":"a"}]', b"  [ ]  "]
# After the kinds of JSONTestSuite: structure, numbers, texts, names, and what other dialects allow.
BROKEN = [
    b"", b" ", b"\n", b"{", b"}", b"{{}}", b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a"::1}', b'{"a":1,}', b'{,"a":1}',
    b"{,}",
    b'{"a":1,,"b":2}', b'{"a":1 "b":2}', b'{"a":1}}', b'{"a":1}x', b'{"a":1}{}', b'{"a":1}\x00', b'{"a":1', b'{"a":[1}',
    b'{"a":[1,]}', b'{"a":[,1]}', b'{"a":[1 2]}', b'{"a":[1}}', b'{"a":{"b":1,}}', b'{"a":{"b"}}', b'{"a":{1:2}}',
    b'{"a":',
    b'{"a":01}', b'{"a":-01}', b'{"a":1.}', b'{"a":.5}', b'{"a":+1}', b'{"a":-}', b'{"a":1e}', b'{"a":1e+}',
    b'{"a":0x1}',
    b'{"a":2.e3}', b'{"a":1.2.3}', b'{"a":1-2}', b'{"a":1eE2}', b'{"a":[01]}', b'{"a":[-]}', b'{"a":[1.]}',
    b'{"a":[+1]}',
    b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":nan}', b'{"a":[NaN]}', b'{"a":inf}', b'{"a":1_000}',
    b'{"a":tru}', b'{"a":True}', b'{"a":nul}', b'{"a":nulll}', b'{"a":[nul]}', b'{"a":undefined}', b'{"a":b}',
    b'{"a":\\u0031}',
    b'{"a":"\n"}', b'{"a":"\t"}', b'{"a":"\x00"}', b'{"a":["\x1f"]}', b'{"a":"\\x41"}', b'{"a":"\\u12"}',
    b'{"a":"\\uZZZZ"}',
    b'{"a":"\\"}', b'{"a":"', b'{"a":["\\q"]}', b'{"a":"\\ud800\\q"}', b'{"a":"\\U0001"}', b'{"a":"\\a"}',
    b'{"a":"\\ud8"}',
    b"{'a':1}", b"{a:1}", b'{"\xff":1}', b'{"\n":1}', b'{"\\q":1}', b'{"a":{"\x01":1}}', b'{"a":{"\\q":1}}',
    b'{null:1}',
    b'{"a":1/*x*/}', b'//x\n{"a":1}', b'{"a":1}#', b'{"a":1;"b":2}', b"{\xa0}", b"{\x0c}", b'{"a":\x0b1}',
    b"\xe2\x80\x8b{}",
    b'\xef\xbb\xbf{"a":1}', b'\xff\xfe{\x00}\x00', b"\x00{\x00}", b"model=a&stream=true", b"--boundary\r\n", b"<a/>",
    b"\x1f\x8b",
]  # fmt: skip
DEEP = 100_000


def refused(raw: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_json_body(raw)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    return caught.value


@pytest.mark.parametrize("raw", BROKEN)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    assert refused(raw).message == "The body of your request is not valid JSON, or is nested too deeply."


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_what_is_not_an_object_is_refused(raw: bytes) -> None:
    assert refused(raw).message == "The body of your request must be a JSON object."


@pytest.mark.parametrize(
    "raw", [b"{}", b" {\t}\r\n", b'{"a":1E+2}', b'{"a":-0.0e-0}', b'{"a":"\x7f"}', b'{"a":' + b"9" * 5000 + b"}"]
)
def test_what_is_json_is_accepted(raw: bytes) -> None:
    assert parse_json_body(raw).raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a":' + b"[" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b'{"a":' * DEEP,
    ],
    ids=["lists", "open lists", "objects", "open objects"],
)
def test_a_body_that_is_nested_too_deeply_is_refused(raw: bytes) -> None:
    refused(raw)


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0model18ed ', max_size=40).map(str.encode))
def test_any_bytes_are_a_body_or_refused(raw: bytes) -> None:
    try:
        body = parse_json_body(raw)
    except InvalidRequest:
        return
    assert all(raw[start:end].strip() for start, end in body.spans.values())


MESSAGE = b'{"role":"user","content":"What is it? \\n\\u00e9 1.0 and more"},'
SHAPES = {
    "many messages": lambda size: b'{"model":"a","messages":[' + MESSAGE * (size // len(MESSAGE)) + b"{}]}",
    "one long text": lambda size: b'{"input":"' + b"a" * size + b'","model":"a"}',
    "one long text with escapes": lambda size: b'{"input":"' + b"\\n" * (size // 2) + b'","model":"a"}',
    "many empty objects": lambda size: b'{"input":[' + b"{}," * (size // 3) + b'1],"model":"a"}',
    "one half surrogate": lambda size: b'{"model":"a","input":"\\ud83d' + b"a" * size + b'"}',
    "white space": lambda size: b" " * (size // 2) + b'{"model":"a"' + b"\n" * (size // 2) + b"}",
    "one long number": lambda size: b'{"n":' + b"1" * size + b',"model":"a"}',
    "one long name": lambda size: b'{"' + b"n" * size + b'":1,"model":"a"}',
}
HOSTILE = {
    "many members": lambda size: b'{"model":"a"' + b"".join(b',"%x":1' % at for at in range(size // 9)) + b"}",
    "many half surrogates": lambda size: b'{"model":"a","input":"' + b"\\ud83d" * (size // 6) + b'"}',
}


def handle(raw: bytes) -> None:
    try:
        parse_json_body(raw).replace("model", b'"deployment"')
    except InvalidRequest:
        return


@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_of_20_megabytes_takes_no_time_that_grows_with_the_square_of_its_length(shape: str) -> None:
    """Such a time would be longer than any test may take."""
    handle(SHAPES[shape](20 * MEGABYTE))


@pytest.mark.parametrize("shape", SHAPES | HOSTILE)
def test_a_large_body_takes_little_memory_beside_itself(shape: str) -> None:
    raw = (SHAPES | HOSTILE)[shape](MEGABYTE)
    tracemalloc.start()
    try:
        handle(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3.2 * len(raw)


def test_so_many_surrogates_that_looking_takes_long_are_refused_when_one_is_half() -> None:
    raw = b'{"model":"a","x":"' + b"\\ud83d\\ude00" * 250_000 + b'\\ud83d"}'
    refused(raw)
    assert parse_json_body(raw.replace(b'\\ud83d"}', b'"}')).text("model") == "a"
