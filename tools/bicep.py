"""Build infra/azuredeploy.json with Microsoft's Bicep compiler: `python -m tools.bicep`, or `compare` it only.

The compiler is what `BICEP` names, `bicep` on the PATH, or what `az bicep install` has installed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SOURCE, TEMPLATE = ROOT / "infra" / "resources.bicep", ROOT / "infra" / "azuredeploy.json"
# Every template holds the version of its compiler, so one version builds the committed one. The workflows install it.
VERSION = "0.49.2"
_VERSION = re.compile(r"Bicep CLI version (\d+\.\d+\.\d+)")
# The API of nested deployments, where one is made and where its outputs are read.
_NESTED = re.compile(
    r"""(?<="type": "Microsoft\.Resources/deployments",)\s+"apiVersion": "[\d-]+",|'[\d-]+'(?=\)\.outputs)"""
)


class BicepError(Exception):
    """The compiler cannot be run, or it refuses a file."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Bicep compiler that runs."""

    path: Path
    version: str

    @property
    def is_pinned(self) -> bool:
        """Tell whether it is the version that the committed template is built with."""
        return self.version == VERSION


def find(environ: Mapping[str, str] = os.environ) -> Compiler | None:
    """Return the compiler, None if there is none; raise `BicepError` if the one that `BICEP` names does not run."""
    given = environ.get("BICEP")
    if given:
        return _compiler(Path(given))
    for path in _usual_places(environ):
        if path.is_file():
            return _compiler(path)
    return None


def build(compiler: Compiler, source: Path = SOURCE) -> bytes:
    """Return the template of a Bicep file; raise `BicepError` with the compiler's words."""
    return _run(compiler.path, "build", str(source), "--stdout").encode()


def write(compiler: Compiler | None) -> int:
    """Write the template."""
    if compiler is None:
        raise BicepError(f"There is no Bicep compiler: set BICEP, or run `az bicep install --version v{VERSION}`.")
    TEMPLATE.write_bytes(build(compiler))
    if not compiler.is_pinned:
        print(f"Built by Bicep {compiler.version}. The committed template is built by {VERSION}.")
    return 0


def compare(compiler: Compiler | None) -> int:
    """Tell whether the committed template is what the Bicep says; without a compiler only tell that nobody knows."""
    if compiler is None:
        print("Note: infra/azuredeploy.json is not compared with the Bicep, because there is no Bicep compiler.")
        return 0
    same = _is_same(compiler) if compiler.is_pinned else _means_the_same(compiler)
    print("infra/azuredeploy.json is what the Bicep says." if same else "infra/azuredeploy.json is old: run make infra")
    return 0 if same else 1


def _is_same(compiler: Compiler) -> bool:
    return TEMPLATE.read_bytes() == build(compiler)


def _means_the_same(compiler: Compiler) -> bool:
    print(f"Note: Bicep {compiler.version} is not {VERSION}; compared without what differs between compilers.")
    try:
        built = build(compiler)
    except BicepError as error:
        print(f"Note: not compared, because this compiler cannot build it. {error}")
        return True
    return bool(comparable(TEMPLATE.read_bytes()) == comparable(built))


def comparable(template: bytes) -> Any:
    """Return a template without what its compiler puts in: its name, a hash, the API of nested deployments."""
    return _without_generator(json.loads(_NESTED.sub("", template.decode())))


def _without_generator(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_generator(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_generator(value) for key, value in node.items() if key != "_generator"}


def _usual_places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    on_path = shutil.which("bicep", path=environ.get("PATH", ""))
    azure = Path(environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    return (*([Path(on_path)] if on_path else []), azure / "bin" / "bicep", azure / "bin" / "bicep.exe")


def _compiler(path: Path) -> Compiler:
    words = _run(path, "--version")
    version = _VERSION.search(words)
    if version is None:
        raise BicepError(f"{path} is no Bicep compiler: {words.strip()[:200]}")
    return Compiler(path.resolve(), version[1])


def _run(path: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([path.resolve(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except OSError as error:
        raise BicepError(f"{path} does not run: {error.strerror}") from error
    if done.returncode:
        raise BicepError(f"{path} {' '.join(arguments)} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


COMMANDS = {"write": write, "compare": compare}


def main(arguments: list[str]) -> int:
    """Run a command; return the exit code."""
    command = arguments[0] if arguments else "write"
    if command not in COMMANDS or len(arguments) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](find())
    except BicepError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
