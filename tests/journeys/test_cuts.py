"""A stream of Azure that is cut, anywhere and in any way, never looks complete to a client unless it is.

Complete is an answer in which every choice has had its finish_reason: what may follow is the usage and `[DONE]`.
"""

import json
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.documents import events
from tests.fakes import CHOICES, CUTS, Cut, Kind, ScriptedAzure
from tests.journeys.conftest import CLIENT_KEY
from tests.journeys.test_http import CHAT, chat
from tests.journeys.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host

each_cut = pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.deployment)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[ScriptedAzure]:
    async with ScriptedAzure().serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(azure: ScriptedAzure) -> AsyncIterator[HostProcess]:
    environ = {
        "AZURE_OPENAI_ENDPOINT": azure.url,
        "AZURE_OPENAI_API_KEY": "key",
        "CLIENT_KEYS": f"journey={CLIENT_KEY}",
    }
    async with running_host(REPOSITORY, environ) as host:
        yield host


async def only_line(app: HostProcess, request_id: str) -> dict[str, object]:
    """Return what the app has logged about a request, once it has; it must be one line."""
    await app.wait_for_output(f'"{request_id}"')
    (line,) = [json.loads(line) for line in app.output().splitlines() if f'"{request_id}"' in line]
    assert isinstance(line, dict)
    return line


def judge(raw: bytes, *, complete: bool) -> None:
    """Check that a stream ends with its only `[DONE]`, and has an error before it unless it is complete."""
    assert raw.endswith(b"data: [DONE]\n\n")
    assert raw.count(b"[DONE]") == 1
    chunks = list(events(raw))
    finished = {choice["index"] for chunk in chunks for choice in chunk.get("choices", ()) if choice["finish_reason"]}
    assert [chunk for chunk in chunks if "error" in chunk] == ([] if complete else chunks[-1:])
    assert finished == CHOICES or not complete


def hold_resets(azure: ScriptedAzure, cut: Cut) -> None:
    """A reset may overtake bytes that nobody has read, so it waits until all that came before it is here."""
    azure.may_reset.set()
    if cut.chunks:
        azure.may_reset.clear()


async def read(
    stream: openai.AsyncStream[openai.types.chat.ChatCompletionChunk], cut: Cut, azure: ScriptedAzure
) -> str:
    """Return the text of a stream that ends cleanly; an error of the SDK says in a note how far it came."""
    text, chunks = "", 0
    try:
        async for chunk in stream:
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
            chunks += 1
            if chunks == cut.chunks:
                azure.may_reset.set()
    except openai.APIError as error:
        error.add_note(text)
        raise
    return text


@each_cut
async def test_the_sdk_gets_what_came_and_then_an_error_unless_the_answer_was_complete(
    client: AsyncOpenAI, azure: ScriptedAzure, cut: Cut
) -> None:
    hold_resets(azure, cut)
    stream = await client.chat.completions.create(model=cut.deployment, messages=HELLO, stream=True, n=2)
    if cut.complete:
        assert await read(stream, cut, azure) == cut.text
    else:
        with pytest.raises(openai.APIError) as raised:
            await read(stream, cut, azure)
        assert raised.value.__notes__ == [cut.text]


@each_cut
async def test_the_bytes_end_with_done_and_with_an_error_before_it_unless_the_answer_was_complete(
    app: HostProcess, azure: ScriptedAzure, http: aiohttp.ClientSession, cut: Cut
) -> None:
    hold_resets(azure, cut)
    raw = b""
    async with http.post(CHAT, data=chat(cut.deployment, stream=True)) as answer:
        while line := await answer.content.readline():
            raw += line
            if raw.count(b"data: ") == cut.chunks:
                azure.may_reset.set()
    judge(raw, complete=cut.complete)
    line_of_log = await only_line(app, azure.answered[-1])
    assert line_of_log["outcome"] == ("completed" if cut.complete else "stream_broken")
    assert (line_of_log["status"], line_of_log["deployment"]) == (200, cut.deployment)


@pytest.mark.parametrize("cut", [cut for cut in CUTS if cut.kind is Kind.RESET], ids=lambda cut: cut.deployment)
async def test_a_reset_that_overtakes_what_came_before_does_not_make_it_look_complete(
    app: HostProcess, azure: ScriptedAzure, http: aiohttp.ClientSession, cut: Cut
) -> None:
    azure.may_reset.set()
    async with http.post(CHAT, data=chat(cut.deployment, stream=True)) as answer:
        raw = await answer.read()
    broken = b'"error"' in raw
    assert broken or cut.complete
    judge(raw, complete=not broken)
    line = await only_line(app, azure.answered[-1])
    assert line["outcome"] == ("stream_broken" if broken else "completed")


async def test_every_request_has_written_exactly_one_line(app: HostProcess, azure: ScriptedAzure) -> None:
    assert azure.answered
    for request_id in azure.answered:
        line = await only_line(app, request_id)
        assert line["outcome"] in ("stream_broken", "completed")
