"""The code keeps its style: functions fit a screen, names say what things are, and no folder has a single file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FUNCTION_LINES = 40
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
SOURCES = sorted(path.relative_to(ROOT) for folder in ("proxy", "tools") for path in (ROOT / folder).rglob("*.py"))
PROXY = [source for source in SOURCES if source.parts[0] == "proxy"]
# Words that are no names here, and what to say: docs/architecture.md. A name may have them as parts.
WORDS = {
    "offer": "target, or models of a resource",
    "fleet": "resources",
    "visitor": "client, principal",
    "visit": "client, principal",
    "journey": "request, failover, retry state",
    "travel": "failover",
    "rests": "cooldown",
    "scarce": "budget",
    "freely": "idempotent",
    "lasting": "not processed",
    "borrowed": "passthrough",
    "ticket": "slot",
    "surprise": "error",
    "departure": "disconnect, stall, shutdown",
    "told": "to_azure, to_openai, encode",
    "marked": "to_azure, to_openai, encode",
    "corridor": "layer",
    "door": "entry",
    "standin": "fake",
}
# They may be parts of a longer name, but are none on their own. A pure function takes the time as `now`.
TOO_SHORT = {"of", "at", "by", "here", "own", "said", "enter", "leave"}


def names(tree: ast.AST) -> Iterator[str]:
    """Yield the names of classes, functions, arguments and attributes, and those of a module."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.ClassDef(name=name, body=body):
                yield name
                yield from assigned(body)
            case ast.Module(body=body):
                yield from assigned(body)


def assigned(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements of a class or a module assign."""
    for statement in body:
        match statement:
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def words_of(name: str) -> list[str]:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_").split("_")


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_function_fits_a_screen(source: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_file_or_folder_has_a_name_for_everything(source: Path) -> None:
    assert NAMELESS.isdisjoint(part.removesuffix(".py") for part in source.parts)


@pytest.mark.parametrize("source", PROXY, ids=str)
def test_every_name_is_one_of_the_field(source: Path) -> None:
    for name in names(ast.parse((ROOT / source).read_text())):
        found = {word: WORDS[word] for word in words_of(name) if word in WORDS}
        assert not found, f"{name}: say {found}"
        assert name not in TOO_SHORT, f"{name} says too little on its own"


def test_no_folder_of_the_proxy_has_a_single_file() -> None:
    folders = {source.parent for source in PROXY}
    files = {folder: [one for one in PROXY if one.parent == folder and one.name != "__init__.py"] for folder in folders}
    assert [folder for folder, found in files.items() if len(found) < 2] == []
