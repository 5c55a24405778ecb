"""Two resources, and the recorded answers of the second."""

from pathlib import Path

from proxy.openai_api.object_ids import Tags

TWO = Tags(("eastus", "westus"))
ALONE = Tags(("eastus",))
FIRST, SECOND = "~i6on", "~btoc"
_FOLDER = Path(__file__).parent / "samples"
# One folder for each operation: Azure's answer, and what the client gets.
CASES = sorted(path.name for path in _FOLDER.iterdir())


def read(case: str, name: str) -> bytes:
    return (_FOLDER / case / name).read_bytes()
