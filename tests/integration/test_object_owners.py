"""Objects with owners: two clients of one app, and what each can do with what the other has made."""

import json
from collections.abc import AsyncIterator, Mapping

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, AsyncStream

from proxy.openai_api.object_owners import MARK
from proxy.openai_api.ownership import OWNERSHIP, Ownership
from tests.integration.conftest import CLIENT_KEY, SECOND_KEY, environ_for
from tests.integration.node import run_script
from tests.integration.several import App, entry, official, run_app
from tests.integration.test_credentials import cloud, health, talking
from tests.integration.test_operations import Call, Wire
from tests.integration.test_operations_files import TEXT
from tests.integration.test_operations_table import FAMILIES, MODELS, ONLY_DOCUMENTS
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")

OWNED = {"STORED_OBJECTS": "owned", "ID_SIGNING_KEY": "0123456789abcdef0123456789abcdef"}
EMPTY: dict[str, object] = {}


class Watched(dict[str, str]):
    """Ids that note whether they are read."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        super().__init__(ids)
        self.was_read = False

    def __getitem__(self, name: str) -> str:
        self.was_read = True
        return super().__getitem__(name)


def environ(simulator: Simulator, **settings: str) -> dict[str, str]:
    mapper = ",".join(f"{model}={deployment}" for model, deployment in MODELS.items())
    return environ_for(simulator) | {"AZURE_OPENAI_MODEL_MAPPER": mapper} | OWNED | settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owned(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ(simulator, FORWARD_UNKNOWN_OPERATIONS="true")) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def alice(owned: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with official(f"{owned.url}/v1", CLIENT_KEY) as sdk:
        yield sdk


@pytest_asyncio.fixture(loop_scope="session")
async def bob(owned: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with official(f"{owned.url}/v1", SECOND_KEY) as sdk:
        yield sdk


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_operation_works_for_the_owner_and_finds_nothing_for_another(
    owned: HostProcess, simulator: Simulator, family: str
) -> None:
    alice, bob, ids = Wire(owned.url, CLIENT_KEY), Wire(owned.url, SECOND_KEY), dict[str, str]()
    async with alice.sdk, bob.sdk:
        for call in FAMILIES[family]:
            if call.operation in ONLY_DOCUMENTS:
                continue
            await assert_not_there(bob, call, ids, simulator)
            if OWNERSHIP[call.operation] is Ownership.REFUSED:
                with pytest.raises(openai.NotFoundError, match="whose objects these are"):
                    await alice.perform(call, ids)
                continue
            exchange = await alice.perform(call, ids)
            assert exchange.status < 300, call.operation
            assert MARK.encode() not in exchange.raw, call.operation


async def assert_not_there(wire: Wire, call: Call, ids: Mapping[str, str], simulator: Simulator) -> None:
    """Fail if a call with ids of another client reaches Azure, or is answered otherwise than with a 404."""
    watched, before, refused = Watched(ids), len(simulator.requests), None
    try:
        made = await call.make(wire.sdk, watched)
        if isinstance(made, AsyncStream):
            assert [event async for event in made]
    except openai.APIStatusError as error:
        refused = error
    if watched.was_read:
        assert isinstance(refused, openai.NotFoundError), call.operation
        assert "No such object" in refused.message, call.operation
        assert len(simulator.requests) == before, call.operation


async def test_an_id_of_another_client_and_one_that_is_missing_are_the_same(
    alice: AsyncOpenAI, bob: AsyncOpenAI
) -> None:
    file = await alice.files.create(file=TEXT, purpose="assistants")
    errors = []
    for identity in (file.id, file.id[:-1] + ("A" if file.id[-1] != "A" else "B"), "file-" + "0" * 32):
        with pytest.raises(openai.NotFoundError) as raised:
            await bob.files.retrieve(identity)
        assert isinstance(raised.value.body, dict)
        errors.append({**raised.value.body, "message": raised.value.body["message"].replace(identity, "ID")})
    assert (
        errors
        == [{"message": "No such object: ID.", "type": "invalid_request_error", "param": "file_id", "code": None}] * 3
    )


async def test_azure_never_sees_an_owner_in_an_id(alice: AsyncOpenAI, simulator: Simulator) -> None:
    store = await alice.vector_stores.create(name="notes")
    bare = store.id[:-21]
    before = len(simulator.requests)
    await alice.responses.create(
        model="chat", input="hello", tools=[{"type": "file_search", "vector_store_ids": [store.id]}]
    )
    await alice.vector_stores.retrieve(store.id)
    responded, retrieved = simulator.requests[before:]
    assert store.id.encode() not in responded.body
    assert bare.encode() in responded.body
    assert retrieved.raw_path.endswith(f"/vector_stores/{bare}")


async def test_every_id_of_a_stream_is_the_owners(alice: AsyncOpenAI, bob: AsyncOpenAI) -> None:
    stream = await alice.responses.create(model="chat", input="hello", stream=True)
    events = [event async for event in stream]
    first = await alice.responses.retrieve(events[0].response.id)  # type: ignore[union-attr]
    assert {event.item_id for event in events if hasattr(event, "item_id")} <= {item.id for item in first.output}
    assert (await alice.responses.create(model="chat", input="more", previous_response_id=first.id)).output_text
    for input_ in ([{"type": "item_reference", "id": first.output[0].id}], "more"):
        previous = {} if isinstance(input_, list) else {"previous_response_id": first.id}
        with pytest.raises(openai.NotFoundError, match="No such object"):
            await bob.responses.create(model="chat", input=input_, **previous)  # type: ignore[call-overload]
    chat = await alice.chat.completions.create(model="chat", messages=HELLO, store=True, stream=True)
    ids = {chunk.id async for chunk in chat if chunk.id}
    for identity in ids:
        assert (await alice.chat.completions.retrieve(identity)).choices[0].message.content == ECHO
        with pytest.raises(openai.NotFoundError):
            await bob.chat.completions.retrieve(identity)


async def test_a_client_that_sends_whole_items_goes_on_with_them(alice: AsyncOpenAI, bob: AsyncOpenAI) -> None:
    made = await alice.responses.create(model="chat", input="hello", store=False)
    items = [item.model_dump(exclude_none=True) for item in made.output]
    own = {"type": "message", "id": "msg_1", "role": "user", "content": "hello"}
    again = await alice.responses.create(model="chat", input=[own, *items, own], store=False)  # type: ignore[list-item]
    assert again.output_text
    with pytest.raises(openai.NotFoundError):
        await bob.responses.create(model="chat", input=items, store=False)  # type: ignore[arg-type]


async def test_translated_answers_are_nobodys_and_go_on_as_ever(simulator: Simulator) -> None:
    async with (
        running_host(REPOSITORY, environ(simulator, AZURE_OPENAI_DEPLOYMENT_APIS="gpt-4o=chat")) as host,
        official(f"{host.url}/v1", CLIENT_KEY) as sdk,
    ):
        made = await sdk.responses.create(model="chat", input="hello", store=False)
        assert made.id.startswith("resp_notstored_")
        items = [item.model_dump(exclude_none=True) for item in made.output]
        more = await sdk.responses.create(model="chat", input=[*items, {"role": "user", "content": "x"}], store=False)  # type: ignore[list-item]
        assert more.output_text
        with pytest.raises(openai.BadRequestError, match="stored nowhere"):
            await sdk.responses.create(model="chat", input="x", previous_response_id=made.id, store=False)
        with pytest.raises(openai.NotFoundError, match="stored nowhere"):
            await sdk.responses.retrieve(made.id)


async def test_a_list_has_the_own_objects_alone_on_every_page(alice: AsyncOpenAI, bob: AsyncOpenAI) -> None:
    made: dict[AsyncOpenAI, list[str]] = {alice: [], bob: []}
    before = {sdk: [one.id async for one in sdk.vector_stores.list(order="asc")] for sdk in made}
    for number in range(5):
        for sdk, ids in made.items():
            store = await sdk.vector_stores.create(name=f"notes {number}", metadata={"number": str(number)})
            ids.append(store.id)
            assert store.metadata == {"number": str(number)}
    for sdk, ids in made.items():
        listed = [one async for one in sdk.vector_stores.list(order="asc", limit=2)]
        assert [one.id for one in listed] == before[sdk] + ids
        assert listed[-1].metadata == {"number": "4"}
        page = await sdk.vector_stores.list(order="asc", limit=2, after=ids[0])
        assert [one.id for one in page.data] == ids[1:3]
        assert (page.first_id, page.last_id, page.has_more) == (ids[1], ids[2], True)  # type: ignore[attr-defined]
    with pytest.raises(openai.NotFoundError):
        await bob.vector_stores.list(after=made[alice][0])


async def test_changed_metadata_keeps_the_owner(alice: AsyncOpenAI) -> None:
    store = await alice.vector_stores.create(name="changed")
    await alice.vector_stores.update(store.id, metadata={MARK: "nobody"})
    assert store.id in [one.id async for one in alice.vector_stores.list()]
    assert (await alice.vector_stores.retrieve(store.id)).metadata == {}


async def test_the_lines_of_a_batch_name_own_objects_alone(
    alice: AsyncOpenAI, bob: AsyncOpenAI, simulator: Simulator
) -> None:
    store = await alice.vector_stores.create(name="lines")
    tools = [{"type": "file_search", "vector_store_ids": [store.id]}]
    body = {"model": "chat", "input": "hello", "tools": tools}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": body}
    upload = ("in.jsonl", json.dumps(line).encode())
    file = await alice.files.create(file=upload, purpose="batch")
    kept = simulator.file(file.id[:-21]).data
    assert json.loads(kept or b"")["body"]["tools"][0]["vector_store_ids"] == [store.id[:-21]]
    for sent in (upload[1], upload[1].replace(store.id.encode(), store.id[:-21].encode())):
        with pytest.raises(openai.NotFoundError, match="Line 1 of your file: No such object"):
            await bob.files.create(file=("in.jsonl", sent), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="one file"):
        await alice.uploads.create(bytes=9, filename="a", mime_type="text/plain", purpose="batch")


async def test_an_operation_that_nobody_knows_is_refused(owned: HostProcess, simulator: Simulator) -> None:
    before = len(simulator.requests)
    async with (
        aiohttp.ClientSession(owned.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http,
        http.post("/v1/new/things", json=EMPTY) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "unsupported_operation")
    assert len(simulator.requests) == before


@pytest.mark.parametrize("content_type", ["text/json", "application/x-www-form-urlencoded", "APPLICATION/JSON"])
async def test_a_body_of_any_type_is_searched_for_ids(
    owned: HostProcess, alice: AsyncOpenAI, simulator: Simulator, content_type: str
) -> None:
    file, container = await alice.files.create(file=TEXT, purpose="assistants"), await alice.containers.create(name="c")
    before = len(simulator.requests)
    headers = {"authorization": f"Bearer {CLIENT_KEY}", "content-type": content_type}
    bare = json.dumps({"file_id": file.id[:-21]}).encode()
    async with (
        aiohttp.ClientSession(owned.url, headers=headers) as http,
        http.post(f"/v1/containers/{container.id}/files", data=bare) as answer,
    ):
        assert answer.status == 404
    assert len(simulator.requests) == before


async def test_the_session_of_a_realtime_call_names_own_files_alone(
    owned: HostProcess, alice: AsyncOpenAI, bob: AsyncOpenAI, simulator: Simulator
) -> None:
    file = await alice.files.create(file=TEXT, purpose="assistants")
    variables = {"x": {"type": "input_file", "file_id": file.id}}
    session = {"type": "realtime", "model": "talk", "prompt": {"id": "p", "variables": variables}}
    before = len(simulator.requests)
    for key, status in ((SECOND_KEY, 404), (CLIENT_KEY, 201)):
        form = aiohttp.FormData({"sdp": "v=0", "session": json.dumps(session)}, default_to_multipart=True)
        async with (
            aiohttp.ClientSession(owned.url, headers={"authorization": f"Bearer {key}"}) as http,
            http.post("/v1/realtime/calls", data=form) as answer,
        ):
            assert answer.status == status, await answer.text()
    (sent,) = simulator.requests[before:]
    assert file.id.encode() not in sent.body
    assert file.id[:-21].encode() in sent.body
    assert b"gpt-realtime" in sent.body


async def test_objects_from_before_are_everybodys_if_it_is_so_set(
    app: HostProcess, simulator: Simulator, owned: HostProcess
) -> None:
    async with official(f"{app.url}/v1", CLIENT_KEY) as shared:
        file = await shared.files.create(file=TEXT, purpose="assistants")
    async with official(f"{owned.url}/v1", CLIENT_KEY) as strict:
        with pytest.raises(openai.NotFoundError):
            await strict.files.retrieve(file.id)
    async with running_host(REPOSITORY, environ(simulator, STORED_OBJECTS_WITHOUT_OWNER="everybody")) as host:
        for key in (CLIENT_KEY, SECOND_KEY):
            async with official(f"{host.url}/v1", key) as sdk:
                assert (await sdk.files.content(file.id)).read() == TEXT[1]


async def test_ids_with_owners_are_read_where_objects_are_shared_again(app: HostProcess, alice: AsyncOpenAI) -> None:
    file = await alice.files.create(file=TEXT, purpose="assistants")
    async with official(f"{app.url}/v1", SECOND_KEY) as shared:
        assert (await shared.files.content(file.id)).read() == TEXT[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two() -> AsyncIterator[App]:
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [entry("first", one.url, models=MODELS), entry("second", other.url, models=MODELS)]
        keys = f"tester={CLIENT_KEY},second={SECOND_KEY}"
        async with run_app(resources, one, other, **{**OWNED, "CLIENT_KEYS": keys}) as running:
            yield running


async def test_over_several_resources_a_list_goes_through_all_of_them(two: App) -> None:
    ids = []
    async with official(f"{two.app.url}/v1", CLIENT_KEY) as alice, official(f"{two.app.url}/v1", SECOND_KEY) as bob:
        for number in range(12):
            ids.append((await alice.vector_stores.create(name=str(number))).id)
            await bob.vector_stores.create(name=str(number))
        listed = [one.id async for one in alice.vector_stores.list(limit=5)]
        assert sorted(listed) == sorted(ids)
        for identity in ids:
            assert (await alice.vector_stores.retrieve(identity)).id == identity
            with pytest.raises(openai.NotFoundError, match="No such object"):
                await bob.vector_stores.retrieve(identity)


async def test_the_sdk_for_node_has_its_own_objects_alone(owned: HostProcess) -> None:
    came = await run_script("owners.js", {"URL": owned.url, "KEY": CLIENT_KEY, "ALICE": CLIENT_KEY, "BOB": SECOND_KEY})
    for name in ("another client's file", "another client's response", "all files"):
        error = came.pop(name)
        assert isinstance(error, dict)
        assert (error["class"], error["status"]) == ("NotFoundError", 404)
    assert came["an own file"] is True
    assert came["an own response, streamed"] == "completed"
    stores = came["own vector stores"]
    assert isinstance(stores, list)
    assert stores[-3:] == [[f"notes {number}", {"number": str(number)}] for number in (1, 2, 3)]


async def test_the_key_comes_from_the_vault_and_the_one_before_stays_valid() -> None:
    async with cloud() as azure:
        settings = azure.environ() | {"STORED_OBJECTS": "owned"}
        async with running_host(REPOSITORY, settings) as host, talking(host) as http:
            assert (await health(http))[0] == 503
            async with http.post("/v1/vector_stores", json=EMPTY) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (503, "configuration_error")
            async with http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "x"}) as answer:
                assert answer.status == 200
        stores: list[str] = []
        for number in range(3):
            azure.vault.put("id-signing-key", str(number) * 32, age=3600 - number)
            async with running_host(REPOSITORY, settings) as host, talking(host) as http:
                async with http.post("/v1/vector_stores", json=EMPTY) as answer:
                    stores.append((await answer.json())["id"])
                assert await health(http) == (200, [])
                came = []
                for identity in stores:
                    async with http.get(f"/v1/vector_stores/{identity}") as answer:
                        came.append(answer.status)
                assert came == [404, 200, 200][2 - number :]
                async with http.get("/v1/vector_stores") as answer:
                    assert len((await answer.json())["data"]) == min(number + 1, 2)
                assert str(number) * 32 not in host.output()
