"""The command line says what it cannot do."""

import subprocess
import sys

from tools.package.build import ROOT


def test_without_the_targets_python_it_says_so_and_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.package", "--python", "python9.9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "There is no python9.9 on the PATH." in done.stderr
    assert "Traceback" not in done.stderr
