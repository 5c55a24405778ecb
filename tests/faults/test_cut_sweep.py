"""A stream cut behind any byte never ends like a complete one, and another target is asked only if it still can be."""

import json
from collections.abc import Callable

import pytest

from tests.faults.raw import Play
from tests.faults.seen import Seen
from tests.faults.sweep import (
    RECORDINGS,
    Bench,
    Cut,
    abruptly,
    begun,
    complete,
    open_bench,
    properly,
    resetting,
    text,
    text_in,
)
from tests.integration.recordings import Recording

of_each_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
with_one_and_two = pytest.mark.parametrize("alone", [True, False], ids=["one target", "two targets"])


def reset(cut: Cut) -> Play:
    return resetting(cut.sent, held=begun(cut.whole))


KINDS: dict[str, Callable[[Cut], Play]] = {
    "a proper end": lambda cut: properly(cut.sent),
    "closed": lambda cut: abruptly(cut.sent),
    "reset": reset,
}


async def wrong(bench: Bench, cut: Cut, play: Play) -> list[str]:
    """Return what must not be after a cut."""
    seen, elsewhere = await bench.read(play)
    found = _wrong(bench, cut, seen, elsewhere)
    if len(bench.lines) != 1:
        found.append(f"{len(bench.lines)} lines")
    elif not seen.is_complete and json.loads(bench.lines[0])["outcome"] == "completed":
        found.append("the log tells of a complete answer")
    return [f"behind byte {cut.at}: {one}" for one in found]


def _wrong(bench: Bench, cut: Cut, seen: Seen, elsewhere: int) -> list[str]:
    if not begun(cut.nearly) or (elsewhere and not begun(cut.whole)):
        return _wrong_before(bench, cut, seen, elsewhere)
    found = ["another target was asked"] * elsewhere
    if seen.is_complete:
        found += ["a clean end"] * (not complete(cut.recording, cut.nearly))
    elif seen.code != "upstream_error" or not (seen.is_broken or seen.status == 502):
        found.append(f"the client reads {seen.said}")
    elif complete(cut.recording, cut.whole):
        found.append("an error behind a complete answer")
    if text_in(cut.recording, seen.body) not in (text(cut.whole), text(cut.nearly)):
        found.append("another text")
    return found


def _wrong_before(bench: Bench, cut: Cut, seen: Seen, elsewhere: int) -> list[str]:
    """Return what must not be where no content has come."""
    if bench.second is None:
        return [] if (seen.status, seen.code) == (502, "upstream_error") else [f"the client reads {seen.said}"]
    found = [] if elsewhere == 1 else [f"another target was asked {elsewhere} times"]
    if not seen.is_complete or text_in(cut.recording, seen.body) != cut.recording.text:
        found.append(f"the client reads {seen.said}")
    return found


async def sweep(recording: Recording, play: Callable[[Cut], Play], *, alone: bool) -> list[str]:
    found: list[str] = []
    async with open_bench(recording, alone=alone) as bench:
        for at in range(len(recording.raw) + 1):
            cut = Cut(recording=recording, at=at)
            found += await wrong(bench, cut, play(cut))
        assert await bench.first.left_open(idle=False) == 0
    return found


@of_each_recording
@with_one_and_two
@pytest.mark.parametrize("kind", KINDS)
async def test_a_cut_behind_any_byte_is_seen(recording: Recording, alone: bool, kind: str) -> None:
    assert await sweep(recording, KINDS[kind], alone=alone) == []
