"""Compares what a start costs: `python -m tests.tools.package.imports [--python X] [--package FILE]`.

CPU of importing the runtime and the app in a fresh process, on a Python with nothing else: the package against the
default app of the bench with what the official extension's requirements install, compiled by pip as usual.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.variants import DEFAULT
from tests.tools.package.starting import REQUIREMENTS, RUNTIME, bare_python, dependencies, unpacked
from tools.package import target
from tools.package.__main__ import OUTPUT
from tools.package.build import build
from tools.package.target import Target

RUNTIME_ALONE = "import azure.functions, azure_functions_runtime"
ALL = f"{RUNTIME_ALONE}, function_app"
NAIVE = ("azure-functions", "azurefunctions-extensions-http-fastapi", "aiohttp", RUNTIME)
ENVIRON = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_OPENAI_API_KEY": "key",
    "CLIENT_KEYS": "someone=sk-0123456789abcdef",
}


def milliseconds(python: Path, app: Path, statement: str) -> float:
    """Return the CPU of one process with an app's path."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": dependencies(app), **ENVIRON}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", statement], cwd=app, env=environ, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def naive(found: Target, folder: Path) -> Path:
    """Install the default app with its dependencies, and return its folder."""
    shutil.copytree(DEFAULT.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    # The runtime says that it needs 3.13, and runs on 3.11; both sides get the same versions of what both have.
    options = ["--quiet", "--root-user-action=ignore", "--only-binary=:all:", "--ignore-requires-python"]
    where = ["--constraint", str(REQUIREMENTS), "--target", dependencies(folder)]
    subprocess.run([found.python, "-m", "pip", "install", *options, *where, *NAIVE], check=True)
    return folder


def compared(package: Path, found: Target, rounds: int) -> list[float]:
    """Return the medians of the runtime alone, the package and the default, in turns after one that does not count."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = bare_python(found, folder / "python")
        ours, default = unpacked(package, folder / "ours"), naive(found, folder / "naive")
        cases = (ours, RUNTIME_ALONE), (ours, ALL), (default, ALL)
        rows = [[milliseconds(python, app, statement) for app, statement in cases] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Print size and times."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.package.imports", description="Compare starts.")
    parser.add_argument("--python", default="")
    parser.add_argument("--package", type=Path, help="default: one is built")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    found = target.find(options.python)
    package = options.package or build(found, OUTPUT).path
    runtime, ours, default = compared(package, found, options.rounds)
    sys.stdout.write(
        f"package            {package.stat().st_size / 1e6:.1f} MB for Python {found.minor}\n"
        f"CPU of an import   package {ours:.0f} ms, default {default:.0f} ms, ratio {ours / default:.2f}\n"
        f"less the runtime's {runtime:.0f} ms: ratio {(ours - runtime) / (default - runtime):.2f}\n"
    )


if __name__ == "__main__":
    main()
