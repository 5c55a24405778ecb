"""Every recorded stream: whole, byte by byte, and cut at every index."""

import pytest

from proxy.messages import AuthMode
from proxy.translation.errors import AzureErrors
from proxy.translation.operations import StreamFormat
from proxy.translation.stream import CONTENTS, ChoicesStream
from tests.proxy.translation import readers, recorded

CASES = recorded.cases("upstream.sse")
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


def begin(case: str) -> ChoicesStream:
    return ChoicesStream(ERRORS, CONTENTS[StreamFormat.COMPLETION if "completions" in case else StreamFormat.CHAT])


def run(case: str, *parts: bytes) -> bytes:
    stream = begin(case)
    return b"".join([*map(stream.feed, parts), stream.end()])


def borders(received: bytes) -> list[int]:
    return [at for at in range(1, len(received) + 1) if received[:at].endswith(b"\n\n")]


@pytest.mark.parametrize("case", CASES)
def test_a_sample_becomes_what_openai_would_send(case: str) -> None:
    written = run(case, recorded.read(case, "upstream.sse"))
    assert written.decode() == recorded.read(case, "client.sse").decode()
    readers.whole(written)


@pytest.mark.parametrize("case", CASES)
def test_a_sample_byte_by_byte_becomes_the_same(case: str) -> None:
    received = recorded.read(case, "upstream.sse")
    assert run(case, *(received[at : at + 1] for at in range(len(received)))) == run(case, received)


@pytest.mark.parametrize("case", CASES)
def test_a_sample_in_two_parts_becomes_the_same_wherever_it_is_cut(case: str) -> None:
    received = recorded.read(case, "upstream.sse")
    expected = run(case, received)
    for at in range(len(received) + 1):
        assert run(case, received[:at], received[at:]) == expected, at


@pytest.mark.parametrize("case", CASES)
def test_a_sample_that_ends_too_early_never_looks_complete(case: str) -> None:
    received = recorded.read(case, "upstream.sse")
    for at in range(len(received) + 1):
        written = run(case, received[:at])
        assert readers.errors(written) or readers.complete(received[:at]), at


@pytest.mark.parametrize("case", CASES)
def test_what_leaves_with_each_read_is_made_of_whole_events(case: str) -> None:
    received = recorded.read(case, "upstream.sse")
    stream = begin(case)
    for at in range(len(received)):
        written = stream.feed(received[at : at + 1])
        assert not written or written.endswith(b"\n\n")


@pytest.mark.parametrize("case", CASES)
def test_an_event_leaves_as_soon_as_its_blank_line_is_there(case: str) -> None:
    received = recorded.read(case, "upstream.sse").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for at in borders(received):
        at_once = begin(case).feed(received[:at])
        assert run(case, received[:at]).startswith(at_once)
        assert b"choices" not in run(case, received[:at]).removeprefix(at_once)


@pytest.mark.parametrize("case", CASES)
def test_an_answer_that_is_complete_between_two_events_ends_well(case: str) -> None:
    received = recorded.read(case, "upstream.sse")
    for at in borders(received):
        if readers.complete(received[:at]):
            assert readers.errors(run(case, received[:at])) == []


def test_every_sample_is_of_one_known_kind() -> None:
    for folder in recorded.FOLDER.iterdir():
        files = {path.name for path in folder.iterdir()}
        assert files in [{first, last} for first, last in recorded.KINDS.items()], folder.name
