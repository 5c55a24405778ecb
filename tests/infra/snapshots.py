"""Snapshots of the five most used ways to deploy, for a review: `python -m tests.infra.snapshots` writes them.

`bicep snapshot FILE.bicepparam --mode validate` with the places below compares one with the Bicep by hand.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra import world
from tests.infra.deployment import Place
from tests.infra.snapshot import parameters, snapshot_of

FOLDER = Path(__file__).parent / "snapshots"
# Not the address of a release, which changes with each.
_PACKAGE = {"packageUri": "https://github.com/OWNER/NAME/releases/download/v1.2.3/released-package.zip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A way to deploy whose snapshot is kept."""

    source: str
    given: Mapping[str, Any]
    place: Place

    def text(self) -> str:
        """Return the file of parameters."""
        return parameters(f"../../../infra/{self.source}", self.given)


GROUP = "resources.bicep"
KEPT = {
    "new-account": Kept(source=GROUP, place=Place(), given={**world.WAYS["new account"], **_PACKAGE}),
    "one-existing-account": Kept(source=GROUP, place=Place(), given={**world.WAYS["one existing account"], **_PACKAGE}),
    "several-accounts-with-keys": Kept(
        source=GROUP, place=Place(), given={**world.WAYS["several accounts with keys"], **_PACKAGE}
    ),
    "new-account-private": Kept(
        source=GROUP, place=Place(), given={**world.PRIVATE["new account, private"], **_PACKAGE}
    ),
    "azd": Kept(source="main.bicep", given=world.AZD, place=Place(group=None)),
}


def snapshot(name: str) -> str:
    """Return the snapshot of what is committed as parameters, its outputs in order."""
    made = json.loads(snapshot_of(FOLDER / f"{name}.bicepparam", KEPT[name].place))
    return json.dumps({**made, "outputs": dict(sorted(made["outputs"].items()))}, indent=2) + "\n"


def main() -> int:
    """Write parameters and snapshots."""
    FOLDER.mkdir(exist_ok=True)
    for name, kept in KEPT.items():
        (FOLDER / f"{name}.bicepparam").write_text(kept.text(), "utf-8", newline="\n")
        (FOLDER / f"{name}.snapshot.json").write_text(snapshot(name), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
