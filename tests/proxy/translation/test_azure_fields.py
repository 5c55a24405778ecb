"""The fields that only Azure has, taken out without touching what stays."""

import pytest

from proxy.translation import azure_fields


def test_only_the_fields_of_azure_are_taken_out_of_an_answer() -> None:
    answer = azure_fields.DECODE(b'{"prompt_filter_results":[],"id":"x","prompt_annotations":[],"usage":null}')
    assert azure_fields.strip_answer(answer) is True
    assert list(answer) == ["id", "usage"]
    assert azure_fields.strip_answer(answer) is False


def test_only_the_fields_of_azure_are_taken_out_of_a_choice() -> None:
    answer = azure_fields.DECODE(
        b'{"choices":[{"content_filter_results":{},"index":0,"content_filter_raw":[],"content_filter_offsets":{},'
        b'"content_filter_result":{},"content_filter":"stays"}]}'
    )
    choices = azure_fields.choices_of(answer)
    assert azure_fields.strip_choice(choices[0]) is True
    assert list(choices[0]) == ["index", "content_filter"]
    assert azure_fields.strip_choice(choices[0]) is False


def test_what_stays_keeps_its_bytes_and_its_order() -> None:
    answer = azure_fields.DECODE(
        b'{"b":[1.0, 1e5,\n-0],"choices":[],"a":{"n":12345678901234567890123,"t":"\\/\\u0041"}}'
    )
    choices = azure_fields.choices_of(azure_fields.DECODE(b'{"choices":[{"delta": {"x": 1.0} ,"index":0}]}'))
    assert azure_fields.with_choices(answer, choices) == (
        b'{"b":[1.0, 1e5,\n-0],"choices":[{"delta":{"x": 1.0},"index":0}],'
        b'"a":{"n":12345678901234567890123,"t":"\\/\\u0041"}}'
    )


@pytest.mark.parametrize("data", [b"{}", b'{"choices":null}', b'{"choices":[]}'])
def test_an_answer_without_choices_has_none(data: bytes) -> None:
    answer = azure_fields.DECODE(data)
    assert azure_fields.choices_of(answer) == []
    assert azure_fields.with_choices(answer, []) == (b"{}" if data == b"{}" else b'{"choices":[]}')


def without_azure(data: bytes) -> bytes:
    answer = azure_fields.DECODE(data)
    azure_fields.strip_answer(answer)
    return azure_fields.with_choices(answer, [])


def test_halves_of_surrogates_are_rewritten_as_they_came() -> None:
    data = b'{"prompt_annotations":[],"a":"\\ud83d \\ude00"}'
    assert azure_fields.rewrite(data, without_azure) == b'{"a":"\\ud83d \\ude00"}'


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"a":"\\ud83d', b'{"a":"\\ud83d \\uE83d \\ua83D \\ub83d \\uC83d \\uf83d"}']
)
def test_what_cannot_be_rewritten_exactly_is_unreadable(data: bytes) -> None:
    with pytest.raises(azure_fields.UNREADABLE):
        azure_fields.rewrite(data, without_azure)
