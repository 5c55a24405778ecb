"""Azure failing in every way we know, for six calls, with one target and with two.

`faults.json` has what was sent for each; it was written once from the table of the fault tests.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.oracle.case import (
    AZURE,
    Address,
    Case,
    End,
    Group,
    Reads,
    Reply,
    Resource,
    Send,
    Sleep,
    UpstreamStep,
    Wait,
)
from tests.oracle.corpus import make

_READ = json.loads(Path(__file__).with_name("faults.json").read_text())
OPERATIONS: Mapping[str, Mapping[str, Any]] = {one["name"]: one for one in _READ["operations"]}
# The same bytes as one of the faults, but the app has the headers before it gets the rest.
_LATE_CHUNK = next(one for one in _READ["faults"] if one["name"] == "a chunk whose size is no number")
_LATE_PLAYS = {name: {**play, "pause": 0.1} for name, play in _LATE_CHUNK["plays"].items()}
FAULTS: Sequence[Mapping[str, Any]] = (
    *_READ["faults"],
    {**_LATE_CHUNK, "name": f"{_LATE_CHUNK['name']}, after a while", "hasty": True, "plays": _LATE_PLAYS},
)
# All limits of time, in seconds, where one of them is what the row is about.
HASTY = {
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "2",
    "UPSTREAM_IDLE_TIMEOUT": "1",
    "UPSTREAM_REASONING_IDLE_TIMEOUT": "1",
    "UPSTREAM_TOTAL_TIMEOUT": "3.5",
    "STREAM_HEAD_TIMEOUT": "0.8",
    "STREAM_KEEP_ALIVE_INTERVAL": "0.1",
}
# The pauses that are meant to be longer than a limit of time.
_PAUSES = {0.8: 1.3, 0.02: 0.04}
LAYOUTS = ("alone", "equal", "spill")
_ADDRESSES = {"REFUSES": Address.REFUSES, "UNROUTABLE": Address.UNROUTABLE, "STRANGER": Address.TLS}


def groups() -> Iterator[Group]:
    """Yield the groups: faults that share settings share an app."""
    by_environ: dict[str, list[Mapping[str, Any]]] = {}
    for fault in FAULTS:
        if not _has_address(fault):
            by_environ.setdefault(_label(fault), []).append(fault)
    for label, faults in by_environ.items():
        for layout in LAYOUTS:
            yield _group(f"faults-{label}-{layout}", layout, faults)
    for layout in ("alone", "spill"):
        yield _addresses(layout)


def good(operation: Mapping[str, Any]) -> bytes:
    """Return the answer when all is well."""
    if operation["streams"]:
        return make.stream(_events(operation))
    return make.whole("200 OK", operation["whole"].encode())


def _events(operation: Mapping[str, Any]) -> bytes:
    return "".join(operation[part] for part in ("before", "content", "behind")).encode()


def _label(fault: Mapping[str, Any]) -> str:
    if "AZURE_OPENAI_ROUTING" in fault["environ"]:
        return "retries-timeouts"
    if fault["model"] != "some-model":
        return "reasoning"
    if fault["hasty"]:
        return "hasty-long" if fault["environ"] else "hasty"
    # What becomes of a request without an answer depends on whether its connection was used before.
    return "unanswered" if any(map(_is_unanswered, fault["plays"].values())) else "plain"


def _is_unanswered(play: Mapping[str, Any]) -> bool:
    sent = "".join(str(piece) for part in play["parts"] for piece in part)
    return play["end"] != "STAY" and "\r\n\r\n" not in sent


def _has_address(fault: Mapping[str, Any]) -> bool:
    return fault["address"] != "SERVER" or any(play["at_once"] for play in fault["plays"].values())


def _environ(fault: Mapping[str, Any]) -> dict[str, str]:
    merged = {**(HASTY if fault["hasty"] else {}), **fault["environ"]}
    if "AZURE_OPENAI_ROUTING" in merged:
        merged["AZURE_OPENAI_ROUTING"] = make.routing(retries_timeouts=True)
    return merged


def _group(name: str, layout: str, faults: Sequence[Mapping[str, Any]]) -> Group:
    settings = _environ(faults[0])
    cases = [_case(name, layout, fault, operation) for fault in faults for operation in fault["plays"]]
    if layout == "alone":
        return make.group(name, make.one_resource(**settings), cases, serial="unanswered" in name)
    # Of equal targets one is drawn: the weights decide the draw.
    first = make.entry("one", weight=1_000_000)
    second = make.entry("two", priority=1, weight=0.001) if layout == "spill" else make.entry("two", weight=0.001)
    return make.group(name, make.resources(first, second, **settings), cases, "one", "two", serial="unanswered" in name)


def _case(group: str, layout: str, fault: Mapping[str, Any], operation: str) -> Case:
    name = f"{fault['name']} / {operation}"
    bad, works = _reply(fault["plays"][operation]), make.answer(good(OPERATIONS[operation]))
    answers = [bad]
    if fault["second"]:
        answers = [bad, _reply(fault["second"][operation])]
    replies = {AZURE: answers}
    if layout != "alone":
        replies = {"one": answers, "two": answers if layout == "equal" else [works]}
    return _call(f"{group} {name}", operation, replies, "o3-" if fault["model"] == "o3" else "", shown=name)


def _call(unique: str, operation: str, replies: Mapping[str, Sequence[Reply]], prefix: str = "", *, shown: str) -> Case:
    asked = OPERATIONS[operation]
    body = asked["body"].replace("some-model", f"{prefix}MODEL").encode()
    headers = {"content-type": asked["content_type"]}
    return make.call(shown, "POST", asked["path"], body, headers=headers, replies=replies)


def _reply(play: Mapping[str, Any]) -> Reply:
    steps: list[UpstreamStep] = []
    for number, part in enumerate(_merged(play)):
        if number:
            steps.append(Sleep(_PAUSES.get(play["pause"], play["pause"])))
        steps += [_send(piece) for piece in part]
    if play["held"]:
        steps.append(Wait("client data", 3.0))
    end = End[play["end"]] if play["end"] != "STAY" else End.REUSE if play["whole"] else End.HOLD
    return Reply(tuple(steps), end, Reads.HEAD if play["early"] else Reads.ALL)


def _merged(play: Mapping[str, Any]) -> list[list[Any]]:
    """Return the parts, as one where there is no pause between them."""
    if play["pause"]:
        return list(play["parts"])
    pieces = [piece for part in play["parts"] for piece in part]
    short = all(isinstance(piece, str) for piece in pieces)
    return [["".join(pieces)] if short else pieces]


def _send(piece: str | list[Any]) -> Send:
    if isinstance(piece, str):
        return Send(piece.encode("latin-1"))
    size, part = piece[1], 256 * 1024
    return Send(b"x" * part, size // part) if size % part == 0 else Send(b"x" * size)


def _addresses(layout: str) -> Group:
    """Return the faults of whole addresses, each before a resource of its own."""
    name = f"faults-address-{layout}"
    entries, upstreams, cases = [], [], []
    works = Resource(name="works")
    for number, fault in enumerate(one for one in FAULTS if _has_address(one)):
        mine = f"r{number}"
        found = [
            _call(
                name,
                operation,
                {"works": [make.answer(good(OPERATIONS[operation]))]},
                shown=f"{fault['name']} / {operation}",
            )
            for operation in fault["plays"]
        ]
        entries.append(make.entry(mine, models={case.tag: case.tag for case in found}))
        upstreams.append(_resource(mine, fault))
        cases += found
    if layout == "spill":
        entries.append(make.entry("works", priority=1, models={case.tag: case.tag for case in cases}))
        upstreams.append(works)
    settings = {**HASTY, "UPSTREAM_CONNECT_TIMEOUT": "0.5"}
    settings |= {"UPSTREAM_FIRST_BYTE_TIMEOUT": "4", "UPSTREAM_TOTAL_TIMEOUT": "8"}
    return make.group(name, make.resources(*entries, **settings), cases, *upstreams)


def _resource(name: str, fault: Mapping[str, Any]) -> Resource:
    address = _ADDRESSES.get(fault["address"], Address.SERVER)
    scheme = "http" if fault["address"] in ("SERVER", "REFUSES", "UNROUTABLE") else "https"
    play = next(iter(fault["plays"].values()))
    greeting = _reply(play) if address is Address.SERVER else None
    return Resource(name=name, address=address, scheme=scheme, greeting=greeting)
