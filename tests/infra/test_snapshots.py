"""The snapshots that a review reads are those of the Bicep, and hold nothing that is secret."""

import json

import pytest

from tests.infra import snapshots, world
from tests.infra.conftest import COMPILER

kept = pytest.mark.parametrize("name", snapshots.KEPT)


def test_five_ways_are_kept_and_no_other_file() -> None:
    files = {path.name for path in snapshots.FOLDER.iterdir()}
    assert files == {f"{name}{ending}" for name in snapshots.KEPT for ending in (".bicepparam", ".snapshot.json")}


@kept
def test_the_parameters_are_those_of_the_way(name: str) -> None:
    written = (snapshots.FOLDER / f"{name}.bicepparam").read_text("utf-8")
    assert written == snapshots.KEPT[name].text(), "run: make infra"


@kept
def test_the_snapshot_is_what_the_bicep_makes(name: str) -> None:
    made, committed = snapshots.snapshot(name), (snapshots.FOLDER / f"{name}.snapshot.json").read_text("utf-8")
    assert COMPILER is not None
    # Another compiler may write an expression otherwise.
    if COMPILER.is_pinned:
        assert made == committed, "run: make infra, and look at what it changes"
    assert _types(made) == _types(committed)


@kept
def test_a_snapshot_has_no_diagnostics_and_no_key(name: str) -> None:
    text = (snapshots.FOLDER / f"{name}.snapshot.json").read_text("utf-8")
    assert json.loads(text)["diagnostics"] == []
    assert world.CLIENT_KEY not in text


def _types(text: str) -> list[str]:
    return [one["type"] for one in json.loads(text)["predictedResources"]]
