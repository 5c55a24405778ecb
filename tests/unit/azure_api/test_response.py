"""Whole answers of Azure OpenAI, as OpenAI would give them."""

import pytest

from proxy.azure_api import response
from proxy.errors import UpstreamError
from tests.unit.azure_api import recorded


@pytest.mark.parametrize("case", recorded.cases("upstream.json"))
def test_a_sample_becomes_what_openai_would_answer(case: str) -> None:
    assert response.to_openai(recorded.read(case, "upstream.json")) == recorded.read(case, "client.json")


@pytest.mark.parametrize("case", recorded.cases("upstream.json"))
def test_a_sample_stays_as_it_is_when_azures_fields_are_kept(case: str) -> None:
    body = recorded.read(case, "upstream.json")
    assert response.to_openai(body, keep=True) is body


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":null,"id":1}',
        b'{ "id" : 1.0 }\n',
        b"{}",
        b'{"choices":[ ]}',
        b'{"choices":1}',
        b'{"choices":[1]}',
        b'{"data":[ ]}',
    ],
)
def test_an_answer_without_fields_of_azure_is_the_same_bytes(body: bytes) -> None:
    assert response.to_openai(body) is body


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"<html>", b'{"a":', b'{"content_filters":[}', b"[" * 100_000])
@pytest.mark.parametrize("keep", [False, True])
def test_an_answer_that_is_not_a_json_object_is_azures_fault(body: bytes, keep: bool) -> None:
    with pytest.raises(UpstreamError) as caught:
        response.to_openai(body, keep=keep)
    assert (caught.value.status, caught.value.code) == (502, "upstream_error")


def test_half_a_surrogate_in_an_answer_is_passed_on_as_it_came() -> None:
    body = b'{"choices":[{"index":0,"message":{"content":"\\ud83d"},"finish_reason":"length"}]}'
    assert response.to_openai(body) == body


def test_each_answer_of_a_list_is_cleaned() -> None:
    body = (
        b'{"object":"list","data":[{"id":"a","choices":[{"index":0,"content_filter_results":{}}]},'
        b'{"prompt_filter_results":[],"n":1.0}],"has_more":false}'
    )
    assert response.to_openai(body) == (
        b'{"object":"list","data":[{"id":"a","choices":[{"index":0}]},{"n":1.0}],"has_more":false}'
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"object":"list","data":[]}', "application/json; charset=utf-8"),
        (b'["a","\\ud83d"]', "application/json"),
        (b"1", "application/json"),
        (b"WEBVTT", "text/vtt"),
        (b"{", "text/plain"),
        (b"", ""),
    ],
)
def test_an_answer_that_is_what_it_says_passes(body: bytes, content_type: str) -> None:
    assert response.check(body, content_type) is body


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b'{"object":"list","data":[', "application/json"),
        (b"{}{}", "application/json"),
        (b"<html>", "application/json"),
        (b"<html>", "text/html"),
    ],
)
def test_an_answer_that_is_cut_or_a_gateways_page_is_azures_fault(body: bytes, content_type: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        response.check(body, content_type)
    assert (caught.value.status, caught.value.code) == (502, "upstream_error")


def test_a_mark_before_an_answer_is_skipped() -> None:
    assert response.to_openai(b'\xef\xbb\xbf{"a":1}') == b'{"a":1}'
    assert response.check(b'\xef\xbb\xbf{"a":1}', "application/json") == b'{"a":1}'
    assert response.check(b"\xef\xbb\xbfa", "text/plain") == b"\xef\xbb\xbfa"
