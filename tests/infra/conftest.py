"""The tests of the templates need Microsoft's Bicep compiler.

Where there is none, they are left out, and a line says so. Where `BICEP` names one, as in CI, it has to run.
"""

import os
from pathlib import Path

import pytest

from tests.infra import snapshot
from tools import bicep

# These read files only.
_WITHOUT = {"test_arm.py", "test_bicep.py", "test_deploy_guide.py", "test_form.py"}


def _compiler() -> bicep.Compiler | None:
    found = bicep.find()
    return found if found is not None and (found.is_pinned or os.environ.get("BICEP")) else None


COMPILER = _compiler()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what needs the compiler if there is none."""
    named = collection_path.name.startswith("test_") and collection_path.name not in _WITHOUT
    return True if COMPILER is None and named else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that tests are left out."""
    if COMPILER is None:
        terminalreporter.write_line(
            f"tests/infra: what needs the Bicep compiler {bicep.VERSION} is left out, because it is not there."
        )


@pytest.fixture(scope="session", autouse=True)
def _shared_snapshots(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "snapshots"
    folder.mkdir(exist_ok=True)
    snapshot.keep_in(folder)
