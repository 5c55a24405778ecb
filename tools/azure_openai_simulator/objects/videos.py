"""Videos: queued, in progress, completed."""

from tools.azure_openai_simulator.answers import Answer, Ask, Download, document
from tools.azure_openai_simulator.crud import Kind, add, one, rows
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.rows import Row, Surface, model
from tools.azure_openai_simulator.state import Record, content_of

MOVIE = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"  # the first box of an MP4 file
PROGRESS = {"in_progress": 50, "completed": 100}


def _video(ask: Ask, asked: Record, deployment: str) -> Record:
    return {
        "object": "video",
        "model": deployment,
        "status": "queued",
        "progress": 0,
        "prompt": asked.get("prompt"),
        "seconds": str(asked.get("seconds", "4")),
        "size": asked.get("size") or "720x1280",
        "completed_at": None,
        "expires_at": ask.created + 24 * 3600,
        "error": None,
        "remixed_from_video_id": None,
    }


def _make(ask: Ask) -> Record:
    return _video(ask, ask.members(), ask.deployment)


def _arrive(ask: Ask, record: Record) -> None:
    record["progress"] = PROGRESS[str(record["status"])]
    if record["status"] == "completed":
        record["completed_at"] = ask.created


def _content(ask: Ask) -> Answer:
    video = one(ask, VIDEO)
    if video["status"] != "completed":
        raise InvalidError(400, f"Video '{video['id']}' is not ready yet.", param="video_id")
    return Download(content_of(MOVIE, "video/mp4"))


def _remix(ask: Ask) -> Answer:
    origin = one(ask, VIDEO)
    asked = origin | {"prompt": ask.members().get("prompt")}  # A remix is as long as its origin.
    made = _video(ask, asked, str(origin["model"]))
    return document(add(ask, VIDEO, made | {"remixed_from_video_id": origin["id"]}))


VIDEO = Kind(
    path="videos",
    key="video_id",
    prefix="video_",
    make=_make,
    verbs=("create", "list", "retrieve", "delete"),
    surfaces=Surface.V1,
    names=model,
    deleted="video.deleted",
    course={"queued": "in_progress", "in_progress": "completed"},
    arrive=_arrive,
)

ROWS: tuple[Row, ...] = (
    *rows(VIDEO),
    Row(method="GET", path=f"{VIDEO.item}/content", operation=_content, surfaces=Surface.V1),
    Row(method="POST", path=f"{VIDEO.item}/remix", operation=_remix, surfaces=Surface.V1),
)
