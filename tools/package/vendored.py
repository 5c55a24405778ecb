"""Unpacks the dependencies into the folder in which Azure's Python worker looks for them."""

import shutil
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from tools.package.command import run
from tools.package.locked import only_for

# Where the worker looks: https://learn.microsoft.com/azure/azure-functions/python-build-options
FOLDER = ".python_packages/lib/site-packages"
# Not needed at run time; scripts name the Python of this machine, and pip's records are wrong without these files.
UNREAD = ("*.c", "*.h", "*.pxd", "*.pxi", "*.pyi", "*.pyx", "INSTALLER", "RECORD", "REQUESTED", "py.typed")
UNREAD_FOLDERS = ("bin", "*/tests")


def install(lock: Path, minor: str, folder: Path) -> None:
    """Unpack the listed wheels, verify their digests, and remove files that are not needed.

    Any Python's pip can do that for another one, except that it judges `Requires-Python` by itself; the list was made
    by the target, so there is nothing to judge.
    """
    command: list[str | Path] = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile"),
        *("--ignore-requires-python", "--root-user-action=ignore", *only_for(minor)),
        *("--target", folder, "--requirement", lock),
    ]
    run(command)
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and _is_one_of(path.relative_to(folder).as_posix(), UNREAD_FOLDERS):
            shutil.rmtree(path)
        elif path.is_file() and _is_one_of(path.name, UNREAD):
            path.unlink()


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
