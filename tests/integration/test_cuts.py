"""A stream of Azure that is cut, anywhere and in any way, never looks complete to a client unless it is.

Complete is an answer in which every choice has had its finish_reason (what may follow is the usage and `[DONE]`), or
whose last event has come.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.fakes.scripted_azure import ScriptedAzure
from tests.integration.conftest import CLIENT_KEY
from tests.integration.cuts import ALL_CUTS, CUTS, EARLY_CUTS, Cut, Kind
from tests.integration.endings import RETRY, read_to_end
from tests.integration.node import run_script
from tests.integration.recordings import CHAT, COMPLETION, IMAGE, RESPONSE, SPEECH, TRANSCRIPT, Recording
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host

Call = Callable[[AsyncOpenAI, str], Any]
"""Ask for a stream of a deployment."""
CALLS: dict[Recording, Call] = {
    CHAT: lambda sdk, model: sdk.chat.completions.create(model=model, messages=HELLO, stream=True, n=2),
    COMPLETION: lambda sdk, model: sdk.completions.create(model=model, prompt=["hi", "ho"], stream=True),
    RESPONSE: lambda sdk, model: sdk.responses.create(model=model, input="hi", stream=True),
    IMAGE: lambda sdk, model: sdk.images.generate(model=model, prompt="hi", stream=True, partial_images=2),
    TRANSCRIPT: lambda sdk, model: sdk.audio.transcriptions.create(model=model, file=("a.wav", b"RIFF"), stream=True),
}
SAID: dict[Recording, Callable[[Any], str]] = {
    CHAT: lambda chunk: "".join(choice.delta.content or "" for choice in chunk.choices),
    COMPLETION: lambda chunk: "".join(choice.text for choice in chunk.choices),
    RESPONSE: lambda event: getattr(event, "delta", ""),
    IMAGE: lambda event: event.b64_json,
    TRANSCRIPT: lambda event: getattr(event, "delta", ""),
}
"""What an event adds to the text."""


def parametrize(cuts: tuple[Cut, ...], *, but: Recording | None = None) -> pytest.MarkDecorator:
    chosen = [cut for cut in cuts if cut.recording is not but]
    return pytest.mark.parametrize("cut", chosen, ids=lambda cut: cut.deployment.removeprefix("script-"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[ScriptedAzure]:
    async with ScriptedAzure({cut.deployment: cut.script for cut in ALL_CUTS}).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(azure: ScriptedAzure) -> AsyncIterator[HostProcess]:
    environ = {
        "AZURE_OPENAI_ENDPOINT": azure.url,
        "AZURE_OPENAI_API_KEY": "key",
        "CLIENT_KEYS": f"tester={CLIENT_KEY}",
    }
    async with running_host(REPOSITORY, environ) as host:
        yield host


async def only_line(app: HostProcess, request_id: str) -> dict[str, object]:
    """Return what the app has logged about a request, once it has; it must be one line."""
    await app.wait_for_output(f'"{request_id}"')
    (line,) = [json.loads(line) for line in app.output().splitlines() if f'"{request_id}"' in line]
    assert isinstance(line, dict)
    return line


def hold_resets(azure: ScriptedAzure, cut: Cut) -> None:
    """A reset may overtake bytes that nobody has read, so it waits until all that came before it is here."""
    azure.may_reset.set()
    if cut.begun:
        azure.may_reset.clear()


def post(http: aiohttp.ClientSession, cut: Cut) -> "aiohttp.client._RequestContextManager":
    recording = cut.recording
    members = {"model": cut.deployment, "stream": True, **recording.asked}
    if not recording.form:
        return http.post(f"/v1/{recording.path}", json=members)
    form = aiohttp.FormData({"model": cut.deployment, "stream": "true"})
    form.add_field("file", b"RIFF", filename="a.wav", content_type="audio/wav")
    return http.post(f"/v1/{recording.path}", data=form)


def judge(raw: bytes, recording: Recording, *, complete: bool) -> None:
    """Check that a stream ends with its own last event, or with one error and nothing that looks like an end."""
    assert raw.count(RETRY) == (not complete)
    blocks = raw.replace(RETRY, b"").split(b"\n\n")
    assert blocks.pop() == b""
    if complete and recording.ends_with_done:
        assert blocks.pop() == b"data: [DONE]"
    assert b"[DONE]" not in b"".join(blocks)
    events = [json.loads(block.partition(b"data: ")[2]) for block in blocks]
    errors = [event for event in events if event.get("error") or event.get("type") == "error"]
    if complete:
        assert errors == []
        assert recording.ends_with_done or blocks[-1] + b"\n\n" == recording.raw[-len(blocks[-1]) - 2 :]
    elif recording is RESPONSE:
        assert errors == [events[-2]]
        judge_response(events)
    else:
        assert errors == [events[-1]]
        assert set(errors[0]["error"]) == {"type", "code", "message", "param"}


def judge_response(events: list[dict[str, Any]]) -> None:
    """Check the last two events of a response that was cut."""
    *came, error, failed = events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert set(error) == {"type", "code", "message", "param", "sequence_number", "error"}
    assert set(error["error"]) == {"type", "code", "message", "param"}
    assert failed["type"] == "response.failed"
    response = failed["response"]
    assert (response["id"], response["status"]) == (came[0]["response"]["id"], "failed")
    assert response["error"] == {"code": "server_error", "message": error["message"]}
    said = "".join(event["delta"] for event in came if event["type"] == "response.output_text.delta")
    texts = [part["text"] for item in response["output"] for part in item.get("content", ())]
    assert "".join(texts) == said


async def read(stream: openai.AsyncStream[Any], cut: Cut, azure: ScriptedAzure) -> tuple[str, str | None]:
    """Return the text of a stream, and the code of the error that it ends with; None is a clean end."""
    text, chunks = "", 0
    try:
        async for event in stream:
            text += SAID[cut.recording](event)
            chunks += 1
            if chunks == cut.chunks:
                azure.may_reset.set()
    except openai.APIError as error:
        return text, error.code
    return text, None


@parametrize(CUTS, but=SPEECH)  # whose events the SDK does not read
async def test_the_sdk_gets_what_came_and_then_an_error_unless_the_answer_was_complete(
    client: AsyncOpenAI, azure: ScriptedAzure, cut: Cut
) -> None:
    hold_resets(azure, cut)
    stream = await CALLS[cut.recording](client, cut.deployment)
    assert await read(stream, cut, azure) == (cut.text, None if cut.complete else "upstream_error")


@parametrize(CUTS)
async def test_the_bytes_end_with_an_error_unless_the_answer_was_complete(
    app: HostProcess, azure: ScriptedAzure, http: aiohttp.ClientSession, cut: Cut
) -> None:
    hold_resets(azure, cut)
    raw, broken = b"", False
    async with post(http, cut) as answer:
        try:
            while line := await answer.content.readline():
                raw += line
                if raw.count(b"data: ") == cut.chunks:
                    azure.may_reset.set()
        except aiohttp.ClientPayloadError:
            broken = True
    assert broken is not cut.complete
    judge(raw, cut.recording, complete=cut.complete)
    line_of_log = await only_line(app, azure.answered[-1])
    assert line_of_log["outcome"] == ("completed" if cut.complete else "stream_broken")
    assert line_of_log["status"] == 200


@parametrize(tuple(cut for cut in CUTS if cut.kind is Kind.RESET))
async def test_a_reset_that_overtakes_what_came_before_does_not_make_it_look_complete(
    app: HostProcess, azure: ScriptedAzure, http: aiohttp.ClientSession, cut: Cut
) -> None:
    azure.may_reset.set()
    async with post(http, cut) as answer:
        status, (raw, is_cut) = answer.status, await read_to_end(answer)
    line = await only_line(app, azure.answered[-1])
    if status == 502:  # It has overtaken all that says something.
        assert json.loads(raw)["error"]["code"] == line["error"] == "upstream_error"
        return
    broken = b'"upstream_error"' in raw
    assert broken or cut.complete
    assert broken is is_cut
    judge(raw, cut.recording, complete=not broken)
    assert line["outcome"] == ("stream_broken" if broken else "completed")


@parametrize(EARLY_CUTS)
async def test_a_stream_that_is_cut_before_it_said_anything_is_a_real_error(
    app: HostProcess, azure: ScriptedAzure, http: aiohttp.ClientSession, cut: Cut
) -> None:
    azure.may_reset.set()
    async with post(http, cut) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"], answer.content_type) == (502, "upstream_error", "application/json")
    line = await only_line(app, azure.answered[-1])
    assert (line["outcome"], line["status"], line["error"]) == ("error", 502, "upstream_error")


@parametrize(EARLY_CUTS, but=SPEECH)
async def test_the_sdk_raises_the_real_error(client: AsyncOpenAI, azure: ScriptedAzure, cut: Cut) -> None:
    azure.may_reset.set()
    with pytest.raises(openai.InternalServerError) as raised:
        await CALLS[cut.recording](client, cut.deployment)
    assert (raised.value.status_code, raised.value.code) == (502, "upstream_error")


async def test_the_node_sdk_gets_an_error_from_every_stream_that_is_not_complete(
    app: HostProcess, azure: ScriptedAzure
) -> None:
    azure.may_reset.set()
    cuts = {cut.deployment: cut for cut in ALL_CUTS if cut.recording in (CHAT, RESPONSE)}
    asked = {name: cut.recording.name for name, cut in cuts.items()}
    came = await run_script("cuts.js", {"URL": app.url, "KEY": CLIENT_KEY, "CUTS": json.dumps(asked)})
    assert came.keys() == cuts.keys()
    for name, cut in cuts.items():
        one = came[name]
        assert isinstance(one, dict)
        if cut.kind is Kind.RESET:  # which may overtake what came before
            assert cut.complete or one["code"] == "upstream_error", name
        else:
            assert one["text"] == (cut.text if cut.begun else ""), name
            assert one["code"] == (None if cut.complete else "upstream_error"), name
            assert one["status"] == (None if cut.begun else 502), name


async def test_every_request_has_written_exactly_one_line(app: HostProcess, azure: ScriptedAzure) -> None:
    assert azure.answered
    for request_id in azure.answered:
        line = await only_line(app, request_id)
        assert line["outcome"] in ("stream_broken", "completed", "error")
