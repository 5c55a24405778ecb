"""Find out what is wrong with a set-up, and the command that mends it: `python -m tools.doctor`, or `make doctor`.

The settings come from the environment and from local.settings.json, as with `make start`; the identity is your login of
the Azure CLI. The app itself does the same for the key of an operator: `POST /doctor`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from proxy.diagnosis.findings import Event, Finding, Progress, State, Summary, encode
from proxy.pipeline.doctor.run import examine
from tools.functions_host.settings import SettingsError, read_values

APP = Path(__file__).parents[1]
# What the local host sets too, where nothing else is set.
DEVELOPMENT = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
UNREADABLE_SETTINGS = 2
_CODES = "The exit code is 0 if all is well, 1 if there are warnings, and 2 if there are faults or a check did not end."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__, epilog=_CODES)
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON, as POST /doctor does")
    parser.add_argument("--calls", action="store_true", help="call each deployment for one token")
    parser.add_argument("--local-settings", type=Path, default=APP / "local.settings.json", metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        environ = DEVELOPMENT | read_values(os.environ, given.local_settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return UNREADABLE_SETTINGS
    return asyncio.run(_run(environ, calls=given.calls, as_json=given.json))


async def _run(environ: Mapping[str, str], *, calls: bool, as_json: bool) -> int:
    code = UNREADABLE_SETTINGS
    async for event in examine(environ, lambda path: APP.joinpath(path).read_bytes(), calls=calls):
        print(encode(event).decode().rstrip("\n") if as_json else _line(event), flush=True)
        if isinstance(event, Summary):
            code = event.exit_code
    return code


def _line(event: Event) -> str:
    match event:
        case Finding():
            head = f"  {event.severity.value.upper()}  {event.code}: {event.what}"
            return f"{head}\n    why    {event.why}\n    mend   {event.cure}"
        case Progress(state=State.RUNNING):
            return f"{event.check} ..."
        case Progress():
            return f"  {event.state.value:<8} {event.detail}".rstrip()
    left = "" if event.is_complete else " The run was not completed."
    return f"\n{event.faults} faults, {event.warnings} warnings.{left}"


if __name__ == "__main__":
    sys.exit(main())
