"""Writes the name of a release wherever it occurs: in the address of the package and in those of the button.

The owner and name of the repository are kept in the address of the package in infra/resources.bicep.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

_PACKAGE = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/releases/download/([\w.-]+)/released-package\.zip")
_RAW = re.compile(r"https%3A%2F%2Fraw\.githubusercontent\.com%2F[\w.-]+%2F[\w.-]+%2F[\w.-]+%2Finfra%2F(\w+)\.json")
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
    """Return a file's text with every address of the package and of the button changed to a release."""
    package = f"https://github.com/{release.repository}/releases/download/{release.tag}/released-package.zip"
    return _RAW.sub(lambda match: _raw(release, match[1]), _PACKAGE.sub(package, text))


def button(release: Release) -> str:
    """Return the button in Markdown."""
    template, form = _raw(release, "azuredeploy"), _raw(release, "createUiDefinition")
    portal = "https://portal.azure.com/#create/Microsoft.Template"
    return f"[![Deploy to Azure](https://aka.ms/deploytoazurebutton)]({portal}/uri/{template}/createUIDefinitionUri/{form})"


def _raw(release: Release, name: str) -> str:
    # Both are read by the portal in the browser, so they must be public and in the repository itself.
    address = f"https://raw.githubusercontent.com/{release.repository}/{release.tag}/infra/{name}.json"
    return quote(address, safe="")
