"""A run that must be complete fails when something is skipped, in one process and in several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
FILES = {
    "skipped": 'import pytest\ndef test_this():\n    pytest.skip("no npm")\n',
    "marked": 'import pytest\n@pytest.mark.skipif(True, reason="no npm")\ndef test_this(): pass\n',
    "file": 'import pytest\npytest.skip("no npm", allow_module_level=True)\n',
    "expected": "import pytest\n@pytest.mark.xfail\ndef test_this(): assert False\n",
    "passed": "def test_this(): pass\n",
    "none": "",
}
SKIPPED = ("skipped", "marked", "file")


@pytest.fixture(params=[(), ("-n", "2")], ids=["one process", "two processes"])
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


def run(folder: Path, options: tuple[str, ...], *names: str, complete: bool) -> tuple[int, str]:
    """Run files beside the conftest; return the exit code and what was printed."""
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    for name in names:
        (folder / f"test_{name}.py").write_text(FILES[name])
    command = (sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", folder, "-p", "no:cacheprovider")
    environ = {"PATH": os.environ["PATH"]} | ({"FAIL_ON_SKIP": "1"} if complete else {})
    done = subprocess.run(
        [*command, *options, "."], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", SKIPPED)
def test_what_is_skipped_fails_a_run_that_must_be_complete(tmp_path: Path, options: tuple[str, ...], name: str) -> None:
    code, printed = run(tmp_path, options, "passed", name, complete=True)
    assert code != pytest.ExitCode.OK
    assert "FAIL_ON_SKIP" in printed
    assert "no npm" in printed


def test_what_is_skipped_fails_no_other_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, printed = run(tmp_path, options, "passed", *SKIPPED, complete=False)
    assert code == pytest.ExitCode.OK
    assert "1 passed, 3 skipped" in printed


def test_an_expected_failure_is_no_skipped_test(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, printed = run(tmp_path, options, "expected", complete=True)
    assert code == pytest.ExitCode.OK
    assert "1 xfailed" in printed


def test_a_run_without_tests_fails(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run(tmp_path, options, "none", complete=True)[0] == pytest.ExitCode.NO_TESTS_COLLECTED
