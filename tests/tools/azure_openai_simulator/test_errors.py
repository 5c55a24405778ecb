import aiohttp
import openai
import pytest
from openai import AsyncAzureOpenAI

from tests.tools.azure_openai_simulator.conftest import VERSION
from tools.azure_openai_simulator import ERROR_SAMPLES, ErrorSample


@pytest.mark.parametrize("sample", ERROR_SAMPLES.values(), ids=ERROR_SAMPLES)
async def test_a_deployment_answers_its_error_on_both_surfaces(
    http: aiohttp.ClientSession, sample: ErrorSample
) -> None:
    for path in (f"deployments/{sample.name}/chat/completions?api-version={VERSION}", "v1/embeddings"):
        async with http.post(f"/openai/{path}", json={"model": sample.name}) as response:
            assert response.status == sample.status
            assert await response.read() == sample.body
            assert {name: response.headers[name] for name in sample.headers} == sample.headers
            assert "apim-request-id" in response.headers


@pytest.mark.parametrize("sample", ERROR_SAMPLES.values(), ids=ERROR_SAMPLES)
async def test_the_name_of_a_sample_tells_its_status(sample: ErrorSample) -> None:
    assert sample.name.startswith(f"error-{sample.status}")


async def test_the_sdk_reads_an_error(azure: AsyncAzureOpenAI) -> None:
    with pytest.raises(openai.RateLimitError, match="Please retry after 7 seconds") as caught:
        await azure.chat.completions.create(model="error-429-old", messages=[])
    assert caught.value.response.headers["retry-after"] == "7"


def test_the_bytes_of_a_sample_are_those_of_azure() -> None:
    sample = ERROR_SAMPLES["error-404-route"]
    assert sample.body == b'{"error":{"code":"404","message":"Resource not found"}}'
    assert ERROR_SAMPLES["error-503-text"].body == b"no healthy upstream"
    assert ERROR_SAMPLES["error-503-text"].headers == {"Content-Type": "text/plain"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": "gpt-4o", "messages": 1}', b"\xff"])
async def test_a_body_that_cannot_be_read_is_refused(http: aiohttp.ClientSession, body: bytes) -> None:
    async with http.post("/openai/v1/chat/completions", data=body) as response:
        assert await response.read() == ERROR_SAMPLES["error-400-json"].body
