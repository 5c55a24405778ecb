"""The compiler is found, has to run where it is named, and only the pinned version compares byte by byte."""

import json
import re
from pathlib import Path

import pytest

from tools import bicep
from tools.bicep import BicepError, Compiler

TEMPLATE = bicep.TEMPLATE.read_text("utf-8")


def script(folder: Path, version: str, template: str = TEMPLATE) -> Path:
    """A program that answers as the compiler does."""
    path, built = folder / "bicep", folder / "built.json"
    built.write_text(template, "utf-8")
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Bicep CLI version {version} (0123456789)" || cat "{built}"\n',
        "utf-8",
    )
    path.chmod(0o755)
    return path


def test_the_compiler_that_is_named_is_taken(tmp_path: Path) -> None:
    path = script(tmp_path, bicep.VERSION)
    assert bicep.find({"BICEP": str(path), "PATH": "/nowhere"}) == Compiler(path, bicep.VERSION)


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho something else\n", None])
def test_a_compiler_that_is_named_and_does_not_run_is_an_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "bicep"
    if text is not None:
        path.write_text(text, "utf-8")
        path.chmod(0o755)
    with pytest.raises(BicepError):
        bicep.find({"BICEP": str(path)})


def test_the_compiler_is_looked_for_on_the_path_and_where_az_installs_it(tmp_path: Path) -> None:
    for variable, folder in (("PATH", tmp_path / "on-path"), ("AZURE_CONFIG_DIR", tmp_path / "azure" / "bin")):
        folder.mkdir(parents=True)
        path = script(folder, "0.40.2")
        environ = {"PATH": "", variable: str(folder if variable == "PATH" else folder.parent)}
        assert bicep.find(environ) == Compiler(path, "0.40.2")


def test_without_a_compiler_nothing_is_compared_and_a_note_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bicep.find({"PATH": "", "AZURE_CONFIG_DIR": str(tmp_path)}) is None
    assert bicep.compare(None) == 0
    assert capsys.readouterr().out.startswith("Note: infra/azuredeploy.json is not compared")
    with pytest.raises(BicepError, match="az bicep install --version"):
        bicep.write(None)


def test_the_pinned_version_compares_every_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for template, code in ((TEMPLATE, 0), (TEMPLATE + "\n", 1)):
        assert bicep.compare(Compiler(script(tmp_path, bicep.VERSION, template), bicep.VERSION)) == code
    assert capsys.readouterr().out.endswith("infra/azuredeploy.json is old: run make infra\n")


def test_another_version_compares_all_but_what_compilers_put_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (nested,) = set(re.findall(r'Microsoft.Resources/deployments",\s+"apiVersion": "([\d-]+)"', TEMPLATE))
    other = json.loads(TEMPLATE.replace(f'"{nested}"', '"2022-09-01"').replace(f"'{nested}'", "'2022-09-01'"))
    other["metadata"]["_generator"] = {"name": "bicep", "version": "0.50.1", "templateHash": "1"}
    assert bicep.compare(Compiler(script(tmp_path, "0.50.1", json.dumps(other, indent=2)), "0.50.1")) == 0
    assert "Note: Bicep 0.50.1 is not" in capsys.readouterr().out
    other["outputs"] = {}
    assert bicep.compare(Compiler(script(tmp_path, "0.50.1", json.dumps(other, indent=2)), "0.50.1")) == 1


def test_an_old_compiler_that_cannot_build_it_fails_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bicep"
    path.write_text("#!/bin/sh\necho 'Error BCP057: onlyIfNotExists' >&2\nexit 1\n", "utf-8")
    path.chmod(0o755)
    assert bicep.compare(Compiler(path, "0.20.4")) == 0
    assert "cannot build it" in capsys.readouterr().out


def test_a_compiler_that_refuses_a_file_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "bicep"
    path.write_text("#!/bin/sh\necho 'Error BCP018' >&2\nexit 1\n", "utf-8")
    path.chmod(0o755)
    with pytest.raises(BicepError, match="Error BCP018"):
        bicep.build(Compiler(path, bicep.VERSION))


def test_a_command_that_is_not_known_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert bicep.main(["x"]) == 2
    assert "python -m tools.bicep" in capsys.readouterr().err
