"""Tell how long the default model of a new account can still be deployed: `python -m tools.models` (make models-age).

infra/models.json has the small general models of Azure's table of retirements, and which of them is the default.
`closes` is twelve months after the version: who has no deployment of it by then is refused one
(ServiceModelDeprecating). https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirements

`python -m tools.models use NAME` makes another model of the table the default, in the form too.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
TABLE, FORM = ROOT / "infra" / "models.json", ROOT / "infra" / "createUiDefinition.json"
# Long enough to choose another model, try it and release.
NOTICE = timedelta(days=90)


class ModelError(Exception):
    """The table does not have a model."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model: from when on new customers get no deployment of it, and when its deployments end."""

    name: str
    version: date
    closes: date
    retires: date


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The models of a source as of a date, and the default."""

    source: str
    source_date: date
    default: str
    models: list[Model]

    def named(self, name: str) -> Model:
        """Return a model; raise `ModelError` if the table does not have it."""
        for model in self.models:
            if model.name == name:
                return model
        raise ModelError(f"infra/models.json has no {name}, but {', '.join(model.name for model in self.models)}")


def table() -> Table:
    """Return the table."""
    return msgspec.json.decode(TABLE.read_bytes(), type=Table)


def default_model() -> Model:
    """Return the default model."""
    known = table()
    return known.named(known.default)


def problems(model: Model, today: date) -> Iterator[str]:
    """Yield what stands against a model as the default."""
    dates = {"no new customer gets a deployment of it": model.closes, "its deployments end": model.retires}
    for what, day in dates.items():
        if day - today <= NOTICE:
            yield f"{model.name} {model.version}: {what} from {day} on, in {(day - today).days} days."


def age(today: date) -> int:
    """Print the dates of the default model; return 1 if it is time for another one."""
    known, model = table(), default_model()
    found = list(problems(model, today))
    print(*found or [f"{model.name} {model.version} can be deployed until {model.closes}."], sep="\n")
    if found:
        print(f"Read {known.source}, add newer models to infra/models.json, and run: python -m tools.models use NAME")
    return 1 if found else 0


def use(name: str) -> int:
    """Make a model the default."""
    known = table()
    known.named(name)
    for path in (TABLE, FORM):
        text = path.read_text("utf-8")
        path.write_text(with_default(text, known.default, name), "utf-8", newline="\n")
    print("Now run: make infra, and python -m tools.settings_table; README.md and docs/deploy.md name the model too.")
    return 0


def with_default(text: str, old: str, new: str) -> str:
    """Return a file's text with another default; the rows of the table stay."""
    lines = [line if '"version"' in line else line.replace(old, new) for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str], today: date) -> int:
    """Run a command; return the exit code."""
    try:
        match arguments:
            case []:
                return age(today)
            case ["use", name]:
                return use(name)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], datetime.now(UTC).date()))
