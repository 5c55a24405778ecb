"""Ids as clients write them: with a tag, without one, of two resources, of none."""

import json
import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from proxy.openai_api.object_ids import prefix_of
from tests.integration.several import App, Odd, Seen, bare, entry, has_a_tag, maker_of, nobody, run_app, tagged
from tests.integration.test_operations_files import TEXT
from tests.integration.test_several_objects import FIRST, SECOND, direct, sdk, two

__all__ = ["sdk", "two"]  # fixtures
# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")


async def test_an_id_without_a_tag_belongs_to_the_first_resource(two: App, sdk: AsyncOpenAI) -> None:
    async with direct(two.resources[0]) as one, direct(two.resources[1]) as other:
        old, foreign = [await each.files.create(file=TEXT, purpose="assistants") for each in (one, other)]
        store = await one.vector_stores.create(name="old")
    assert maker_of(old.id) is None
    assert (await sdk.files.retrieve(old.id)).id == tagged(old.id, 0)
    assert (await sdk.files.content(old.id)).read() == TEXT[1]
    # Tagged, as before or as now, and not: all are of the first.
    assert (await sdk.files.retrieve(tagged(old.id, 0))).id == (await sdk.files.retrieve(old.id + FIRST)).id
    assert (await sdk.vector_stores.files.create(store.id, file_id=old.id + FIRST)).id == tagged(old.id, 0)
    assert (await sdk.vector_stores.files.create(store.id + FIRST, file_id=old.id)).id == tagged(old.id, 0)
    with pytest.raises(openai.NotFoundError):
        await sdk.files.retrieve(foreign.id)
    assert (await sdk.files.delete(old.id)).deleted


async def test_ids_of_two_resources_in_one_request_are_refused_with_both_names(two: App, sdk: AsyncOpenAI) -> None:
    async with direct(two.resources[0]) as one:
        old = await one.files.create(file=TEXT, purpose="assistants")
    store = await sdk.vector_stores.create(name="notes")
    response = await sdk.responses.create(model="chat", input="hello")
    seen = Seen(two.resources)
    for untagged_or_not in (old.id, old.id + FIRST, tagged(old.id, 0)):
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.vector_stores.files.create(store.id, file_id=untagged_or_not)
        assert "vector_store_id" in raised.value.message
        assert "file_id" in raised.value.message
        assert (raised.value.code, raised.value.param) == ("invalid_value", "file_id")
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.responses.create(
                model="chat",
                stream=stream,
                previous_response_id=response.id,
                input=[{"role": "user", "content": [{"type": "input_file", "file_id": old.id + FIRST}]}],
            )
        assert "previous_response_id" in raised.value.message
        assert "file_id" in raised.value.message
    with pytest.raises(openai.BadRequestError):
        await sdk.containers.create(name="bench", file_ids=[old.id + FIRST, f"file-1{SECOND}"])
    assert seen.counts() == [0, 0]


async def test_a_tag_that_no_resource_has_is_a_404_of_that_field(two: App, sdk: AsyncOpenAI) -> None:
    seen = Seen(two.resources)
    with pytest.raises(openai.NotFoundError) as raised:
        await sdk.files.retrieve("file-1~none")
    assert raised.value.param == "file_id"
    with pytest.raises(openai.NotFoundError) as raised:
        await sdk.responses.create(model="chat", input="hello", previous_response_id="resp_1~none")
    assert raised.value.param == "previous_response_id"
    with pytest.raises(openai.NotFoundError):
        _ = [file async for file in sdk.files.list(after="file-1~none")]
    assert seen.counts() == [0, 0]


async def test_a_tag_may_be_written_as_it_is_or_encoded(two: App, sdk: AsyncOpenAI) -> None:
    file = await sdk.files.create(file=TEXT, purpose="assistants")
    async with two.http() as http:
        old = bare(file.id)
        for identity in (file.id, file.id.replace("-", "%2D"), f"{old}{SECOND}", f"{old}%7E{SECOND[1:]}"):
            async with http.get(f"/v1/files/{identity}") as answer:
                assert (answer.status, (await answer.json())["id"]) == (200, file.id)


