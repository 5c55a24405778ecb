"""Containers of the code interpreter, and their files."""

from tools.azure_openai_simulator.answers import Answer, Ask, Download
from tools.azure_openai_simulator.crud import Kind, one, rows
from tools.azure_openai_simulator.objects.files import sent_file
from tools.azure_openai_simulator.rows import Row, Surface
from tools.azure_openai_simulator.state import Content, Record

MOUNT = "/mnt/data"


def _make(ask: Ask) -> Record:
    asked = ask.members()
    return {
        "object": "container",
        "name": asked.get("name") or "container",
        "status": "running",
        "expires_after": asked.get("expires_after") or {"anchor": "last_active_at", "minutes": 20},
        "last_active_at": ask.created,
        "memory_limit": asked.get("memory_limit") or "1g",
        "network_policy": {"type": "disabled"},
    }


def _make_file(ask: Ask) -> Record:
    identity = ask.state.new_id("cfile_")
    filename, content = _given(ask)
    ask.state.contents[f"{ask.place(FILE.path)}/{identity}"] = content.trimmed()
    return {
        "id": identity,
        "object": "container.file",
        "container_id": ask.ids["container_id"],
        "bytes": content.size,
        "path": f"{MOUNT}/{filename}",
        "source": "user",
    }


def _given(ask: Ask) -> tuple[str, Content]:
    """Return the file that was sent, or the resource's file that was named."""
    named = ask.members().get("file_id")
    if named is None:
        part = sent_file(ask)
        return part.filename, part.content
    file = ask.state.find("files", str(named), "file")
    return str(file["filename"]), ask.state.contents[f"files/{named}"]


def _content(ask: Ask) -> Answer:
    return Download(ask.state.contents[f"{ask.place(FILE.path)}/{one(ask, FILE)['id']}"])


CONTAINER = Kind(
    path="containers",
    key="container_id",
    prefix="cntr_",
    make=_make,
    verbs=("create", "list", "retrieve", "delete"),
    surfaces=Surface.V1,
    deleted="container.deleted",
)
FILE = Kind(
    path="containers/{container_id}/files",
    key="file_id",
    prefix="cfile_",
    make=_make_file,
    verbs=("create", "list", "retrieve", "delete"),
    surfaces=Surface.V1,
    deleted="container.file.deleted",
)

ROWS: tuple[Row, ...] = (
    *rows(CONTAINER),
    *rows(FILE),
    Row(method="GET", path=f"{FILE.item}/content", operation=_content, surfaces=Surface.V1),
)
