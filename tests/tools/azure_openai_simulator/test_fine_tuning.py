import openai
import pytest
from openai import AsyncOpenAI
from openai.types.fine_tuning import FineTuningJob
from openai.types.graders import StringCheckGraderParam


async def job_of(client: AsyncOpenAI) -> FineTuningJob:
    file = await client.files.create(file=("train.jsonl", b"{}\n"), purpose="fine-tune")
    return await client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=file.id)


async def test_a_job_runs_succeeds_and_leaves_a_model(either: AsyncOpenAI) -> None:
    job = await job_of(either)
    assert (job.status, job.model, job.id.startswith("ftjob-")) == ("validating_files", "gpt-4o-mini-2024-07-18", True)
    assert (await either.fine_tuning.jobs.retrieve(job.id)).status == "running"
    done = await either.fine_tuning.jobs.retrieve(job.id)
    assert (done.status, bool(done.fine_tuned_model)) == ("succeeded", True)
    messages = [event.message async for event in either.fine_tuning.jobs.list_events(job.id)]
    assert messages == ["Job succeeded.", "Job running.", f"Created fine-tuning job: {job.id}"]
    [checkpoint] = [point async for point in either.fine_tuning.jobs.checkpoints.list(job.id)]
    assert checkpoint.fine_tuning_job_id == job.id
    assert [listed.id async for listed in either.fine_tuning.jobs.list()] == [job.id]


async def test_a_job_may_be_cancelled(either: AsyncOpenAI) -> None:
    job = await job_of(either)
    assert (await either.fine_tuning.jobs.cancel(job.id)).status == "cancelled"
    assert (await either.fine_tuning.jobs.retrieve(job.id)).status == "cancelled"


async def test_a_job_may_pause_on_v1(v1: AsyncOpenAI) -> None:
    job = await job_of(v1)
    assert (await v1.fine_tuning.jobs.pause(job.id)).to_dict()["status"] == "paused"
    assert (await v1.fine_tuning.jobs.retrieve(job.id)).to_dict()["status"] == "paused"
    assert (await v1.fine_tuning.jobs.resume(job.id)).status == "queued"


async def test_a_job_needs_its_file(strict_v1: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="No file found"):
        await strict_v1.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file="file-nothing")


async def test_a_grader_is_tried_out(strict_v1: AsyncOpenAI) -> None:
    graders = strict_v1.fine_tuning.alpha.graders
    grader: StringCheckGraderParam = {
        "type": "string_check",
        "name": "same",
        "input": "a",
        "reference": "a",
        "operation": "eq",
    }
    checked = (await graders.validate(grader=grader)).grader
    assert checked is not None
    assert checked.type == "string_check"
    assert (await graders.run(grader=grader, model_sample="a")).reward == 1.0
