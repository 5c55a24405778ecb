"""The locked dependencies: every wheel with its version and digest, for one version of Python.

For the Python of a release the list is kept, so that the same commit makes the same package a year later. For another
one it is made anew.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.package.command import run
from tools.package.target import Target, platforms

_HEAD = "# Made by `make lock` from requirements.txt: what the package for Python {minor} on Linux is made of.\n"


def kept(folder: Path, minor: str) -> Path:
    """Return the path of the list for a version of Python, None if there is none."""
    return folder / f"requirements-{minor}.txt"


def resolve(requirements: Path, target: Target) -> str:
    """Resolve the requirements and return the list in pip's format.

    The target's own Python must ask: pip judges the conditions in the requirements by the Python that runs it.
    https://github.com/pypa/pip/issues/11664
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asking = (target.python, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed")
        run((*asking, "--target", folder, "--report", report, *only_for(target.minor), "--requirement", requirements))
        installs = json.loads(report.read_text("utf-8"))["install"]
    return _HEAD.format(minor=target.minor) + "".join(sorted(_lines(installs)))


def only_for(minor: str) -> Iterator[str]:
    """Yield the options with which pip uses only wheels for the target."""
    yield from ("--only-binary=:all:", "--implementation=cp", f"--python-version={minor}")
    yield from (f"--platform={tag}" for tag in platforms())


def _lines(installs: list[dict[str, dict[str, object]]]) -> Iterator[str]:
    for one in installs:
        name, version = one["metadata"]["name"], one["metadata"]["version"]
        archive = one["download_info"]["archive_info"]
        digest = archive["hashes"]["sha256"] if isinstance(archive, dict) else ""
        yield f"{str(name).lower()}=={version} --hash=sha256:{digest}\n"
