"""docs/reliability.md, generated from a run of the matrix."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import fill

from tests.faults.cell import Layout
from tests.faults.matrix import Result, Row
from tests.faults.operations import OPERATIONS

WIDTH = 120
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
_STREAMS = frozenset(operation.name for operation in OPERATIONS if operation.streams)
_COLUMNS = {
    Layout.ALONE: "One deployment",
    Layout.EQUAL: "Two that fail in the same way",
    Layout.SPILL: "A second one that works",
}
_HEAD = """\
# When Azure OpenAI fails

What a client sees when a deployment fails, for every known way of failing. `python -m tests.faults` makes the calls and
writes this page: real requests over real sockets, to a fake of Azure that sends broken bytes or none. A test makes them
again and compares.

The calls are {operations}. Each is made with one deployment, with two
equal ones that fail in the same way, and with one that fails before one of the next priority that works, such as
pay-as-you-go behind provisioned throughput.

**{faults} faults, {cells} cells run, {skipped} do not apply**; the last are below, with the reason. Each cell checks
what the client reads, how often each deployment was called, that one line was logged and every attempt recorded, that
neither has a prompt, a key or an address, and that no connection and no task is left. No broken answer looks complete.

*Complete* is the whole answer, *error event* is an error in a stream that has begun, after which the connection breaks
off, `response.failed` is Azure's own last event, after which the stream ends as it should, and a number is the status
of an error in OpenAI's shape. In brackets is how often Azure was called. If an answer is complete with a second
deployment that works and there were two calls, the second one answered, and the client noticed nothing. When all
deployments are down, the client gets 429 if all are over their rate limits, else 503, and in `Retry-After` and
`retry-after-ms` when to try again.

All time limits are scaled down for the test. [settings.md](settings.md#failover-numbers) has the real failover numbers.
"""

_ENDINGS = """\
## How a stream ends

| Stream | Last event | Good ending | Broken ending |
|---|---|---|---|
| chat, completions | `[DONE]` | `[DONE]`, then a proper end | the error, no `[DONE]`, broken off |
| responses | `response.completed`, `.incomplete`, `.failed` | Azure's own, then a proper end | \
the error and `response.failed`: Azure's own, then a proper end; else the proxy's, broken off |
| images | `image_generation.completed`, `image_edit.completed` | Azure's own, then a proper end | \
the error, broken off |
| transcription | `transcript.text.done` | Azure's own, then a proper end | the error, broken off |
| speech | `speech.audio.done` | Azure's own, then a proper end | the error, broken off |
| speech and files as bytes | none | a proper end | broken off at once |
| runs of assistants | `done` with `[DONE]` | Azure's own, then a proper end | the error, no `done`, broken off |

The error is the last event but of a response: `data: {"error": {"message": ..., "type": ..., "param": ..., "code":
...}}`. Not every client knows it. One that does not would take a stream that ends as it should for a whole answer, so
the connection breaks off instead of ending: without the last chunk of HTTP, which every client of HTTP reports. That is
a quarter of a second later, and up to a minute where more was sent than a client has read that takes 80 KB a second:
the reset discards what the host still holds for it. So a client at 100 KB a second with 4 MB behind reads all of it; a
slower one can lose the end of what came in a burst, and the error with it. In the same block stands
`retry: 2147483647`, which keeps readers of events that connect again by themselves from having the answer made twice:
`EventSource`, `@microsoft/fetch-event-source`, reqwest-eventsource.

The error of a response is an event named `error` that has its members twice, `{"type": "error", "sequence_number": ...,
"code": ..., "message": ..., "param": ..., "error": {"type": ..., "code": ..., "message": ..., "param": ...}}`, because
some clients read the ones and some the others. Behind it comes `response.failed`, which others wait for. Azure's own is
waited for up to a second. The proxy's has the object of `response.created` with its id, and the output so far: the
items that are done, up to 64 KB, and the text of one that is not.

While a stream is silent, an empty block (`\\n\\n`) leaves every 15 seconds, only ever between whole events. A comment
would be safer by the standard, but BetterChatGPT and parsers like it glue a comment to the event behind it and lose the
answer. The .NET library Azure.AI.OpenAI 1.0.0-beta gets comments, because its reader fails at empty lines, and
`STREAM_KEEP_ALIVE` chooses for all clients. go-openai gives up at 300 lines without data in a row, which is 37 minutes
of silence with either.
"""


def render(rows: Sequence[Row]) -> str:
    """Return the page."""
    text = _HEAD.format(
        operations=", ".join(operation.name for operation in OPERATIONS),
        faults=len(rows),
        cells=f"{sum(len(row.results) for row in rows):,}",
        skipped=sum(len(row.skipped) for row in rows) * len(Layout),
    )
    head = "\n\n".join(fill(part, WIDTH, break_on_hyphens=False) for part in text.split("\n\n")) + "\n"
    tables = [_table(group, found) for group, found in groupby(rows, lambda row: row.fault.group)]
    return "\n".join([head, _ENDINGS, *tables, _skipped(rows), *_deviations(rows)])


def _table(group: str, rows: Iterable[Row]) -> str:
    names = " | ".join(_COLUMNS.values())
    lines = [f"## {group}", "", f"| What happens | {names} |", "|---|" + "---|" * len(_COLUMNS)]
    for row in rows:
        cells = " | ".join(_summary([one for one in row.results if one.cell.layout is layout]) for layout in _COLUMNS)
        lines.append(f"| {row.fault.name} | {cells} |")
    return "\n".join([*lines, ""])


def _summary(results: Sequence[Result]) -> str:
    """Return what came of the calls, together where it is the same."""
    calls = {result.cell.operation.name for result in results}
    found: dict[str, set[str]] = {}
    for result in results:
        found.setdefault(_told(result), set()).add(result.cell.operation.name)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{_named(names, calls)}: {told}" for told, names in found.items())


def _named(names: set[str], calls: set[str]) -> str:
    if names == calls & _STREAMS:
        return "streams"
    if names == calls - _STREAMS:
        return "others"
    return ", ".join(operation.name for operation in OPERATIONS if operation.name in names)


def _told(result: Result) -> str:
    return f"{result.seen.said} ({result.asked})"


def _skipped(rows: Iterable[Row]) -> str:
    lines = ["## What does not apply", "", "| What happens | Calls | Reason |", "|---|---|---|"]
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for reason, calls in groupby(sorted(row.skipped, key=row.skipped.__getitem__), row.skipped.__getitem__):
            names = set(calls)
            listed = ", ".join(operation.name for operation in OPERATIONS if operation.name in names)
            found.setdefault((reason, listed), []).append(row.fault.name)
    lines += [f"| {'; '.join(faults)} | {calls} | {reason} |" for (reason, calls), faults in found.items()]
    return "\n".join([*lines, ""])


def _deviations(rows: Iterable[Row]) -> Iterator[str]:
    """Yield what is not yet as it should be, nothing when there is nothing."""
    known = {
        (row.fault.name, result.cell.operation.name): told
        for row in rows
        for result in row.results
        if (told := row.deviation(result.cell.operation)) is not None
    }
    if known:
        lines = ["## What is not yet as it should be", "", "| What happens | Call | What is so |", "|---|---|---|"]
        yield "\n".join([*lines, *(f"| {fault} | {call} | {told} |" for (fault, call), told in known.items()), ""])
