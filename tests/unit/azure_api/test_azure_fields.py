"""The fields that only Azure has, taken out without touching what stays."""

import msgspec
import pytest

from proxy.azure_api import azure_fields
from proxy.openai_api import json_members


@pytest.mark.parametrize(
    ("data", "clean"),
    [
        (b'{"prompt_filter_results":[],"id":"x","prompt_annotations":[],"usage":null}', b'{"id":"x","usage":null}'),
        (b'{"content_filters":[1],"metadata":{"content_filters":2}}', b'{"metadata":{"content_filters":2}}'),
        (
            b'{"choices":[{"content_filter_results":{},"index":0,"content_filter_raw":[],"content_filter":"stays"}]}',
            b'{"choices":[{"index":0,"content_filter":"stays"}]}',
        ),
        (b'{"content_filter_offsets":1,"content_filter_result":2,"choices":[]}', b'{"choices":[]}'),
        (b'{"data": [ {"a":1.0} ,{"prompt_filter_results":1}]}', b'{"data":[{"a":1.0},{}]}'),
        (b'{"data":[{"choices":[{"content_filter_results":1}]}]}', b'{"data":[{"choices":[{}]}]}'),
        (b'{"response":{"content_filters":null,"a": 1}, "n": 1.0}', b'{"response":{"a":1},"n":1.0}'),
        (b'{"data":[1,{"content_filters":1},"content_filters"]}', b'{"data":[1,{},"content_filters"]}'),
    ],
)
def test_only_the_fields_of_azure_are_taken_out_of_an_answer(data: bytes, clean: bytes) -> None:
    assert azure_fields.without(data) == clean
    assert azure_fields.without(clean) is clean


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices": [{"message": {"content_filter_results":1}}] }',
        b'{"response": {"output": [{"content_filters": 1}]} }',
        b'{"data": [{"choices": [{"data": [{"content_filters": 1}]}]}] }',
        b'{"choices": "content_filters", "data": null, "response": [ ]}',
    ],
)
def test_an_answer_without_fields_of_azure_in_their_places_is_the_same_bytes(data: bytes) -> None:
    assert azure_fields.without(data) is data


@pytest.mark.parametrize("data", [b"[]", b"{", b'"content_filters"', b'{"content_filters":1,"data":[}'])
def test_what_is_not_a_json_object_is_unreadable(data: bytes) -> None:
    with pytest.raises(json_members.UNREADABLE):
        azure_fields.without(data)


def test_the_items_of_what_is_no_list_are_none() -> None:
    assert [azure_fields.items_of(value) for value in (None, msgspec.Raw(b"null"), msgspec.Raw(b"{}"))] == [[], [], []]
    assert [bytes(item) for item in azure_fields.items_of(msgspec.Raw(b"[1, 2.0]"))] == [b"1", b"2.0"]


def test_what_stays_keeps_its_bytes_and_its_order() -> None:
    answer = json_members.DECODE(
        b'{"b":[1.0, 1e5,\n-0],"choices":[],"a":{"n":12345678901234567890123,"t":"\\/\\u0041"}}'
    )
    choices = azure_fields.choices_of(json_members.DECODE(b'{"choices":[{"delta": {"x": 1.0} ,"index":0}]}'))
    assert azure_fields.with_choices(answer, choices) == (
        b'{"b":[1.0, 1e5,\n-0],"choices":[{"delta":{"x": 1.0},"index":0}],'
        b'"a":{"n":12345678901234567890123,"t":"\\/\\u0041"}}'
    )


@pytest.mark.parametrize("data", [b"{}", b'{"choices":null}', b'{"choices":[]}'])
def test_an_answer_without_choices_has_none(data: bytes) -> None:
    answer = json_members.DECODE(data)
    assert azure_fields.choices_of(answer) == []
    assert azure_fields.with_choices(answer, []) == (b"{}" if data == b"{}" else b'{"choices":[]}')


def test_halves_of_surrogates_are_rewritten_as_they_came() -> None:
    data = b'{"prompt_annotations":[],"a":"\\ud83d \\ude00"}'
    assert json_members.rewrite(data, azure_fields.without) == b'{"a":"\\ud83d \\ude00"}'


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"a":"\\ud83d', b'{"a":"\\ud83d \\uE83d \\ua83D \\ub83d \\uC83d \\uf83d"}']
)
def test_what_cannot_be_rewritten_exactly_is_unreadable(data: bytes) -> None:
    with pytest.raises(json_members.UNREADABLE):
        json_members.rewrite(data, azure_fields.without)
