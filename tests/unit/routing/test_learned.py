"""What was learnt of deployments, for how long, and of how many."""

import pytest

from proxy.routing.learned import (
    MAX_DEPLOYMENTS,
    MAX_FACTS,
    MAX_VALUE_BYTES,
    SECONDS_KEPT,
    Learned,
    Path,
    learned_repairs,
)
from proxy.values import Repair

TOP_P = Repair(parameter="top_p")
TEMPERATURE = Repair(parameter="temperature")
COLD, WARM = (Repair(parameter="temperature", value=value) for value in (b"0", b"0.7"))
NEWER = Repair(parameter="max_tokens", renamed_to="max_completion_tokens")
OLDER = Repair(parameter="max_completion_tokens", renamed_to="max_tokens")


def learnt(*repairs: Repair) -> Learned[Repair]:
    known = learned_repairs()
    for at, repair in enumerate(repairs):
        known.learn("o3", repair, float(at))
    return known


def test_what_was_learnt_is_known_of_its_deployment_alone() -> None:
    assert learnt(TOP_P, NEWER).known("o3", 2) == (TOP_P, NEWER)
    assert learnt(TOP_P).known("gpt-4o", 1) == ()


def test_it_is_forgotten_an_hour_after_it_was_learnt() -> None:
    known = learnt(TOP_P, TEMPERATURE)
    assert known.known("o3", SECONDS_KEPT - 0.1) == (TOP_P, TEMPERATURE)
    assert known.known("o3", SECONDS_KEPT) == (TEMPERATURE,)
    assert known.known("o3", SECONDS_KEPT + 1) == ()


def test_learning_it_again_begins_another_hour() -> None:
    known = learnt(TOP_P, TEMPERATURE)
    known.learn("o3", TOP_P, SECONDS_KEPT)
    assert known.known("o3", SECONDS_KEPT + 1) == (TOP_P,)
    assert known.known("o3", 2 * SECONDS_KEPT) == ()


@pytest.mark.parametrize(
    ("repairs", "left"),
    [
        ((TOP_P, TOP_P), (TOP_P,)),
        ((COLD, WARM), (COLD, WARM)),
        ((COLD, WARM, COLD), (WARM, COLD)),
        ((COLD, TOP_P, WARM, TEMPERATURE), (TOP_P, TEMPERATURE)),
        ((TEMPERATURE, COLD), (TEMPERATURE, COLD)),
        ((NEWER, OLDER), (OLDER,)),
        ((OLDER, TOP_P, NEWER), (TOP_P, NEWER)),
    ],
)
def test_a_repair_takes_the_place_of_what_it_covers_or_contradicts(
    repairs: tuple[Repair, ...], left: tuple[Repair, ...]
) -> None:
    assert learnt(*repairs).known("o3", 10) == left


def test_a_long_value_is_not_kept() -> None:
    kept, long = (Repair(parameter="verbosity", value=b"1" * size) for size in (MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1))
    assert learnt(kept, long).known("o3", 2) == (kept,)


def test_of_too_many_repairs_the_oldest_is_forgotten() -> None:
    values = [Repair(parameter="temperature", value=b"%d" % at) for at in range(MAX_FACTS + 2)]
    assert learnt(*values).known("o3", 60) == tuple(values[2:])


def test_of_too_many_deployments_the_least_recently_used_is_forgotten() -> None:
    known = learned_repairs()
    for at in range(MAX_DEPLOYMENTS):
        known.learn(f"d{at}", TOP_P, 0)
    assert known.known("d0", 1) == (TOP_P,)
    known.learn("d2", TEMPERATURE, 1)
    for name in ("one-more", "another"):
        known.learn(name, TOP_P, 1)
    assert [len(known.known(name, 1)) for name in ("d0", "d1", "d2", "d3", "d4", "one-more", "another")] == [
        *(1, 0, 2, 0, 1, 1, 1)
    ]


def test_a_path_is_known_until_it_is_forgotten_and_the_others_stay() -> None:
    known = Learned[Path]()
    assert not known.facts
    known.forget("codex", Path.ON_V1)
    for path in (Path.ON_V1, Path.TRANSLATED, Path.ON_V1):
        known.learn("codex", path, 0)
    assert known.known("codex", 1) == (Path.TRANSLATED, Path.ON_V1)
    known.forget("codex", Path.TRANSLATED)
    assert known.known("codex", 1) == (Path.ON_V1,)
