"""Files that are sent over several resources: what arrives at another one is whole."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator

import pytest

from tests.integration.several import App, Odd, Seen, told
from tests.integration.test_several_not_repeated import (
    AUDIO,
    GOOD,
    THROTTLED,
    behind,
    down_first,
    good,
    odd,
    odd_first,
    two,
)
from tools.azure_openai_simulator import Simulator

__all__ = ["down_first", "good", "odd", "odd_first", "two"]  # fixtures

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("model", ["connection-reset", "error-408", "error-429-old", "error-500"])
@pytest.mark.parametrize("small", [False, True], ids=["3 MB", "a few bytes"])
async def test_a_transcription_s_whole_file_arrives_at_the_second_resource(
    two: App, model: str, *, small: bool
) -> None:
    name, data, media = AUDIO
    sent = data[:100] if small else data
    seen = Seen(two.resources)
    async with two.sdk() as sdk:
        answer = await sdk.audio.transcriptions.with_raw_response.create(model=model, file=(name, sent, media))
    assert told(answer.headers) == ("1", "2")
    [arrived] = seen.new()[1]
    assert arrived.raw_path == f"/openai/deployments/{GOOD}/audio/transcriptions"
    assert arrived.headers["content-length"] == str(arrived.body_size)
    if small:
        assert sent in arrived.body
    assert arrived.body_size > len(sent)


BOUNDARY = "----boundary--7"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(**fields: str) -> bytes:
    """Return a form whose file stands before its fields."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    rest = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return head.encode() + AUDIO[1] + f"\r\n{''.join(rest)}--{BOUNDARY}--\r\n".encode()


UPLOADS = {"/v1/audio/transcriptions": form(model="whisper"), "/v1/files": form(purpose="assistants")}


async def sent_whole(running: App, good: Simulator, path: str) -> None:
    """Fail unless an upload arrives at the second resource as it would have at the first."""
    seen = Seen([good])
    sent = io.BytesIO(UPLOADS[path])
    async with running.http() as http, http.post(path, data=sent, headers=FORM) as answer:
        assert (answer.status, told(answer.headers)) == (200, ("1", "2"))
    assert [one.body_sha256 for one in seen.new()[0]] == [hashlib.sha256(UPLOADS[path]).hexdigest()]


@pytest.mark.parametrize("path", UPLOADS)
async def test_what_arrives_at_the_second_resource_is_what_would_have_arrived_at_once(
    odd: Odd, odd_first: App, down_first: App, good: Simulator, path: str
) -> None:
    odd.fault, odd.resets = THROTTLED, False
    await sent_whole(odd_first, good, path)
    await sent_whole(down_first, good, path)


@pytest.mark.parametrize("path", UPLOADS)
async def test_a_resource_may_refuse_before_it_has_read_the_file(good: Simulator, path: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Busy\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        while await reader.read(MEGABYTE):
            pass
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, behind(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", good) as running:
        await sent_whole(running, good, path)


@pytest.mark.parametrize("whole", [False, True], ids=["before all was sent", "behind all of it"])
async def test_a_file_goes_elsewhere_where_the_connection_breaks_before_all_was_sent(
    good: Simulator, *, whole: bool
) -> None:
    """A file that was sent whole may have been made."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(f"--{BOUNDARY}--\r\n".encode() if whole else b"\r\n\r\n")
        writer.transport.abort()

    large = form(purpose="assistants").replace(AUDIO[1], AUDIO[1] * 10)
    server = await asyncio.start_server(reset, "127.0.0.1", 0, limit=2 * len(large))
    seen = Seen([good])
    async with (
        server,
        behind(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", good) as running,
        running.http() as http,
        http.post("/v1/files", data=io.BytesIO(large), headers=FORM) as answer,
    ):
        assert (answer.status, told(answer.headers)) == ((502, ("0", "1")) if whole else (200, ("1", "2")))
    arrived = [one.body_sha256 for one in seen.new()[0]]
    assert arrived == ([] if whole else [hashlib.sha256(large).hexdigest()])


@pytest.mark.parametrize("model", ["error-500", "stream-error-429"])
async def test_a_streamed_transcription_is_answered_by_the_second_resource(two: App, model: str) -> None:
    async with two.sdk() as sdk:
        stream = await sdk.audio.transcriptions.create(model=model, file=AUDIO, stream=True)
        kinds = [event.type async for event in stream]
        assert kinds[-1] == "transcript.text.done"
    assert told(stream.response.headers) == ("1", "2")


async def test_a_body_whose_length_nobody_tells_is_sent_once_only(two: App) -> None:
    """It is not kept, for nobody knows how large it grows: only what could not be connected goes elsewhere."""

    async def parts() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nerror-429-old\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + AUDIO[1]
        yield b"\r\n--b--\r\n"

    seen = Seen(two.resources)
    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with two.http() as http, http.post("/v1/audio/transcriptions", data=parts(), headers=headers) as answer:
        assert (answer.status, told(answer.headers)) == (429, ("0", "1"))
    assert seen.counts() == [1, 0]
