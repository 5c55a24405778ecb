"""Every row of the operations table when something is wrong: the status that it should have, in OpenAI's shape."""

import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping

import aiohttp
import pytest
import pytest_asyncio

from proxy.openai_api.operations import OPERATIONS, Body, Operation, Surface
from tests import documents
from tests.documents import OPENAI
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_operations_table import ONLY_DOCUMENTS, PREFIXES
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import ERROR_SAMPLES, Simulator

FORWARDED = [row for row in OPERATIONS if row.surface in PREFIXES]
FORMS = frozenset({Body.FORM, Body.SESSION_FORM, Body.FILE, Body.STREAM})
NEEDS_MODEL = frozenset({Body.MODEL, Body.FORM})
READ = frozenset({Body.MODEL, Body.MODEL_IF_ANY, Body.SESSION})
SAMPLES: Mapping[str, tuple[int, str]] = {
    "error-400-context": (400, "invalid_request_error"),
    "error-404-route": (404, "invalid_request_error"),
    "error-429-2026": (429, "tokens"),
    "error-500": (500, "server_error"),
}
"""The status and the type that the client reads, by what Azure sends."""

MANY = 10_000  # requests, of which none may be forgotten


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def resource() -> AsyncIterator[Simulator]:
    async with Simulator(keep=MANY).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(resource: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ_for(resource)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as session:
        yield session


def ids(rows: Iterable[Operation]) -> list[str]:
    return [row.name for row in rows]


def form(row: Operation, name: str) -> aiohttp.FormData:
    """Return a form in which every field that may be read has this name."""
    data = aiohttp.FormData(default_to_multipart=True)
    if row.body is Body.SESSION_FORM:
        data.add_field("session", json.dumps({"type": "realtime", "model": name}), content_type="application/json")
        data.add_field("sdp", "v=0", content_type="application/sdp")
        return data
    data.add_field("model", name) if row.body is Body.FORM else data.add_field("purpose", "assistants")
    data.add_field("file", b"x", filename=f"{name}.bin")
    return data


async def ask(
    http: aiohttp.ClientSession, row: Operation, name: str, *, key: str | None = None, raw: bytes | None = None
) -> tuple[int, dict[str, object]]:
    """Call an operation with a name for its model, its ids and a parameter; return the status and the error."""
    path = "/".join(name if part.startswith("{") else part for part in row.path.split("/"))
    body: dict[str, object] = {"session": {"type": "realtime", "model": name}} if row.body is Body.SESSION else {}
    if row.body in READ - {Body.SESSION}:
        body = {"model": name}
    async with http.request(
        row.method,
        f"/v1{path}",
        params={"label": name},
        json=body if row.method == "POST" and row.body not in FORMS and raw is None else None,
        data=form(row, name) if row.body in FORMS and raw is None else raw,
        headers={"authorization": f"Bearer {key}"} if key else {},
    ) as answer:
        value = json.loads(await answer.read())
        if documents.VARIABLE in os.environ:
            assert documents.load(OPENAI).faults_by_name("ErrorResponse", value) == []
        assert set(value["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["content-type"] == documents.JSON
        assert answer.headers["x-request-id"]
        return answer.status, value["error"]


@pytest.mark.parametrize("row", FORWARDED, ids=ids(FORWARDED))
async def test_a_wrong_key_is_a_401_and_nothing_is_sent(
    http: aiohttp.ClientSession, resource: Simulator, row: Operation
) -> None:
    before = len(resource.requests)
    status, error = await ask(http, row, "gpt-4o", key="sk-wrong")
    assert (status, error["code"]) == (401, "invalid_api_key")
    assert len(resource.requests) == before


SIMULATED = [row for row in FORWARDED if row.name not in ONLY_DOCUMENTS]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("row", SIMULATED, ids=ids(SIMULATED))
async def test_what_azure_refuses_is_refused_in_openai_s_words(
    http: aiohttp.ClientSession, row: Operation, sample: str
) -> None:
    assert sample in ERROR_SAMPLES
    status, error = await ask(http, row, sample)
    assert (status, error["type"]) == SAMPLES[sample]
    assert error["message"]


WITH_MODEL = [row for row in SIMULATED if row.body in {*READ, Body.FORM, Body.SESSION_FORM}]


@pytest.mark.parametrize("row", WITH_MODEL, ids=ids(WITH_MODEL))
async def test_a_model_that_nothing_serves_is_a_404(http: aiohttp.ClientSession, row: Operation) -> None:
    status, error = await ask(http, row, "nothing")
    assert status == 404
    if row.surface is Surface.DEPLOYMENT:
        assert error["code"] == "model_not_found"


@pytest.mark.parametrize("row", [row for row in FORWARDED if row.body in READ], ids=lambda row: row.name)
@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"model":4,"session":4}', b'{"model":"a","model":"b","session":[]}'])
async def test_a_body_that_cannot_be_read_is_a_400_and_nothing_is_sent(
    http: aiohttp.ClientSession, resource: Simulator, row: Operation, raw: bytes
) -> None:
    before = len(resource.requests)
    status, error = await ask(http, row, "gpt-4o", raw=raw)
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert len(resource.requests) == before


@pytest.mark.parametrize(
    "row",
    [row for row in FORWARDED if row.body in NEEDS_MODEL and row.surface is Surface.DEPLOYMENT],
    ids=lambda row: row.name,
)
async def test_a_model_that_is_missing_is_a_400(
    http: aiohttp.ClientSession, resource: Simulator, row: Operation
) -> None:
    before = len(resource.requests)
    data = aiohttp.FormData({"prompt": "a cat"}, default_to_multipart=True) if row.body is Body.FORM else b"{}"
    async with http.post(f"/v1{row.path}", data=data) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["param"], error["code"]) == (400, "model", "missing_required_parameter")
    assert len(resource.requests) == before


async def test_the_app_has_said_nothing_about_what_was_asked(host: HostProcess) -> None:
    assert "a cat" not in host.output()
