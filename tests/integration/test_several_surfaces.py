"""Resources of different api-versions: the same request goes to another surface, in the form that is taken there."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.asks import ASKS, ask_chat
from tests.integration.several import FORGETFUL, App, entry, run_app, told
from tests.integration.test_operations_media import PNG
from tools.azure_openai_simulator import Simulator

V1, DATED = "v1", "2025-04-01-preview"
GOOD, DRAWS = "gpt-4o", "gpt-image-1"
# Each by the name of the way it goes: at first the odd deployment, then the good one.
WAYS = {f"{V1} to {DATED}": (V1, DATED), f"{DATED} to {V1}": (DATED, V1)}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=WAYS)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[App]:
    first, second = WAYS[request.param]
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, api_version=first, models={"a": "error-500", "draw": "error-503-text"}),
            entry("other", other.url, api_version=second, models={"a": GOOD, "draw": DRAWS}, priority=1),
        ]
        async with run_app(resources, one, other, AZURE_OPENAI_ROUTING=FORGETFUL) as running:
            yield running


def surface(path: str) -> str:
    return V1 if path.startswith("/openai/v1/") else DATED


@pytest.mark.parametrize("operation", ASKS)
async def test_a_request_fails_over_from_one_surface_to_the_other(two: App, operation: str) -> None:
    async with two.sdk() as sdk:
        assert told((await ASKS[operation](sdk, "a"))[0]) == ("1", "2")
    for resource, deployment in zip(two.resources, ("error-500", GOOD), strict=True):
        sent = resource.requests[-1]
        by_path = surface(sent.raw_path) == DATED
        assert ("api-version" in sent.query) == by_path
        assert deployment in (sent.raw_path if by_path else sent.body.decode(errors="replace"))


async def test_the_two_resources_were_asked_on_different_surfaces(two: App) -> None:
    async with two.sdk() as sdk:
        await ask_chat(sdk, "a")
    first, second = (resource.requests[-1] for resource in two.resources)
    assert {surface(first.raw_path), surface(second.raw_path)} == {V1, DATED}
    for sent, deployment in ((first, "error-500"), (second, GOOD)):
        model = json.loads(sent.body)["model"]
        assert model == (deployment if surface(sent.raw_path) == V1 else "a")


async def test_an_image_s_form_names_its_model_only_where_that_is_taken(two: App) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("image", PNG[1], filename=PNG[0], content_type=PNG[2])
    form.add_field("model", "draw")
    form.add_field("prompt", "a dog")
    async with two.http() as http, http.post("/v1/images/edits", data=form) as answer:
        assert (answer.status, told(answer.headers)) == (200, ("1", "2")), await answer.text()
    for resource in two.resources:
        sent = resource.requests[-1]
        assert (b'name="model"' in sent.body) == (surface(sent.raw_path) == V1)
        assert PNG[1] in sent.body
