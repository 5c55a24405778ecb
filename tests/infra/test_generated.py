"""The Bicep is the one source, and Azure's own schemas judge what is made of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import world
from tools.infra.__main__ import written

CHECK_TEMPLATE = Path(os.environ.get("CHECK_TEMPLATE") or world.ROOT.parent / "shared" / "bin" / "check-template")
needed = pytest.mark.skipif(not CHECK_TEMPLATE.is_file(), reason="there is no check-template beside the repository")


def test_the_committed_template_is_what_the_bicep_says() -> None:
    assert (world.INFRA / "azuredeploy.json").read_text("utf-8") == written(), "run: python -m tools.infra"


@needed
def test_azures_schemas_find_nothing_in_the_template() -> None:
    assert _findings(world.INFRA / "azuredeploy.json") == []


@needed
def test_azures_schemas_find_nothing_in_the_template_of_azd(tmp_path: Path) -> None:
    (tmp_path / "main.json").write_text(written("infra/main.bicep"), "utf-8")
    no_schema_of_groups = "group (Microsoft.Resources/resourceGroups@2024-11-01): no schema"
    assert [line for line in _findings(tmp_path / "main.json") if no_schema_of_groups not in line] == []


@needed
def test_azures_schemas_find_nothing_in_what_is_deployed(tmp_path: Path) -> None:
    """With every expression evaluated, values are judged too that the template only computes."""
    for name, way in world.EVERY_WAY.items():
        path = tmp_path / f"{name}.json"
        path.write_text(world.flat(world.deployed(way)), "utf-8")
        full_names = "does not match '^[a-zA-Z0-9-]{1,127}$'"  # written for a child within its parent
        assert [line for line in _findings(path) if full_names not in line] == [], name


def _findings(path: Path) -> list[str]:
    run = subprocess.run([sys.executable, CHECK_TEMPLATE, path], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    return run.stdout.splitlines() if run.returncode else []
