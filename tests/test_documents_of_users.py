"""What users read is true: every setting is described, and the example file works as it is."""

import ast
import json
import re
from pathlib import Path

from proxy.settings import Settings

ROOT = Path(__file__).parents[1]
FOR_THE_PLATFORM = {
    "FUNCTIONS_WORKER_RUNTIME",
    "AzureWebJobsStorage",
    "AzureWebJobsSecretStorageType",
    "PYTHON_ENABLE_INIT_INDEXING",
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES",
}


def settings_that_the_code_reads() -> set[str]:
    tree = ast.parse((ROOT / "proxy/settings/__init__.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    read = (call.args[0] for call in calls if ast.unparse(call.func) in ("read", "read.optional", "read.required"))
    return {node.value for node in read if isinstance(node, ast.Constant) and isinstance(node.value, str)}


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
