"""Every recorded stream of typed events: whole, byte by byte, and cut at every index."""

import pytest

from proxy.messages import AuthMode
from proxy.translation.errors import AzureErrors
from proxy.translation.event_stream import TypedStream
from proxy.translation.operations import StreamFormat
from tests.proxy.translation import recorded, typed_readers

SAMPLES = pytest.mark.parametrize("case", recorded.cases("events.sse"))
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


def form_of(case: str) -> StreamFormat:
    return StreamFormat[case.split("_")[1].upper()]


def run(case: str, *parts: bytes) -> bytes:
    stream = TypedStream(ERRORS, form_of(case))
    return b"".join([*map(stream.feed, parts), stream.end()])


def test_every_format_of_typed_events_has_samples() -> None:
    assert {form_of(case) for case in recorded.cases("events.sse")} == set(typed_readers.LAST)


@SAMPLES
def test_a_sample_becomes_what_openai_would_send(case: str) -> None:
    written = run(case, recorded.read(case, "events.sse"))
    assert written.decode() == recorded.read(case, "client.sse").decode()
    typed_readers.events(written)


@SAMPLES
def test_a_sample_byte_by_byte_becomes_the_same(case: str) -> None:
    received = recorded.read(case, "events.sse")
    assert run(case, *(received[at : at + 1] for at in range(len(received)))) == run(case, received)


@SAMPLES
def test_a_sample_in_two_parts_becomes_the_same_wherever_it_is_cut(case: str) -> None:
    received = recorded.read(case, "events.sse")
    expected = run(case, received)
    for at in range(len(received) + 1):
        assert run(case, received[:at], received[at:]) == expected, at


@SAMPLES
def test_a_sample_that_ends_too_early_never_looks_complete(case: str) -> None:
    received, form = recorded.read(case, "events.sse"), form_of(case)
    for at in range(len(received) + 1):
        written = run(case, received[:at])
        assert typed_readers.errors(form, written) or typed_readers.complete(form, received[:at]), at


@SAMPLES
def test_an_answer_that_is_whole_is_never_an_error_by_the_end_of_the_bytes(case: str) -> None:
    received, form = recorded.read(case, "events.sse"), form_of(case)
    if any(word in case for word in ("error", "throttled", "_not_")):
        return
    for at in range(len(received) + 1):
        if typed_readers.complete(form, received[:at]):
            assert typed_readers.errors(form, run(case, received[:at])) == [], at


@SAMPLES
def test_what_leaves_with_each_read_is_made_of_whole_events(case: str) -> None:
    stream = TypedStream(ERRORS, form_of(case))
    received = recorded.read(case, "events.sse")
    for at in range(len(received)):
        written = stream.feed(received[at : at + 1])
        assert not written or written.endswith(b"\n\n")


@SAMPLES
def test_an_event_leaves_as_soon_as_its_blank_line_is_there(case: str) -> None:
    received = recorded.read(case, "events.sse").replace(b"\r\n", b"\n")
    for at in range(1, len(received) + 1):
        if received[:at].endswith(b"\n\n"):
            at_once = TypedStream(ERRORS, form_of(case)).feed(received[:at])
            rest = run(case, received[:at]).removeprefix(at_once)
            assert not rest or b"ended the stream" in rest
