"""Every recorded stream: whole, byte by byte, and cut at every index."""

import json

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode
from tests.unit.azure_api import readers, recorded
from tests.unit.exhaustive import EXHAUSTIVE

SAMPLES = pytest.mark.parametrize(("case", "keep"), recorded.streams("upstream.sse"))
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


def begin(case: str, keep: bool) -> Stream:
    form = StreamFormat.COMPLETION if "completions" in case else StreamFormat.CHAT
    return open_stream(form, ERRORS, keep_filters=keep)


def run(case: str, keep: bool, *parts: bytes) -> bytes:
    stream = begin(case, keep)
    return b"".join([*map(stream.feed, parts), stream.end()])


def borders(received: bytes) -> list[int]:
    return [at for at in range(1, len(received) + 1) if received[:at].endswith(b"\n\n")]


@SAMPLES
def test_a_sample_becomes_what_openai_would_send(case: str, keep: bool) -> None:
    written = run(case, keep, recorded.read(case, "upstream.sse"))
    assert written.decode() == recorded.read_client(case, keep=keep).decode()
    readers.whole(written)


@EXHAUSTIVE
@SAMPLES
def test_a_sample_byte_by_byte_becomes_the_same(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    assert run(case, keep, *(received[at : at + 1] for at in range(len(received)))) == run(case, keep, received)


@SAMPLES
def test_a_sample_event_by_event_becomes_the_same(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    events = [part + b"\n\n" for part in received.split(b"\n\n")]
    assert run(case, keep, *events) == run(case, keep, received)


@EXHAUSTIVE
@SAMPLES
def test_a_sample_in_two_parts_becomes_the_same_wherever_it_is_cut(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    expected = run(case, keep, received)
    for at in range(len(received) + 1):
        assert run(case, keep, received[:at], received[at:]) == expected, at


@EXHAUSTIVE
@SAMPLES
def test_a_sample_that_ends_too_early_never_looks_complete(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    for at in range(len(received) + 1):
        written = run(case, keep, received[:at])
        assert readers.errors(written) or readers.complete(received[:at]), at


@EXHAUSTIVE
@SAMPLES
def test_what_leaves_with_each_read_is_made_of_whole_events(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    stream = begin(case, keep)
    for at in range(len(received)):
        written = stream.feed(received[at : at + 1])
        assert not written or written.endswith(b"\n\n")


@SAMPLES
def test_an_event_leaves_as_soon_as_its_blank_line_is_there(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for at in borders(received):
        at_once = begin(case, keep).feed(received[:at])
        assert run(case, keep, received[:at]).startswith(at_once)
        assert b"choices" not in run(case, keep, received[:at]).removeprefix(at_once)


@SAMPLES
def test_an_answer_that_is_complete_between_two_events_ends_well(case: str, keep: bool) -> None:
    received = recorded.read(case, "upstream.sse")
    for at in borders(received):
        if readers.complete(received[:at]):
            assert readers.errors(run(case, keep, received[:at])) == []


@SAMPLES
def test_every_chunk_has_the_identity_of_its_stream(case: str, keep: bool) -> None:
    chunks = [json.loads(event) for event in readers.whole(run(case, keep, recorded.read(case, "upstream.sse")))]
    for name in ("id", "object", "model"):
        assert len({chunk[name] for chunk in chunks if name in chunk}) <= 1
        assert all(chunk.get(name, "absent") for chunk in chunks)


def test_every_sample_is_of_one_known_kind() -> None:
    for folder in recorded.FOLDER.iterdir():
        files = {path.name for path in folder.iterdir()} - {recorded.KEPT}
        assert files in [{first, last} for first, last in recorded.KINDS.items()], folder.name


def test_a_second_file_of_what_comes_out_is_there_only_where_it_differs() -> None:
    for path in recorded.FOLDER.glob(f"*/{recorded.KEPT}"):
        assert path.read_bytes() != path.with_name("client.sse").read_bytes()