async def test_the_conversation_of_a_response_is_the_one_that_was_asked_for(sdk: AsyncOpenAI) -> None:
    conversation = await sdk.conversations.create()
    for stream in (False, True):
        body = {"model": "chat", "input": "hello", "conversation": conversation.id, "stream": stream}
        answer = await sdk.post("/responses", cast_to=str, body=body)
        assert f'"{conversation.id}"' in answer


async def test_what_needs_no_model_is_made_at_the_first_of_equals_so_that_it_can_be_used_together(
    two: App,
) -> None:
    resources = [entry(name, one.url) for name, one in zip(("first", "second"), two.resources, strict=True)]
    async with run_app(resources) as equal, equal.sdk() as sdk:
        files = [await sdk.files.create(file=TEXT, purpose="assistants") for _ in range(8)]
        ids = [file.id for file in files]
        store = await sdk.vector_stores.create(name="notes", file_ids=ids)
    assert all(maker_of(identity) == 0 for identity in (*ids, store.id))


async def test_items_of_a_response_go_back_to_the_resource_that_made_them(two: App) -> None:
    resources = [entry(name, one.url) for name, one in zip(("first", "second"), two.resources, strict=True)]
    async with run_app(resources) as equal, equal.sdk() as sdk:
        seen = Seen(two.resources)
        for turn in range(8):
            stream = await sdk.responses.create(model="gpt-4o", input="hello", stream=True)
            events = [event async for event in stream]
            [item] = {event.item_id for event in events if event.type == "response.output_text.delta"}
            assert [event.item.id for event in events if event.type == "response.output_item.done"] == [item]
            maker = [bool(requests) for requests in seen.new()].index(True)
            assert maker_of(item) == maker
            body = {"model": "gpt-4o", "input": [{"type": "item_reference", "id": item}], "stream": turn % 2 == 0}
            await sdk.post("/responses", cast_to=str, body=body)
            new = seen.new()
            assert (len(new[maker]), len(new[1 - maker])) == (1, 0)
            assert bare(item).encode() in new[maker][0].body
            assert not has_a_tag(new[maker][0].body)


async def test_items_that_are_whole_go_back_there_too_and_elsewhere_when_that_is_down(two: App) -> None:
    text, call = (
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    )
    said = [{**text, "id": tagged("msg_1", 0)}, {**call, "id": tagged("fc_1", 0)}]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
    body = {"model": "gpt-4o", "store": False, "input": [*said, output, {"role": "user", "content": "and?"}]}
    resources = [entry(name, one.url) for name, one in zip(("first", "second"), two.resources, strict=True)]
    async with run_app(resources) as equal, equal.http() as http:
        seen = Seen(two.resources)
        for _ in range(8):
            async with http.post("/v1/responses", json=body) as answer:
                assert answer.status == 200
        assert seen.counts() == [8, 0]
    with nobody() as dead:
        async with run_app([entry("first", dead), resources[1]]) as left, left.http() as http:
            async with http.post("/v1/responses", json=body) as answer:
                assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
            [[], [request]] = seen.new()
            assert json.loads(request.body)["input"][:2] == [{**text, "id": "msg_1"}, {**call, "id": "fc_1"}]
            # Nobody else finds what is only named.
            named = {"model": "gpt-4o", "input": [{"type": "item_reference", "id": tagged("msg_1", 0)}]}
            async with http.post("/v1/responses", json=named) as answer:
                assert answer.status == 502
            assert seen.counts() == [0, 0]


async def test_sealed_content_goes_back_to_the_resource_that_can_open_it(two: App) -> None:
    resources = [entry(name, one.url) for name, one in zip(("first", "second"), two.resources, strict=True)]
    async with run_app(resources) as equal, equal.sdk() as sdk:
        seen = Seen(two.resources)
        for _ in range(8):
            compacted = await sdk.responses.compact(model="gpt-4o", input="hello")
            maker = [bool(requests) for requests in seen.new()].index(True)
            [item] = [each for each in compacted.output if each.type == "compaction"]
            assert maker_of(item.encrypted_content) == maker
            # Without its id, as the Agents SDK sends it.
            sealed = {"type": "compaction", "encrypted_content": item.encrypted_content}
            await sdk.post("/responses", cast_to=str, body={"model": "gpt-4o", "input": [sealed]})
            new = seen.new()
            assert (len(new[maker]), len(new[1 - maker])) == (1, 0)
            assert json.loads(new[maker][0].body)["input"][0]["encrypted_content"] == bare(item.encrypted_content)
            assert not has_a_tag(new[maker][0].body)


