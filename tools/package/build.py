"""Builds the package from the sources."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.package import archive, bytecode, ignored, locked, vendored
from tools.package.command import run
from tools.package.target import Target

ROOT = Path(__file__).parents[2]
LOCKS = Path(__file__).parent
# Dependencies that other tools have put there do not belong to this package.
_OWN = ".python_packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A package: its path and its digest."""

    path: Path
    bytes: int
    sha256: str
    target: Target


def build(target: Target, output: Path, root: Path = ROOT, locks: Path = LOCKS) -> Built:
    """Write the package of the app in `root`; raise `PackageError`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "package"
        _copy(root, folder)
        write_commit(root, folder)
        lock = locked.kept(locks, target.minor)
        if not lock.is_file():
            lock = Path(temporary) / "requirements.txt"
            lock.write_text(locked.resolve(root / "requirements.txt", target), "utf-8")
        vendored.install(lock, target.minor, folder / vendored.FOLDER)
        bytecode.compile_all(folder, target)
        archive.write(folder, output)
    return Built(path=output, bytes=output.stat().st_size, sha256=archive.digest(output), target=target)


def write_commit(root: Path, folder: Path) -> None:
    """Write the commit that the package is built of where the app looks for it; nothing outside of a repository."""
    if (root / ".git").exists():
        changed = run(("git", "-C", root, "status", "--porcelain", "--untracked-files=no"))
        commit = run(("git", "-C", root, "rev-parse", "HEAD")).strip()
        (folder / "proxy" / "commit.txt").write_text(f"{commit}{'-changed' if changed else ''}\n", "ascii")


def _copy(root: Path, folder: Path) -> None:
    rules = ignored.parse((root / ".funcignore").read_text("utf-8"))
    for path in ignored.files(root, rules):
        if path.parts[0] != _OWN:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, folder / path)
