"""The page of settings and the example file are the table of settings, and the table is what the app reads."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from proxy.config.environment import Setting
from proxy.config.settings import MANAGED_IDENTITY_VARIABLES, Settings
from tools.settings_table import (
    EXAMPLE,
    FOR_PLATFORM,
    FOR_SIMULATOR,
    NOT_IN_EXAMPLE,
    PAGE,
    ROOT,
    example,
    page,
    settings,
)

ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}
SET_BY_AZURE = {
    *MANAGED_IDENTITY_VARIABLES,
    "AzureFunctionsJobHost__functionTimeout",
    "AZURE_FUNCTIONS_ENVIRONMENT",
}
HOST_JSON = (ROOT / "host.json").read_bytes()


class RecordingEnviron(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.names: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def values() -> dict[str, str]:
    found = json.loads(EXAMPLE.read_text("utf-8"))["Values"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("file", "made"), [(PAGE, page), (EXAMPLE, example)], ids=["page", "example"])
def test_what_is_made_from_the_table_is_up_to_date(file: Path, made: Callable[[], str]) -> None:
    assert file.read_text("utf-8") == made(), "run python -m tools.settings_table"


def test_the_table_lists_every_variable_that_the_app_reads_and_no_other() -> None:
    environ = RecordingEnviron(ENDPOINT)
    Settings.from_environ(environ)
    lower_case = {one.name.lower() for one in NOT_IN_EXAMPLE}
    assert environ.names - SET_BY_AZURE - lower_case == {one.name for one in settings()}
    assert environ.names >= SET_BY_AZURE | lower_case


def test_no_variable_is_listed_twice() -> None:
    names = [one.name for one in settings()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.name)
def test_every_variable_is_described_in_sentences_that_fit_into_a_table(setting: Setting[object]) -> None:
    assert setting.description.endswith(".")
    assert "|" not in setting.description
    assert "\n" not in setting.description


def test_the_example_file_is_accepted_as_it_is_and_holds_the_defaults() -> None:
    chosen = {one.name: value for one, value in FOR_SIMULATOR.items()}
    assert values().keys() == FOR_PLATFORM.keys() | {one.name for one in settings() if one not in NOT_IN_EXAMPLE}
    read = Settings.from_environ(values(), HOST_JSON)
    assert read == Settings.from_environ(chosen, HOST_JSON)
    assert read.client_keys
