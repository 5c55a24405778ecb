"""A response that is streamed, as the whole that its client waits for."""

import json

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.errors import UpstreamError
from proxy.openai_api.operations import StreamFormat
from proxy.translation.collected_response import CollectedResponse
from tests.unit.exhaustive import EXHAUSTIVE
from tests.unit.translation.chats import Json, called, event, events, everywhere, reasoned, response, said

WHOLE = response(reasoned(1, "Hm."), said("Grü\ud83dße"), called("a"))
MEGABYTE = 1024 * 1024


def opened(bound: int = MEGABYTE) -> CollectedResponse:
    return CollectedResponse(open_stream(StreamFormat.RESPONSE, AzureErrors(model="m", auth=None)), bound)


def collected(*reads: bytes, bound: int = MEGABYTE) -> CollectedResponse:
    stream = opened(bound)
    for read in reads:
        stream.feed(read)
    stream.end()
    assert stream.ended
    return stream


def whole(*reads: bytes) -> Json:
    stream = collected(*reads)
    assert stream.failure is None
    found: Json = json.loads(stream.whole())
    return found


@EXHAUSTIVE
def test_the_whole_is_that_of_the_last_event_however_it_comes() -> None:
    for reads in everywhere(events(WHOLE)):
        assert whole(*reads) == WHOLE


@EXHAUSTIVE
def test_a_stream_cut_behind_any_byte_has_no_whole() -> None:
    raw = events(WHOLE)
    last = len(raw.rstrip())
    for end in range(len(raw)):
        failure = collected(raw[:end]).failure
        assert (failure is None) is (end >= last)
        assert failure is None or isinstance(failure, UpstreamError)


def test_it_has_begun_when_azure_has() -> None:
    stream = opened()
    stream.feed(event("response.created", response=WHOLE))
    assert (stream.begun, stream.ended) == (False, False)
    stream.feed(event("response.output_item.added", output_index=0, item=said("a")))
    assert stream.begun


def done(item: Json) -> bytes:
    return event("response.output_item.done", output_index=0, item=item)


def test_what_only_the_events_of_the_items_have_is_in_it() -> None:
    bare = {name: value for name, value in reasoned(1).items() if name != "encrypted_content"}
    last = event("response.completed", response=response(bare, said("a")))
    assert whole(done(reasoned(1)), done(said("a")), last)["output"] == [reasoned(1), said("a")]
    assert whole(done(reasoned(1)), done(said("a")), event("response.completed", response=response()))["output"] == [
        reasoned(1),
        said("a"),
    ]
    assert whole(done(bare), last)["output"] == [bare, said("a")]


def test_a_response_that_failed_with_content_is_the_whole_of_it() -> None:
    failed = response(said("a"), status="failed", error={"code": "server_error", "message": "Oh."})
    assert whole(done(said("a")), event("response.failed", response=failed)) == failed


def test_an_error_is_told() -> None:
    failure = collected(done(said("a")), event("error", code="rate_limit_exceeded", message="Wait.")).failure
    assert failure is not None
    assert failure.code == "rate_limit_exceeded"


def test_a_connection_that_breaks_is_told_unless_all_has_come() -> None:
    error = UpstreamError("Gone.")
    stream = opened()
    stream.feed(done(said("a")))
    stream.fail(error)
    assert stream.failure is error
    stream = opened()
    stream.feed(events(WHOLE))
    stream.fail(error)
    assert json.loads(stream.whole()) == WHOLE


def test_what_is_kept_is_bounded_and_pieces_of_text_are_not_kept() -> None:
    piece = event("response.output_text.delta", output_index=0, content_index=0, delta="x" * 900)
    stream = opened(2000)
    stream.feed(piece * 9)
    assert stream.failure is None
    failure = collected(piece * 9, done(said("x" * 2000)), bound=2000).failure
    assert failure is not None
    assert "too large" in failure.message


@pytest.mark.parametrize("last", [event("response.completed", response=1), event("response.completed")])
def test_a_last_event_without_a_response_is_an_error(last: bytes) -> None:
    stream = collected(done(said("a")), last)
    with pytest.raises(UpstreamError, match="not the response"):
        stream.whole()


def test_events_without_a_type_do_not_count() -> None:
    raw = b'data: {"x":1}\n\n' + b'data: {"type":1}\n\n'
    assert collected(raw).failure is not None
