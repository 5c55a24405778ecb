"""Batches: validating, in progress, completed; or failed, when their file is not as Azure wants it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from tools.azure_openai_simulator import chat, completions, embeddings, responses
from tools.azure_openai_simulator.answers import Ask, Document, Operation, encode
from tools.azure_openai_simulator.crud import Kind, action, rows
from tools.azure_openai_simulator.errors import InvalidError, RefusalError
from tools.azure_openai_simulator.objects.files import add_file
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Record, content_of

ENDPOINTS: Mapping[str, Operation] = {
    "/chat/completions": chat.answer,
    "/v1/chat/completions": chat.answer,
    "/v1/completions": completions.answer,
    "/v1/embeddings": embeddings.answer,
    "/v1/responses": responses.answer,
}
DAY = 24 * 3600


class _Body(msgspec.Struct):
    model: str = ""


class _Line(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: _Body


class _Sent(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw


def _make(ask: Ask) -> Record:
    asked = ask.members()
    if asked.get("completion_window") != "24h":
        raise InvalidError(400, "completion_window must be '24h'.", param="completion_window", code="invalid_value")
    if asked.get("endpoint") not in ENDPOINTS:
        raise InvalidError(400, f"Invalid endpoint: {asked.get('endpoint')}.", param="endpoint", code="invalid_value")
    file = ask.state.find("files", str(asked.get("input_file_id")), "file")
    if file["purpose"] != "batch":
        raise InvalidError(400, "The input file must have purpose 'batch'.", param="input_file_id")
    return {
        "object": "batch",
        "endpoint": asked["endpoint"],
        "input_file_id": file["id"],
        "completion_window": "24h",
        "status": "validating",
        "expires_at": ask.created + DAY,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": asked.get("metadata") or {},
    }


def _arrive(ask: Ask, record: Record) -> None:
    if record["status"] == "cancelled":
        record["cancelled_at"] = ask.created
        return
    content = ask.state.contents.get(f"files/{record['input_file_id']}")
    lines = ((content.data if content else None) or b"").split(b"\n")
    if record["status"] == "in_progress":
        _validate(ask, record, lines)
    else:
        _complete(ask, record, [line for line in lines if line.strip()])


def _validate(ask: Ask, record: Record, lines: Sequence[bytes]) -> None:
    faults = list(_faults(ask, str(record["endpoint"]), lines))
    if faults:
        errors = [{"code": code, "message": message, "param": None, "line": line} for line, code, message in faults]
        record |= {"status": "failed", "failed_at": ask.created, "errors": {"object": "list", "data": errors}}
        return
    total = sum(bool(line.strip()) for line in lines)
    record |= {"in_progress_at": ask.created, "request_counts": {"total": total, "completed": 0, "failed": 0}}


def _faults(ask: Ask, endpoint: str, lines: Sequence[bytes]) -> Iterator[tuple[int | None, str, str]]:
    """Find what Azure finds: learn.microsoft.com/azure/ai-foundry/openai/how-to/batch, "Error codes"."""
    models: list[str] = []
    seen: set[str] = set()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.DecodeError:
            yield number, "invalid_json_line", "This line is not parseable as valid JSON."
            continue
        if line.url.removeprefix("/v1") != endpoint.removeprefix("/v1"):
            yield number, "url_mismatch", "The URL provided for this request does not match the batch endpoint."
        if line.custom_id in seen:
            yield number, "duplicate_custom_id", f"The custom_id '{line.custom_id}' is a duplicate of another request."
        seen.add(line.custom_id)
        models.append(line.body.model)
        yield from _faults_of_model(ask, number, models)
    if not models:
        yield None, "empty_batch", "The batch input file contains no requests."


def _faults_of_model(ask: Ask, number: int, models: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    if models[-1] not in ask.state.deployments:
        message = f"The provided model '{models[-1]}' is not supported by the Batch API or is not a deployment."
        yield number, "model_not_found", message
    elif models[-1] != models[0]:
        message = f"The provided model '{models[-1]}' does not match the model '{models[0]}' of the rest of the file."
        yield number, "model_mismatch", message


def _complete(ask: Ask, record: Record, lines: Sequence[bytes]) -> None:
    operation = ENDPOINTS[str(record["endpoint"])]
    results = [_result(ask, operation, msgspec.json.decode(line, type=_Sent)) for line in lines]
    data = b"".join(encode(result) + b"\n" for result in results)
    file = add_file(ask, content_of(data), filename="output.jsonl", purpose="batch_output")
    record |= {
        "output_file_id": file["id"],
        "finalizing_at": ask.created,
        "completed_at": ask.created,
        "request_counts": {"total": len(lines), "completed": len(lines), "failed": 0},
    }


def _result(ask: Ask, operation: Operation, line: _Sent) -> Record:
    body = bytes(line.body)
    deployment = msgspec.json.decode(body, type=_Body).model
    model = ask.state.deployments.get(deployment, deployment)
    try:
        answer = operation(replace(ask, body=body, form=None, deployment=deployment, model=model))
        status, body = 200, answer.body if isinstance(answer, Document) else b"{}"
    except RefusalError as refusal:
        status, body = refusal.sample.status, refusal.sample.body
    identity = ask.state.new_id("batch_req_")
    response = {"status_code": status, "request_id": identity, "body": msgspec.Raw(body)}
    return {"id": identity, "custom_id": line.custom_id, "response": response, "error": None}


def _cancel(ask: Ask, record: Record) -> None:
    if record["status"] in {"validating", "in_progress"}:
        record |= {"status": "cancelling", "cancelling_at": ask.created}


BATCH = Kind(
    path="batches",
    key="batch_id",
    prefix="batch_",
    make=_make,
    verbs=("create", "list", "retrieve"),
    since="2024-07-01",
    course={"validating": "in_progress", "in_progress": "completed", "cancelling": "cancelled"},
    arrive=_arrive,
)

ROWS: tuple[Row, ...] = (*rows(BATCH), action(BATCH, "cancel", _cancel))
