"""What the app sends, judged by mocks that validate: every call of the tables, against the API documents."""

import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from openai import APIError, AsyncOpenAI

from proxy.openai_api.operations import Surface
from tests import documents
from tests.documents import AZURE_DATED, AZURE_V1, OPENAI
from tests.integration.azure_front import AzureFront
from tests.integration.conftest import CLIENT_KEY, RESTLESS
from tests.integration.node import BRACKETS, running_mock
from tests.integration.test_operations import ROWS, Call, Ids, Wire
from tests.integration.test_operations_table import FAMILIES, MODELS
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host

pytestmark = [
    documents.needed,
    pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning"),
]

ONLY_OPENAI_DESCRIBES = frozenset(
    {
        "Compactconversation",
        "CreateVideoCharacter",
        "CreateVideoEdit",
        "CreateVideoExtend",
        "CreateVideoRemix",
        "DeleteVideo",
        "GetVideo",
        "GetVideoCharacter",
        "Getinputtokencounts",
        "ListVideos",
        "RetrieveVideoContent",
        "accept-realtime-call",
        "addUploadPart",
        "cancelBatch",
        "cancelResponse",
        "cancelUpload",
        "completeUpload",
        "create-realtime-call",
        "create-realtime-client-secret",
        "create-realtime-session",
        "create-realtime-transcription-session",
        "create-realtime-translation-client-secret",
        "createBatch",
        "createConversation",
        "createConversationItems",
        "createImageEdit",
        "createUpload",
        "createVideo",
        "deleteChatCompletion",
        "deleteConversation",
        "deleteConversationItem",
        "deleteMessage",
        "getChatCompletion",
        "getChatCompletionMessages",
        "getConversation",
        "getConversationItem",
        "hangup-realtime-call",
        "listBatches",
        "listChatCompletions",
        "listConversationItems",
        "refer-realtime-call",
        "reject-realtime-call",
        "retrieveBatch",
        "retrieveVectorStoreFileContent",
        "searchVectorStore",
        "updateChatCompletion",
        "updateConversation",
    }
)
"""What Azure serves though no document of Azure's has it; all other operations are judged by Azure's."""

NOBODY_DESCRIBES = frozenset({"cancelEvalRunOfSdks"})
"""What only the SDKs know."""

OTHER_VERSION = 'query.api-version: Value "2025-04-01-preview" is not in allowed values'
NO_THREAD = "body: Missing required property: thread_id"
JSON_IN_ITS_PLACE = (
    'header.content-type: Content-Type "application/json" is not accepted. Expected: multipart/form-data'
)
SLIPS: Mapping[str, frozenset[str]] = {
    # The version of 2024 names itself as the only one.
    "createChatCompletion": frozenset({OTHER_VERSION}),
    "createEmbedding": frozenset({OTHER_VERSION}),
    "createSpeech": frozenset({JSON_IN_ITS_PLACE}),  # a form, in which no file is
    "CreateContainerFile": frozenset({JSON_IN_ITS_PLACE}),  # OpenAI's document takes the id of a file in JSON too
    "createFile": frozenset({"body: Missing required property: expires_after"}),  # Azure's own samples have none
    "listFiles": frozenset({'query.limit: Query parameter "limit" is not defined in the spec'}),
    "getResponse": frozenset({'query.stream: Query parameter "stream" is not defined in the spec'}),
    "createEval": frozenset({"body: Missing required property: statusCode"}),  # the status of the answer
    # The thread is in the path, or made by the call.
    "createRun": frozenset({NO_THREAD, "body.tool_choice: No variant matched: 2 variants all failed structurally"}),
    "createThreadAndRun": frozenset({NO_THREAD}),
    "create-realtime-session": frozenset({"body: Missing required property: client_secret"}),  # of the answer
    # The mock does not read the JSON of a part.
    "create-realtime-call": frozenset({"body.session: Expected type object, got string"}),
}
"""What the documents, or the mock, say wrongly of a request, by operation."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AzureFront]:
    folder = tmp_path_factory.mktemp("documents")
    async with AsyncExitStack() as stack:
        mocks = {
            name: await stack.enter_async_context(running_mock(in_its_own_words(name, folder), BRACKETS))
            for name in (*AZURE_DATED, AZURE_V1, OPENAI)
        }
        yield await stack.enter_async_context(AzureFront(mocks).serving())


def in_its_own_words(name: str, folder: Path) -> Path:
    """Return a document for the mock: the preview calls itself 3.1 and is written in 3.0's words."""
    path = Path(os.environ[documents.VARIABLE], name)
    if name != AZURE_DATED[0]:
        return path
    honest = folder / name
    honest.write_text(json.dumps(json.loads(path.read_text()) | {"openapi": "3.0.3"}))
    return honest


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def judged(front: AzureFront) -> AsyncIterator[HostProcess]:
    """Run an app in front of the mocks."""
    settings = RESTLESS | {
        "AZURE_OPENAI_ENDPOINT": front.url,
        "AZURE_OPENAI_API_KEY": "mock-key",
        "AZURE_OPENAI_MODEL_MAPPER": ",".join(f"{model}={deployment}" for model, deployment in MODELS.items()),
        "CLIENT_KEYS": f"tester={CLIENT_KEY}",
    }
    async with running_host(REPOSITORY, settings) as host:
        yield host


@pytest.mark.parametrize("family", FAMILIES)
async def test_what_reaches_azure_is_accepted_by_the_documents(
    judged: HostProcess, front: AzureFront, family: str
) -> None:
    wire, ids = Wire(judged.url, CLIENT_KEY), defaultdict[str, str](lambda: "some-id")
    async with wire.sdk:
        for call in FAMILIES[family]:
            if ROWS[call.operation].surface is Surface.LOCAL or call.operation in NOBODY_DESCRIBES:
                continue
            before = len(front.verdicts)
            failed = None
            try:
                await wire.perform(replace(call, keeps=""), ids)
            except (APIError, httpx2.TransportError) as error:
                failed = error
            verdicts = front.verdicts[before:]
            assert verdicts, f"No document has {call.operation}."
            # The events of mocks are random: errors, or streams that never end as they should.
            assert failed is None or all(verdict.streamed for verdict in verdicts), failed
            by_openai = call.operation in ONLY_OPENAI_DESCRIBES
            assert {verdict.document == OPENAI for verdict in verdicts} == {by_openai}, call.operation
            faults = [(verdict.document, fault) for verdict in verdicts for fault in verdict.faults]
            slips = SLIPS.get(call.operation, frozenset())
            assert [fault for fault in faults if fault[1] not in slips] == [], call.operation


async def test_a_wrong_request_is_not_accepted(judged: HostProcess, front: AzureFront) -> None:
    front.verdicts.clear()
    wire, wrong = Wire(judged.url, CLIENT_KEY), Call("createChatCompletion", chat_that_is_too_warm)
    async with wire.sdk:
        await wire.perform(wrong, {})
        assert "body.temperature: Numeric range violation" in front.verdicts[0].faults
        await wire.sdk.evals.update("some-id", extra_body={"metadata": 4})
        assert front.verdicts[-1].faults


async def chat_that_is_too_warm(sdk: AsyncOpenAI, _ids: Ids) -> object:
    return await sdk.chat.completions.create(model="chat", messages=HELLO, temperature=3)
