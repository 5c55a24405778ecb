"""Runs a program and returns its output, or reports why it failed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.package.errors import PackageError

_LAST_WORDS = 2000


def run(command: Sequence[str | Path], environ: Mapping[str, str] | None = None) -> str:
    """Return the output of a program; raise `PackageError` with the end of its error output if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)  # noqa: S603  no shell
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-_LAST_WORDS:]
        raise PackageError(f"{Path(command[0]).name} failed with code {done.returncode}:\n{words}")
    return done.stdout
