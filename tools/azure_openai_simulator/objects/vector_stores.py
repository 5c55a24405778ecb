"""Vector stores, their files, batches of files, and search."""

from collections.abc import Sequence
from dataclasses import replace

from tools.azure_openai_simulator.answers import Answer, Ask, document
from tools.azure_openai_simulator.crud import Kind, action, advance, listing, members_of, one, rows, status
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Record

SINCE, SINCE_SEARCH = "2024-05-01-preview", "2025-03-01-preview"
STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
FILES = "vector_stores/{vector_store_id}/files"


def _texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, Sequence) and not isinstance(value, str) else []


def _counts(total: int, completed: int) -> Record:
    rest = {"in_progress": total - completed, "failed": 0, "cancelled": 0}
    return {"total": total, "completed": completed, **rest}


def _make(ask: Ask) -> Record:
    asked = ask.members()
    identity = ask.state.new_id("vs_")
    files = _texts(asked.get("file_ids"))
    inside = replace(ask, ids={"vector_store_id": identity})
    ask.state.extend(f"vector_stores/{identity}/files", [_file(inside, {"file_id": file}) for file in files])
    return {
        "id": identity,
        "object": "vector_store",
        "name": asked.get("name") or "",
        "usage_bytes": 0,
        "file_counts": _counts(len(files), len(files)),
        "status": "completed",
        "expires_at": None,
        "last_active_at": ask.created,
        "metadata": asked.get("metadata") or {},
        **{name: asked[name] for name in ("expires_after",) if name in asked},
    }


def _file(ask: Ask, asked: Record) -> Record:
    """Return a file of a store; raise InvalidError when the resource has no such file."""
    file = ask.state.find("files", str(asked.get("file_id")), "file")
    strategy = asked.get("chunking_strategy")
    return {
        "id": file["id"],
        "object": "vector_store.file",
        "created_at": ask.created,
        "usage_bytes": file["bytes"],
        "vector_store_id": ask.ids["vector_store_id"],
        "status": "in_progress",
        "last_error": None,
        "chunking_strategy": strategy if isinstance(strategy, dict) and "static" in strategy else STATIC,
        "attributes": asked.get("attributes") or {},
    }


def _recount(ask: Ask, store: Record) -> None:
    files = ask.state.collection(f"vector_stores/{store['id']}/files").values()
    store["file_counts"] = _counts(len(files), sum(file["status"] == "completed" for file in files))


def _make_file(ask: Ask) -> Record:
    return _file(ask, ask.members())


def _make_batch(ask: Ask) -> Record:
    asked = ask.members()
    files = asked.get("files")
    described: list[Record] = [part for part in files if isinstance(part, dict)] if isinstance(files, list) else []
    described += [{**asked, "file_id": file} for file in _texts(asked.get("file_ids"))]
    if not described:
        raise InvalidError(400, "One of 'file_ids' or 'files' must be set.", param="file_ids")
    identity = ask.state.new_id("vsfb_")
    made = [_file(ask, part) for part in described]
    ask.state.extend(ask.place(FILES), made)
    ask.state.extend(f"{ask.place(BATCH.path)}/{identity}/files", made)
    return {
        "id": identity,
        "object": "vector_store.files_batch",
        "vector_store_id": ask.ids["vector_store_id"],
        "status": "in_progress",
        "file_counts": _counts(len(made), 0),
    }


def _batch_arrives(ask: Ask, record: Record) -> None:
    files = ask.state.collection(f"{ask.place(BATCH.path)}/{record['id']}/files")
    for file in files.values():
        advance(ask, FILE, file)
    record["file_counts"] = _counts(len(files), len(files))


def _content(ask: Ask) -> Answer:
    text = {"type": "text", "text": _text_of(ask, one(ask, FILE))}
    pages = {"object": "vector_store.file_content.page", "has_more": False, "next_page": None}
    return document({**pages, "data": [text]})


def _text_of(ask: Ask, file: Record) -> str:
    content = ask.state.contents.get(f"files/{file['id']}")
    return ((content.data if content else None) or b"").decode("utf-8", "replace")


def _search(ask: Ask) -> Answer:
    query = ask.members().get("query")
    found = [
        {
            "file_id": file["id"],
            "filename": ask.state.collection("files").get(str(file["id"]), {}).get("filename", ""),
            "score": 0.9,
            "attributes": file["attributes"],
            "content": [{"type": "text", "text": _text_of(ask, file)}],
        }
        for file in members_of(ask, FILES)
    ]
    queries = [query] if isinstance(query, str) else _texts(query)
    pages = {"object": "vector_store.search_results.page", "has_more": False, "next_page": None}
    return document({**pages, "search_query": queries, "data": found})


STORE = Kind(
    path="vector_stores",
    key="vector_store_id",
    prefix="vs_",
    make=_make,
    since=SINCE,
    changes=("name", "metadata", "expires_after"),
    deleted="vector_store.deleted",
    course={"completed": "completed"},
    arrive=_recount,
)
FILE = Kind(
    path=FILES,
    key="file_id",
    prefix="file-",
    make=_make_file,
    since=SINCE,
    changes=("attributes",),
    deleted="vector_store.file.deleted",
    course={"in_progress": "completed"},
)
BATCH = Kind(
    path="vector_stores/{vector_store_id}/file_batches",
    key="batch_id",
    prefix="vsfb_",
    make=_make_batch,
    verbs=("create", "retrieve"),
    since=SINCE,
    course={"in_progress": "completed"},
    arrive=_batch_arrives,
)

ROWS: tuple[Row, ...] = (
    *rows(STORE),
    *rows(FILE),
    *rows(BATCH),
    action(BATCH, "cancel", status("cancelled", "in_progress")),
    listing(f"{BATCH.item}/files", since=SINCE),
    Row(method="GET", path=f"{FILE.item}/content", operation=_content, since=SINCE_SEARCH),
    Row(method="POST", path=f"{STORE.item}/search", operation=_search, since=SINCE_SEARCH),
)
