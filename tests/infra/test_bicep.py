"""The Bicep is plain, in one order, and described."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra import world

FILES = sorted(world.INFRA.rglob("*.bicep"))
ORDER = ["param", "var", "resource", "module", "output"]
# A declaration begins its line, because `bicep format` has written the file; decorators stand above it.
DECLARATION = re.compile(r"((?:^@.*\n(?:^[ })\]].*\n)*)*)^(param|var|resource|module|output) (\w+)(.*)", re.MULTILINE)
files = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    decorators: str
    kind: str
    name: str
    line: str

    @property
    def type(self) -> str:
        """The type of a resource, or the path of a module."""
        return self.line.split("'")[1]


def _declared(path: Path) -> list[Declaration]:
    found = DECLARATION.findall(path.read_text("utf-8"))
    return [Declaration(decorators=one[0], kind=one[1], name=one[2], line=one[3]) for one in found]


@files
def test_sections_come_as_parameters_variables_resources_modules_outputs(path: Path) -> None:
    kinds = [ORDER.index(one.kind) for one in _declared(path)]
    assert kinds == sorted(kinds)


@files
def test_every_parameter_and_output_is_described(path: Path) -> None:
    declared = [one for one in _declared(path) if one.kind in ("param", "output")]
    assert [one.name for one in declared if "@description(" not in one.decorators] == []


@files
def test_every_parameter_and_variable_is_used(path: Path) -> None:
    text = path.read_text("utf-8")
    for one in _declared(path):
        if one.kind in ("param", "var") or " existing =" in one.line:
            assert len(re.findall(rf"(?<![\w']){one.name}(?!\w)", text)) > 1, one.name


@files
def test_a_file_says_first_what_it_is_for(path: Path) -> None:
    assert path.read_text("utf-8").startswith("// ")


def test_every_module_is_used() -> None:
    used = {(path.parent / one.type).resolve() for path in FILES for one in _declared(path) if one.kind == "module"}
    assert used == set(FILES) - {world.INFRA / "main.bicep"}


def test_modules_know_nothing_of_each_other() -> None:
    assert not [path for path in FILES if path.parent.name == "modules" and "\nmodule " in path.read_text("utf-8")]


def test_one_type_of_resource_has_one_version() -> None:
    versions: dict[str, set[str]] = {}
    for path in FILES:
        for one in _declared(path):
            kind, _, version = one.type.partition("@") if one.kind == "resource" else ("", "", "")
            versions.setdefault(kind, set()).add(version)
    assert {kind: found for kind, found in versions.items() if len(found) > 1} == {}


def test_the_linters_rules_are_errors_but_the_one_on_versions() -> None:
    rules = json.loads((world.INFRA / "bicepconfig.json").read_text("utf-8"))["analyzers"]["core"]["rules"]
    off = {name for name, rule in rules.items() if rule["level"] != "error"}
    assert off == {"use-recent-api-versions"}
