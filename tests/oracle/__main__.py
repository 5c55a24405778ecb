"""Command line: record one checkout, compare two recordings."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from tests.oracle.case import Group
from tests.oracle.compare import differences, report
from tests.oracle.corpus import groups
from tests.oracle.record import record


def main() -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run the corpus through a checkout")
    recording.add_argument("--app", type=Path, required=True, help="the folder with function_app.py")
    recording.add_argument("--out", type=Path, required=True)
    recording.add_argument("--only", default="*", help="a pattern of groups, as 'faults*'")
    recording.add_argument("--case", default="*", help="a pattern of cases, as 'streams-odd/chat with*'")
    recording.add_argument("--skip", default="", help="a pattern of groups to leave out, as 'wrong*'")
    comparing = commands.add_parser("compare", help="show where two recordings differ")
    comparing.add_argument(
        "old", type=Path, nargs="+", help="more than one where the old app does not always do the same"
    )
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--shown", type=int, default=5, help="how many differences of a kind are shown in full")
    comparing.add_argument("--without-tags", action="store_true", help="leave out which ids name their resource")
    comparing.add_argument("--only", default="*", help="a pattern of cases")
    commands.add_parser("list", help="count the cases of each group")
    arguments = parser.parse_args()
    return {"record": _record, "compare": _compare, "list": _list}[arguments.command](arguments)


def _record(arguments: argparse.Namespace) -> int:
    chosen = [_chosen_cases(group, arguments.case) for group in groups() if _is_chosen(group.name, arguments)]
    chosen = [group for group in chosen if group.cases or arguments.case == "*"]
    began = time.monotonic()
    documents, took = asyncio.run(record(chosen, arguments.app.resolve()))
    arguments.out.write_text(json.dumps(documents, indent=1, ensure_ascii=False, sort_keys=True))
    seconds = time.monotonic() - began
    slowest = sorted(took.items(), key=lambda pair: -pair[1])[:8]
    print("The slowest:", ", ".join(f"{name} {each:.0f} s" for name, each in slowest))  # noqa: T201
    for group in chosen:
        if documents[f"{group.name}/(group)"].get("started") is not group.starts:
            print(f"{group.name}: the app {'did not start' if group.starts else 'started'}")  # noqa: T201
    print(f"{sum(len(group.cases) for group in chosen)} cases of {len(chosen)} groups in {seconds:.0f} s")  # noqa: T201
    return 0


def _is_chosen(name: str, arguments: argparse.Namespace) -> bool:
    return fnmatchcase(name, arguments.only) and not fnmatchcase(name, arguments.skip)


def _chosen_cases(group: Group, pattern: str) -> Group:
    chosen = (case for case in group.cases if fnmatchcase(f"{group.name}/{case.name}", pattern))
    return replace(group, cases=tuple(chosen))


def _compare(arguments: argparse.Namespace) -> int:
    *olds, new = (_read(path, arguments.only) for path in (*arguments.old, arguments.new))
    found = differences(olds, new, without_tags=arguments.without_tags)
    print(report(found, arguments.shown))  # noqa: T201
    return int(any(one.accepted() is None for one in found))


def _read(path: Path, pattern: str) -> dict[str, object]:
    return {name: value for name, value in json.loads(path.read_text()).items() if fnmatchcase(name, pattern)}


def _list(arguments: argparse.Namespace) -> int:
    counts = Counter({group.name: len(group.cases) for group in groups()})
    for name, count in sorted(counts.items()):
        print(f"{count:5} {name}")  # noqa: T201
    print(f"{counts.total():5} in {len(counts)} groups")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