async def test_ids_of_the_only_resource_that_is_left_keep_working(two: App, sdk: AsyncOpenAI) -> None:
    file = await sdk.files.create(file=TEXT, purpose="assistants")
    async with run_app([entry("second", two.resources[1].url)]) as one, one.sdk() as left:
        assert (await left.files.content(file.id)).read() == TEXT[1]
        assert (await left.files.retrieve(file.id)).id == bare(file.id)
        with pytest.raises(openai.NotFoundError):
            await left.files.retrieve("file-1~none")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listener() -> AsyncIterator[Odd]:
    """A resource that takes everything."""
    async with Odd() as odd:
        yield odd


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def heard(listener: Odd) -> AsyncIterator[App]:
    """An app whose second resource takes everything; nothing is asked of the first."""
    resources = [entry("first", listener.url, priority=1), entry("second", listener.url)]
    async with run_app(resources, FORWARD_UNKNOWN_OPERATIONS="true") as running:
        yield running


F, V, S, T = (tagged(identifier, 1) for identifier in ("file-1", "vs_1", "video_1", "thread_1"))
ASSISTANT, EVAL, CONTAINER, UPLOAD = (
    tagged(identifier, 1) for identifier in ("asst_1", "eval_1", "cntr_1", "upload_1")
)
# What else may name an object, by operation; `metadata` and `attributes` are the client's own words.
BODIES: Mapping[str, object] = {
    f"/vector_stores/{V}/file_batches": {"files": [{"file_id": F, "attributes": {"file_id": "file-1~mine"}}]},
    "/vector_stores": {"name": "a", "file_ids": [F, F], "metadata": {"id": "file-1~mine"}},
    "/assistants": {
        "model": "gpt-4o",
        "tool_resources": {"file_search": {"vector_store_ids": [V]}, "code_interpreter": {"file_ids": [F]}},
    },
    f"/threads/{T}/messages": {
        "role": "user",
        "content": [{"type": "image_file", "image_file": {"file_id": F}}, {"type": "text", "text": "file-1~mine"}],
        "attachments": [{"file_id": F, "tools": [{"type": "file_search"}]}],
    },
    "/threads/runs": {"assistant_id": ASSISTANT, "thread": {"messages": []}},
    f"/evals/{EVAL}/runs": {"data_source": {"type": "jsonl", "source": {"type": "file_id", "id": F}}},
    "/fine_tuning/jobs": {"model": "gpt-4o", "training_file": F, "validation_file": F},
    "/containers": {"name": "a", "file_ids": [F]},
    f"/containers/{CONTAINER}/files": {"file_id": F},
    "/videos/edits": {"prompt": "a", "video": {"id": S}},
    "/videos/extensions": {"prompt": "a", "seconds": "4", "video": {"id": S}},
    f"/uploads/{UPLOAD}/complete": {"part_ids": ["part_1"]},
}


def without_tags(text: bytes) -> bytes:
    return re.sub(rb"([a-z]+[-_]1)%b.{5}" % prefix_of("second"), rb"\1", text)


@pytest.mark.parametrize("path", BODIES)
async def test_wherever_an_id_stands_azure_sees_its_own(heard: App, listener: Odd, path: str) -> None:
    listener.asked.clear()
    body = json.dumps(BODIES[path]).encode()
    headers = {"content-type": "application/json"}
    async with heard.http() as http, http.post(f"/v1{path}", data=body, headers=headers) as answer:
        assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
    [(_, asked, _)] = listener.asked
    assert asked.endswith(without_tags(path.encode()).decode())
    assert listener.body == without_tags(body)


FORMS: Mapping[str, Mapping[str, str]] = {
    "/videos": {"model": "sora-2", "prompt": "a", "input_reference[file_id]": F},
    "/videos/edits": {"prompt": "a", "video[id]": S},
    "/videos/extensions": {"video[id]": S, "prompt": "a", "seconds": "4"},
    f"/containers/{CONTAINER}/files": {"file_id": F},
}


