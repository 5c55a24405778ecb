"""Graders of fine-tuning, tried out on their own."""

from tools.azure_openai_simulator.answers import Answer, Ask, document
from tools.azure_openai_simulator.rows import Row, Surface
from tools.azure_openai_simulator.state import Record

FAULTS = (
    "formula_parse_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
    "invalid_variable_error",
    "other_error",
    "python_grader_server_error",
    "python_grader_runtime_error",
    "model_grader_server_error",
    "model_grader_refusal_error",
    "model_grader_parse_error",
)
DETAILS = (
    "python_grader_server_error_type",
    "python_grader_runtime_error_details",
    "model_grader_server_error_details",
)


def _grader(ask: Ask) -> Record:
    grader = ask.members().get("grader")
    return grader if isinstance(grader, dict) else {}


def _validate(ask: Ask) -> Answer:
    return document({"grader": _grader(ask)})


def _run(ask: Ask) -> Answer:
    grader = _grader(ask)
    metadata = {
        "name": grader.get("name", ""),
        "type": grader.get("type", ""),
        "errors": {**dict.fromkeys(FAULTS, False), **dict.fromkeys(DETAILS)},
        "execution_time": 0.1,
        "scores": {},
        "token_usage": None,
        "sampled_model_name": None,
    }
    rest: Record = {"sub_rewards": {}, "model_grader_token_usage_per_model": {}}
    return document({"reward": 1.0, "metadata": metadata, **rest})


ROWS: tuple[Row, ...] = (
    Row(method="POST", path="fine_tuning/alpha/graders/run", operation=_run, surfaces=Surface.V1),
    Row(method="POST", path="fine_tuning/alpha/graders/validate", operation=_validate, surfaces=Surface.V1),
)
