"""Halves of surrogate pairs, masked and unmasked."""

import json
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.openai_api.json_members import MAX_HALVES, UNREADABLE, decode, free_letter, mask, unmask

HALVES = ["\ud83d", "\udbff", "\ud800", "\udc00", "\udfff", "\ud83d\ud83d", "\ude00\ud83d"]
TEXTS = st.lists(st.sampled_from([*HALVES, "\ue800", "\ua9ff", "😀", "\\", "\\ud83d ", "é", '"', "a"]), max_size=8).map(
    "".join
)


def spelt(text: str, random: Random) -> bytes:
    """Return a JSON string with escapes in either case of their hexadecimal digits."""
    written = json.dumps(text)
    parts = [part[:4].upper() + part[4:] if random.random() < 0.5 else part for part in written.split("\\u")]
    return "\\u".join([written.split("\\u")[0], *parts[1:]]).encode()


@given(TEXTS, st.randoms(use_true_random=True))
def test_what_is_masked_is_as_long_and_comes_back_as_it_was(text: str, random: Random) -> None:
    data = spelt(text, random)
    letter = free_letter(data)
    assert letter is not None
    assert len(mask(data, letter)) == len(data)
    assert unmask(mask(data, letter), letter) == data


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("around", ["", "a", "😀", '"'])
def test_what_is_masked_can_be_read(half: str, around: str) -> None:
    assert isinstance(msgspec.json.decode(mask(json.dumps([around + half + around]).encode())), list)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00"', b'"\\u00e9 \\ue000"', '"😀"'.encode()]
)
def test_whole_characters_are_not_touched(data: bytes) -> None:
    assert mask(data) == data


def test_another_letter_is_taken_where_something_looks_masked_already() -> None:
    data = b'"\\ud83d'
    for letter in "eabcf":
        assert free_letter(data + b'"') == letter
        data += b"\\u" + letter.encode() + b"83d"
    assert free_letter(data + b'"') is None


def test_more_halves_than_a_program_writes_by_accident_stay() -> None:
    data = b"\\ud83d " * (MAX_HALVES + 1)
    assert mask(data).count(b"\\ud83d") == 1


def test_a_decoder_reads_halves_of_surrogate_pairs_as_other_characters() -> None:
    decoder = msgspec.json.Decoder(str).decode
    assert decode(b'"plain"', decoder) == "plain"
    assert len(decode(rb'"a\ud83db"', decoder)) == 3
    with pytest.raises(msgspec.ValidationError):
        decode(b"1", decoder)
    with pytest.raises(UNREADABLE):
        decode(b"{", decoder)
