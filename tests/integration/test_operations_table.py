"""The table of the calls is whole, and every call in it does what the operations table says."""

import json
import os
from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai._models import FinalRequestOptions

from proxy.openai_api.operations import OPERATIONS, Operation, Surface
from tests import documents
from tests.integration import (
    test_operations,
    test_operations_assistants,
    test_operations_files,
    test_operations_media,
    test_operations_responses,
    test_operations_tuning,
)
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_operations import ROWS, Call, Exchange, Ids, Wire, faults_of_answer
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import RecordedRequest, Simulator

# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")

FAMILIES = {
    "chat": test_operations.CALLS,
    "responses": test_operations_responses.CALLS,
    "images": test_operations_media.IMAGES,
    "audio": test_operations_media.AUDIO,
    "videos": test_operations_media.VIDEOS,
    "realtime": test_operations_media.REALTIME,
    "files": test_operations_files.CALLS,
    "fine-tuning": test_operations_tuning.FINE_TUNING,
    "evals": test_operations_tuning.EVALS,
    "assistants": test_operations_assistants.CALLS,
}
CALLS = tuple(call for family in FAMILIES.values() for call in family)
MODELS = {
    "chat": "gpt-4o",
    "instruct": "gpt-35-turbo-instruct",
    "embed": "text-embedding-3-small",
    "picture": "gpt-image-1",
    "listen": "whisper",
    "write": "gpt-4o-transcribe",
    "speak": "gpt-4o-mini-tts",
    "talk": "gpt-realtime",
    "film": "sora-2",
}
"""What the client calls a model, and its deployment: a name that is not mapped finds nothing at the simulator."""

ONLY_DOCUMENTS = {
    "CreateVideoCharacter": "the simulator makes videos of words only",
    "GetVideoCharacter": "the simulator makes videos of words only",
    "CreateVideoEdit": "the simulator makes videos of words only",
    "CreateVideoExtend": "the simulator makes videos of words only",
    "create-realtime-translation-client-secret": "the simulator translates no speech",
    "create-realtime-session": "the simulator has only the final API of realtime",
    "create-realtime-transcription-session": "the simulator has only the final API of realtime",
}
"""Operations whose only judge is the document of OpenAI, in test_mocks.py, and why."""

PREFIXES = {Surface.DEPLOYMENT: "/openai/deployments/", Surface.CLASSIC: "/openai/", Surface.V1: "/openai/v1/"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mapped(simulator: Simulator) -> AsyncIterator[HostProcess]:
    """Run an app whose clients know no deployment by its name."""
    mapper = ",".join(f"{model}={deployment}" for model, deployment in MODELS.items())
    async with running_host(REPOSITORY, environ_for(simulator) | {"AZURE_OPENAI_MODEL_MAPPER": mapper}) as host:
        yield host


async def test_every_operation_has_a_call() -> None:
    offered = {row.name for row in OPERATIONS if row.surface is not Surface.UNSUPPORTED}
    # A WebSocket begins with it, and there is nothing that the SDK could ask: test_ways_in.py. Others are for
    # operators: test_operator.py, test_usage.py.
    operators = {"doctor"} | {row.name for row in OPERATIONS if row.admin}
    assert offered - {call.operation for call in CALLS} == {"realtime"} | operators


async def test_every_operation_that_streams_is_called_both_ways() -> None:
    times = [call.operation for call in CALLS]
    assert {row.name for row in OPERATIONS if row.stream and times.count(row.name) < 2} == set()


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_call_reaches_its_operation_and_its_answer_fits_openai_s_document(
    mapped: HostProcess, simulator: Simulator, family: str
) -> None:
    wire, ids = Wire(mapped.url, CLIENT_KEY), dict[str, str]()
    async with wire.sdk:
        for call in FAMILIES[family]:
            if call.operation in ONLY_DOCUMENTS:
                continue
            exchange = await wire.perform(call, ids)
            assert exchange.status < 300
            assert await operation_in_log(mapped, exchange) == call.operation
            assert "completions" not in exchange.path or b"content_filter" not in exchange.raw, call.operation
            if ROWS[call.operation].surface in PREFIXES:
                assert_reached(call, simulator.requests[-1])
            if documents.VARIABLE in os.environ:
                assert faults_of_answer(call.operation, exchange) == [], call.operation


async def operation_in_log(app: HostProcess, exchange: Exchange) -> str:
    """Return the operation that the app's line of a request names."""
    identity = exchange.headers["x-request-id"]
    await app.wait_for_output(identity)
    lines = [line for line in app.output().splitlines() if identity in line and line.startswith("{")]
    name = json.loads(lines[-1])["operation"]
    return str(name or exchange.path.strip("/") or "index")


def assert_reached(call: Call, sent: RecordedRequest) -> None:
    """Fail unless a call has reached the surface of its row, with an api-version where the surface has one."""
    surface = ROWS[call.operation].surface
    assert sent.raw_path.startswith(PREFIXES[surface]), call.operation
    assert sent.raw_path.startswith("/openai/v1/") == (surface is Surface.V1), call.operation
    assert ("api-version" in sent.query) == (surface is not Surface.V1), call.operation
    assert CLIENT_KEY not in "".join(sent.headers.values())


@pytest.mark.parametrize(
    "row", [row for row in OPERATIONS if row.surface is Surface.UNSUPPORTED], ids=lambda row: f"{row.method} {row.path}"
)
async def test_what_azure_does_not_offer_is_an_error_of_the_sdk_that_names_the_substitute(
    client: AsyncOpenAI, row: Operation
) -> None:
    path = row.path.replace("*", "users").replace("{", "").replace("}", "")
    with pytest.raises(openai.NotFoundError) as refused:
        await client.request(object, FinalRequestOptions(method=row.method, url=path))
    assert refused.value.code == "unsupported_operation"
    assert row.substitute in refused.value.message


async def test_the_sdk_s_own_method_for_it_is_refused_the_same(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Content Safety"):
        await client.moderations.create(input="hello")


def ids_of_nothing() -> Ids:
    """Return ids that nothing has."""
    return dict.fromkeys((call.keeps for call in CALLS if call.keeps), "nothing-here") | {"item": "nothing-here"}


@pytest.mark.parametrize(
    "call", [call for call in CALLS if "{" in ROWS[call.operation].path], ids=lambda c: c.operation
)
async def test_what_is_not_there_is_an_error_in_openai_s_shape(mapped: HostProcess, call: Call) -> None:
    if call.operation in {*ONLY_DOCUMENTS, "frontPagePart", "retrieveModel"}:
        return
    wire = Wire(mapped.url, CLIENT_KEY)
    async with wire.sdk:
        with pytest.raises(openai.NotFoundError):
            await wire.perform(call, ids_of_nothing())
        error = json.loads(wire.exchanges[-1].raw)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str)
        assert isinstance(error["type"], str)
