"""Write docs/settings.md and local.settings.json.example from the table: `python -m tools.settings_table`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from proxy.config import table
from proxy.config.environment import Setting
from proxy.config.policy import Policy
from proxy.config.settings import TIMEOUTS
from tools.models import default_model

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / "local.settings.json.example"

HEAD = """# Settings

This page is generated from the table of settings (`python -m tools.settings_table`).

Every setting is an environment variable: an application setting of the Function App on Azure, an entry of
`local.settings.json` or a variable of the shell on your own machine. Only `AZURE_OPENAI_ENDPOINT` is always needed, or
`AZURE_OPENAI_RESOURCES` in its place.

An empty variable counts as unset. With a wrong value every request is answered with 503 and a message that names the
variable; the log has it too. `make start` does not start then. The message never contains the value.

Flags are `true` or `false`. Times are in seconds and may have a fraction."""

NOTES = {
    "Timeouts": """\
Azure Functions cuts a response that is silent for 230 seconds, and ends every request at the `functionTimeout` of
host.json. So no timeout may be longer than 230 seconds (except `UPSTREAM_TOTAL_TIMEOUT`) or longer than
`functionTimeout` less 10 seconds. A value above these limits is wrong; a default is lowered to them.""",
    "HTTP proxy for outgoing calls": """\
These are the variables that curl and other programs read. Their lower-case spellings work too and take precedence.
Calls to this machine and to the managed identity never use a proxy.""",
}

NUMBERS = """## Failover numbers

`AZURE_OPENAI_ROUTING` changes when a request is tried again and how long a deployment is skipped after a failure. It is
a JSON object with the numbers that differ from the defaults:

```json
{"attempts": 2, "retries_timeouts": true}
```
"""

# What the example file sets for the simulator on this machine; every other value is a default, but for those of the
# timeouts: a lower functionTimeout lowers what is not set, and makes a value above it wrong.
FOR_SIMULATOR: Mapping[Setting[object], str] = {
    table.AZURE_OPENAI_ENDPOINT: "http://127.0.0.1:8081",
    table.AZURE_OPENAI_MODEL_MAPPER: ",".join(
        f"{one}={one}" for one in (default_model().name, "text-embedding-3-small")
    ),
    table.AZURE_OPENAI_AUTH: "key",
    table.AZURE_OPENAI_API_KEY: "simulator-key",
    table.CLIENT_KEYS: "local=sk-for-this-machine-only",
}
FOR_PLATFORM = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "AzureWebJobsStorage": "",
    "AzureWebJobsSecretStorageType": "files",
    "PYTHON_ENABLE_INIT_INDEXING": "1",
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES": "1",
}
HOST = {"LocalHttpPort": 7071, "CORS": "*"}
# They belong to the machine, not to the app.
NOT_IN_EXAMPLE: frozenset[Setting[object]] = frozenset(
    {table.HTTPS_PROXY, table.HTTP_PROXY, table.ALL_PROXY, table.NO_PROXY}
)


def settings() -> tuple[Setting[object], ...]:
    """Return every setting of the table."""
    return tuple(setting for section in table.SECTIONS.values() for setting in section)


def page() -> str:
    """Return docs/settings.md."""
    return "\n".join((HEAD, *_sections(), "", NUMBERS, *_numbers(), ""))


def example() -> str:
    """Return local.settings.json.example."""
    chosen: Mapping[Setting[object], str] = {**dict.fromkeys(TIMEOUTS.values(), ""), **FOR_SIMULATOR}
    values = {one.name: chosen.get(one, one.default) for one in settings() if one not in NOT_IN_EXAMPLE}
    return json.dumps({"IsEncrypted": False, "Values": FOR_PLATFORM | values, "Host": HOST}, indent=2) + "\n"


def _sections() -> Iterator[str]:
    for title, section in table.SECTIONS.items():
        yield f"\n## {title}\n"
        if title in NOTES:
            yield f"{NOTES[title]}\n"
        yield "| Variable | Default | Meaning |"
        yield "|---|---|---|"
        for setting in section:
            yield f"| `{setting.name}` | {_shown(setting.default)} | {setting.description} |"


def _numbers() -> Iterator[str]:
    yield "| Name | Default | Meaning |"
    yield "|---|---|---|"
    for number in fields(Policy):
        yield f"| `{number.name}` | `{json.dumps(number.default).removesuffix('.0')}` | {number.metadata['text']} |"


def _shown(default: str) -> str:
    return f"`{default}`" if default else "unset"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    EXAMPLE.write_text(example(), "utf-8")
