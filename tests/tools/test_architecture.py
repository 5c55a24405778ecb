"""The code keeps its style: functions fit a screen, and no file is named for everything."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FUNCTION_LINES = 40
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
SOURCES = sorted(path.relative_to(ROOT) for folder in ("proxy", "tools") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_function_fits_a_screen(source: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_file_or_folder_has_a_name_for_everything(source: Path) -> None:
    assert NAMELESS.isdisjoint(part.removesuffix(".py") for part in source.parts)
