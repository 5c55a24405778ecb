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
# What comes out where Azure's annotations are kept, for the streams in which that is something else.
KEPT = "client.keep.sse"


def cases(first: str) -> list[str]:
    """Return the names of the samples that begin with this file."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{first}"))


def streams(first: str) -> list[tuple[str, bool]]:
    """Return the names of the streams that begin with this file, each with Azure's annotations taken out and kept."""
    return [(case, keep) for case in cases(first) for keep in (False, True)]


def read_client(case: str, *, keep: bool) -> bytes:
    """Return what the client gets of a stream."""
    return read(case, KEPT if keep and (FOLDER / case / KEPT).exists() else "client.sse")


def read(case: str, name: str) -> bytes:
    """Return one file of a sample."""
    return (FOLDER / case / name).read_bytes()
