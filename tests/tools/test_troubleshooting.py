"""docs/troubleshooting.md, and docs/doctor.md, have each code that the proxy can answer, log or find, and no other."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.processes import REPOSITORY

CODE = re.compile(r"[a-z]+(_[a-z]+)+|overloaded")
# Constants that are reasons of /health and of the log begin with what they are about.
REASON = re.compile(
    r"(client_keys?|credential|discovery|disk|entra|identity|key_vault|token|upstream)_[a-z_]+|no_client_keys|no_token"
)
GUIDE = "".join((REPOSITORY / "docs" / name).read_text() for name in ("troubleshooting.md", "doctor.md"))


def written() -> Iterator[str]:
    """Yield each code and reason of the sources."""
    for path in (REPOSITORY / "proxy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            yield from _of_arguments(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and REASON.fullmatch(node.value):
                yield node.value


def _of_arguments(node: ast.AST) -> Iterator[str]:
    values: list[ast.expr | None] = []
    if isinstance(node, ast.Call):
        values = [keyword.value for keyword in node.keywords if keyword.arg in {"code", "reason"}]
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"code", "reason"}:
        values = [node.value]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value):
            yield value.value


CODES = sorted({*written()})
ROWS = {
    code
    for line in GUIDE.splitlines()
    for code in re.findall(r"`([a-z_]+)`", line.split("|")[1] if "|" in line else "")
}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_its_cause_and_cure(code: str) -> None:
    assert code in ROWS


def test_no_row_is_about_what_the_proxy_never_says() -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "proxy").rglob("*.py"))
    assert {row for row in ROWS if f'"{row}"' not in sources} == set()
