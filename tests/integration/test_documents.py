"""What reaches Azure fits Azure's own API documents, and what reaches the client fits OpenAI's."""

import base64
import json
import re
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests import documents
from tests.documents import AZURE_DATED, AZURE_V1, EVENTS, JSON, OPENAI
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.endings import read_to_end
from tests.integration.test_azure_oddities import HELD
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import DEFAULT_KEY, ERROR_SAMPLES, STREAM_ODDITIES, RecordedRequest, Simulator

pytestmark = documents.needed

CHAT, COMPLETIONS, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"
# OpenAI's document lends the chunks of completions the schema of the plain answer, in which neither may be null. Its
# own example of a chunk has a null finish_reason, and its words on stream_options promise a null usage.
BETWEEN = re.compile(r"\$\.(choices\[\d+\]\.finish_reason|usage): None is not (of type|one of) ")
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello world"}]


def chat(**members: object) -> dict[str, object]:
    return {"model": "gpt-4o", "messages": MESSAGES, **members}


def completion(**members: object) -> dict[str, object]:
    return {"model": "gpt-35-turbo-instruct", "prompt": "hello", **members}


def embedding(**members: object) -> dict[str, object]:
    return {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 4, **members}


STREAMED: Mapping[str, object] = {"stream": True, "stream_options": {"include_usage": True}}
TOOLS: Mapping[str, object] = {"tools": [TOOL], "tool_choice": "required"}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
ASKS: Mapping[str, tuple[str, dict[str, object]]] = {
    "chat": (CHAT, chat(temperature=0.5, max_tokens=50, stop=None, user="someone")),
    "chat streamed": (CHAT, chat(stream=True)),
    "chat streamed with usage": (CHAT, chat(**STREAMED)),
    "chat with tools": (CHAT, chat(**TOOLS)),
    "chat with tools streamed": (CHAT, chat(**TOOLS, **STREAMED)),
    "chat with two choices": (CHAT, chat(n=2)),
    "chat with two choices streamed": (CHAT, chat(n=2, stream=True)),
    "chat in JSON": (CHAT, chat(response_format={"type": "json_object"})),
    "chat in JSON of a schema": (CHAT, chat(response_format=JSON_SCHEMA)),
    "completions": (COMPLETIONS, completion()),
    "completions streamed": (COMPLETIONS, completion(stream=True)),
    "completions streamed with usage": (COMPLETIONS, completion(**STREAMED)),
    "embeddings in base64": (EMBEDDINGS, embedding(encoding_format="base64")),
    "embeddings in floats": (EMBEDDINGS, embedding(encoding_format="float")),
}
# In the older document `json_schema` requires a `type` that it does not have; the newer one requires its `schema`.
SLIP = pytest.mark.xfail(reason="the document requires a member that neither it nor Azure knows")
ON_DATED = [
    pytest.param(
        name, document, marks=[SLIP] if (name, document) == ("chat in JSON of a schema", AZURE_DATED[1]) else []
    )
    for name in ASKS
    for document in AZURE_DATED
]
ON_V1 = {name: ask for name, ask in ASKS.items() if ask[0] != COMPLETIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    status: int
    path: str = "/v1/chat/completions"
    method: str = "POST"
    key: str = CLIENT_KEY
    body: dict[str, object] = field(default_factory=chat)


REFUSED = {
    "an empty key": Bad(status=401, key=""),
    "a wrong key": Bad(status=401, key="sk-wrong"),
    "an unknown model": Bad(status=404, body=chat(model="nothing")),
    "a model that cannot be": Bad(status=404, body=chat(model="a/b")),
    "an unknown model's description": Bad(status=404, path="/v1/models/nothing", method="GET"),
    "an unknown URL": Bad(status=404, path="/v1/nothing/here"),
    "a wrong method": Bad(status=405, method="DELETE"),
    "no model": Bad(status=400, body={"messages": MESSAGES}),
    "a model of the wrong type": Bad(status=400, body=chat(model=4)),
    "a prompt that is filtered": Bad(status=400, body=chat(model="error-400-content-filter")),
    "too many requests": Bad(status=429, body=chat(model="error-429-2026")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    media: str
    raw: bytes

    def values(self) -> list[Any]:
        """Return the body, or the data of every event."""
        return list(documents.events(self.raw)) if self.media == EVENTS else [json.loads(self.raw)]


async def ask(
    http: aiohttp.ClientSession, path: str, body: object = None, method: str = "POST", **headers: str
) -> Answer:
    async with http.request(method, path, json=body, headers=headers) as answer:
        raw, _ = await read_to_end(answer)
        return Answer(status=answer.status, media=answer.content_type, raw=raw)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on_v1(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    """Talk to an app that sends everything to Azure's v1."""
    async with (
        running_host(REPOSITORY, environ_for(simulator) | {"AZURE_OPENAI_API_VERSION": "v1"}) as host,
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as session,
    ):
        yield session


def faults_of_request(document: str, path: str, sent: RecordedRequest) -> list[str]:
    judge = documents.load(document)
    missing = judge.required_query("POST", path) - set(sent.query)
    return [*judge.faults_of_request("POST", path, json.loads(sent.body)), *missing]


def faults_of_answer(path: str, answer: Answer) -> list[str]:
    """Judge an answer, every event of it if it is a stream."""
    judge = documents.load(OPENAI)
    faults: list[str] = []
    for value in answer.values():
        if "error" in value:
            faults += judge.faults_by_name("ErrorResponse", value)
        else:
            faults += judge.faults_of_answer("POST", path, answer.status, value, media=answer.media)
    if path == COMPLETIONS and answer.media == EVENTS:
        return [fault for fault in faults if not BETWEEN.match(fault)]
    return faults


def with_numbers(answer: Answer) -> Answer:
    """Return embeddings as the SDK hands them out: the document knows the numbers, not their spelling in base64."""
    value = json.loads(answer.raw)
    for item in value["data"]:
        if isinstance(item["embedding"], str):
            item["embedding"] = [number for (number,) in struct.iter_unpack("<f", base64.b64decode(item["embedding"]))]
    return Answer(status=answer.status, media=answer.media, raw=json.dumps(value).encode())


@pytest.mark.parametrize(("name", "document"), ON_DATED)
async def test_what_reaches_a_deployment_fits_azure_s_document(
    http: aiohttp.ClientSession, simulator: Simulator, name: str, document: str
) -> None:
    path, body = ASKS[name]
    assert (await ask(http, f"/v1{path}", body)).status == 200
    sent = simulator.requests[-1]
    assert sent.raw_path == f"/openai/deployments/{body['model']}{path}"
    assert faults_of_request(document, f"/deployments/{{deployment-id}}{path}", sent) == []


@pytest.mark.parametrize("name", ON_V1)
async def test_what_reaches_azure_s_v1_fits_its_document(
    on_v1: aiohttp.ClientSession, simulator: Simulator, name: str
) -> None:
    path, body = ON_V1[name]
    assert (await ask(on_v1, f"/v1{path}", body)).status == 200
    sent = simulator.requests[-1]
    assert sent.raw_path == f"/openai/v1{path}"
    assert faults_of_request(AZURE_V1, path, sent) == []


async def test_azure_s_v1_document_has_no_completions_to_judge_by() -> None:
    assert not documents.load(AZURE_V1).describes("POST", COMPLETIONS)


@pytest.mark.parametrize("name", ASKS)
async def test_every_answer_and_every_chunk_fits_openai_s_document(
    http: aiohttp.ClientSession, on_v1: aiohttp.ClientSession, name: str
) -> None:
    path, body = ASKS[name]
    for app in (http, on_v1):
        answer = await ask(app, f"/v1{path}", body)
        assert answer.media == (EVENTS if body.get("stream") else JSON)
        assert answer.values()
        assert faults_of_answer(path, with_numbers(answer) if path == EMBEDDINGS else answer) == []


@pytest.mark.parametrize("name", sorted(set(STREAM_ODDITIES) - HELD))
async def test_every_chunk_of_an_odd_stream_fits_openai_s_document(http: aiohttp.ClientSession, name: str) -> None:
    answer = await ask(http, f"/v1{CHAT}", chat(model=name, stream=True))
    assert answer.values()
    assert faults_of_answer(CHAT, answer) == []


@pytest.mark.parametrize("path", ["/models", "/models/{model}"])
async def test_the_models_fit_openai_s_document(http: aiohttp.ClientSession, path: str) -> None:
    answer = await ask(http, f"/v1{path.format(model='gpt-4o')}", method="GET")
    assert documents.load(OPENAI).faults_of_answer("GET", path, answer.status, json.loads(answer.raw)) == []


@pytest.mark.parametrize("bad", REFUSED.values(), ids=REFUSED.keys())
async def test_every_refusal_fits_openai_s_document(http: aiohttp.ClientSession, bad: Bad) -> None:
    answer = await ask(http, bad.path, bad.body, bad.method, authorization=f"Bearer {bad.key}")
    assert answer.status == bad.status
    assert documents.load(OPENAI).faults_by_name("ErrorResponse", json.loads(answer.raw)) == []


@pytest.mark.parametrize("name", ERROR_SAMPLES)
async def test_every_error_of_azure_fits_openai_s_document(http: aiohttp.ClientSession, name: str) -> None:
    answer = await ask(http, f"/v1{CHAT}", chat(model=name))
    assert answer.status >= 400
    assert documents.load(OPENAI).faults_by_name("ErrorResponse", json.loads(answer.raw)) == []


async def test_azure_s_own_answers_are_refused(simulator: Simulator) -> None:
    async with aiohttp.ClientSession(simulator.url, headers={"api-key": DEFAULT_KEY}) as azure:
        url = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"
        stream = await ask(azure, url.format("gpt-4o"), chat(stream=True))
        odd = await ask(azure, url.format("stream-async-filter"), chat(stream=True))
        error = await ask(azure, url.format("error-401-key"), chat())
    assert faults_of_answer(CHAT, stream) == ["$.object: '' is not one of ['chat.completion.chunk']"]
    assert "$.choices[0]: 'delta' is a required property" in faults_of_answer(CHAT, odd)
    assert "$.error: 'type' is a required property" in faults_of_answer(CHAT, error)


@pytest.mark.parametrize("document", AZURE_DATED)
async def test_a_request_that_azure_would_not_understand_is_refused(document: str) -> None:
    judge, path = documents.load(document), f"/deployments/{{deployment-id}}{CHAT}"
    assert judge.required_query("POST", path) == {"api-version"}
    assert judge.faults_of_request("POST", path, chat(temperature=None)) == []
    wrong: tuple[dict[str, object], ...] = ({"messages": []}, {"temperature": 3}, {"tools": None}, {"stream": "yes"})
    for members in wrong:
        assert judge.faults_of_request("POST", path, chat() | members)
