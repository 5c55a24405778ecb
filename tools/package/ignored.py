"""The files that are not packaged: those in .funcignore, which `func` and `azd` read as well.

https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference

It has the form of a .gitignore. Only the part of it is understood that all three read alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from tools.package.errors import PackageError

_NOT_UNDERSTOOD = ("!", "**", "[", "\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line: a pattern for a name anywhere or for a path from the root, for folders only or for files as well."""

    pattern: str
    from_root: bool
    folders_only: bool

    def fits(self, path: PurePosixPath, *, folder: bool) -> bool:
        """Tell whether the line matches this path."""
        if self.folders_only and not folder:
            return False
        return fnmatchcase(str(path) if self.from_root else path.name, self.pattern)


def parse(text: str) -> tuple[Rule, ...]:
    """Parse the lines; raise `PackageError` for one that is not supported."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(_rule(line) for line in lines if line and not line.startswith("#"))


def files(root: Path, rules: tuple[Rule, ...]) -> Iterator[PurePosixPath]:
    """Yield the files of a folder that no line matches, as relative paths, in order."""
    return _files(root, PurePosixPath(), rules)


def _rule(line: str) -> Rule:
    pattern = line.strip("/")
    if any(sign in line for sign in _NOT_UNDERSTOOD) or not pattern:
        raise PackageError(f".funcignore: {line!r} is more than a name or a path with * in its last part")
    return Rule(pattern=pattern, from_root="/" in line.rstrip("/"), folders_only=line.endswith("/"))


def _files(root: Path, folder: PurePosixPath, rules: tuple[Rule, ...]) -> Iterator[PurePosixPath]:
    for found in sorted((root / folder).iterdir()):
        path = folder / found.name
        if any(rule.fits(path, folder=found.is_dir()) for rule in rules):
            continue
        if found.is_dir():
            yield from _files(root, path, rules)
        else:
            yield path
