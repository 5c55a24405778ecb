"""What users read is true: every setting is described, and the example file works as it is."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from proxy.config.policy import Policy
from proxy.config.resources import parse_resources
from proxy.config.settings import MANAGED_IDENTITY_VARIABLES, Settings

ROOT = Path(__file__).parents[1]
VALID = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}
# The platform sets these.
BY_OTHERS = {*MANAGED_IDENTITY_VARIABLES, "AzureFunctionsJobHost__functionTimeout"}
FOR_THE_PLATFORM = {
    "FUNCTIONS_WORKER_RUNTIME",
    "AzureWebJobsStorage",
    "AzureWebJobsSecretStorageType",
    "PYTHON_ENABLE_INIT_INDEXING",
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES",
}


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

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


def settings_that_the_code_reads() -> set[str]:
    environ = Asked(VALID)
    Settings.from_environ(environ)
    assert environ.names >= BY_OTHERS
    return {name for name in environ.names - BY_OTHERS if not name.lower().endswith("_proxy")}


def example() -> dict[str, str]:
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert isinstance(values, dict)
    return values


def test_every_setting_has_its_row_in_the_readme_and_no_other_has() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert rows - {"AZURE_OPENAI_AUTH"} == settings_that_the_code_reads() - {"AZURE_OPENAI_AUTH"}
    assert len(rows) > 10


def test_every_setting_stands_in_the_example_file_and_no_other_does() -> None:
    assert set(example()) - FOR_THE_PLATFORM == settings_that_the_code_reads()


def test_the_example_file_is_accepted_as_it_is() -> None:
    settings = Settings.from_environ(example(), (ROOT / "host.json").read_bytes())
    assert settings.client_keys


def test_the_values_of_the_example_file_are_the_defaults() -> None:
    chosen = {"AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_MODEL_MAPPER", "CLIENT_KEYS"}
    bare = {name: value for name, value in example().items() if name in chosen | {"AZURE_OPENAI_AUTH"}}
    host_json = (ROOT / "host.json").read_bytes()
    assert Settings.from_environ(bare, host_json) == Settings.from_environ(example(), host_json)


def test_the_defaults_in_the_readme_are_those_of_the_example_file() -> None:
    readme = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    shown = {name: value for name, value in example().items() if name in readme and value}
    assert {name: readme[name] for name in shown} == shown


def test_the_resources_of_the_readme_are_accepted() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    found = parse_resources(text, vault=True, read_file=lambda _: b"")
    assert [one.priority for one in found] == [0, 1]


def test_every_number_of_failover_is_described_with_its_default() -> None:
    section = (ROOT / "docs/resources.md").read_text().partition("## Numbers of failover")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| `([^`]+)` \|", section, re.MULTILINE))
    assert {name: json.loads(value) for name, value in rows.items()} == {
        one.name: one.default for one in fields(Policy)
    }
    (example,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    assert Settings.from_environ({**VALID, "AZURE_OPENAI_ROUTING": example}).routing.keys() <= rows.keys()
