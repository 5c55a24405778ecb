import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tools.azure_openai_simulator import ERROR_SAMPLES, ErrorSample, Simulator


@pytest.mark.parametrize("sample", ERROR_SAMPLES.values(), ids=ERROR_SAMPLES)
async def test_an_id_asks_for_an_error_wherever_there_is_no_deployment(
    http: aiohttp.ClientSession, sample: ErrorSample
) -> None:
    for path in (f"v1/files/file-{sample.name}", f"batches/{sample.name}?api-version=2024-10-21"):
        async with http.get(f"/openai/{path}") as response:
            assert response.status == sample.status
            assert await response.read() == sample.body


async def test_a_name_or_metadata_or_the_name_of_a_file_asks_for_one_too(strict_v1: AsyncOpenAI) -> None:
    name = "error-429-old"
    with pytest.raises(openai.RateLimitError):
        await strict_v1.vector_stores.create(name=name)
    with pytest.raises(openai.RateLimitError):
        await strict_v1.conversations.create(metadata={"test": name})
    with pytest.raises(openai.RateLimitError):
        await strict_v1.files.create(file=(f"{name}.jsonl", b"{}"), purpose="batch")
    with pytest.raises(openai.RateLimitError):
        await strict_v1.files.list(after=name)
    with pytest.raises(openai.RateLimitError):
        await strict_v1.fine_tuning.jobs.create(model=name, training_file="file-x")


async def test_the_path_of_a_call_with_a_deployment_may_ask_as_well(strict_v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        await strict_v1.realtime.calls.accept("error-500", type="realtime", model="gpt-realtime")


async def test_what_is_said_to_a_model_asks_for_nothing(strict_v1: AsyncOpenAI) -> None:
    response = await strict_v1.responses.create(model="gpt-4o", input="error-500", metadata={"a": "error-500"})
    assert response.output_text == "You said: error-500"


async def test_the_line_fails_at_an_id_too(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        async with http.get("/openai/v1/files/file-connection-reset"):
            pass
    simulator.gate.release()
    async with http.get("/openai/v1/files/file-gated-answer") as response:
        assert response.status == 404
