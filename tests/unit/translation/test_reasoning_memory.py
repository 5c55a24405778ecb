"""Which reasoning is remembered, for whom, for how long, and how much of it."""

import pytest

from proxy.openai_api.json_body import parse_json_body
from proxy.translation.reasoning_memory import MAX_ENTRIES, SECONDS_KEPT, ReasoningMemory, open_calls

A, B = b'{"id":"rs_1"}', b'{"id":"rs_2"}'


def memory(max_bytes: int = 1_000_000) -> ReasoningMemory:
    kept = ReasoningMemory(max_bytes)
    kept.keep("alice", "east codex", {"call_1": [A, B], "call_2": [B]}, 0.0)
    return kept


def test_reasoning_is_found_by_its_client_its_deployment_and_its_call_alone() -> None:
    kept = memory()
    assert kept.find("alice", "east codex", "call_1", 1.0) == (A, B)
    assert kept.find("alice", "east codex", "call_2", 1.0) == (B,)
    assert kept.find("bob", "east codex", "call_1", 1.0) is None
    assert kept.find("alice", "west codex", "call_1", 1.0) is None
    assert kept.find("alice", "east codex", "call_3", 1.0) is None


def test_it_is_kept_for_an_hour_and_then_makes_room() -> None:
    kept = memory()
    assert kept.find("alice", "east codex", "call_1", SECONDS_KEPT - 1) == (A, B)
    assert kept.find("alice", "east codex", "call_1", SECONDS_KEPT) is None
    kept.keep("alice", "east codex", {"call_3": [A]}, SECONDS_KEPT)
    assert len(kept) == 1


def test_what_is_kept_again_takes_the_place_of_the_first() -> None:
    kept = memory()
    before = kept.size
    kept.keep("alice", "east codex", {"call_1": [A, B]}, 5.0)
    assert (len(kept), kept.size) == (2, before)
    assert kept.find("alice", "east codex", "call_1", SECONDS_KEPT + 1) == (A, B)


def test_of_too_many_bytes_the_oldest_are_forgotten() -> None:
    kept = memory(1100)
    assert len(kept) == 2
    kept.keep("alice", "east codex", {"call_3": [b"x" * 80]}, 1.0)
    assert kept.size <= 1100
    assert kept.find("alice", "east codex", "call_1", 2.0) is None
    assert kept.find("alice", "east codex", "call_3", 2.0) is not None
    kept.keep("alice", "east codex", {"call_4": [b"x" * 5000]}, 1.0)
    assert (len(kept), kept.size) == (0, 0)


def test_of_too_many_calls_the_oldest_are_forgotten() -> None:
    kept = ReasoningMemory(10**9)
    kept.keep("alice", "codex", {f"call_{number}": [A] for number in range(MAX_ENTRIES + 3)}, 0.0)
    assert len(kept) == MAX_ENTRIES
    assert kept.find("alice", "codex", "call_2", 1.0) is None
    assert kept.find("alice", "codex", "call_3", 1.0) == (A,)


CALLS = '{"role":"assistant","tool_calls":[{"id":"a"},{"id":"b"},{"id":3}]}'


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        (f'[{{"role":"user"}},{CALLS},{{"role":"tool","tool_call_id":"a"}}]', ("a", "b")),
        (f'[{{"role":"user"}},{CALLS},{{"role":"user"}}]', ()),
        (f"[{CALLS}]", ("a", "b")),
        ('[{"role":"user"}]', ()),
        ('"text"', ()),
        ("null", ()),
    ],
)
def test_the_open_calls_are_those_behind_the_last_message_of_the_user(messages: str, found: tuple[str, ...]) -> None:
    assert open_calls(parse_json_body(f'{{"messages":{messages}}}'.encode())) == found
