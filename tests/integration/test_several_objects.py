"""Objects that Azure keeps, over two resources: an id says by itself where its object is, and Azure never sees how.

The second resource is asked first, so that whatever is made is there; an id that says nothing belongs to the first.
"""

import json
from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from proxy.openai_api.object_ids import old_tag_of, prefix_of
from proxy.openai_api.operations import Surface
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import (
    App,
    Seen,
    bare,
    entry,
    has_a_tag,
    maker_of,
    official,
    run_app,
    tagged,
    told,
)
from tests.integration.test_operations import ROWS, Wire
from tests.integration.test_operations_files import LINES, TEXT
from tests.integration.test_operations_table import FAMILIES, MODELS, ONLY_DOCUMENTS
from tests.integration.test_sdk import ECHO, HELLO
from tools.azure_openai_simulator import DEFAULT_KEY, RecordedRequest, Simulator

# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")

# The tags of before.
FIRST, SECOND = (old_tag_of(name).decode() for name in ("first", "second"))
# What the first resource calls these models, nothing at the second has.
ELSEWHERE = dict.fromkeys(MODELS, "gpt-4o-mini")
STORING = ("chat", "responses", "videos", "files", "fine-tuning", "evals", "assistants")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two() -> AsyncIterator[App]:
    async with Simulator(keep=10_000).serving() as one, Simulator(keep=10_000).serving() as other:
        resources = [
            entry("first", one.url, models=ELSEWHERE, priority=1),
            entry("second", other.url, models=MODELS),
        ]
        async with run_app(resources, one, other) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(two: App) -> AsyncIterator[AsyncOpenAI]:
    async with two.sdk() as client:
        yield client


def direct(resource: Simulator) -> AsyncOpenAI:
    """Return the official client of a resource, without the proxy."""
    headers = {"api-key": DEFAULT_KEY, "aoai-evals": "preview"}
    return official(f"{resource.url}/openai/v1", DEFAULT_KEY, headers)


def shows_a_tag(request: RecordedRequest) -> bool:
    """Tell whether anything of a request shows what only we know."""
    return has_a_tag(f"{request.raw_path}{dict(request.query)}{dict(request.headers)}".encode() + request.body)


@pytest.mark.parametrize("family", STORING)
async def test_every_call_works_with_the_ids_of_the_calls_before_it_and_azure_sees_no_tag(
    two: App, family: str
) -> None:
    seen = Seen(two.resources)
    wire, ids = Wire(two.app.url, CLIENT_KEY), dict[str, str]()
    async with wire.sdk:
        for call in FAMILIES[family]:
            if call.operation in ONLY_DOCUMENTS:
                continue
            exchange = await wire.perform(call, ids)
            assert exchange.status < 300, call.operation
            assert prefix_of("first") not in exchange.raw, call.operation
            first, second = seen.new()
            assert not any(shows_a_tag(request) for request in (*first, *second)), call.operation
            row = ROWS[call.operation]
            if row.surface is not Surface.LOCAL:
                assert second, call.operation
                # Only lists begin at the first resource.
                assert not first or (row.method == "GET" and "{" not in row.path), call.operation
    assert any(maker_of(identity) == 1 for identity in ids.values())


async def test_ids_in_a_stream_carry_the_tag_and_go_on_where_they_belong(two: App, sdk: AsyncOpenAI) -> None:
    seen = Seen(two.resources)
    previous: str | None = None
    for _ in range(3):
        stream = await sdk.responses.create(
            model="chat", input="hello world", stream=True, previous_response_id=previous or openai.omit
        )
        events = [event async for event in stream]
        ids = {event.response.id for event in events if event.type in ("response.created", "response.completed")}
        assert len(ids) == 1
        [identity] = ids
        assert maker_of(identity) == 1
        first, second = seen.new()
        assert not first
        sent = json.loads(second[-1].body)
        assert sent.get("previous_response_id") == (previous and bare(previous))
        previous = identity
    assert (await sdk.responses.retrieve(str(previous))).id == previous
    read = [event async for event in await sdk.responses.retrieve(str(previous), stream=True)]
    assert read[-1].type == "response.completed"
    assert read[-1].response.id == previous


async def test_a_stored_chat_s_id_is_tagged_in_a_stream_too_and_that_of_any_other_chat_is_not(
    two: App, sdk: AsyncOpenAI
) -> None:
    for stored in (True, False):
        plain = await sdk.chat.completions.create(model="chat", messages=HELLO, store=stored)
        stream = await sdk.chat.completions.create(model="chat", messages=HELLO, store=stored, stream=True)
        ids = {chunk.id async for chunk in stream if chunk.id} | {plain.id}
        assert {maker_of(identity) for identity in ids} == {1 if stored else None}
        if stored:
            for identity in ids:
                assert (await sdk.chat.completions.retrieve(identity)).choices[0].message.content == ECHO


