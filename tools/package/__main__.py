"""Command line: `python -m tools.package` builds, `python -m tools.package lock` updates the list of dependencies."""

import argparse
import sys
from pathlib import Path

from tools.package import locked, target
from tools.package.build import LOCKS, ROOT, build
from tools.package.errors import PackageError

OUTPUT = ROOT / "dist" / "released-package.zip"


def write_package(python: str, output: Path) -> None:
    """Build the package and print its size and digest."""
    built = build(target.find(python), output)
    version = ".".join(map(str, built.target.version))
    print(f"{built.path}: {built.bytes / 1e6:.1f} MB for Python {version}\nsha256 {built.sha256}")


def write_lock(python: str) -> None:
    """Update the list of dependencies."""
    found = target.find(python)
    path = locked.kept(LOCKS, found.minor)
    path.write_text(locked.resolve(ROOT / "requirements.txt", found), "utf-8", newline="\n")
    print(path)


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.package", description="Build the package for Azure.")
    parser.add_argument("what", nargs="?", choices=("build", "lock"), default="build")
    parser.add_argument("--python", default="", help="the Python it is for (default: looked for)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: dist/released-package.zip")
    options = parser.parse_args()
    try:
        if options.what == "lock":
            write_lock(options.python)
        else:
            write_package(options.python, options.output)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
