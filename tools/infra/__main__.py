"""Writes infra/azuredeploy.json from infra/resources.bicep: `python -m tools.infra`.

python -m tools.infra compare FILE [BICEP]  tell in what a template that Bicep's own compiler made differs from it
python -m tools.infra release TAG [OWNER/NAME]   name a release in the Bicep and in the README, and write the template
python -m tools.infra button                print the button for the README
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tools.infra.compare import differences
from tools.infra.release import Release, button, named_in, stamped
from tools.infra.template import translate

ROOT = Path(__file__).parent.parent.parent
SOURCE, TEMPLATE = "infra/resources.bicep", ROOT / "infra" / "azuredeploy.json"
STAMPED = (SOURCE, "README.md")


def written(source: str = SOURCE) -> str:
    """Return the template of a Bicep file of this project as the text of a file."""
    return json.dumps(translate(source, _load), indent=2) + "\n"


def write() -> int:
    """Write the template."""
    TEMPLATE.write_text(written(), "utf-8", newline="\n")
    return 0


def compare(path: str, source: str = SOURCE) -> int:
    """Print the differences between another template and the Bicep."""
    found = differences(json.loads(written(source)), json.loads(Path(path).read_text("utf-8")))
    print("\n".join(found) or "The same.")
    return 1 if found else 0


def release(tag: str, repository: str = "") -> int:
    """Write the name of a release wherever it occurs, and write the template."""
    named = Release(repository or named_in(_load(SOURCE)).repository, tag)
    for path in STAMPED:
        (ROOT / path).write_text(stamped(_load(path), named), "utf-8", newline="\n")
    return write()


def show_button() -> int:
    """Print the button."""
    print(button(named_in(_load(SOURCE))))
    return 0


COMMANDS: dict[str, Callable[..., int]] = {
    "compare": compare,
    "release": release,
    "button": show_button,
    "write": write,
}


def _load(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or ["write"]
    sys.exit(COMMANDS[command](*arguments) if command in COMMANDS else __doc__)
