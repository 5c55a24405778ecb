"""Lists over several resources: every object once, page by page, as if all were in one place."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from proxy.openai_api.object_ids import LENGTH, Tags, split_text
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import run_script
from tests.integration.several import FORGETFUL, SAME_NAMES, App, Odd, Seen, entry, run_app, told
from tests.integration.test_operations_files import TEXT
from tests.integration.test_operations_tuning import GRADER, TRAINING
from tests.integration.test_sdk import ECHO, HELLO
from tests.integration.test_several_objects import direct
from tools.azure_openai_simulator import Simulator

# What OpenAI retires, Azure still offers.
pytestmark = pytest.mark.filterwarnings("ignore:(The .* API is )?(deprecated|scheduled to):DeprecationWarning")

NAMES = ("first", "second", "third")
TAGS = Tags(NAMES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def simulators() -> AsyncIterator[tuple[Simulator, ...]]:
    async with Simulator().serving() as one, Simulator().serving() as two, Simulator().serving() as three:
        yield one, two, three


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(simulators: tuple[Simulator, ...]) -> AsyncIterator[App]:
    resources = [entry(name, one.url, models=SAME_NAMES) for name, one in zip(NAMES, simulators, strict=True)]
    async with run_app(resources, *simulators) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def three(app: App) -> AsyncIterator[App]:
    """An app over three resources that have neither files nor vector stores, and are left so."""
    yield app
    for resource in app.resources:
        async with direct(resource) as sdk:
            for noun in (sdk.files, sdk.vector_stores):
                for one in [one async for one in noun.list()]:
                    await noun.delete(one.id)


def make_assistant(sdk: AsyncOpenAI) -> Awaitable[object]:
    classic = str(sdk.base_url).replace("/v1/", "/")  # They are nowhere else.
    dated = sdk.with_options(base_url=classic, default_query={"api-version": "2025-04-01-preview"})
    return dated.beta.assistants.create(model="gpt-4o")


async def make_training(sdk: AsyncOpenAI) -> object:
    file = await sdk.files.create(file=TRAINING, purpose="fine-tune")
    return await sdk.fine_tuning.jobs.create(model="gpt-4o", training_file=file.id)


async def make_batch(sdk: AsyncOpenAI) -> object:
    file = await sdk.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    return await sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def make_eval(sdk: AsyncOpenAI) -> Awaitable[object]:
    source: Any = {"type": "custom", "item_schema": {"type": "object", "properties": {}}}
    return sdk.evals.create(name="sums", data_source_config=source, testing_criteria=[GRADER])


Make = Callable[[AsyncOpenAI], Awaitable[object]]
Noun = Callable[[AsyncOpenAI], Any]
# How one is made, and where they are listed.
NOUNS: Mapping[str, tuple[Make, Noun]] = {
    "assistants": (make_assistant, lambda sdk: sdk.beta.assistants),
    "chats": (
        lambda sdk: sdk.chat.completions.create(model="gpt-4o", messages=HELLO, store=True),
        lambda sdk: sdk.chat.completions,
    ),
    "containers": (lambda sdk: sdk.containers.create(name="bench"), lambda sdk: sdk.containers),
    "evals": (make_eval, lambda sdk: sdk.evals),
    "files": (lambda sdk: sdk.files.create(file=TEXT, purpose="assistants"), lambda sdk: sdk.files),
    "vector stores": (lambda sdk: sdk.vector_stores.create(name="notes"), lambda sdk: sdk.vector_stores),
    "videos": (lambda sdk: sdk.videos.create(model="sora-2", prompt="a cat"), lambda sdk: sdk.videos),
    "batches": (make_batch, lambda sdk: sdk.batches),
    "fine-tuning jobs": (make_training, lambda sdk: sdk.fine_tuning.jobs),
}


async def fill(resources: tuple[Simulator, ...], make: Make, *counts: int) -> list[str]:
    """Make so many objects at each resource, without the proxy; return the ids that clients know them by, newest first.

    What each resource lists comes in its own order, and the resources come in theirs.
    """
    ids: list[str] = []
    for number, (resource, count) in enumerate(zip(resources, counts, strict=True)):
        async with direct(resource) as sdk:
            made: list[Any] = [await make(sdk) for _ in range(count)]
        ids += [one.id + TAGS.tag(one.id.encode(), number).decode() for one in reversed(made)]
    return ids


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_object_is_listed_once_in_pages_that_are_never_empty_and_can_be_deleted(
    three: App, noun: str
) -> None:
    make, listing = NOUNS[noun]
    expected = await fill(three.resources, make, 3, 0, 2)
    async with three.sdk() as sdk:
        for limit in (1, 2, 20):
            pages = [page async for page in (await listing(sdk).list(limit=limit)).iter_pages()]
            assert all(0 < len(page.data) <= limit for page in pages)
            listed = [one.id for page in pages for one in page.data]
            assert sorted(listed) == sorted(expected)
            assert [split_text(TAGS, one, "id")[1] for one in listed] == [0, 0, 0, 2, 2]
        assert {one.id async for one in listing(sdk).list()} == set(expected)
        if noun in ("batches", "fine-tuning jobs"):
            return  # Azure keeps them.
        for identity in expected:
            await listing(sdk).delete(identity)
        assert [one.id async for one in listing(sdk).list()] == []


@pytest.mark.parametrize("counts", [(0, 0, 0), (0, 0, 3), (3, 0, 0), (0, 2, 0), (2, 1, 1), (0, 2, 2)])
async def test_wherever_the_objects_are_all_are_listed(three: App, counts: tuple[int, int, int]) -> None:
    make, listing = NOUNS["vector stores"]
    expected = await fill(three.resources, make, *counts)
    async with three.sdk() as sdk:
        for limit in (1, 2, 3):
            assert [one.id async for one in listing(sdk).list(limit=limit)] == expected
        oldest_first = [one.id async for one in listing(sdk).list(limit=1, order="asc")]
    assert sorted(oldest_first) == sorted(expected)


async def test_a_page_says_where_to_go_on_and_azure_sees_none_of_it(three: App) -> None:
    one, two, three_ = await fill(three.resources, NOUNS["files"][0], 1, 1, 1)
    seen = Seen(three.resources)
    async with three.http() as http:

        async def page(query: str) -> tuple[list[str], bool, str]:
            async with http.get(f"/v1/files?{query}") as answer:
                body = await answer.json()
                assert body["first_id"] == body["data"][0]["id"]
                return [each["id"] for each in body["data"]], body["has_more"], body["last_id"]

        assert await page("limit=5") == ([one], True, one)
        assert seen.counts() == [1, 0, 0]
        assert await page(f"limit=5&after={one}") == ([two], True, two)
        assert seen.counts() == [1, 1, 0]
        assert await page(f"after={two}&limit=5") == ([three_], False, three_)
        first, second, third = seen.new()
        assert (len(first), len(second), len(third)) == (0, 1, 1)
        assert dict(second[0].query) | {"api-version": ""} == {"after": two[:-LENGTH], "limit": "5", "api-version": ""}
        assert dict(third[0].query) | {"api-version": ""} == {"limit": "5", "api-version": ""}
        assert await page(f"after={one[:-LENGTH]}") == ([two], True, two)  # Without a tag it is of the first.
        assert await page(f"limit=2&after={one.replace('-', '%2D')}") == ([two], True, two)


async def test_what_belongs_to_one_object_is_listed_where_that_is(three: App) -> None:
    *_, store = await fill(three.resources, NOUNS["vector stores"][0], 1, 0, 1)
    files = await fill(three.resources, NOUNS["files"][0], 0, 0, 3)
    seen = Seen(three.resources)
    async with three.sdk() as sdk:
        for file in files:
            await sdk.vector_stores.files.create(store, file_id=file)
        assert sorted([one.id async for one in sdk.vector_stores.files.list(store, limit=1)]) == sorted(files)
        page = await sdk.vector_stores.files.list(store, limit=2)
        assert [one.id async for one in sdk.vector_stores.files.list(store, before=page.data[1].id)] == [
            page.data[0].id
        ]
    assert seen.counts()[:2] == [0, 0]


async def test_a_list_goes_backwards_within_one_resource(three: App) -> None:
    stores = await fill(three.resources, NOUNS["vector stores"][0], 2, 0, 3)
    async with three.sdk() as sdk:
        page = await sdk.vector_stores.list(before=stores[4])
        assert [one.id for one in page.data] == stores[2:4]
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.vector_stores.list(before=stores[4], after=stores[0])
    assert "after" in raised.value.message
    assert "before" in raised.value.message


async def test_the_other_members_of_a_query_reach_every_resource(three: App) -> None:
    await fill(three.resources, NOUNS["files"][0], 1, 1, 1)
    seen = Seen(three.resources)
    async with three.sdk() as sdk:
        assert len([one async for one in sdk.files.list(purpose="assistants", limit=1, order="asc")]) == 3
    for requests in seen.new():
        assert requests
        for request in requests:
            assert (request.query["purpose"], request.query["limit"], request.query["order"]) == (
                "assistants",
                "1",
                "asc",
            )


@pytest.mark.parametrize("status", [429, 500])
async def test_a_list_with_a_resource_that_fails_is_an_error_and_never_a_shorter_list(three: App, status: int) -> None:
    await fill(three.resources, NOUNS["files"][0], 1, 0, 1)
    one, _, other = three.resources
    async with Odd(Fault(status=status, retry_after="7")) as odd:
        resources = [entry(name, url) for name, url in zip(NAMES, (one.url, odd.url, other.url), strict=True)]
        async with run_app(resources, one, AZURE_OPENAI_ROUTING=FORGETFUL) as running, running.sdk() as sdk:
            with pytest.raises(openai.APIStatusError) as raised:
                _ = [file async for file in sdk.files.list(limit=1)]
    assert raised.value.status_code == status
    assert told(raised.value.response.headers)[1] == "2"  # The end of the first resource's list, and the second one.


async def test_a_resource_that_does_not_offer_a_list_has_nothing_on_it(three: App) -> None:
    missing = "v1/vector_stores"
    [*_, expected] = await fill(three.resources, NOUNS["vector stores"][0], 0, 0, 1)
    for resource in three.resources[:2]:
        resource.absent.add(missing)
    try:
        async with three.sdk() as sdk:
            assert [each.id async for each in sdk.vector_stores.list()] == [expected]
    finally:
        for resource in three.resources[:2]:
            resource.absent.discard(missing)


async def test_the_node_sdk_pages_through_all_resources_and_follows_the_ids(three: App) -> None:
    await fill(three.resources, NOUNS["files"][0], 2, 1, 2)
    came = await run_script("several.js", {"URL": three.app.url, "KEY": CLIENT_KEY})
    assert came == {
        "files listed and deleted": [5, 5, 5, 0],
        "vector store": ["notes", 1, True],
        "response continued": [ECHO, True],
        "batch": ["completed", 2],
    }
