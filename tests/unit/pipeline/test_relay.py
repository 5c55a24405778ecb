"""Azure's streams and files on their way: silence, the end, and what breaks them off."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import Stream, open_stream
from proxy.azure_services.http_client import HttpClient, UpstreamAnswer
from proxy.azure_services.sending import Sending
from proxy.errors import ShuttingDown, UpstreamError, UpstreamTimeout
from proxy.openai_api.operations import StreamFormat
from proxy.pipeline.exchange import Exchange
from proxy.pipeline.relay import LAST_EVENT, MAX_HELD_BYTES, EventRelay, download
from proxy.server.access_log import AccessLogEntry
from proxy.server.connection import Connection
from proxy.server.response_writer import BREAK_DELAY, ResponseWriter, StreamBroken
from proxy.values import Message, Response
from tests.fakes.raw_azure import HANG, KEY, TIMEOUTS, RawAzure, post, serving
from tests.fakes.virtual_time import in_virtual_time, reach, time_now

SHORT = 0.05
LONG = 1000.0
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"

Says = Callable[[asyncio.StreamWriter], Awaitable[None]]


def event(content: str | None, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return (
        b"data: %s\n\n"
        % json.dumps(
            {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        ).encode()
    )


ANNOTATION = b'data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[]}\n\n'
ERROR = b'data: {"error":{"code":"server_error","message":"It went wrong."}}\n\n'


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class Relayed:
    """An answer of Azure whose headers are here, and the exchange that it belongs to."""

    server: RawAzure
    answer: UpstreamAnswer
    exchange: Exchange
    client: HttpClient
    stream: Stream
    lines: list[str]
    reported: list[Sending]
    sent: list[Message] = field(default_factory=list)
    reads: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reads.set()
        self.writer = ResponseWriter(self._send, self.exchange.deadline, self.exchange.stalled)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
        self.sent.append(message)

    async def chunks(self, *, idle: float = LONG, total: float = LONG, tag: bytes = b"") -> list[bytes]:
        """Send the stream to the client; return what it took."""
        relay = EventRelay(self.answer, self.stream, (lambda data: data.replace(b'"1"', tag)) if tag else None)
        assert await relay.begin(self.exchange.deadline, at_once=False) is None
        end = asyncio.get_running_loop().time() + total
        body = relay.chunks(self.exchange, self.writer, idle=idle, end=end)
        broken = False
        try:
            await self.writer.write(Response(status=200, headers={}, body=body))
        except StreamBroken:
            broken = True
        assert broken is (self.outcomes[0] == "stream_broken")
        return self.taken

    @property
    def taken(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:] if message["body"]]

    def download(self, *, idle: float = LONG, total: float = LONG) -> Awaitable[None]:
        end = asyncio.get_running_loop().time() + total
        body = download(self.answer, self.exchange, idle=idle, end=end)
        return self.writer.write(Response(status=200, headers={}, body=body))

    @property
    def outcomes(self) -> tuple[object, list[str | None]]:
        """How the request and its sendings ended, by the log and by the reports."""
        (line,) = self.lines
        return json.loads(line)["outcome"], [sending.outcome for sending in self.reported]


@asynccontextmanager
async def relayed(says: Says, form: StreamFormat = StreamFormat.CHAT) -> AsyncIterator[Relayed]:
    """Give an answer of which Azure `says` everything behind the headers."""

    async def answers(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await says(writer)

    client, lines, reported = HttpClient(TIMEOUTS, 8), list[str](), list[Sending]()
    stream = open_stream(form, AzureErrors(model=None, auth=None))
    try:
        async with asyncio.timeout(HANG), serving(answers) as server:
            answer = await client.send(post(server), KEY, lambda: Sending(reported.append))
            entry = AccessLogEntry("1", asyncio.get_running_loop().time, lines.append)
            async with Exchange(entry, Connection(lambda: None)) as exchange:
                yield Relayed(server, answer, exchange, client, stream, lines, reported)
                answer.close()
    finally:
        await client.close()


def saying(*parts: bytes, end: bytes = END) -> Says:
    async def say(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(framed(part))
        writer.write(end)

    return say


async def leave(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.close()


async def tear(writer: asyncio.StreamWriter) -> None:
    writer.write(framed(event("a")))
    await writer.drain()
    writer.close()


def error_of(chunk: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(chunk.partition(b"data: ")[2].partition(b"\n")[0])["error"]
    return found


async def test_a_stream_is_passed_on_and_its_connection_used_again() -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(framed(event("a")) + framed(event(None, "stop")) + framed(DONE))
        await writer.drain()
        await pause(SHORT)
        writer.write(END)

    async with relayed(say) as stream:
        taken = b"".join(await stream.chunks())
        assert taken.count(b"data: ") == 3
        assert taken.endswith(DONE)
        assert stream.outcomes == ("completed", ["completed"])
        assert len(stream.client) == 0
        again = await stream.client.send(post(stream.server), KEY, lambda: Sending(stream.reported.append))
        again.close()
        assert stream.server.connections == 1


async def test_ids_get_their_tag_in_every_part_of_a_stream() -> None:
    may_end = asyncio.Event()

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(framed(event("a")))
        await may_end.wait()
        writer.write(framed(event(None, "stop")) + framed(DONE) + END)

    async with relayed(say) as stream:
        asyncio.get_running_loop().call_later(SHORT, may_end.set)
        taken = b"".join(await stream.chunks(tag=b'"1~west"'))
        assert taken.count(b'"1~west"') == 2
        assert b'"1"' not in taken


async def test_the_bytes_are_counted_once() -> None:
    parts = [event("a"), event("b"), event(None, "stop"), DONE]
    async with relayed(saying(*parts)) as stream:
        await stream.chunks()
        assert stream.reported[0].received == len(b"".join(parts))
        assert stream.reported[0].first_byte is not None


async def test_silence_within_a_stream_is_an_error_in_it() -> None:
    async with relayed(saying(event("a"), end=b"")) as stream:
        taken = await stream.chunks(idle=SHORT)
        assert error_of(taken[-1])["message"] == "Azure OpenAI stopped sending."
        assert stream.outcomes == ("stream_broken", ["stream_broken"])
        await stream.server.closed.wait()


async def test_silence_before_the_first_word_is_none_within_the_stream() -> None:
    may_speak = asyncio.Event()

    async def think(writer: asyncio.StreamWriter) -> None:
        await may_speak.wait()
        writer.write(framed(event("a")) + framed(event(None, "stop")) + framed(DONE) + END)

    async with relayed(think) as stream:
        asyncio.get_running_loop().call_later(3 * SHORT, may_speak.set)
        await stream.chunks(idle=2 * SHORT)
        assert stream.outcomes == ("completed", ["completed"])


async def test_a_stream_that_goes_on_slowly_is_waited_for() -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        for _ in range(6):
            writer.write(framed(event("a")))
            await writer.drain()
            await pause(SHORT)
        writer.write(framed(event(None, "stop")) + framed(DONE) + END)

    async with relayed(slowly) as stream:
        await stream.chunks(idle=4 * SHORT)
        assert stream.outcomes == ("completed", ["completed"])


async def test_what_the_client_does_not_see_is_no_silence() -> None:
    async def annotate(writer: asyncio.StreamWriter) -> None:
        writer.write(framed(event("a")))
        for _ in range(6):
            writer.write(framed(ANNOTATION))
            await writer.drain()
            await pause(SHORT)
        writer.write(framed(event(None, "stop")) + framed(DONE) + END)

    async with relayed(annotate) as stream:
        await stream.chunks(idle=4 * SHORT)
        assert stream.outcomes == ("completed", ["completed"])


async def test_the_time_in_which_the_client_reads_is_not_azure_s() -> None:
    async with relayed(saying(event("a"), end=b"")) as stream:
        stream.reads.clear()
        relaying = asyncio.ensure_future(stream.chunks(idle=2 * SHORT))
        await pause(6 * SHORT)
        now = asyncio.get_running_loop().time
        stream.reads.set()
        read_at = now()
        taken = await relaying
        assert now() - read_at >= 2 * SHORT
        assert error_of(taken[-1])["message"] == "Azure OpenAI stopped sending."


@pytest.mark.parametrize("idle", [SHORT, LONG], ids=["while it goes on", "while it is silent"])
async def test_a_stream_that_goes_on_for_too_long_in_all_is_an_error_in_it(idle: float) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(framed(event("a")))
        while idle < LONG and not writer.is_closing():
            writer.write(framed(event("a")))
            await writer.drain()
            await pause(SHORT / 5)

    async with relayed(endless) as stream:
        taken = await stream.chunks(idle=4 * idle, total=6 * SHORT)
        assert error_of(taken[-1])["message"] == "The answer of Azure OpenAI took too long in all."
        assert stream.outcomes == ("stream_broken", ["stream_broken"])


class SilentAnswer:
    """An answer that has begun and says nothing more until it is aborted."""

    breaks = (OSError,)

    def __init__(self, said: bytes) -> None:
        self.sending = Sending(lambda _: None)
        self._said = [said]
        self._more: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        return self._said.pop() if self._said else await self._more

    def abort(self, error: Exception) -> None:
        self._more.set_exception(error)

    async def finish(self) -> None:
        """Have nothing to read."""

    def close(self) -> None:
        """Have nothing to close."""


@in_virtual_time
async def test_the_limits_of_silence_and_of_all_end_a_stream_when_they_are_due() -> None:
    due = []
    for idle, total, read_for in ((5, 100, 0), (200, 100, 0), (60, 100, 50)):
        begun = time_now()
        lines = list[str]()
        async with Exchange(AccessLogEntry("1", time_now, lines.append), Connection(lambda: None)) as exchange:
            answer = cast("UpstreamAnswer", SilentAnswer(event("a")))
            stream = open_stream(StreamFormat.CHAT, AzureErrors(model=None, auth=None))

            async def send(message: Message, until: float = begun + read_for) -> None:
                if message.get("more_body"):
                    await reach(max(until, time_now()))

            writer = ResponseWriter(send, exchange.deadline, exchange.stalled)
            relay = EventRelay(answer, stream, None)
            assert await relay.begin(exchange.deadline, at_once=False) is None
            body = relay.chunks(exchange, writer, idle=idle, end=begun + total)
            with pytest.raises(StreamBroken):
                await writer.write(Response(status=200, headers={}, body=body))
        due.append(time_now() - begun)
    assert due == pytest.approx([5 + BREAK_DELAY.least, 100 + BREAK_DELAY.least, 100 + BREAK_DELAY.least], abs=0.1)


def typed(kind: str, **members: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


CREATED = typed("response.created", response={"id": "1"})
TEXT = typed("response.output_text.delta", delta="a")
FAILED = typed("response.failed", response={"id": "1", "error": None})
CAUSE = typed("error", error={"code": "rate_limit_exceeded", "message": "Slow down."})


@pytest.mark.parametrize("content", [b"", TEXT], ids=["before the first word", "behind it"])
@in_virtual_time
async def test_a_cause_that_does_not_come_is_waited_for_only_a_moment(content: bytes) -> None:
    begun, lines = time_now(), list[str]()
    async with Exchange(AccessLogEntry("1", time_now, lines.append), Connection(lambda: None)) as exchange:
        answer = cast("UpstreamAnswer", SilentAnswer(CREATED + content + FAILED))
        stream = open_stream(StreamFormat.RESPONSE, AzureErrors(model=None, auth=None))
        relay = EventRelay(answer, stream, None)
        error = await relay.begin(exchange.deadline, at_once=False)
        if content:
            assert error is None
            writer = ResponseWriter(ignore, exchange.deadline, exchange.stalled)
            body = relay.chunks(exchange, writer, idle=LONG, end=begun + LONG)
            assert b"".join([chunk async for chunk in body]) == CREATED + content + FAILED
        else:
            assert error is not None
            assert error.status == 500
    assert time_now() - begun == LAST_EVENT


async def ignore(message: Message) -> None:
    """Take what is sent."""


@in_virtual_time
async def test_azure_s_last_word_behind_an_error_is_waited_for_only_a_moment() -> None:
    begun, lines = time_now(), list[str]()
    async with Exchange(AccessLogEntry("1", time_now, lines.append), Connection(lambda: None)) as exchange:
        answer = cast("UpstreamAnswer", SilentAnswer(CREATED + TEXT + CAUSE))
        stream = open_stream(StreamFormat.RESPONSE, AzureErrors(model=None, auth=None))
        relay = EventRelay(answer, stream, None)
        assert await relay.begin(exchange.deadline, at_once=False) is None
        writer = ResponseWriter(ignore, exchange.deadline, exchange.stalled)
        body = relay.chunks(exchange, writer, idle=LONG, end=begun + LONG)
        assert (await anext(body)).startswith(CREATED + TEXT + b"event: error\n")
        assert (await anext(body)).startswith(b"event: response.failed\n")
        assert time_now() - begun == LAST_EVENT
        with pytest.raises(StreamBroken):
            await anext(body)
    assert json.loads(lines[0])["outcome"] == "stream_broken"


async def test_a_cause_behind_the_failure_is_an_error_before_the_first_word() -> None:
    async with relayed(saying(CREATED, FAILED, CAUSE), StreamFormat.RESPONSE) as stream:
        error = await EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=False)
        assert error is not None
        assert (error.status, error.message) == (429, "Slow down.")


async def test_a_client_that_leaves_right_behind_the_last_event_has_had_all_of_it() -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(framed(event("a")))
        await writer.drain()
        writer.write(framed(event(None, "stop")) + framed(DONE))

    async with relayed(say) as stream:
        relay = EventRelay(stream.answer, stream.stream, None)
        assert await relay.begin(stream.exchange.deadline, at_once=False) is None
        body = relay.chunks(stream.exchange, stream.writer, idle=LONG, end=asyncio.get_running_loop().time() + LONG)
        while not (await anext(body)).endswith(DONE):
            pass
        leaving = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert stream.outcomes == ("completed", ["completed"])


async def test_a_break_is_an_error_in_the_stream() -> None:
    async with relayed(tear) as stream:
        taken = await stream.chunks()
        assert error_of(taken[-1])["message"] == "The connection to Azure OpenAI broke."
        assert stream.outcomes == ("stream_broken", ["stream_broken"])


async def test_an_end_before_the_answer_is_complete_is_an_error_in_the_stream() -> None:
    async with relayed(saying(event("a"))) as stream:
        taken = await stream.chunks()
        assert "before the answer was complete" in str(error_of(taken[-1])["message"])
        assert stream.outcomes == ("stream_broken", ["stream_broken"])


async def test_the_end_of_the_instance_is_an_error_in_the_stream() -> None:
    async with relayed(saying(event("a"), end=b"")) as stream:
        asyncio.get_running_loop().call_later(SHORT, stream.exchange.stop)
        taken = await stream.chunks()
        assert error_of(taken[-1])["code"] == "proxy_shutting_down"
        assert stream.outcomes == ("stream_broken", ["stream_broken"])
        assert stream.exchange.reason is None


async def test_a_stream_that_is_left_counts_what_came_and_is_silent_from_then_on() -> None:
    async with relayed(saying(event("a"), event("b"), end=b"")) as stream:
        relay = EventRelay(stream.answer, stream.stream, None)
        assert await relay.begin(stream.exchange.deadline, at_once=False) is None
        chunks = relay.chunks(stream.exchange, stream.writer, idle=SHORT, end=asyncio.get_running_loop().time() + LONG)
        assert await anext(chunks)
        await chunks.aclose()
        stream.answer.sending.end("client_left")
        await pause(3 * SHORT)
        assert stream.reported[0].received > 0
        assert stream.lines == []


async def test_an_error_before_the_first_word_is_no_stream() -> None:
    async with relayed(saying(ANNOTATION, ERROR)) as stream:
        error = await EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=False)
        assert error is not None
        assert "went wrong" in error.message


@pytest.mark.parametrize(
    ("says", "message"),
    [(saying(), "before the answer was complete"), (leave, "broke")],
    ids=["ends", "breaks"],
)
async def test_an_answer_that_ends_before_its_first_word_is_an_error(says: Says, message: str) -> None:
    async with relayed(says) as stream:
        error = await EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=False)
        assert isinstance(error, UpstreamError)
        assert message in error.message


async def test_an_abort_before_the_first_word_is_its_error() -> None:
    async with relayed(saying(end=b"")) as stream:
        beginning = asyncio.ensure_future(
            EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=False)
        )
        await asyncio.sleep(0)
        stream.answer.abort(UpstreamTimeout("too late"))
        error = await beginning
        assert isinstance(error, UpstreamTimeout)


async def test_a_stream_that_is_wanted_at_once_begins_with_anything() -> None:
    async with relayed(saying(b": comment\n\n", end=b"")) as stream:
        assert (
            await EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=True) is None
        )


async def test_a_beginning_without_end_is_not_held() -> None:
    long = b'data: {"type":"response.in_progress","response":{"instructions":"' + b"x" * 100_000 + b'"}}\n\n'

    async def mutter(writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for _ in range(3 * MAX_HELD_BYTES // len(long)):
                writer.write(framed(long))
                await writer.drain()

    async with relayed(mutter, StreamFormat.RESPONSE) as stream:
        assert (
            await EventRelay(stream.answer, stream.stream, None).begin(stream.exchange.deadline, at_once=False) is None
        )
        assert MAX_HELD_BYTES < stream.answer.sending.received < 2 * MAX_HELD_BYTES


async def test_a_file_is_passed_on_as_it_is() -> None:
    async with relayed(saying(b"ab", b"cd")) as file:
        await file.download()
        assert b"".join(file.taken) == b"abcd"
        assert file.outcomes == ("completed", ["completed"])
        assert (file.reported[0].received, len(file.client)) == (4, 0)


async def test_a_file_that_breaks_off_is_an_error_for_who_sends_it() -> None:
    async with relayed(tear) as file:
        with pytest.raises(UpstreamError, match="broke"):
            await file.download()
        assert file.outcomes == ("stream_broken", ["stream_broken"])


@pytest.mark.parametrize(("idle", "total"), [(SHORT, LONG), (LONG, SHORT)])
async def test_a_file_that_stops_coming_is_an_error_for_who_sends_it(idle: float, total: float) -> None:
    async with relayed(saying(b"ab", end=b"")) as file:
        with pytest.raises(UpstreamTimeout):
            await file.download(idle=idle, total=total)
        assert (file.taken, file.outcomes) == ([b"ab"], ("stream_broken", ["stream_broken"]))


async def test_the_time_in_which_the_client_reads_a_file_is_not_azure_s() -> None:
    async with relayed(saying(b"ab")) as file:
        file.reads.clear()
        downloading = asyncio.ensure_future(file.download(idle=SHORT))
        await pause(4 * SHORT)
        file.reads.set()
        await downloading
        assert file.outcomes == ("completed", ["completed"])


async def test_the_end_of_the_instance_breaks_a_file_off() -> None:
    async with relayed(saying(b"ab", end=b"")) as file:
        asyncio.get_running_loop().call_later(SHORT, file.exchange.stop)
        with pytest.raises(ShuttingDown):
            await file.download()
        assert file.outcomes == ("stream_broken", ["stream_broken"])


async def pause(seconds: float) -> None:
    """Let at least so many seconds pass."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
