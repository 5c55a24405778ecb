"""The house keeps its plan: the tests mirror the rooms, and no file or function outgrows its wall."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROXY, MIRROR = ROOT / "proxy", ROOT / "tests" / "proxy"
# Proven through the worker's runtime, not on their own.
COMPOSITION = {"bootstrap.py", "gateway", "http_extension.py"}
# Its tests are in tests/unit.
MOVED = {"config"}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 500, 40
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}

MODULES = sorted(
    path.relative_to(PROXY)
    for path in PROXY.rglob("*.py")
    if path.name != "__init__.py" and path.relative_to(PROXY).parts[0] not in COMPOSITION | MOVED
)
# A folder with code in its `__init__` is tested in its own name: gateway/test_gateway.py.
FOLDERS = sorted(
    path.relative_to(PROXY).parent
    for path in PROXY.rglob("__init__.py")
    if path.relative_to(PROXY).parts[0] not in COMPOSITION | MOVED and path.parent != PROXY
)
SOURCES = sorted(path.relative_to(ROOT) for folder in ("proxy", "tools") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted(path.relative_to(MIRROR) for path in MIRROR.rglob("test_*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_tests_in_the_mirrored_place(module: Path) -> None:
    assert (MIRROR / module.with_name(f"test_{module.name}")).is_file()


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_every_file_of_tests_belongs_to_a_module(test: Path) -> None:
    """`test_<module>.py`, or `test_<module>_<aspect>.py` where one file is not enough."""
    stem = test.stem.removeprefix("test_")
    folder = PROXY / test.parent
    names = {path.stem for path in folder.glob("*.py")} | {folder.name}
    assert any(stem == name or stem.startswith(f"{name}_") for name in names)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_room_has_a_folder_of_tests_that_can_be_imported(folder: Path) -> None:
    assert (MIRROR / folder / "__init__.py").is_file()


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_file_is_longer_than_a_noun(source: Path) -> None:
    assert len((ROOT / source).read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_function_fits_a_screen(source: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_file_or_folder_has_a_name_for_everything(source: Path) -> None:
    assert NAMELESS.isdisjoint(part.removesuffix(".py") for part in source.parts)
