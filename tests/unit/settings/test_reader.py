"""Single variables."""

from collections.abc import Callable

import pytest

from proxy.errors import ConfigurationError
from proxy.settings.reader import Reader, SettingError


def number(text: str) -> int:
    if not text.isdigit():
        raise ValueError("must be a number")
    return int(text)


READ = Reader({"GOOD": " 5 ", "BAD": "canary", "EMPTY": "", "BLANK": " \t"})


@pytest.mark.parametrize("name", ["EMPTY", "BLANK", "ABSENT"])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert READ.has(name) is False
    assert READ(name, number, 7) == 7
    assert READ.optional(name, number) is None
    with pytest.raises(SettingError, match=f"^{name} is not set: it must be a number$"):
        READ.required(name, number)


def test_a_variable_is_read_without_the_space_around_it() -> None:
    assert READ.has("GOOD")
    assert (READ("GOOD", number, 7), READ.optional("GOOD", number), READ.required("GOOD", number)) == (5, 5, 5)


@pytest.mark.parametrize("read", [lambda name, parse: READ(name, parse, 7), READ.optional, READ.required])
def test_a_wrong_variable_is_named_and_never_shown(read: Callable[[str, Callable[[str], int]], int | None]) -> None:
    with pytest.raises(SettingError, match=r"^BAD must be a number$") as caught:
        read("BAD", number)
    assert caught.value.name == "BAD"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_wrong_setting_is_a_wrong_configuration() -> None:
    error = SettingError("NAME", "is wrong")
    assert isinstance(error, ConfigurationError)
    assert (error.status, error.message, error.reason) == (503, "NAME is wrong", "configuration_error")
