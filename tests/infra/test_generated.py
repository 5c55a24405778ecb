"""Microsoft's compiler and linter and Azure's own schemas find nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import world
from tests.infra.conftest import COMPILER
from tests.infra.language_server import compiled, formatted
from tools import bicep

CHECK_TEMPLATE = Path(os.environ.get("CHECK_TEMPLATE") or world.ROOT.parent / "shared" / "bin" / "check-template")
needed = pytest.mark.skipif(not CHECK_TEMPLATE.is_file(), reason="there is no check-template beside the repository")
FILES = sorted(world.INFRA.rglob("*.bicep"))


@pytest.mark.parametrize("name", ["resources.bicep", "main.bicep"])
def test_compiler_and_linter_find_nothing(name: str) -> None:
    answer = compiled(world.INFRA / name)
    assert (answer["success"], answer["diagnostics"]) == (True, [])


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "bicepconfig.json").write_bytes((world.INFRA / "bicepconfig.json").read_bytes())
    (tmp_path / "wrong.bicep").write_text("param unused string\n", "utf-8")
    found = compiled(tmp_path / "wrong.bicep")["diagnostics"]
    assert [(one["code"], one["level"]) for one in found] == [("no-unused-params", "Error")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_bicep_format_changes_nothing(path: Path) -> None:
    assert formatted(path) == path.read_text("utf-8")


def test_the_committed_template_is_what_the_bicep_says() -> None:
    built = compiled(world.INFRA / "resources.bicep")["contents"].encode()
    committed = (world.INFRA / "azuredeploy.json").read_bytes()
    assert COMPILER is not None
    pinned = COMPILER.is_pinned
    assert committed == built if pinned else bicep.comparable(committed) == bicep.comparable(built), "run: make infra"


# What the tool does not know: a type that Bicep's own types check, a function of Azure's, and groups.
_UNKNOWN = (
    "(Microsoft.Consumption/budgets@2024-08-01): no schema",
    "(Microsoft.Insights/actionGroups@2023-01-01): no schema",
    "(Microsoft.Insights/scheduledQueryRules@2023-12-01): no schema",
    "(Microsoft.Insights/workbooks@2023-06-01): no schema",
    "(Microsoft.Resources/resourceGroups@2024-11-01): no schema",
    "variables.ipRestrictions: unknown template function add in",
)
# Patterns of secrets and of tables, written for the name of a child within its parent; flat templates have full names.
_FULL_NAMES = ("does not match '^[a-zA-Z0-9-]{1,127}$'", "does not match '^[A-Za-z][A-Za-z0-9]{2,62}$'")


@needed
def test_azures_schemas_find_nothing_in_the_template() -> None:
    assert _findings(world.INFRA / "azuredeploy.json") == []


@needed
def test_azures_schemas_find_nothing_in_the_template_of_azd(tmp_path: Path) -> None:
    (tmp_path / "main.json").write_text(json.dumps(world.azd_template()), "utf-8")
    assert _findings(tmp_path / "main.json") == []


@needed
def test_azures_schemas_find_nothing_in_what_is_deployed(tmp_path: Path) -> None:
    """With every expression evaluated, values are judged too that the template only computes."""
    paths = []
    for name, way in world.EVERY_WAY.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(world.flat(world.deployed(way)), "utf-8")
    assert [line for line in _findings(*paths) if not line.endswith(_FULL_NAMES)] == []


def _findings(*paths: Path) -> list[str]:
    run = subprocess.run([sys.executable, CHECK_TEMPLATE, *paths], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    lines = run.stdout.splitlines() if run.returncode else []
    return [line for line in lines if not any(part in line for part in _UNKNOWN)]
