"""How many tokens an answer took."""

import json

import msgspec
import pytest

from proxy.azure_api.usage import MAX_SEARCHED_BYTES, Counts, count_images, estimate_usage, find_usage, parse_usage
from proxy.values import Usage

CHAT = b'{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}'
COUNTED = [
    (CHAT, Usage(input_tokens=9, output_tokens=3)),
    (b'{"input_tokens":9,"output_tokens":3}', Usage(input_tokens=9, output_tokens=3)),
    (
        b'{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}',
        Usage(input_tokens=9, output_tokens=3, cached_tokens=8),
    ),
    (
        b'{"input_tokens":9,"output_tokens":3,"input_tokens_details":{"cached_tokens":null}}',
        Usage(input_tokens=9, output_tokens=3),
    ),
    (b'{"prompt_tokens":5,"total_tokens":5}', Usage(input_tokens=5, output_tokens=0)),
    (b"null", None),
    (b'"many"', None),
    (b"\xff", None),
    (b"", None),
]


@pytest.mark.parametrize(("counts", "usage"), COUNTED)
def test_the_tokens_are_those_that_azure_counts(counts: bytes, usage: Usage | None) -> None:
    assert parse_usage(counts) == usage
    assert find_usage(b'{"object":"x","usage":' + counts + b"}") == usage


@pytest.mark.parametrize("answer", [b'{"choices":[]}', b'{"usage":', b'{"x":"usage"}', b"", b'["usage"]'])
def test_an_answer_without_a_count_has_none(answer: bytes) -> None:
    assert find_usage(answer) is None


def test_a_stream_without_a_count_has_none() -> None:
    assert parse_usage(None) is None


def test_an_answer_that_is_too_large_is_not_looked_into() -> None:
    answer = b'{"data":"' + MAX_SEARCHED_BYTES * b"x" + b'","usage":' + CHAT + b"}"
    assert find_usage(answer) is None


def test_without_a_count_the_sizes_tell() -> None:
    assert estimate_usage(400, 81) == Usage(input_tokens=100, output_tokens=20, estimated=True)


def test_parts_of_the_tokens_and_seconds_of_sound_are_counted_too() -> None:
    chat = (
        b'{"prompt_tokens":9,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":7},'
        b'"completion_tokens_details":{"reasoning_tokens":6}}'
    )
    assert parse_usage(chat) == Usage(input_tokens=9, output_tokens=8, cached_tokens=7, reasoning_tokens=6)
    assert parse_usage(b'{"type":"duration","seconds":1.2}') == Usage(input_tokens=0, output_tokens=0, seconds=2)


def test_images_are_counted_by_their_bytes_or_addresses() -> None:
    assert count_images(b'{"data":[{"b64_json":"x"},{"url":"https://a"}]}') == 2


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}},
        {"input_tokens": 5, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2}},
        {"input_tokens": 5, "output_tokens": 3, "input_token_details": {"cached_tokens": 2}, "seconds": 0.5},
        {"input_tokens": 5, "output_tokens": 3, "cached_tokens": 2},
        {},
    ],
)
def test_what_is_counted_and_what_is_billed_are_read_of_the_same_forms(usage: dict[str, object]) -> None:
    text = json.dumps(usage).encode()
    counted, billed = parse_usage(text), msgspec.json.decode(text, type=Counts)
    assert counted is not None
    assert (billed.input, billed.output, billed.cached) == ((5, 3, 2) if usage else (0, 0, 0))
    assert counted.input_tokens == billed.input
    assert counted.output_tokens == billed.output
    assert counted.cached_tokens == billed.cached
    assert (billed.milliseconds, counted.seconds) == ((500, 1) if "seconds" in usage else (0, 0))
