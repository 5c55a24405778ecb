"""Keys that the proxy's tool makes, and what is wrong with others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.key_format import PREFIX, RANDOM_BYTES, digest_of, is_mistyped, is_weak, make_key

randoms = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(randoms)
def test_a_key_has_the_prefix_256_bits_and_a_checksum_and_nothing_that_a_shell_reads(random: bytes) -> None:
    key = make_key(random)
    assert re.fullmatch(r"sk-azp1-[0-9A-Za-z]{49}", key)
    assert not is_mistyped(key)
    assert not is_weak(key)


@given(randoms, randoms)
def test_two_keys_are_alike_only_if_their_bits_are(one: bytes, other: bytes) -> None:
    assert (make_key(one) == make_key(other)) == (one == other)


@given(randoms, st.data())
def test_every_wrong_character_shows(random: bytes, data: st.DataObject) -> None:
    key = make_key(random)
    place = data.draw(st.integers(min_value=len(PREFIX), max_value=len(key) - 1))
    wrong = data.draw(st.characters(codec="utf-8").filter(lambda character: character != key[place]))
    assert is_mistyped(key[:place] + wrong + key[place + 1 :])


@pytest.mark.parametrize("key", [PREFIX, f"{make_key(bytes(32))} ", make_key(bytes(32))[:-1], f"{PREFIX}{'é' * 49}"])
def test_a_key_of_another_length_or_alphabet_is_mistyped(key: str) -> None:
    assert is_mistyped(key)


def test_a_key_of_fewer_than_24_characters_is_weak() -> None:
    assert (is_weak("x" * 23), is_weak("x" * 24)) == (True, False)


def test_a_digest_is_that_of_every_tool_for_sha_256() -> None:
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
