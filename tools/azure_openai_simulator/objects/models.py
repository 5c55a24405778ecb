"""The catalogue of base models, which is not the list of deployments."""

from collections.abc import Iterator

from tools.azure_openai_simulator.answers import Answer, Ask, document
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Record

CATALOGUE = (
    "gpt-4o-2024-11-20",
    "gpt-4.1-2025-04-14",
    "text-embedding-3-small",
    "gpt-image-1",
    "whisper-001",
    "sora-2",
)
PUBLISHED = 1_700_000_000  # seconds since 1970


def _entry(name: str) -> Record:
    embeds = name.startswith("text-embedding")
    return {
        "id": name,
        "object": "model",
        "created_at": PUBLISHED,
        "status": "succeeded",
        "capabilities": {
            "fine_tune": False,
            "inference": True,
            "completion": False,
            "chat_completion": name.startswith("gpt-4"),
            "embeddings": embeds,
        },
        "lifecycle_status": "generally-available",
        "deprecation": {"inference": PUBLISHED * 2},
    }


def _entries(ask: Ask) -> Iterator[Record]:
    yield from map(_entry, CATALOGUE)
    for job in ask.state.collection("fine_tuning/jobs").values():
        if job["fine_tuned_model"] is not None:
            yield _entry(str(job["fine_tuned_model"])) | {"model": job["model"]}


def _list(ask: Ask) -> Answer:
    return document({"object": "list", "data": list(_entries(ask))})


def _retrieve(ask: Ask) -> Answer:
    entries: dict[str, Record] = {str(entry["id"]): entry for entry in _entries(ask)}
    for name, entry in entries.items():
        ask.state.collection("models").setdefault(name, entry)
    return document(ask.state.find("models", ask.ids["model"], "model"))


ROWS: tuple[Row, ...] = (
    Row(method="GET", path="models", operation=_list),
    Row(method="GET", path="models/{model}", operation=_retrieve),
)
