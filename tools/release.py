"""Write the name of a release wherever it occurs: `python -m tools.release --repository OWNER/NAME v1.2.3`.

It stands in the address of the package, in the button of each README, and in the versions of the project, of the app
and of the template. Without a
repository it is that of `origin`, without a tag that of the project's version. `--check` changes nothing: it names the
files that name no release yet, or with a tag fails for those that name another one.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tools import bicep

ROOT = Path(__file__).parents[1]
SOURCE, TEMPLATE, PROJECT = "infra/resources.bicep", "infra/azuredeploy.json", "pyproject.toml"
READMES = ("README.md", "README.zh-CN.md")
FILES = (SOURCE, TEMPLATE, *READMES, PROJECT, "proxy/version.py")
# The owner in the repository of nobody.
UNSTAMPED = "OWNER"

_PACKAGE = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/releases/download/([\w.-]+)/released-package\.zip")
_RAW = re.compile(r"https%3A%2F%2Fraw\.githubusercontent\.com%2F[\w.-]+%2F[\w.-]+%2F[\w.-]+%2Finfra%2F(\w+)\.json")
_VERSION = re.compile(r'(?<=^version = ")[^"]+(?="$)', re.MULTILINE | re.IGNORECASE)
# In the Bicep, and in what is compiled of it.
_DEPLOYED = re.compile(
    r"""(?<=^var templateVersion = ')[^']+(?='$)|(?<="templateVersion": ")v[^"]+(?=")""", re.MULTILINE
)
_ORIGIN = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
_TAG = re.compile(r"v\d+\.\d+\.\d+(-[\w.]+)?")


class ReleaseError(Exception):
    """The name of a release is not valid."""


@dataclass(frozen=True, slots=True)
class Release:
    """A tag of a repository, `owner/name`."""

    repository: str
    tag: str

    def __post_init__(self) -> None:
        """Raise `ReleaseError` if the tag or the repository is not valid."""
        if not _TAG.fullmatch(self.tag):
            raise ReleaseError(f"{self.tag} is no tag of a version, as v1.2.3")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            raise ReleaseError(f"{self.repository} is no repository, as owner/name")


def named_in(bicep: str) -> Release:
    """Return the release whose package the Bicep deploys."""
    match = _PACKAGE.search(bicep)
    if match is None:
        raise ReleaseError("the Bicep names no package")
    return Release(match[1], match[2])


def stamped(text: str, release: Release) -> str:
    """Return a file's text with every address of the package and of the button, and the version, of a release."""
    package = f"https://github.com/{release.repository}/releases/download/{release.tag}/released-package.zip"
    text = _DEPLOYED.sub(release.tag, _VERSION.sub(release.tag.removeprefix("v"), text))
    return _RAW.sub(lambda match: _raw(release, match[1]), _PACKAGE.sub(package, text))


def stamp(release: Release, compiler: bicep.Compiler | None, root: Path = ROOT) -> None:
    """Write the name of a release into all files, the template with a compiler if there is one."""
    for path in FILES:
        (root / path).write_text(stamped((root / path).read_text("utf-8"), release), "utf-8", newline="\n")
    if compiler is None:
        print(f"Note: {TEMPLATE} keeps the hash of the one before, because there is no Bicep compiler to build it.")
    else:
        (root / TEMPLATE).write_bytes(bicep.build(compiler, root / SOURCE))


def unstamped(release: Release | None, root: Path = ROOT) -> Iterator[str]:
    """Yield the files that name no release, or another one than this."""
    for path in FILES:
        text = (root / path).read_text("utf-8")
        if (stamped(text, release) != text) if release else f"{UNSTAMPED}/" in "".join(_addresses(text)):
            yield path


def _addresses(text: str) -> Iterator[str]:
    for pattern in (_PACKAGE, _RAW):
        yield from (match[0].replace("%2F", "/") for match in pattern.finditer(text))


def button(release: Release) -> str:
    """Return the button in Markdown."""
    template, form = _raw(release, "azuredeploy"), _raw(release, "createUiDefinition")
    portal = "https://portal.azure.com/#create/Microsoft.Template"
    return f"[![Deploy to Azure](https://aka.ms/deploytoazurebutton)]({portal}/uri/{template}/createUIDefinitionUri/{form})"


def _raw(release: Release, name: str) -> str:
    # Both are read by the portal in the browser, so they must be public and in the repository itself.
    address = f"https://raw.githubusercontent.com/{release.repository}/{release.tag}/infra/{name}.json"
    return quote(address, safe="")


def origin(root: Path = ROOT) -> str:
    """Return the repository on GitHub that git calls `origin`; raise `ReleaseError` if there is none."""
    git = ["git", "remote", "get-url", "origin"]
    told = subprocess.run(git, cwd=root, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  no shell
    match = _ORIGIN.search(told)
    if match is None:
        raise ReleaseError("There is no remote `origin` on GitHub: say --repository OWNER/NAME")
    return match[1]


def _version() -> str:
    match = _VERSION.search((ROOT / PROJECT).read_text("utf-8"))
    return f"v{match[0]}" if match else ""


def check(release: Release | None) -> int:
    """Name what is not stamped; return 1 if it should be."""
    found = list(unstamped(release))
    if found and release:
        print(f"Not stamped with {release.repository} {release.tag}: {', '.join(found)}")
    elif found:
        print(f"Note: no release is named yet in {', '.join(found)}; CONTRIBUTING.md says how.")
    return 1 if found and release else 0


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--repository", help="owner/name")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("tag", nargs="?", help="as v1.2.3")
    given = parser.parse_args(arguments)
    try:
        if given.check and given.tag is None:
            return check(None)
        release = Release(given.repository or origin(), given.tag or _version())
        if given.check:
            return check(release)
        stamp(release, bicep.find())
    except (ReleaseError, bicep.BicepError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
