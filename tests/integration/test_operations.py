"""Every operation once through the official SDK. This file: how a call is made and judged, and the calls of chat.

The calls stand in tables, one file a family; an order is kept, since what one call creates the next one reads. The same
tables are played against the simulator and against mocks of the API documents: test_operations_table.py, test_mocks.py.
"""

import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, AsyncStream

from proxy.openai_api.operations import OPERATIONS, Operation, StreamFormat
from tests import documents
from tests.documents import EVENTS, JSON, OPENAI
from tests.integration.test_documents import BETWEEN
from tests.integration.test_sdk import ECHO, HELLO

Ids = MutableMapping[str, str]
Event = dict[str, object]
Make = Callable[[AsyncOpenAI, Ids], Awaitable[object]]

ROWS: Mapping[str, Operation] = {row.name: row for row in OPERATIONS}
STREAM_TYPES = {
    "createThreadAndRun": "AssistantStreamEvent",
    "createRun": "AssistantStreamEvent",
    "submitToolOuputsToRun": "AssistantStreamEvent",
    "getResponse": "ResponseStreamEvent",
}
"""The schema of an event where OpenAI's document does not tell it at the operation."""

SLIPS = {
    "createCompletion": BETWEEN.pattern,
    # Its own example is of users.
    "getChatCompletionMessages": r"\$\.data\[\d+\](\.role: 'user'|: 'refusal' is a required)",
    "pauseFineTuningJob": r"\$\.status: 'paused'",  # the one state of a job that it does not list
}
"""What OpenAI's document says wrongly of an answer, by operation."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation and how the SDK is asked for it; `keeps` names the id that later calls read."""

    operation: str
    make: Make
    keeps: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request of the SDK and its answer, as they passed."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def media(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


class Wire:
    """An SDK whose exchanges can be read afterwards."""

    def __init__(self, url: str, key: str) -> None:
        self.exchanges: list[Exchange] = []
        self.sdk = AsyncOpenAI(
            base_url=f"{url}/v1",
            api_key=key,
            max_retries=0,
            http_client=httpx2.AsyncClient(event_hooks={"response": [self._note]}),
        )

    async def _note(self, response: httpx2.Response) -> None:
        raw = await response.aread()
        request = response.request
        self.exchanges.append(
            Exchange(
                method=request.method,
                path=request.url.path.removeprefix("/v1"),
                status=response.status_code,
                headers=response.headers,
                raw=raw,
            )
        )

    async def perform(self, call: Call, ids: Ids) -> Exchange:
        """Make a call, read its stream to the end, keep the id of what it made; return the exchange."""
        made = await call.make(self.sdk, ids)
        if isinstance(made, AsyncStream):
            made = [event async for event in made][-1:]
        exchange = self.exchanges[-1]
        if call.keeps:
            ids[call.keeps] = _identity(made, exchange)
        return exchange


def _identity(made: object, exchange: Exchange) -> str:
    """Return the id of what was made, of the first thing listed, or of what the answer's address leads to."""
    location = exchange.headers.get("location", "").rpartition("/")[2]
    listed = getattr(made, "data", None)
    identity = location or getattr(listed[0] if listed else made, "id", None)
    assert isinstance(identity, str), f"Nothing in {made!r} has an id."
    return identity


def faults_of_answer(operation: str, exchange: Exchange) -> list[str]:
    """Judge an answer by OpenAI's document; what it does not describe, bytes and nothing at all, has no fault."""
    row = ROWS[operation]
    if not exchange.raw or not documents.load(OPENAI).describes(row.method, row.path):
        return []
    faults: Iterable[str] = []
    if exchange.media == JSON:
        faults = _faults_of_value(row, exchange)
    elif exchange.media == EVENTS:
        faults = [fault for event in _events(row, exchange.raw) for fault in _faults_of_event(row, exchange, event)]
    return [fault for fault in faults if operation not in SLIPS or not re.match(SLIPS[operation], fault)]


def _faults_of_value(row: Operation, exchange: Exchange) -> list[str]:
    judge, value = documents.load(OPENAI), json.loads(exchange.raw)
    for status in (exchange.status, 200, 201):  # Azure answers 200 where OpenAI answers 201, and the other way round.
        with contextlib.suppress(KeyError):
            return judge.faults_of_answer(row.method, row.path, status, value)
    return []