async def test_all_ids_of_one_response_are_read_and_nothing_else_of_it_is_touched(two: App, sdk: AsyncOpenAI) -> None:
    conversation = await sdk.conversations.create()
    store = await sdk.vector_stores.create(name="notes")
    container = await sdk.containers.create(name="bench")
    file = await sdk.files.create(file=TEXT, purpose="assistants")
    made = [conversation.id, store.id, container.id, file.id]
    assert all(maker_of(identity) == 1 for identity in made)
    text = f"{tagged('resp_1', 1)} and \\u00e9 are words, as is file-1~none"
    seen = Seen(two.resources)
    body = (
        f'{{ "model": "chat", "conversation":{{"id": "{conversation.id}"}},  "seed": 10000000000000000,'
        f'"metadata": {{"file_id": "{file.id}"}},'
        f'"tools": [{{"type":"file_search","vector_store_ids":["{store.id}"]}},'
        f'{{"type":"code_interpreter","container":"{container.id}"}}],'
        f'"input": [{{"role":"user","content":[{{"type":"input_file","file_id":"{file.id}"}},'
        f'{{"type":"input_text","text":"{text}"}}]}}]}}'
    ).encode()
    async with two.http() as http, http.post("/v1/responses", data=body) as answer:
        assert answer.status == 200, await answer.text()
    first, second = seen.new()
    expected = body.replace(b'"chat"', b'"gpt-4o"')
    for identity in made:
        expected = expected.replace(f'"{identity}"'.encode(), f'"{bare(identity)}"'.encode())
    kept = f'"metadata": {{"file_id": "{file.id}"}}'.encode()
    assert second[-1].body == expected.replace(kept.replace(file.id.encode(), bare(file.id).encode()), kept)
    assert not first


async def test_a_batch_is_mapped_for_the_resource_it_goes_to_and_its_answers_are_read_there(
    two: App, sdk: AsyncOpenAI
) -> None:
    lines = await sdk.files.create(file=("in.jsonl", LINES), purpose="batch")
    kept = two.resources[1].file(bare(lines.id)).data
    assert kept == LINES.replace(b'"chat"', b'"gpt-4o"')
    batch = await sdk.batches.create(input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h")
    for _ in range(3):
        batch = await sdk.batches.retrieve(batch.id)
    assert (batch.status, batch.input_file_id) == ("completed", lines.id)
    assert batch.output_file_id is not None
    assert maker_of(batch.output_file_id) == 1
    output = (await sdk.files.content(batch.output_file_id)).text
    assert [json.loads(line)["custom_id"] for line in output.splitlines()] == ["1", "2"]


async def test_an_upload_in_parts_stays_at_its_resource(two: App, sdk: AsyncOpenAI) -> None:
    seen = Seen(two.resources)
    upload = await sdk.uploads.upload_file_chunked(
        file=b"some text" * 10, filename="a.txt", bytes=90, mime_type="text/plain", purpose="assistants", part_size=40
    )
    assert maker_of(upload.id) == 1
    assert upload.file is not None
    assert (await sdk.files.content(upload.file.id)).read() == b"some text" * 10
    assert seen.counts()[0] == 0


async def test_a_realtime_call_is_hung_up_where_it_was_made(two: App, sdk: AsyncOpenAI) -> None:
    seen = Seen(two.resources)
    wire, ids = Wire(two.app.url, CLIENT_KEY), dict[str, str]()
    async with wire.sdk:
        for call in FAMILIES["realtime"]:
            if call.operation not in ONLY_DOCUMENTS:
                await wire.perform(call, ids)
    assert seen.counts()[0] == 0


async def test_another_resource_is_not_asked_for_what_its_own_has_not(two: App, sdk: AsyncOpenAI) -> None:
    seen = Seen(two.resources)
    with pytest.raises(openai.NotFoundError) as raised:
        await sdk.files.retrieve(tagged("file-1", 1))
    assert told(raised.value.response.headers) == ("1", "1")
    assert seen.counts() == [0, 1]


async def test_with_one_resource_ids_stay_as_they_are() -> None:
    async with (
        Simulator().serving() as only,
        run_app([entry("only", only.url, models=MODELS)], only) as one,
        one.sdk() as sdk,
    ):
        file = await sdk.files.create(file=TEXT, purpose="assistants")
        response = await sdk.responses.create(model="chat", input="hello")
        assert [each.id async for each in sdk.files.list(limit=1)] == [file.id]
    assert only.file(file.id).data == TEXT[1]
    assert maker_of(response.id) is None
