"""Bytecode for every source, compiled by the version of Python that will run it."""

import os
from pathlib import Path

from tools.package.command import run
from tools.package.target import Target


def compile_all(folder: Path, target: Target) -> None:
    """Compile all sources in a folder.

    Unchecked, because the zip and the platform give sources other times and bytecode with a time would be made anew at
    every start. One process with a fixed seed, in a fixed order: sets and shared constants are written the same then.
    https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
    """
    environ = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1"}
    how = ("-q", "-f", "-s", folder, "--invalidation-mode", "unchecked-hash")
    run((target.python, "-P", "-m", "compileall", *how, folder), environ)
