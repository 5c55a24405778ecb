"""The platform of the package: the Python that compiles for it, and the wheels that it can load."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.package.command import run
from tools.package.errors import PackageError

DEFAULT_PYTHON = "python3.13"
ARCHITECTURE = "x86_64"
# The Functions images for Python 3.12 and later are Debian 12, which has glibc 2.36.
# https://github.com/Azure/azure-functions-docker/tree/dev/host/4/bookworm/python
GLIBC = (2, 36)
_OLDEST_GLIBC = (2, 5)
_LEGACY_TAGS = ("manylinux2014", "manylinux2010", "manylinux1")
# The package holds bytecode, which only the Python that runs it on Azure can write.
_INSTALL = (
    "The package needs Python 3.13, the one that runs it on Azure. Install it with `uv python install 3.13`, with"
    " `pyenv install 3.13`, or on Debian and Ubuntu with `apt install python3.13 python3.13-venv`; or say where it is"
    " with --python (make package TARGET_PYTHON=/path/to/python3.13)."
)
_ASK = """
import importlib.util, json, sys
print(json.dumps([sys.version_info[:3], sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex()]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A Python interpreter: its path, its version and the tag of its bytecode."""

    python: str
    version: tuple[int, int, int]
    cache_tag: str
    magic: bytes

    @property
    def minor(self) -> str:
        """The version as wheels and Azure write it, `3.13`."""
        return f"{self.version[0]}.{self.version[1]}"


def find(python: str = "", environ: Mapping[str, str] = os.environ) -> Target:
    """Inspect a Python, by path or by name on the PATH; without one look for Azure's where it usually is.

    Raise `PackageError` if it is not there or does not run.
    """
    if python:
        return _inspected(python, environ)
    refused = []
    for path in candidates(environ):
        try:
            target = _inspected(str(path), environ)
        except PackageError as error:
            refused.append(f"{path}: {str(error).splitlines()[-1]}")
            continue
        if f"python{target.minor}" == DEFAULT_PYTHON:
            return target
        refused.append(f"{path} is Python {target.minor}.")
    tried = "".join(f"\nTried {line}" for line in refused)
    raise PackageError(f"{_INSTALL}{tried}")


def candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where Azure's Python may be: on the PATH, among pyenv's versions and among uv's, the newest first."""
    minor = DEFAULT_PYTHON.removeprefix("python")
    home = Path(environ.get("HOME") or Path.home())
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for on_path in filter(None, environ.get("PATH", "").split(os.pathsep)):
        yield from _in(Path(on_path))
    for versions, pattern in ((pyenv, f"{minor}.*"), (uv, f"cpython-{minor}.*")):
        for folder in sorted(versions.glob(pattern), key=_patch, reverse=True):
            yield from _in(folder / "bin")


def _in(folder: Path) -> Iterator[Path]:
    path = folder / DEFAULT_PYTHON
    if os.access(path, os.X_OK) and path.is_file():
        yield path


def _patch(folder: Path) -> tuple[int, ...]:
    """Return the number of a version, as (3, 13, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", folder.name)[:3])


def _inspected(python: str, environ: Mapping[str, str]) -> Target:
    found = shutil.which(python, path=environ.get("PATH", ""))
    if found is None:
        raise PackageError(f"There is no {python} on the PATH. {_INSTALL}")
    try:
        version, cache_tag, magic = json.loads(run((found, "-I", "-c", _ASK)))
    except (PackageError, ValueError) as error:
        raise PackageError(f"{found} does not run. Say with --python where a Python is that does.\n{error}") from error
    return Target(python=found, version=tuple(version), cache_tag=cache_tag, magic=bytes.fromhex(magic))


def platforms() -> tuple[str, ...]:
    """Return the tags of every wheel that the target's glibc can load, the newest first.

    https://packaging.python.org/specifications/platform-compatibility-tags/#manylinux
    """
    major, newest = GLIBC
    tags = [f"manylinux_{major}_{minor}" for minor in range(newest, _OLDEST_GLIBC[1] - 1, -1)]
    return tuple(f"{tag}_{ARCHITECTURE}" for tag in (*tags, *_LEGACY_TAGS))
