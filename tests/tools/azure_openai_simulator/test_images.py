import base64

import aiohttp
import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from tests.tools.azure_openai_simulator.conftest import NEWEST
from tools.azure_openai_simulator import ERROR_SAMPLES, Simulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DEPLOYMENT = f"/openai/deployments/gpt-image-1/images/generations?api-version={NEWEST}"
PICTURE = ("cat.png", b"\x89PNG")


async def test_a_picture_comes_in_base64_with_its_usage(strict_v1: AsyncOpenAI) -> None:
    answer = await strict_v1.images.generate(model="gpt-image-1", prompt="a cat", n=2, size="1024x1024")
    assert answer.data is not None
    assert base64.b64decode(answer.data[1].b64_json or "").startswith(b"\x89PNG")
    assert answer.usage is not None
    with pytest.raises(openai.BadRequestError, match="response_format"):
        await strict_v1.images.generate(model="gpt-image-1", prompt="a cat", response_format="url")


async def test_an_older_model_gives_a_url_or_base64(strict_v1: AsyncOpenAI, strict_azure: AsyncAzureOpenAI) -> None:
    answer = await strict_azure.images.generate(model="dall-e-3", prompt="a cat")
    assert answer.data is not None
    assert (answer.data[0].revised_prompt, bool(answer.data[0].url)) == ("a cat", True)
    inline = await strict_v1.images.generate(model="dall-e-3", prompt="a cat", response_format="b64_json")
    assert inline.data is not None
    assert inline.data[0].b64_json


async def test_under_a_deployment_a_picture_s_body_must_not_name_a_model(
    simulator: Simulator, http: aiohttp.ClientSession, azure: AsyncAzureOpenAI
) -> None:
    refusal = ERROR_SAMPLES["error-400-images-model"].body
    async with http.post(DEPLOYMENT, json={"prompt": "a cat"}) as response:
        assert response.status == 200
    async with http.post(DEPLOYMENT, json={"prompt": "a cat", "model": "gpt-image-1"}) as response:
        assert await response.read() == refusal
    client = azure.with_options(api_version=NEWEST)
    with pytest.raises(openai.BadRequestError, match="Model not supported"):
        await client.images.edit(model="gpt-image-1", image=PICTURE, prompt="a dog")


async def test_a_picture_is_edited_on_both_surfaces(simulator: Simulator, strict_v1: AsyncOpenAI) -> None:
    answer = await strict_v1.images.edit(model="gpt-image-1", image=[PICTURE, PICTURE], prompt="a dog")
    assert answer.data
    async with AsyncAzureOpenAI(
        azure_endpoint=simulator.url, azure_deployment="gpt-image-1", api_key="simulator-key", api_version=NEWEST
    ) as client:
        assert (await client.images.edit(image=PICTURE, prompt="a dog")).data
    assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-image-1/images/edits"


async def test_pictures_stream_from_coarse_to_fine(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=2)
    assert [event.type async for event in made] == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    edited = await strict_v1.images.edit(
        model="gpt-image-1", image=PICTURE, prompt="a dog", stream=True, partial_images=1
    )
    assert [event.type async for event in edited] == ["image_edit.partial_image", "image_edit.completed"]


async def test_azure_has_no_variations_and_no_moderations(strict_v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Resource not found"):
        await strict_v1.images.create_variation(model="gpt-image-1", image=PICTURE)
    with pytest.raises(openai.NotFoundError, match="Resource not found"):
        await strict_v1.moderations.create(input="hello")


async def test_an_edit_needs_a_picture(http: aiohttp.ClientSession) -> None:
    async with http.post("/openai/v1/images/edits", json={"model": "gpt-image-1"}) as response:
        assert (response.status, (await response.json())["error"]["param"]) == (400, "image")


async def test_errors_are_reached_by_form_and_path(http: aiohttp.ClientSession, strict_v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        await strict_v1.images.edit(model="error-429-old", image=PICTURE, prompt="a dog")
    path = f"/openai/deployments/error-429-old/images/edits?api-version={NEWEST}"
    async with http.post(path, data={"prompt": "a dog"}) as response:
        assert await response.read() == ERROR_SAMPLES["error-429-old"].body
