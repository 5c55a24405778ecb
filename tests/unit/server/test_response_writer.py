"""An answer leaves whole or chunk by chunk, comments break its silence, and a client that does not read is noticed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from proxy.errors import UpstreamError
from proxy.openai_api.sse import BLANK, COMMENT
from proxy.server.deadline import Deadline
from proxy.server.response_writer import BREAK_DELAY, STALL, ResponseWriter, StreamBroken
from proxy.values import Message, Response
from tests.fakes.virtual_time import in_virtual_time, reach, time_now

PLATFORM = 240.0  # seconds after which the Functions host cuts what is silent
SILENCE = 15.0
LARGE = bytes(100_000)
TYPE = {"content-type": "text/event-stream"}
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
END = {"type": "http.response.body", "body": b""}


def part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


class Client:
    """Takes what is sent; while `reads` is clear, it does not take the next message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.times: list[float] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.waiting = 0

    @property
    def chunks(self) -> list[bytes]:
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]

    async def send(self, message: Message) -> None:
        self.waiting += 1
        await self.reads.wait()
        self.waiting -= 1
        self.messages.append(message)
        self.times.append(time_now())

    def stop_reading(self, seconds: float | None = None) -> None:
        self.reads.clear()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.reads.set)


@dataclass
class Stream:
    """A body of chunks, each after so many seconds; it notes that it was closed."""

    chunks: tuple[tuple[float, bytes], ...]
    error: Exception | None = None
    closed: bool = False
    sent: list[float] = field(default_factory=list)

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        try:
            for pause, chunk in self.chunks:
                await reach(time_now() + pause)
                self.sent.append(time_now())
                yield chunk
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def stream(*chunks: tuple[float, bytes], error: Exception | None = None) -> Stream:
    return Stream(chunks=chunks, error=error)


def give_up(task: "asyncio.Task[object]") -> None:
    task.cancel()


async def write(
    client: Client,
    body: bytes | AsyncGenerator[bytes, None],
    *,
    keep_alive: float | None = None,
    stall: float = STALL,
    with_body: bool = True,
    status: int = 200,
) -> None:
    """Write an answer; raise CancelledError, as an exchange does, when the client has stopped reading."""
    task = asyncio.current_task()
    assert task is not None
    deadline = Deadline()
    writer = ResponseWriter(client.send, deadline, lambda: give_up(task), stall=stall)
    response = Response(status=status, headers=TYPE, body=body, keep_alive=keep_alive)
    try:
        await writer.write(response, with_body=with_body)
    finally:
        deadline.close()


def writing(
    client: Client, body: bytes | AsyncGenerator[bytes, None], keep_alive: float | None = None
) -> asyncio.Task[None]:
    return asyncio.create_task(write(client, body, keep_alive=keep_alive))


def nothing() -> None:
    """Give nobody up."""


@in_virtual_time
async def test_a_whole_answer_leaves_with_its_length() -> None:
    client = Client()
    await write(client, b"abc", status=404)
    assert client.messages == [
        {
            "type": "http.response.start",
            "status": 404,
            "headers": [(b"content-type", b"text/event-stream"), (b"content-length", b"3")],
        },
        {"type": "http.response.body", "body": b"abc"},
    ]


@in_virtual_time
async def test_an_answer_keeps_the_length_that_it_has() -> None:
    client = Client()
    response = Response(status=200, headers={"content-length": "3"}, body=b"abc")
    await ResponseWriter(client.send, Deadline(), nothing).write(response)
    assert client.messages[0]["headers"] == [(b"content-length", b"3")]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_has_no_length(status: int) -> None:
    @in_virtual_time
    async def answer() -> None:
        client = Client()
        await write(client, b"", status=status)
        assert client.messages[0]["headers"] == [(b"content-type", b"text/event-stream")]
        assert client.chunks == [b""]

    answer()


@in_virtual_time
async def test_the_answer_to_head_leaves_without_its_body() -> None:
    client = Client()
    await write(client, b"abc", with_body=False)
    assert client.chunks == [b""]
    assert client.messages[0]["headers"][-1] == (b"content-length", b"3")


@in_virtual_time
async def test_the_answer_to_head_has_the_length_that_is_known_and_no_other() -> None:
    client, body = Client(), stream((0, b"a"))
    writer = ResponseWriter(client.send, Deadline(), nothing)
    await writer.write(Response(status=200, headers={"content-length": "7"}, body=b""), with_body=False)
    await write(client, b"", with_body=False)
    await write(client, body(), with_body=False)
    heads = [message["headers"] for message in client.messages[::2]]
    assert heads == [[(b"content-length", b"7")], HEAD["headers"], HEAD["headers"]]
    assert client.chunks == [b""] * 3


