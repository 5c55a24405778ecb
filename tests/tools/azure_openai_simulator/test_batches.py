import json

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import Batch


def line(number: int, model: str = "gpt-4o", url: str = "/v1/chat/completions") -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": f"hello {number}"}]}
    return json.dumps({"custom_id": f"call-{number}", "method": "POST", "url": url, "body": body}).encode() + b"\n"


async def batch_of(client: AsyncOpenAI, data: bytes) -> Batch:
    file = await client.files.create(file=("batch.jsonl", data), purpose="batch")
    batch = await client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"of": "a test"}
    )
    assert (batch.status, batch.id.startswith("batch_")) == ("validating", True)
    return batch


async def test_a_batch_is_validated_runs_and_has_its_output(either: AsyncOpenAI) -> None:
    batch = await batch_of(either, line(1) + line(2))
    assert (await either.batches.retrieve(batch.id)).status == "in_progress"
    done = await either.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed) == (2, 2)
    assert done.output_file_id is not None
    output = [json.loads(text) for text in (await either.files.content(done.output_file_id)).content.splitlines()]
    assert [entry["custom_id"] for entry in output] == ["call-1", "call-2"]
    assert output[1]["response"]["body"]["choices"][0]["message"]["content"] == "You said: hello 2"
    assert [listed.id async for listed in either.batches.list()] == [batch.id]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (line(1, "nothing"), ["model_not_found"]),
        (line(1) + line(2, "gpt-4o-mini"), ["model_mismatch"]),
        (b"{\n" + line(1), ["invalid_json_line"]),
        (line(1) + line(1), ["duplicate_custom_id"]),
        (line(1, url="/v1/embeddings"), ["url_mismatch"]),
        (b"\n", ["empty_batch"]),
    ],
)
async def test_a_batch_fails_when_its_file_is_not_as_azure_wants_it(
    strict_v1: AsyncOpenAI, data: bytes, codes: list[str]
) -> None:
    failed = await strict_v1.batches.retrieve((await batch_of(strict_v1, data)).id)
    assert failed.status == "failed"
    assert failed.errors is not None
    assert [error.code for error in failed.errors.data or []] == codes


async def test_a_line_may_name_the_endpoint_as_azure_does(strict_v1: AsyncOpenAI) -> None:
    batch = await batch_of(strict_v1, line(1, url="/chat/completions"))
    assert (await strict_v1.batches.retrieve(batch.id)).status == "in_progress"


async def test_a_batch_may_be_cancelled(either: AsyncOpenAI) -> None:
    batch = await batch_of(either, line(1))
    assert (await either.batches.cancel(batch.id)).status == "cancelling"
    assert (await either.batches.retrieve(batch.id)).status == "cancelled"


async def test_the_input_must_be_a_file_for_batches(strict_v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="No file found"):
        await strict_v1.batches.create(input_file_id="x", endpoint="/v1/embeddings", completion_window="24h")
    file = await strict_v1.files.create(file=("a.txt", b"a"), purpose="assistants")
    with pytest.raises(openai.BadRequestError, match="purpose 'batch'"):
        await strict_v1.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
    with pytest.raises(openai.BadRequestError, match="Invalid endpoint"):
        await strict_v1.batches.create(input_file_id=file.id, endpoint="/v1/videos", completion_window="24h")
