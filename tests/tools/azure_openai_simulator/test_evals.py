import openai
import pytest
from openai import AsyncOpenAI
from openai.types import EvalCreateResponse


async def eval_of(client: AsyncOpenAI) -> EvalCreateResponse:
    return await client.evals.create(
        name="greeting",
        data_source_config={"type": "custom", "item_schema": {"type": "object"}, "include_sample_schema": True},
        testing_criteria=[
            {"type": "string_check", "name": "same", "input": "a", "reference": "a", "operation": "eq"},
        ],
    )


async def run_of(client: AsyncOpenAI, eval_id: str, model: str = "gpt-4o") -> str:
    run = await client.evals.runs.create(
        eval_id,
        name="first",
        data_source={
            "type": "completions",
            "model": model,
            "source": {"type": "file_content", "content": [{"item": {"word": "one"}}, {"item": {"word": "two"}}]},
        },
    )
    assert (run.status, run.model, run.id.startswith("evalrun_")) == ("queued", model, True)
    return run.id


async def test_an_eval_is_created_listed_retrieved_updated_and_deleted(either: AsyncOpenAI) -> None:
    made = await eval_of(either)
    assert (made.id.startswith("eval_"), made.name) == (True, "greeting")
    assert [listed.id async for listed in either.evals.list()] == [made.id]
    assert (await either.evals.update(made.id, name="other")).name == "other"
    assert (await either.evals.retrieve(made.id)).name == "other"
    assert (await either.evals.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError, match="No eval found"):
        await either.evals.runs.list(made.id)


async def test_a_run_completes_with_an_item_per_row(either: AsyncOpenAI) -> None:
    eval_id = (await eval_of(either)).id
    run = await run_of(either, eval_id)
    assert (await either.evals.runs.retrieve(run, eval_id=eval_id)).status == "in_progress"
    done = await either.evals.runs.retrieve(run, eval_id=eval_id)
    assert (done.status, done.result_counts.passed) == ("completed", 2)
    assert [listed.id async for listed in either.evals.runs.list(eval_id)] == [run]
    items = [item async for item in either.evals.runs.output_items.list(run, eval_id=eval_id)]
    assert [item.datasource_item for item in items] == [{"word": "one"}, {"word": "two"}]
    found = await either.evals.runs.output_items.retrieve(items[0].id, eval_id=eval_id, run_id=run)
    assert found.id == items[0].id
    assert (await either.evals.runs.delete(run, eval_id=eval_id)).deleted


async def test_a_run_may_be_cancelled(either: AsyncOpenAI) -> None:
    eval_id = (await eval_of(either)).id
    run = await run_of(either, eval_id)
    assert (await either.evals.runs.cancel(run, eval_id=eval_id)).status == "canceled"


async def test_a_run_asks_a_deployment(either: AsyncOpenAI) -> None:
    eval_id = (await eval_of(either)).id
    with pytest.raises(openai.NotFoundError, match="API deployment"):
        await run_of(either, eval_id, "nothing")
    with pytest.raises(openai.RateLimitError):
        await run_of(either, eval_id, "error-429-old")


async def test_azure_wants_a_header_of_its_own(v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="aoai-evals: preview"):
        await v1.evals.list()