@in_virtual_time
async def test_the_head_the_chunks_and_the_end_are_sent_one_by_one() -> None:
    client, body = Client(), stream((0, b"a"), (0, b"b"))
    await write(client, body())
    assert client.messages == [HEAD, part(b"a"), part(b"b"), END]
    assert body.closed


@in_virtual_time
async def test_a_chunk_leaves_before_the_next_one_is_fetched() -> None:
    client, body = Client(), stream((0, b"a"), (0, b"b"))
    client.stop_reading(5)
    await write(client, body())
    assert body.sent == [5, 5]
    client, body = Client(), stream((1, b"a"), (1, b"b"))
    await write(client, body())
    assert client.times == [5, 6, 7, 7]


@in_virtual_time
async def test_a_silent_stream_of_events_sends_comments_until_it_goes_on() -> None:
    client, body = Client(), stream((1, b"a"), (3.5 * SILENCE, b"b"))
    await write(client, body(), keep_alive=SILENCE)
    assert client.messages == [HEAD, part(b"a"), *[part(BLANK)] * 3, part(b"b"), END]
    silences = [later - sooner for sooner, later in pairwise(client.times[1:5])]
    assert all(SILENCE <= silence <= 1.1 * SILENCE for silence in silences)


@in_virtual_time
async def test_what_keeps_a_stream_alive_is_the_client_s() -> None:
    client, deadline = Client(), Deadline()
    writer = ResponseWriter(client.send, deadline, nothing, keep_alive=COMMENT)
    writer.begin_stream(TYPE, SILENCE)
    await writer.write(Response(status=200, headers={}, body=stream((1.5 * SILENCE, b"a"))()))
    assert client.chunks == [COMMENT, COMMENT, b"a", b""]
    deadline.close()


@in_virtual_time
async def test_a_stream_that_goes_on_sends_no_comments() -> None:
    client, body = Client(), stream(*[(0.9 * SILENCE, b"a")] * 20)
    await write(client, body(), keep_alive=SILENCE)
    assert client.chunks == [b"a"] * 20 + [b""]


@in_virtual_time
async def test_a_body_that_is_no_stream_of_events_stays_silent() -> None:
    client, body = Client(), stream((10 * SILENCE, b"a"))
    await write(client, body())
    assert client.chunks == [b"a", b""]


@in_virtual_time
async def test_a_client_that_does_not_read_gets_no_comments_on_top() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        client.stop_reading(5 * SILENCE)
        yield b"a"

    await write(client, body(), keep_alive=SILENCE)
    assert client.chunks == [b"a", b""]


@in_virtual_time
async def test_a_client_that_takes_no_comment_gets_no_heap_of_them() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        client.stop_reading()
        await asyncio.Event().wait()

    task = writing(client, body(), keep_alive=SILENCE)
    await reach(5 * SILENCE)
    assert client.waiting == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_a_comment_that_is_still_on_its_way_leaves_before_the_end() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        client.stop_reading(SILENCE + 5)
        await reach(SILENCE + 1)
        for chunk in list[bytes]():
            yield chunk

    client.reads.set()
    writer = writing(client, body(), keep_alive=SILENCE)
    await writer
    assert client.messages == [HEAD, part(BLANK), END]
    assert client.times == [0, SILENCE + 5, SILENCE + 5]


@pytest.mark.parametrize("error", [UpstreamError("It broke."), ZeroDivisionError()])
def test_a_body_that_breaks_has_no_end(error: Exception) -> None:
    @in_virtual_time
    async def broken() -> None:
        client, body = Client(), stream((1, b"a"), error=error)
        with pytest.raises(type(error)):
            await write(client, body(), keep_alive=SILENCE)
        assert client.messages == [HEAD, part(b"a")]

    broken()


@in_virtual_time
async def test_what_a_broken_stream_has_told_gets_a_moment_to_arrive() -> None:
    client, body = Client(), stream((1, b"a"), (1, b"error"), error=StreamBroken())
    client.stop_reading(5)
    with pytest.raises(StreamBroken):
        await write(client, body(), keep_alive=10)
    assert client.messages == [HEAD, part(b"a"), part(b"error")]
    assert time_now() == pytest.approx(client.times[-1] + BREAK_DELAY.behind(5))
    assert body.closed


