"""Command line: `python -m tools.usage --url https://NAME.azurewebsites.net`, with an admin key in `ADMIN_KEY`."""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.usage.pictures import NoPicturesError, draw
from tools.usage.report import COUNTS, as_csv, plot, rows_of, table

_DAY = 86_400
_KINDS = ("completions", "embeddings", "images", "audio_speeches", "audio_transcriptions")
_VALUES = ("cost", *COUNTS)
_TIMEOUT = 60.0


class UsageError(Exception):
    """The proxy does not tell its usage."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print usage by day, client and model; return 1 with the reason when it cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        key = _key()
        start = int(time.time()) // _DAY * _DAY - (given.days - 1) * _DAY
        usage = [
            bucket
            for kind in _KINDS
            for bucket in _buckets(given.url, f"usage/{kind}", key, start, ("model", "api_key_id"))
        ]
        rows = rows_of(usage, _buckets(given.url, "costs", key, start, ("line_item", "api_key_id")))
        print(as_csv(rows) if given.csv else table(rows), end="" if given.csv else "\n")
        if given.plot:
            print(f"\n{given.value} by day\n{plot(rows, given.value)}")
        if given.png:
            draw(rows, given.value, given.png)
    except (UsageError, NoPicturesError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _key() -> str:
    key = os.environ.get("ADMIN_KEY")
    if not key:
        raise UsageError("Put an admin key into the environment variable ADMIN_KEY.")
    return key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.usage", description="Show what clients have used.")
    parser.add_argument("--url", default="http://127.0.0.1:7071", help="where the proxy is, without /v1")
    parser.add_argument("--days", type=int, default=30, help="how many days, with today")
    parser.add_argument("--csv", action="store_true", help="print CSV")
    parser.add_argument("--plot", action="store_true", help="print bars by day, too")
    parser.add_argument("--png", type=Path, help="write a picture by client and by model; needs matplotlib")
    parser.add_argument("--value", choices=_VALUES, default="cost", help="what bars and pictures show")
    return parser


def _buckets(url: str, name: str, key: str, start: int, group_by: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the buckets of all pages."""
    asked = [
        ("start_time", str(start)),
        ("limit", "31"),
        ("details", "true"),
        *(("group_by[]", group) for group in group_by),
    ]
    page: str | None = ""
    while page is not None:
        query = urllib.parse.urlencode([*asked, *([("page", page)] if page else [])])
        answer = _read(f"{url.rstrip('/')}/v1/organization/{name}?{query}", key)
        yield from answer["data"]
        page = answer["next_page"]


def _read(url: str, key: str) -> Any:
    if not url.startswith(("https://", "http://")):
        raise UsageError("--url must be an address with https:// or http://.")
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})  # noqa: S310  checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise UsageError(f"The proxy answers {error.code}: {error.read(500).decode(errors='replace')}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"The proxy cannot be asked: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
