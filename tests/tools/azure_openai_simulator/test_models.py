import openai
import pytest
from openai import AsyncOpenAI


@pytest.fixture(params=["v1", "azure"])
def client(request: pytest.FixtureRequest) -> AsyncOpenAI:
    found = request.getfixturevalue(str(request.param))
    assert isinstance(found, AsyncOpenAI)
    return found


async def test_the_catalogue_lists_base_models_and_not_deployments(client: AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert "gpt-4o-2024-11-20" in {model.id for model in models}
    assert "gpt-4o" not in {model.id for model in models}
    assert models[0].to_dict()["capabilities"]["chat_completion"]  # type: ignore[index]
    assert "owned_by" not in models[0].to_dict()
    assert (await client.models.retrieve("gpt-4o-2024-11-20")).id == "gpt-4o-2024-11-20"
    with pytest.raises(openai.NotFoundError, match="No model found"):
        await client.models.retrieve("gpt-4o")


async def test_a_fine_tuned_model_joins_the_catalogue(v1: AsyncOpenAI) -> None:
    file = await v1.files.create(file=("train.jsonl", b"{}\n"), purpose="fine-tune")
    job = await v1.fine_tuning.jobs.create(model="gpt-4o-2024-11-20", training_file=file.id)
    await v1.fine_tuning.jobs.retrieve(job.id)
    tuned = (await v1.fine_tuning.jobs.retrieve(job.id)).fine_tuned_model
    assert tuned in {model.id async for model in v1.models.list()}
