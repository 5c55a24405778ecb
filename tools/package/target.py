"""The platform of the package: the Python that compiles for it, and the wheels that it can load."""

import json
import shutil
from dataclasses import dataclass

from tools.package.command import run
from tools.package.errors import PackageError

DEFAULT_PYTHON = "python3.13"
ARCHITECTURE = "x86_64"
# The Functions images for Python 3.12 and later are Debian 12, which has glibc 2.36.
# https://github.com/Azure/azure-functions-docker/tree/dev/host/4/bookworm/python
GLIBC = (2, 36)
_OLDEST_GLIBC = (2, 5)
_LEGACY_TAGS = ("manylinux2014", "manylinux2010", "manylinux1")
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


def find(python: str = DEFAULT_PYTHON) -> Target:
    """Inspect a Python, by path or by name on the PATH; raise `PackageError` if it cannot be run."""
    path = shutil.which(python)
    if path is None:
        raise PackageError(
            f"There is no {python} on the PATH. The package holds bytecode, which only the Python that runs it on Azure"
            " can write: install that version, or say where it is with --python."
        )
    try:
        version, cache_tag, magic = json.loads(run((path, "-I", "-c", _ASK)))
    except (PackageError, ValueError) as error:
        raise PackageError(f"{path} does not run. Say with --python where a Python is that does.\n{error}") from error
    return Target(python=path, version=tuple(version), cache_tag=cache_tag, magic=bytes.fromhex(magic))


def platforms() -> tuple[str, ...]:
    """Return the tags of every wheel that the target's glibc can load, the newest first.

    https://packaging.python.org/specifications/platform-compatibility-tags/#manylinux
    """
    major, newest = GLIBC
    tags = [f"manylinux_{major}_{minor}" for minor in range(newest, _OLDEST_GLIBC[1] - 1, -1)]
    return tuple(f"{tag}_{ARCHITECTURE}" for tag in (*tags, *_LEGACY_TAGS))
