"""Every recorded stream of typed events: whole, byte by byte, and cut at every index."""

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode
from tests.unit.azure_api import recorded, typed_readers
from tests.unit.exhaustive import EXHAUSTIVE

SAMPLES = pytest.mark.parametrize(("case", "keep"), recorded.streams("events.sse"))
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


def form_of(case: str) -> StreamFormat:
    return StreamFormat[case.split("_")[1].upper()]


def run(case: str, keep: bool, *parts: bytes) -> bytes:
    stream = open_stream(form_of(case), ERRORS, keep_filters=keep)
    return b"".join([*map(stream.feed, parts), stream.end()])


def test_every_format_of_typed_events_has_samples() -> None:
    assert {form_of(case) for case in recorded.cases("events.sse")} == set(typed_readers.LAST)


@SAMPLES
def test_a_sample_becomes_what_openai_would_send(case: str, keep: bool) -> None:
    written = run(case, keep, recorded.read(case, "events.sse"))
    assert written.decode() == recorded.read_client(case, keep=keep).decode()
    typed_readers.events(written)


@EXHAUSTIVE
@SAMPLES
def test_a_sample_byte_by_byte_becomes_the_same(case: str, keep: bool) -> None:
    received = recorded.read(case, "events.sse")
    assert run(case, keep, *(received[at : at + 1] for at in range(len(received)))) == run(case, keep, received)


@EXHAUSTIVE
@SAMPLES
def test_a_sample_in_two_parts_becomes_the_same_wherever_it_is_cut(case: str, keep: bool) -> None:
    received = recorded.read(case, "events.sse")
    expected = run(case, keep, received)
    for at in range(len(received) + 1):
        assert run(case, keep, received[:at], received[at:]) == expected, at


@EXHAUSTIVE
@SAMPLES
def test_a_sample_that_ends_too_early_never_looks_complete(case: str, keep: bool) -> None:
    received, form = recorded.read(case, "events.sse"), form_of(case)
    for at in range(len(received) + 1):
        written = run(case, keep, received[:at])
        assert typed_readers.errors(form, written) or typed_readers.complete(form, received[:at]), at


@SAMPLES
def test_an_answer_that_is_whole_is_never_an_error_by_the_end_of_the_bytes(case: str, keep: bool) -> None:
    received, form = recorded.read(case, "events.sse"), form_of(case)
    if any(word in case for word in ("error", "throttled", "_not_", "failed_at_once")):
        return
    for at in range(len(received) + 1):
        if typed_readers.complete(form, received[:at]):
            assert typed_readers.errors(form, run(case, keep, received[:at])) == [], at


@EXHAUSTIVE
@SAMPLES
def test_what_leaves_with_each_read_is_made_of_whole_events(case: str, keep: bool) -> None:
    stream = open_stream(form_of(case), ERRORS, keep_filters=keep)
    received = recorded.read(case, "events.sse")
    for at in range(len(received)):
        written = stream.feed(received[at : at + 1])
        assert not written or written.endswith(b"\n\n")


@SAMPLES
def test_an_event_leaves_as_soon_as_its_blank_line_is_there(case: str, keep: bool) -> None:
    received = recorded.read(case, "events.sse").replace(b"\r\n", b"\n")
    for at in range(1, len(received) + 1):
        if received[:at].endswith(b"\n\n"):
            at_once = open_stream(form_of(case), ERRORS, keep_filters=keep).feed(received[:at])
            rest = run(case, keep, received[:at]).removeprefix(at_once)
            assert not rest or b"ended the stream" in rest or rest.startswith(b"event: response.failed\n")
