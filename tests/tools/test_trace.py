"""How much a request takes is counted, and must not become more."""

import subprocess
import sys

from tests.processes import REPOSITORY


def test_no_request_takes_more_calls_functions_or_files_than_its_limit() -> None:
    traced = subprocess.run(
        [sys.executable, "-m", "tools.trace"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert traced.returncode == 0, f"{traced.stdout}{traced.stderr}"
