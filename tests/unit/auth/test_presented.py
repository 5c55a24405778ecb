"""The key that a request carries."""

import pytest

from proxy.auth.keys import INVALID_KEY, presented_key
from proxy.errors import Unauthenticated

KEY = "key:with|all,the=signs"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f" bEARER   {KEY} "},
        {"api-key": f" {KEY} "},
        {"authorization": "", "api-key": KEY},
        {"authorization": f"Bearer {KEY}", "api-key": KEY},
        {"authorization": "Basic dXNlcjpwYXNz", "api-key": KEY},
        {"authorization": f"Bearer {KEY}, Bearer {KEY}"},
        {"api-key": f"{KEY}, {KEY}"},
    ],
)
def test_the_key_of_either_header_is_returned_as_it_is(headers: dict[str, str]) -> None:
    assert presented_key(headers) == KEY


@pytest.mark.parametrize("headers", [{}, {"authorization": KEY}, {"authorization": "Bearer "}, {"api-key": " "}])
def test_without_a_key_there_is_no_code(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated, match="You didn't provide an API key") as caught:
        presented_key(headers)
    assert caught.value.code is None


def test_two_keys_are_one_too_many() -> None:
    with pytest.raises(Unauthenticated, match="Send only one") as caught:
        presented_key({"authorization": f"Bearer {KEY}", "api-key": "another"})
    assert caught.value.code == INVALID_KEY