@pytest.mark.parametrize(
    ("wait", "size", "unread"),
    [
        pytest.param(0, 500_000, 1_000_005, id="all of a burst"),
        pytest.param(1, 500_000, 920_005, id="what was not read meanwhile"),
        pytest.param(30, 500_000, 500_005, id="the last of a slow stream"),
        pytest.param(0, 10_000_000, 4_800_000, id="no more than a connection can hold"),
    ],
)
def test_a_slow_reader_of_a_broken_stream_gets_the_time_to_read_it(wait: float, size: int, unread: float) -> None:
    @in_virtual_time
    async def broken() -> None:
        client = Client()
        body = stream((1, b"a" * size), (wait, b"b" * size), (0, b"error"), error=StreamBroken())
        with pytest.raises(StreamBroken):
            await write(client, body())
        assert time_now() == pytest.approx(client.times[-1] + BREAK_DELAY.least + unread / BREAK_DELAY.rate)

    broken()


@in_virtual_time
async def test_a_client_that_leaves_a_broken_stream_is_not_waited_for() -> None:
    client, body = Client(), stream((1, b"error"), error=StreamBroken())
    task = writing(client, body())
    await reach(1 + BREAK_DELAY.least / 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (body.closed, client.messages) == (True, [HEAD, part(b"error")])


@in_virtual_time
async def test_a_body_is_closed_when_its_writing_ends_early() -> None:
    for reads in (True, False):
        client, body = Client(), stream((1, b"a"), (100, b"b"))
        task = writing(client, body())
        await reach(time_now() + 0.5)
        if not reads:
            client.stop_reading()
        await reach(time_now() + 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.closed


class SlowComments(Client):
    """A client to which a comment takes longer than anything else."""

    async def send(self, message: Message) -> None:
        if message.get("body") == BLANK:
            await reach(time_now() + 5)
        await super().send(message)


@in_virtual_time
async def test_nothing_overtakes_a_comment_at_the_end() -> None:
    client = SlowComments()

    async def body() -> AsyncGenerator[bytes, None]:
        await reach(SILENCE + 2)
        for chunk in list[bytes]():
            yield chunk

    await write(client, body(), keep_alive=SILENCE)
    assert client.messages == [HEAD, part(BLANK), END]


@in_virtual_time
async def test_the_head_may_leave_before_there_is_an_answer() -> None:
    client, body, deadline = Client(), stream((1, b"a")), Deadline()
    writer = ResponseWriter(client.send, deadline, nothing)
    await reach(5)
    writer.begin_stream(TYPE, SILENCE)
    assert writer.head_sent
    await reach(6)
    assert client.messages == [HEAD, part(BLANK)]
    await reach(5 + 2.5 * SILENCE)
    assert client.times[2:] == [5 + SILENCE, 5 + 2 * SILENCE]
    await writer.write(Response(status=200, headers={}, body=body(), keep_alive=SILENCE))
    assert client.messages == [HEAD, *[part(BLANK)] * 3, part(b"a"), END]
    deadline.close()


@in_virtual_time
async def test_an_answer_that_comes_together_with_its_early_head_is_sent_behind_it() -> None:
    client, deadline = Client(), Deadline()
    writer = ResponseWriter(client.send, deadline, nothing)
    client.stop_reading(3)
    writer.begin_stream(TYPE, SILENCE)
    await writer.write(Response(status=200, headers={}, body=stream((0, b"a"))()))
    assert client.messages == [HEAD, part(BLANK), part(b"a"), END]
    deadline.close()


@in_virtual_time
async def test_comments_go_on_behind_an_early_head_also_where_the_answer_has_none_of_its_own() -> None:
    client, deadline = Client(), Deadline()
    writer = ResponseWriter(client.send, deadline, nothing)
    writer.begin_stream(TYPE, SILENCE)
    await writer.write(Response(status=200, headers={}, body=stream((1.5 * SILENCE, b"a"))()))
    assert client.chunks == [BLANK, BLANK, b"a", b""]
    deadline.close()


@in_virtual_time
async def test_every_head_carries_what_all_carry_unless_it_has_its_own() -> None:
    common = {"x-request-id": "ours", "vary": "Origin"}
    heads = []
    for early in (False, True):
        client, deadline = Client(), Deadline()
        writer = ResponseWriter(client.send, deadline, nothing, common=common)
        if early:
            writer.begin_stream({"x-own": "1"}, SILENCE)
        await writer.write(Response(status=200, headers={"x-request-id": "azure's"}, body=stream((0, b"a"))()))
        heads.append(dict(client.messages[0]["headers"]))
        deadline.close()
    assert heads == [
        {b"x-request-id": b"azure's", b"vary": b"Origin"},
        {b"x-request-id": b"ours", b"vary": b"Origin", b"x-own": b"1"},
    ]


@in_virtual_time
async def test_what_the_client_takes_is_noted_with_its_time() -> None:
    client, seen = Client(), []
    deadline = Deadline()
    writer = ResponseWriter(client.send, deadline, nothing)

    async def body() -> AsyncGenerator[bytes, None]:
        await reach(2)
        client.stop_reading(5)
        yield b"a"
        seen.append((writer.is_sending, writer.last, time_now()))

    loop = asyncio.get_running_loop()
    loop.call_at(1, lambda: seen.append((writer.is_sending, writer.last, time_now())))
    loop.call_at(4, lambda: seen.append((writer.is_sending, writer.last, time_now())))
    await writer.write(Response(status=200, headers={}, body=body()))
    assert seen == [(False, 0, 1), (True, 0, 4), (False, 7, 7)]
    deadline.close()


def test_the_proxy_gives_up_before_the_platform_does() -> None:
    assert STALL * 2 <= PLATFORM


@in_virtual_time
async def test_a_client_that_takes_nothing_is_given_up() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await reach(1.5 * STALL)
        client.stop_reading()
        yield b"b"

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(write(client, body()))
    assert client.chunks == [b"a"]
    assert STALL <= time_now() - 1.5 * STALL <= 2 * STALL


@in_virtual_time
async def test_a_client_that_does_not_take_the_end_is_not_waited_for_either() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        client.stop_reading()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(write(client, body()))
    assert client.chunks == [b"a"]


@in_virtual_time
async def test_a_client_that_takes_no_comment_is_given_up() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        client.stop_reading()
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(write(client, body(), keep_alive=SILENCE))
    assert STALL <= time_now() <= 2 * STALL + SILENCE
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_azure_s_silence_is_not_taken_for_the_client_s() -> None:
    client = Client()
    await write(client, stream((0, b"a"), (5 * STALL, b"b"))())
    assert client.chunks == [b"a", b"b", b""]


@in_virtual_time
async def test_a_slow_client_that_takes_something_now_and_then_is_waited_for() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        for _ in range(5):
            client.stop_reading(0.8 * STALL)
            yield b"a"

    await write(client, body())
    assert client.chunks == [b"a"] * 5 + [b""]


@in_virtual_time
async def test_a_large_whole_answer_is_not_held_for_a_client_that_takes_nothing() -> None:
    client = Client()
    client.stop_reading()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(write(client, LARGE))
    assert STALL <= time_now() <= 2 * STALL


@in_virtual_time
async def test_a_client_that_does_not_take_an_early_head_is_given_up() -> None:
    client, deadline, given_up = Client(), Deadline(), asyncio.Event()
    writer = ResponseWriter(client.send, deadline, given_up.set)
    client.stop_reading()
    writer.begin_stream(TYPE, SILENCE)
    response = Response(status=200, headers={}, body=stream((0, b"a"))())
    task = asyncio.ensure_future(writer.write(response))
    await given_up.wait()
    assert STALL <= time_now() <= 2 * STALL
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadline.close()


@in_virtual_time
async def test_a_client_that_takes_one_comment_after_the_other_is_waited_for() -> None:
    client = Client()

    async def body() -> AsyncGenerator[bytes, None]:
        for _ in range(4):
            client.stop_reading(0.8 * STALL)
            await reach(time_now() + 0.9 * STALL)
        yield b"a"

    await write(client, body(), keep_alive=SILENCE)
    assert client.chunks[-2:] == [b"a", b""]


@in_virtual_time
async def test_the_time_that_an_answer_took_is_none_in_which_the_client_does_not_read() -> None:
    for body in (LARGE, stream((0, b"a"))()):
        client, deadline, given_up = Client(), Deadline(), asyncio.Event()
        writer = ResponseWriter(client.send, deadline, given_up.set)
        await reach(time_now() + 2 * STALL)
        client.stop_reading(STALL / 2)
        await writer.write(Response(status=200, headers={}, body=body))
        assert not given_up.is_set()
        deadline.close()
