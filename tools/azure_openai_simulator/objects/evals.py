"""Evals, their runs, and what came of each item; Azure wants a header of its own for all of them."""

from collections.abc import Mapping
from dataclasses import replace

from tools.azure_openai_simulator.answers import Answer, Ask, Operation
from tools.azure_openai_simulator.crud import Kind, action, rows, status
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Record

SINCE = "2025-04-01-preview"
HEADER, VALUE = "aoai-evals", "preview"


def _source_config(asked: object) -> Record:
    """Return the source of data as it is answered, with a schema instead of what described it."""
    config: Record = dict(asked) if isinstance(asked, Mapping) else {}
    if config.get("type") == "custom":
        item = config.pop("item_schema", {})
        config.pop("include_sample_schema", None)
        config["schema"] = {"type": "object", "properties": {"item": item}, "required": ["item"]}
    else:
        config.setdefault("schema", {"type": "object", "properties": {}})
    return config


def _make(ask: Ask) -> Record:
    asked = ask.members()
    return {
        "object": "eval",
        "name": asked.get("name") or "eval",
        "data_source_config": _source_config(asked.get("data_source_config")),
        "testing_criteria": asked.get("testing_criteria") or [],
        "metadata": asked.get("metadata") or {},
    }


def _source(ask: Ask) -> Mapping[str, object]:
    source = ask.members().get("data_source")
    return source if isinstance(source, Mapping) else {}


def _run_model(ask: Ask) -> str | None:
    """Name the deployment that a run asks, when its source asks one."""
    model = _source(ask).get("model")
    return None if model is None else str(model)


def _make_run(ask: Ask) -> Record:
    asked = ask.members()
    return {
        "object": "eval.run",
        "eval_id": ask.ids["eval_id"],
        "report_url": f"{ask.origin}/evaluations",
        "status": "queued",
        "model": ask.deployment,
        "name": asked.get("name") or "run",
        "result_counts": {"total": 0, "errored": 0, "failed": 0, "passed": 0},
        "per_model_usage": [],
        "per_testing_criteria_results": [],
        "data_source": _source(ask),
        "error": {"code": "", "message": ""},
        "metadata": asked.get("metadata") or {},
    }


def _items(source: object) -> list[Record]:
    inner = source.get("source") if isinstance(source, Mapping) else None
    content = inner.get("content") if isinstance(inner, Mapping) else None
    rows_of = content if isinstance(content, list) else [{}]
    return [dict(row.get("item", {})) if isinstance(row, Mapping) else {} for row in rows_of]


def _arrive(ask: Ask, record: Record) -> None:
    if record["status"] != "completed":
        return
    items = _items(record["data_source"])
    record["result_counts"] = {"total": len(items), "errored": 0, "failed": 0, "passed": len(items)}
    inside = replace(ask, ids={**ask.ids, "run_id": str(record["id"])})
    place = inside.place(ITEM.path)
    ask.state.extend(place, [_item(inside, index, item, str(record["model"])) for index, item in enumerate(items)])


def _item(ask: Ask, index: int, item: Record, model: str) -> Record:
    usage = {"total_tokens": 2, "completion_tokens": 1, "prompt_tokens": 1, "cached_tokens": 0}
    return {
        "id": ask.state.new_id("outputitem_"),
        "object": "eval.run.output_item",
        "created_at": ask.created,
        "run_id": ask.ids["run_id"],
        "eval_id": ask.ids["eval_id"],
        "status": "pass",
        "datasource_item_id": index,
        "datasource_item": item,
        "results": [{"name": "criterion", "passed": True, "score": 1.0}],
        "sample": {
            "input": [{"role": "user", "content": "hello"}],
            "output": [{"role": "assistant", "content": "You said: hello"}],
            "finish_reason": "stop",
            "model": model,
            "usage": usage,
            "error": {"code": "", "message": ""},
            "temperature": 1.0,
            "max_completion_tokens": 2048,
            "top_p": 1.0,
            "seed": 42,
        },
    }


def _with_header(row: Row) -> Row:
    operation: Operation = row.operation

    def guarded(ask: Ask) -> Answer:
        if ask.headers.get(HEADER) != VALUE:
            raise InvalidError(400, f"Missing required header: '{HEADER}: {VALUE}'.", param=HEADER)
        return operation(ask)

    return replace(row, operation=guarded)


def _none(_ask: Ask) -> Record:
    return {}


EVAL = Kind(
    path="evals",
    key="eval_id",
    prefix="eval_",
    make=_make,
    since=SINCE,
    order="asc",
    changes=("name", "metadata"),
    deleted="eval.deleted",
    deleted_key="eval_id",
)
RUN = Kind(
    path="evals/{eval_id}/runs",
    key="run_id",
    prefix="evalrun_",
    make=_make_run,
    verbs=("create", "list", "retrieve", "delete"),
    since=SINCE,
    names=_run_model,
    order="asc",
    deleted="eval.run.deleted",
    deleted_key="run_id",
    created=201,
    course={"queued": "in_progress", "in_progress": "completed"},
    arrive=_arrive,
)
ITEM = Kind(
    path="evals/{eval_id}/runs/{run_id}/output_items",
    key="output_item_id",
    prefix="outputitem_",
    make=_none,
    verbs=("list", "retrieve"),
    since=SINCE,
    order="asc",
)

_CANCEL = status("canceled", "queued", "in_progress")

ROWS: tuple[Row, ...] = tuple(
    _with_header(row)
    for row in (
        *rows(EVAL),
        *rows(RUN),
        action(RUN, "", _CANCEL),
        action(RUN, "cancel", _CANCEL),  # the path of OpenAI's SDK
        *rows(ITEM),
    )
)
