"""The recorded samples: one folder for each case, its kind told by the file that it begins with."""

from pathlib import Path

FOLDER = Path(__file__).parent / "samples"
# What Azure sends or the client asks, and what comes out of it.
KINDS = {
    "upstream.sse": "client.sse",
    "events.sse": "client.sse",
    "upstream.json": "client.json",
    "refusal.json": "client.json",
    "request.json": "sent.json",
}


def cases(first: str) -> list[str]:
    """Return the names of the samples that begin with this file."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{first}"))


def read(case: str, name: str) -> bytes:
    """Return one file of a sample."""
    return (FOLDER / case / name).read_bytes()