def _faults_of_event(row: Operation, exchange: Exchange, event: Event) -> list[str]:
    judge = documents.load(OPENAI)
    schema = "DoneEvent" if event.get("event") == "done" else STREAM_TYPES.get(row.name)
    if schema is not None:
        return judge.faults_by_name(schema, event)
    return judge.faults_of_answer(row.method, row.path, exchange.status, event, media=EVENTS)


def _events(row: Operation, raw: bytes) -> list[Event]:
    """Return the events of a stream, of which there must be some, as the document describes them."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in raw.decode().strip().split("\n\n")]
    assert blocks[0], f"The stream of {row.name} is empty."
    if row.stream is StreamFormat.RUN:  # The name on the line belongs to the value.
        return [{"event": block["event"], "data": _decoded(block["data"])} for block in blocks]
    return [_without_null_usage(json.loads(block["data"])) for block in blocks if block["data"] != "[DONE]"]


def _decoded(data: str) -> object:
    return data if data == "[DONE]" else json.loads(data)


def _without_null_usage(event: Event) -> Event:
    """Return an event whose response has no usage yet, which the document's own examples write as null."""
    response = event.get("response")
    if isinstance(response, dict) and response.get("usage", "") is None:
        del response["usage"]
    return event


CALLS = (
    Call("listModels", lambda sdk, _: sdk.models.list()),
    Call("retrieveModel", lambda sdk, _: sdk.models.retrieve("chat")),
    Call(
        "createChatCompletion",
        lambda sdk, _: sdk.chat.completions.create(
            model="chat", messages=HELLO, store=True, metadata={"topic": "greeting"}
        ),
        "completion",
    ),
    Call("createChatCompletion", lambda sdk, _: sdk.chat.completions.create(model="chat", messages=HELLO, stream=True)),
    Call("listChatCompletions", lambda sdk, _: sdk.chat.completions.list(limit=2, metadata={"topic": "greeting"})),
    Call("getChatCompletion", lambda sdk, ids: sdk.chat.completions.retrieve(ids["completion"])),
    Call(
        "updateChatCompletion",
        lambda sdk, ids: sdk.chat.completions.update(ids["completion"], metadata={"topic": "farewell"}),
    ),
    Call("getChatCompletionMessages", lambda sdk, ids: sdk.chat.completions.messages.list(ids["completion"], limit=1)),
    Call("deleteChatCompletion", lambda sdk, ids: sdk.chat.completions.delete(ids["completion"])),
    Call("createCompletion", lambda sdk, _: sdk.completions.create(model="instruct", prompt="hello")),
    Call("createCompletion", lambda sdk, _: sdk.completions.create(model="instruct", prompt="hello", stream=True)),
    Call("createEmbedding", lambda sdk, _: sdk.embeddings.create(model="embed", input=["a"], encoding_format="float")),
    Call("billingSubscription", lambda sdk, _: sdk.get("/dashboard/billing/subscription", cast_to=object)),
    Call("billingUsage", lambda sdk, _: sdk.get("/dashboard/billing/usage", cast_to=object)),
    Call("clientUsage", lambda sdk, _: sdk.get("/usage", cast_to=object)),
    Call("frontPagePart", lambda sdk, _: sdk.get("/front-page/page.js", cast_to=str)),
    Call("health", lambda sdk, _: sdk.get("/health", cast_to=object)),
    Call("ready", lambda sdk, _: sdk.get("/ready", cast_to=object)),
    Call("index", lambda sdk, _: sdk.get("/", cast_to=object)),
)


async def test_what_one_call_stores_the_next_ones_read(client: AsyncOpenAI) -> None:
    chat = client.chat.completions
    stored = await chat.create(model="chat", messages=HELLO, store=True, metadata={"kind": "tester"})
    assert [one.id async for one in chat.list(metadata={"kind": "tester"})] == [stored.id]
    assert (await chat.retrieve(stored.id)).choices[0].message.content == ECHO
    assert [message.content async for message in chat.messages.list(stored.id)] == ["hello world"]
    assert (await chat.update(stored.id, metadata={"kind": "old"})).metadata == {"kind": "old"}
    assert (await chat.delete(stored.id)).deleted
    with pytest.raises(openai.NotFoundError) as gone:
        await chat.retrieve(stored.id)
    assert gone.value.type == "invalid_request_error"