@pytest.mark.parametrize("path", FORMS)
async def test_an_id_in_a_form_loses_its_tag_too(heard: App, listener: Odd, path: str) -> None:
    listener.asked.clear()
    form = aiohttp.FormData(dict(FORMS[path]), default_to_multipart=True)
    async with heard.http() as http, http.post(f"/v1{path}", data=form) as answer:
        assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
    assert len(listener.asked) == 1
    assert not has_a_tag(listener.body)
    assert b"file-1\r\n" in listener.body or b"video_1\r\n" in listener.body


async def test_ids_in_operations_that_nobody_knows_yet_are_read_as_well(heard: App, listener: Odd) -> None:
    listener.asked.clear()
    path = f"/v1/inventions/{tagged('invention_1', 1)}/parts?after={tagged('part_1', 1)}"
    async with heard.http() as http, http.get(path) as answer:
        assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
    assert listener.asked == [("GET", "/openai/v1/inventions/invention_1/parts", 0)]


OWN: Mapping[str, Mapping[str, object]] = {
    "Codex": {"client_metadata": {"thread_id": "0199-thread", "session_id": "0199"}},
    "a tag of before": {"client_metadata": {"upload_id": "u~1", "file_id": "file-1~none"}},
    "variables": {"prompt": {"id": "pmpt_1", "variables": {"thread_id": "thread_1", "file_id": "file-1~none"}}},
    "litellm": {"litellm_metadata": {"file_id": "file-1", "previous_response_id": "resp_1~none"}},
    "annotations": {"tools": [{"type": "mcp", "server_label": "a", "annotations": {"file_id": "file-1~none"}}]},
    "metadata": {"metadata": {"id": "file-1~none", "thread_id": "thread_1"}},
    "arguments": {
        "input": [{"type": "function_call", "call_id": "call_1~none", "name": "f", "arguments": '{"file_id":"file-1"}'}]
    },
    "an item's own": {"input": [{"role": "user", "content": "hi", "id": "my own~item", "thread_id": "thread_1"}]},
}


@pytest.mark.parametrize("own", OWN)
async def test_a_clients_own_words_neither_pin_a_request_nor_are_changed(heard: App, listener: Odd, own: str) -> None:
    listener.asked.clear()
    body = json.dumps({"model": "gpt-4o", "input": "hi", **OWN[own]}).encode()
    headers = {"content-type": "application/json"}
    async with heard.http() as http, http.post("/v1/responses", data=body, headers=headers) as answer:
        # The second is asked first; what pins without a tag would go to the first.
        assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
    assert listener.body == body


async def test_a_messages_own_members_do_not_pin_a_chat(heard: App, listener: Odd) -> None:
    message = {"role": "user", "content": "hi", "thread_id": "thread_1", "id": "msg_1~none", "file_id": "file-1~none"}
    body = json.dumps({"model": "gpt-4o", "messages": [message], "metadata": {"upload_id": "u~1"}}).encode()
    headers = {"content-type": "application/json"}
    async with heard.http() as http, http.post("/v1/chat/completions", data=body, headers=headers) as answer:
        assert (answer.status, answer.headers["x-proxy-target"]) == (200, "1")
    assert listener.body == body


async def test_reasoning_with_a_model_that_only_another_resource_serves_is_a_400_that_says_so(
    two: App,
) -> None:
    resources = [
        entry(name, one.url, models={model: "gpt-4o"})
        for name, one, model in zip(("first", "second"), two.resources, ("one", "other"), strict=True)
    ]
    async with run_app(resources) as app, app.sdk() as sdk:
        seen = Seen(two.resources)
        sealed = {"type": "reasoning", "summary": [], "encrypted_content": tagged("gAAA==", 0)}
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.post("/responses", cast_to=str, body={"model": "other", "input": [sealed]})
        assert (raised.value.param, raised.value.code) == ("encrypted_content", "invalid_value")
        assert "`other` is not served by the Azure OpenAI resource" in raised.value.message
        assert seen.counts() == [0, 0]
        # What nobody is known to serve may still be a deployment there.
        with pytest.raises(openai.NotFoundError) as unknown:
            await sdk.post("/responses", cast_to=str, body={"model": "neither", "input": [sealed]})
        assert unknown.value.code == "model_not_found"
        assert seen.counts() == [1, 0]
