"""The command compares, and refuses what it does not know."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import world
from tools.infra.__main__ import compare, show_button, written


def test_a_template_that_means_the_same_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.json").write_text(written("infra/main.bicep"), "utf-8")
    assert compare(str(world.INFRA / "azuredeploy.json")) == 0
    assert compare(str(tmp_path / "main.json"), "infra/main.bicep") == 0
    assert capsys.readouterr().out == "The same.\n" * 2


def test_a_template_that_means_something_else_is_told_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text(written().replace('"3.13"', '"3.12"'), "utf-8")
    assert compare(str(tmp_path / "other.json")) == 1
    assert "/functionAppConfig/runtime/version: '3.13' is '3.12' in theirs" in capsys.readouterr().out


def test_the_button_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_button() == 0
    assert capsys.readouterr().out.startswith("[![Deploy to Azure]")


def test_a_command_that_is_not_known_gets_the_list() -> None:
    run = subprocess.run([sys.executable, "-m", "tools.infra", "x"], cwd=world.ROOT, capture_output=True, check=False)
    assert run.returncode == 1
    assert b"python -m tools.infra compare FILE" in run.stderr
