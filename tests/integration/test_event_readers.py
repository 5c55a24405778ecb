"""Raw readers of events, four major versions of npm's eventsource-parser: an event counts when its blank line is there.

The SDKs are milder: they stop at `[DONE]`, blank line or not. Web pages read with such a parser.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.scripted_azure import Script, ScriptedAzure
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.node import install, run_script
from tests.integration.recordings import DONE, RECORDINGS, Recording
from tests.integration.test_azure_oddities import EARLY, HELD
from tests.integration.test_heads import BLANK, HEAD, KEEP_ALIVE, post
from tests.integration.test_http import CHAT
from tests.integration.test_sdk import ECHO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import STREAM_ODDITIES, Simulator

# So that no reader connects again by itself when a stream breaks off.
RETRY_MILLISECONDS = 2147483647
# How many lines without data go-openai reads in a row.
GO_LIMIT = 300
# The types of the last events, or `[DONE]`.
LAST = {
    "chat": "[DONE]",
    "completion": "[DONE]",
    "response": "response.completed",
    "image": "image_generation.completed",
    "transcript": "transcript.text.done",
    "speech": "speech.audio.done",
}
PARTS = 7  # bytes; a read never ends where an event does, but by chance
# Every way in which Azure's last event, or what follows, may be written.
ENDINGS: Mapping[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "as-usual": lambda raw: (raw,),
    "line-by-line": lambda raw: tuple(raw.splitlines(keepends=True)),
    "in-small-parts": lambda raw: tuple(raw[at : at + PARTS] for at in range(0, len(raw), PARTS)),
    "without-its-blank-line": lambda raw: (raw.removesuffix(b"\n"),),
    "without-any-newline": lambda raw: (raw.removesuffix(b"\n\n"),),
    "without-done": lambda raw: (raw.removesuffix(DONE),),
    "without-done-and-blank-line": lambda raw: (raw.removesuffix(DONE).removesuffix(b"\n\n"),),
    "without-a-space": lambda raw: (raw.replace(b"data: ", b"data:"),),
    "with-crlf": lambda raw: (raw.replace(b"\n", b"\r\n"),),
    "with-cr": lambda raw: (raw.replace(b"\n", b"\r"),),
    "with-crlf-cut-short": lambda raw: (raw.replace(b"\n", b"\r\n").removesuffix(b"\n\r\n"),),
    "with-a-mark": lambda raw: (b"\xef\xbb\xbf" + raw,),
    "with-more-blank-lines": lambda raw: (raw.replace(b"\n\n", b"\n\n\n"),),
    "with-comments": lambda raw: (b": hello\n\n" + raw.replace(b"\n\n", b"\n\n: still there\n\n"),),
    "with-more-behind": lambda raw: (raw, b'data: {"late":true}\n\n'),
    "with-done-twice": lambda raw: (raw, DONE),
}


def deployment(recording: Recording, ending: str) -> str:
    return f"script-{recording.name}-{ending}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scripted() -> AsyncIterator[HostProcess]:
    """An app on an Azure that ends its streams in every way."""
    scripts = {
        deployment(recording, name): Script(parts=end(recording.raw))
        for recording in RECORDINGS
        for name, end in ENDINGS.items()
    }
    async with ScriptedAzure(scripts).serving() as azure:
        environ = {
            "AZURE_OPENAI_ENDPOINT": azure.url,
            "AZURE_OPENAI_API_KEY": "key",
            "CLIENT_KEYS": f"tester={CLIENT_KEY}",
        }
        async with running_host(REPOSITORY, environ) as host:
            yield host


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def patient(simulator: Simulator) -> AsyncIterator[HostProcess]:
    """An app that breaks every silence, for scripts that can start at once."""
    await asyncio.to_thread(install)
    environ = {"STREAM_HEAD_TIMEOUT": str(HEAD), "STREAM_KEEP_ALIVE_INTERVAL": str(KEEP_ALIVE)}
    async with running_host(REPOSITORY, environ_for(simulator) | environ) as host:
        yield host


def case(recording: Recording, model: str, **members: object) -> dict[str, object]:
    asked = {"model": model, "stream": True, **recording.asked, **members}
    return {"path": recording.path, "body": asked, "file": "a b c d.wav" if recording.form else ""}


async def came_of(app: HostProcess, cases: Mapping[str, dict[str, object]]) -> dict[str, Any]:
    """Return what the readers got of each case: the same, and never a field that they do not know."""
    came: dict[str, Any] = await run_script(
        "event_readers.js", {"URL": app.url, "KEY": CLIENT_KEY, "CASES": json.dumps(cases)}
    )
    for name, one in came.items():
        assert one["status"] == 200, name
        first, *others = one["readers"]
        assert all(other["events"] == first["events"] for other in others), name
        assert all(reader["errors"] == [] for reader in one["readers"]), name
    return came


def kinds(came: dict[str, Any]) -> list[str]:
    """Return the types of the events, `[DONE]` and `error` as such, and nothing for what has no type."""
    return [_kind(data) for _, data in came["readers"][0]["events"]]


def _kind(data: str) -> str:
    if data == "[DONE]":
        return data
    event = json.loads(data)
    return "error" if "error" in event else event.get("type", "")


async def test_every_ending_of_azure_reaches_them_as_a_whole_last_event(scripted: HostProcess) -> None:
    cases = {
        deployment(recording, name): case(recording, deployment(recording, name))
        for recording in RECORDINGS
        for name in ENDINGS
    }
    came = await came_of(scripted, cases)
    for recording in RECORDINGS:
        usual = came[deployment(recording, "as-usual")]["readers"][0]["events"]
        assert len(usual) == sum(event.reaches for event in recording.events) + recording.ends_with_done
        for name in ENDINGS:
            one = came[deployment(recording, name)]
            assert one["readers"][0]["events"] == usual, (recording.name, name)
            assert kinds(one)[-1] == LAST[recording.name], (recording.name, name)


async def test_every_oddity_of_azure_ends_for_them(app: HostProcess, simulator: Simulator) -> None:
    names = sorted(set(STREAM_ODDITIES) - HELD - EARLY.keys())
    said: dict[str, dict[str, object]] = {
        "chat": {"n": 1},
        "completion": {"prompt": "a b c d"},
        "speech": {"input": "a b c d"},
    }
    cases = {
        f"{recording.name} {name}": case(recording, name, **said.get(recording.name, {}))
        for recording in RECORDINGS
        for name in names
    }
    for key, one in (await came_of(app, cases)).items():
        operation, name = key.split(" ")
        last, came = LAST[operation], kinds(one)
        broken = name in {"stream-cut", "stream-clean-cut", "stream-error-after-content"}
        # It blocks a choice, which none of the others has.
        broken |= name == "stream-async-filter-block" and last != "[DONE]"
        if last == "[DONE]":
            assert broken or came.pop() == "[DONE]", key
            last = ""
        if broken and operation == "response":
            assert came.pop() == "response.failed", key
        assert one["broken"] is broken, key
        assert all(reader["retries"] == [RETRY_MILLISECONDS] * broken for reader in one["readers"]), key
        assert came[-1] == ("error" if broken else last), key
        assert came.count("error") == broken, key
        assert "[DONE]" not in came, key


async def test_keep_alives_in_a_silence_do_not_disturb_them(patient: HostProcess, simulator: Simulator) -> None:
    before = len(simulator.requests)
    names = {recording.name: recording for recording in RECORDINGS if recording.name in ("chat", "response")}
    cases = {name: case(recording, "gated-answer") for name, recording in names.items()}
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(came_of(patient, cases))
        for number in range(len(cases)):
            await simulator.requested(before + 2 * number + 1)
            await silence(patient, simulator)
    for name, one in reading.result().items():
        assert kinds(one)[-1] == LAST[name]
        assert all(reader["comments"] == [] for reader in one["readers"])


async def test_keep_alives_in_a_silence_do_not_disturb_node_s_sdk(patient: HostProcess, simulator: Simulator) -> None:
    before = len(simulator.requests)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(run_script("silence.js", {"URL": patient.url, "KEY": CLIENT_KEY}))
        for number in range(4):
            await simulator.requested(before + 2 * number + 1)
            await silence(patient, simulator)
    assert reading.result() == {
        "chat streamed": ECHO,
        "chat by the stream helper": ECHO,
        "response streamed": ECHO,
        "response by the stream helper": ECHO,
    }


async def test_keep_alives_in_a_silence_do_not_disturb_parsers_of_web_pages(
    patient: HostProcess, simulator: Simulator
) -> None:
    before = len(simulator.requests)
    names = ("blank lines, each part for itself", "blank lines, what begins with data", "sse.js")
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(run_script("silent_readers.js", {"URL": patient.url, "KEY": CLIENT_KEY}))
        for number in range(len(names)):
            await simulator.requested(before + 2 * number + 1)
            await silence(patient, simulator)
    assert reading.result() == dict.fromkeys(names, ECHO)


def go_openai(lines: Iterable[bytes]) -> list[bytes]:
    """Read a stream by the rules of go-openai: so many lines in a row that have no data are an error.

    https://github.com/sashabaranov/go-openai/blob/master/stream_reader.go
    """
    found, empty = [], 0
    for line in lines:
        if not line.strip().startswith(b"data:"):
            empty += 1
            assert empty <= GO_LIMIT, "stream has sent too many empty messages"
            continue
        found.append(line.strip().removeprefix(b"data:").strip())
        empty = 0
    return found


async def test_a_silence_of_half_an_hour_is_none_for_go_openai() -> None:
    """Fifteen seconds lie between two keep-alives."""
    events = b'data: {"a":1}\n\n' + BLANK * (30 * 60 // 15) + b"data: [DONE]\n\n"
    assert go_openai(events.splitlines()) == [b'{"a":1}', b"[DONE]"]


@pytest.mark.parametrize(
    ("agent", "keeps"),
    [("azsdk-net-AI.OpenAI/1.0.0-beta.17 (.NET 8.0)", b": keep-alive\n\n"), ("azsdk-net-AI.OpenAI/2.1.0", BLANK)],
)
async def test_a_client_that_cannot_read_blank_lines_gets_comments(
    patient: HostProcess, simulator: Simulator, agent: str, keeps: bytes
) -> None:
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "user-agent": agent}
    async with aiohttp.ClientSession(patient.url, headers=headers) as http, post(http, CHAT, "gated-answer") as answer:
        for _ in range(3):
            assert await answer.content.readuntil(b"\n\n") == keeps
        simulator.gate.release()
        assert (await answer.read()).endswith(DONE)


async def silence(app: HostProcess, simulator: Simulator) -> None:
    """Let the calls that wait be answered when another one, which came later, has read three blanks."""
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    async with aiohttp.ClientSession(app.url, headers=headers) as http, post(http, CHAT, "gated-answer") as answer:
        for _ in range(3):
            assert await answer.content.readuntil(b"\n\n") == BLANK
        simulator.gate.release()
        simulator.gate.release()
        assert (await answer.read()).endswith(DONE)
