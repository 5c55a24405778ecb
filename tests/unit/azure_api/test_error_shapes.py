"""What an error says, in whatever shape it comes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.error_shapes import ErrorFields, read_fields

MOST_READ = 4096


def read(content: object) -> ErrorFields:
    fields = read_fields(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert fields is not None
    return fields


INNER = {"message": "Why.", "type": "kind", "code": "new", "param": "x"}
FULL = ("Why.", "new", "x")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"error": INNER}, FULL),
        (INNER, FULL),
        ({"error": [INNER, {"message": "second"}]}, FULL),
        ([{"error": INNER}], FULL),
        ([INNER], FULL),
        ({"response": {"error": INNER}}, FULL),
        ({"errors": [INNER]}, FULL),
        ({"error": {"errors": [INNER]}}, FULL),
        ({"message": INNER}, FULL),
        ({"message": {"error": INNER}}, FULL),
        ({"error": {"code": "c", "message": {"lang": "en-us", "value": "why"}}}, ("why", "c", "")),
        ({"error": {"code": "c", "message": {"text": "why"}}}, ("why", "c", "")),
        ({"message": [INNER]}, FULL),
        ({"error": {"message": INNER}}, FULL),
        ({"error": {"code": "400", "message": json.dumps({"error": INNER})}}, FULL),
        ({"error": {"code": "BadRequest", "message": json.dumps(INNER)}}, FULL),
        ({"error": json.dumps(INNER)}, FULL),
        ({"detail": INNER}, FULL),
        ({"detail": {"error": INNER}}, FULL),
        ({"Message": "Why."}, ("Why.", "", "")),
        (json.dumps({"error": INNER}).encode() + b"\nupstream connect error", FULL),
        (b"\xef\xbb\xbf" + json.dumps({"error": INNER}).encode(), FULL),
        ({"error": "Why."}, ("Why.", "", "")),
        ("Why.", ("Why.", "", "")),
        ({"error": "invalid_grant", "error_description": "Why."}, ("Why.", "invalid_grant", "")),
        ({"status": 400, "error": "Bad Request", "message": "Why.", "path": "/x"}, ("Why.", "", "")),
        ({"detail": "Why."}, ("Why.", "", "")),
        ({"message": "Why.", "detail": "More."}, ("Why. More.", "", "")),
        (
            {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "field required", "type": "missing"}]},
            ("messages.0.role: field required", "missing", "messages.0.role"),
        ),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "too big"}, {"loc": ["query"], "msg": "too small"}]},
            ("n: too big too small", "", "n"),
        ),
        (
            {"error": {"code": "invalidPayload", "message": "Bad.", "details": [{"message": "Why.", "target": "x"}]}},
            ("Bad. Why.", "invalidPayload", "x"),
        ),
        (
            {"error": {"code": "400", "message": "Bad.", "details": [{"code": "new", "msg": "Why.", "param": "x"}]}},
            ("Bad. Why.", "new", "x"),
        ),
        ({"error": {"message": "Bad: Why.", "details": [{"message": "Why."}]}}, ("Bad: Why.", "", "")),
        (
            {"type": "https://x/y", "title": "Invalid.", "status": 400, "errors": {"n": ["Too big.", "Odd."]}},
            ("Invalid. n: Too big. Odd.", "", "n"),
        ),
        ({"type": "about:blank", "title": "Invalid.", "detail": "Why."}, ("Why.", "", "")),
        ({"errors": ["One.", "Two."]}, ("One. Two.", "", "")),
        ({"error": {"code": 404, "message": "No."}}, ("No.", "404", "")),
        ({"error": {"message": "{odd"}}, ("{odd", "", "")),
        ({"error": {"message": "[odd]"}}, ("[odd]", "", "")),
        ({"error": {"message": "{}"}}, ("{}", "", "")),
        ({"error": {"code": True, "param": 1.5, "message": None}}, ("", "", "")),
    ],
)  # fmt: skip
def test_reason_code_and_parameter_come_out(content: object, expected: tuple[str, str, str]) -> None:
    fields = read(content)
    assert (fields.message, fields.code, fields.param) == expected


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"error": INNER}, "kind"),
        ({"error": {"message": INNER}}, "kind"),
        ({"error": {"message": "Why.", "details": [INNER]}}, ""),
        ({"type": "response.failed", "response": {"error": {"message": "Why."}}}, ""),
        ({"type": "https://x/y", "title": "Why."}, ""),
        ({"type": "urn:x", "title": "Why."}, ""),
        ({"type": "error", "message": "Why."}, "error"),
    ],
)
def test_the_type_is_that_of_the_error_itself(content: object, kind: str) -> None:
    assert read(content).type == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"{",
        b'{"error":',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b'{"code":%s}' % (b"1" * 5000),
    ],
)
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    assert read_fields(body) is None


@pytest.mark.parametrize("digits", [1, 400, 4000])
def test_a_code_of_many_digits_is_read(digits: int) -> None:
    assert read(b'{"error":{"code":%s}}' % (b"1" * digits)).code == "1" * digits


def test_a_list_of_very_many_reasons_is_cut() -> None:
    assert read({"errors": [f"Reason {number}." for number in range(1000)]}).message.count("Reason") == 10
    assert len(read({"errors": ["word " * 1000] * 10}).message) <= MOST_READ


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "detail", "details", "message", "loc", "code", "response", "type"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_can_be_read(content: object) -> None:
    fields = read(content)
    assert all(isinstance(text, str) and len(text) <= MOST_READ for text in (fields.message, fields.code, fields.param))
