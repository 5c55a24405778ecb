"""Fine-tuning jobs, whose `model` is the name of a base model and no deployment."""

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.crud import Kind, action, listing, rows
from tools.azure_openai_simulator.rows import Row, Surface
from tools.azure_openai_simulator.state import Record

SINCE = "2024-02-01"
HYPERPARAMETERS = {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.0}
OVER = frozenset({"succeeded", "failed", "cancelled"})


def _make(ask: Ask) -> Record:
    asked = ask.members()
    files = [asked.get("training_file"), asked.get("validation_file")]
    for file in files[: 1 if files[1] is None else 2]:
        ask.state.find("files", str(file), "file")
    identity = ask.state.new_id("ftjob-")
    _note(ask, identity, f"Created fine-tuning job: {identity}")
    return {
        "id": identity,
        "object": "fine_tuning.job",
        "model": asked.get("model", ""),
        "finished_at": None,
        "fine_tuned_model": None,
        "organization_id": "org-simulator",
        "result_files": [],
        "status": "validating_files",
        "training_file": files[0],
        "validation_file": files[1],
        "hyperparameters": HYPERPARAMETERS,
        "trained_tokens": None,
        "error": None,
        "user_provided_suffix": asked.get("suffix"),
        "seed": asked.get("seed") or 1,
        "estimated_finish": None,
        "integrations": [],
        "metadata": asked.get("metadata") or {},
        "method": asked.get("method") or {"type": "supervised", "supervised": {"hyperparameters": HYPERPARAMETERS}},
    }


def _note(ask: Ask, job: str, message: str) -> None:
    note: Record = {
        "id": ask.state.new_id("ftevent-"),
        "object": "fine_tuning.job.event",
        "created_at": ask.created,
        "level": "info",
        "message": message,
        "data": {},
        "type": "message",
    }
    ask.state.add(f"{JOB.path}/{job}/events", note)


def _arrive(ask: Ask, record: Record) -> None:
    identity = str(record["id"])
    _note(ask, identity, f"Job {record['status']}.")
    if record["status"] == "succeeded":
        tuned = f"{record['model']}.ft-{identity.removeprefix('ftjob-')}"
        record |= {"fine_tuned_model": tuned, "finished_at": ask.created, "trained_tokens": 100}
        ask.state.add(f"{JOB.path}/{identity}/checkpoints", _checkpoint(ask, identity, tuned))


def _checkpoint(ask: Ask, job: str, tuned: str) -> Record:
    return {
        "id": ask.state.new_id("ftckpt_"),
        "object": "fine_tuning.job.checkpoint",
        "created_at": ask.created,
        "fine_tuned_model_checkpoint": f"{tuned}:ckpt-step-10",
        "fine_tuning_job_id": job,
        "metrics": {"step": 10, "train_loss": 0.5},
        "step_number": 10,
    }


def _cancel(ask: Ask, record: Record) -> None:
    if record["status"] not in OVER:
        record |= {"status": "cancelled", "finished_at": ask.created}
        _note(ask, str(record["id"]), "Job cancelled.")


def _pause(_ask: Ask, record: Record) -> None:
    record["status"] = record["status"] if record["status"] in OVER else "paused"


def _resume(_ask: Ask, record: Record) -> None:
    record["status"] = "queued" if record["status"] == "paused" else record["status"]


JOB = Kind(
    path="fine_tuning/jobs",
    key="fine_tuning_job_id",
    prefix="ftjob-",
    make=_make,
    verbs=("create", "list", "retrieve"),
    since=SINCE,
    course={"validating_files": "running", "queued": "running", "running": "succeeded"},
    arrive=_arrive,
)

ROWS: tuple[Row, ...] = (
    *rows(JOB),
    action(JOB, "cancel", _cancel),
    action(JOB, "pause", _pause, Surface.V1),
    action(JOB, "resume", _resume, Surface.V1),
    listing(f"{JOB.item}/events", since=SINCE),
    listing(f"{JOB.item}/checkpoints", since=SINCE),
)
