"""The calls of fine-tuning and evals."""

from openai import AsyncOpenAI
from openai.types.graders import StringCheckGraderParam

from tests.integration.test_operations import Call
from tools.azure_openai_simulator import Simulator

TRAINING = ("train.jsonl", b'{"messages": []}\n')
GRADER: StringCheckGraderParam = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
    "operation": "eq",
}

FINE_TUNING = (
    Call("createFile", lambda sdk, _: sdk.files.create(file=TRAINING, purpose="fine-tune"), "training"),
    Call(
        "createFineTuningJob",
        lambda sdk, ids: sdk.fine_tuning.jobs.create(model="chat", training_file=ids["training"]),
        "job",
    ),
    Call("listPaginatedFineTuningJobs", lambda sdk, _: sdk.fine_tuning.jobs.list(limit=1)),
    Call("retrieveFineTuningJob", lambda sdk, ids: sdk.fine_tuning.jobs.retrieve(ids["job"])),
    Call("pauseFineTuningJob", lambda sdk, ids: sdk.fine_tuning.jobs.pause(ids["job"])),
    Call("resumeFineTuningJob", lambda sdk, ids: sdk.fine_tuning.jobs.resume(ids["job"])),
    Call("listFineTuningEvents", lambda sdk, ids: sdk.fine_tuning.jobs.list_events(ids["job"], limit=2)),
    Call("listFineTuningJobCheckpoints", lambda sdk, ids: sdk.fine_tuning.jobs.checkpoints.list(ids["job"])),
    Call("cancelFineTuningJob", lambda sdk, ids: sdk.fine_tuning.jobs.cancel(ids["job"])),
    Call("validateGrader", lambda sdk, _: sdk.fine_tuning.alpha.graders.validate(grader=GRADER)),
    Call(
        "runGrader",
        lambda sdk, _: sdk.fine_tuning.alpha.graders.run(grader=GRADER, model_sample="a", item={"answer": "a"}),
    ),
)

EVALS = (
    Call(
        "createEval",
        lambda sdk, _: sdk.evals.create(
            name="sums",
            data_source_config={"type": "custom", "item_schema": {"type": "object", "properties": {}}},
            testing_criteria=[GRADER],
        ),
        "eval",
    ),
    Call("listEvals", lambda sdk, _: sdk.evals.list(limit=1)),
    Call("getEval", lambda sdk, ids: sdk.evals.retrieve(ids["eval"])),
    Call("updateEval", lambda sdk, ids: sdk.evals.update(ids["eval"], name="more sums")),
    Call(
        "createEvalRun",
        lambda sdk, ids: sdk.evals.runs.create(
            ids["eval"],
            name="first",
            data_source={
                "type": "jsonl",
                "source": {"type": "file_content", "content": [{"item": {"question": "1 + 1", "answer": "2"}}]},
            },
        ),
        "run",
    ),
    Call("getEvalRuns", lambda sdk, ids: sdk.evals.runs.list(ids["eval"])),
    Call("getEvalRun", lambda sdk, ids: sdk.evals.runs.retrieve(ids["run"], eval_id=ids["eval"])),
    Call("getEvalRun", lambda sdk, ids: sdk.evals.runs.retrieve(ids["run"], eval_id=ids["eval"])),
    Call(
        "getEvalRunOutputItems",
        lambda sdk, ids: sdk.evals.runs.output_items.list(ids["run"], eval_id=ids["eval"]),
        "item",
    ),
    Call(
        "getEvalRunOutputItem",
        lambda sdk, ids: sdk.evals.runs.output_items.retrieve(ids["item"], eval_id=ids["eval"], run_id=ids["run"]),
    ),
    Call(
        "cancelEvalRun",
        lambda sdk, ids: sdk.post(f"/evals/{ids['eval']}/runs/{ids['run']}", cast_to=object),
    ),
    Call("cancelEvalRunOfSdks", lambda sdk, ids: sdk.evals.runs.cancel(ids["run"], eval_id=ids["eval"])),
    Call("deleteEvalRun", lambda sdk, ids: sdk.evals.runs.delete(ids["run"], eval_id=ids["eval"])),
    Call("deleteEval", lambda sdk, ids: sdk.evals.delete(ids["eval"])),
)

CALLS = (*FINE_TUNING, *EVALS)


async def test_a_base_model_is_not_mapped_even_when_a_model_has_its_name(
    client: AsyncOpenAI, simulator: Simulator
) -> None:
    training = await client.files.create(file=TRAINING, purpose="fine-tune")
    job = await client.fine_tuning.jobs.create(model="chat", training_file=training.id)
    assert job.model == "chat"
    assert b'"chat"' in simulator.requests[-1].body


async def test_a_job_ends_with_checkpoints(client: AsyncOpenAI) -> None:
    training = await client.files.create(file=TRAINING, purpose="fine-tune")
    job = await client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=training.id)
    for _ in range(3):
        job = await client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded"
    assert [one.step_number async for one in client.fine_tuning.jobs.checkpoints.list(job.id)] == [10]
