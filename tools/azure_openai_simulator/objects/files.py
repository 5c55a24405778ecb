"""Files, and the uploads that make them of parts."""

import hashlib
from collections.abc import Sequence

from tools.azure_openai_simulator.answers import Answer, Ask, Download, document
from tools.azure_openai_simulator.crud import Kind, action, add, one, rows
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.multipart import Part
from tools.azure_openai_simulator.paging import page
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Content, Record

PURPOSES = ("assistants", "batch", "fine-tune", "evals")  # learn.microsoft.com/azure/ai-foundry/openai/reference


def file_members(ask: Ask, *, size: int, filename: str, purpose: str) -> Record:
    """Return the members of a file object."""
    return {
        "object": "file",
        "bytes": size,
        "created_at": ask.created,
        "filename": filename,
        "purpose": purpose,
        "status": "processed",
    }


def add_file(ask: Ask, content: Content, *, filename: str, purpose: str) -> Record:
    """Keep a file; a large one is kept without its bytes unless it is for a batch."""
    record = add(ask, FILE, file_members(ask, size=content.size, filename=filename, purpose=purpose))
    ask.state.contents[f"files/{record['id']}"] = content if purpose.startswith("batch") else content.trimmed()
    return record


def sent_file(ask: Ask) -> Part:
    """Return the file of a form; raise InvalidError when there is none."""
    part = None if ask.form is None else ask.form.file("file")
    if part is None:
        raise InvalidError(400, "'file' is a required property", param="file", code="missing_required_parameter")
    return part


def _purpose(purpose: object) -> str:
    if purpose not in PURPOSES:
        raise InvalidError(400, f"Invalid value for purpose: {purpose}.", param="purpose", code="invalid_value")
    return str(purpose)


def _create(ask: Ask) -> Answer:
    part = sent_file(ask)
    purpose = _purpose(ask.members().get("purpose"))
    return document(add_file(ask, part.content, filename=part.filename, purpose=purpose))


def _list(ask: Ask) -> Answer:
    files = list(ask.state.collection("files").values())
    wanted = ask.query.get("purpose")
    return document(page([file for file in files if wanted in {None, file["purpose"]}], ask.query))


def _content(ask: Ask) -> Answer:
    return Download(ask.state.contents[f"files/{one(ask, FILE)['id']}"])


def _upload(ask: Ask) -> Record:
    asked = ask.members()
    return {
        "object": "upload",
        "bytes": asked.get("bytes", 0),
        "filename": asked.get("filename", ""),
        "purpose": _purpose(asked.get("purpose")),
        "status": "pending",
        "expires_at": ask.created + 3600,
        "file": None,
    }


def _part(ask: Ask) -> Record:
    part = None if ask.form is None else ask.form.file("data")
    if part is None:
        raise InvalidError(400, "'data' is a required property", param="data", code="missing_required_parameter")
    identity = ask.state.new_id("part_")
    batch = one(ask, UPLOAD)["purpose"] == "batch"
    ask.state.contents[f"{ask.place(PART.path)}/{identity}"] = part.content if batch else part.content.trimmed()
    return {"id": identity, "object": "upload.part", "upload_id": ask.ids["upload_id"]}


def _complete(ask: Ask, record: Record) -> None:
    ids = ask.members().get("part_ids")
    listed = [str(identity) for identity in ids] if isinstance(ids, Sequence) else []
    place = f"uploads/{record['id']}/parts"
    known = ask.state.collection(place)
    if not listed or any(identity not in known for identity in listed):
        raise InvalidError(400, "The provided part_ids are not parts of this upload.", param="part_ids")
    content = _joined([ask.state.contents[f"{place}/{identity}"] for identity in listed])
    if content.size != record["bytes"]:
        raise InvalidError(400, f"Expected {record['bytes']} bytes but got {content.size} bytes.", param="bytes")
    record["file"] = add_file(ask, content, filename=str(record["filename"]), purpose=str(record["purpose"]))
    _settle(ask, record, "completed")


def _joined(parts: list[Content]) -> Content:
    """Join parts; when the bytes of one were not kept, the digest is that of the parts' digests."""
    size = sum(part.size for part in parts)
    kept = [part.data for part in parts if part.data is not None]
    if len(kept) == len(parts):
        data = b"".join(kept)
        return Content(size=size, sha256=hashlib.sha256(data).hexdigest(), data=data)
    digests = "".join(part.sha256 for part in parts)
    return Content(size=size, sha256=hashlib.sha256(digests.encode()).hexdigest(), data=None)


def _cancel(ask: Ask, record: Record) -> None:
    _settle(ask, record, "cancelled")


def _settle(ask: Ask, record: Record, status: str) -> None:
    """End an upload: its parts go."""
    record["status"] = status
    ask.state.remove("uploads", str(record["id"]))
    ask.state.add("uploads", record)


def _nothing(_ask: Ask) -> Record:
    return {}


FILE = Kind(
    path="files",
    key="file_id",
    prefix="file-",
    make=_nothing,
    verbs=("retrieve", "delete"),
    since="2024-02-01",
)
UPLOAD = Kind(
    path="uploads",
    key="upload_id",
    prefix="upload_",
    make=_upload,
    verbs=("create",),
    since="2024-08-01-preview",
)
PART = Kind(
    path="uploads/{upload_id}/parts",
    key="part_id",
    prefix="part_",
    make=_part,
    verbs=("create",),
    since="2024-08-01-preview",
)

ROWS: tuple[Row, ...] = (
    Row(method="POST", path="files", operation=_create, since=FILE.since),
    Row(method="GET", path="files", operation=_list, since=FILE.since),
    *rows(FILE),
    Row(method="GET", path="files/{file_id}/content", operation=_content, since=FILE.since),
    *rows(UPLOAD),
    *rows(PART),
    action(UPLOAD, "complete", _complete),
    action(UPLOAD, "cancel", _cancel),
)
