import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def test_a_video_is_made_listed_loaded_mixed_again_and_deleted(strict_v1: AsyncOpenAI) -> None:
    video = await strict_v1.videos.create(model="sora-2", prompt="a cat", input_reference=("cat.png", b"png"))
    assert (video.id.startswith("video_"), video.status, video.model) == (True, "queued", "sora-2")
    with pytest.raises(openai.BadRequestError, match="not ready yet"):
        await strict_v1.videos.download_content(video.id)
    assert (await strict_v1.videos.retrieve(video.id)).progress == 50
    assert (await strict_v1.videos.retrieve(video.id)).status == "completed"
    content = await strict_v1.videos.download_content(video.id)
    assert (content.content[4:8], content.response.headers["content-type"]) == (b"ftyp", "video/mp4")
    again = await strict_v1.videos.remix(video.id, prompt="a dog")
    assert (again.remixed_from_video_id, again.prompt) == (video.id, "a dog")
    assert [listed.id async for listed in strict_v1.videos.list()] == [again.id, video.id]
    assert (await strict_v1.videos.delete(video.id)).deleted


async def test_json_makes_a_video_too(http: aiohttp.ClientSession) -> None:
    async with http.post("/openai/v1/videos", json={"model": "sora-2", "prompt": "a cat", "seconds": "8"}) as response:
        assert (await response.json())["seconds"] == "8"


async def test_the_model_must_be_a_deployment(strict_v1: AsyncOpenAI) -> None:
    for model, error in {"sora-3": openai.NotFoundError, "error-500": openai.InternalServerError}.items():
        with pytest.raises(error):
            await strict_v1.videos.create(model=model, prompt="a cat")
