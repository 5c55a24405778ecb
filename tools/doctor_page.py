"""Write the findings in docs/doctor.md from their table: `python -m tools.doctor_page`."""

import re
from pathlib import Path

from proxy.diagnosis.table import FINDINGS

PAGE = Path(__file__).parents[1] / "docs" / "doctor.md"
_HEADING = "## Findings\n"
_PLACE = re.compile(r"\{(\w+)\}")


def written(page: str) -> str:
    """Return the page with its last section written anew."""
    before, heading, _ = page.partition(_HEADING)
    rows = "".join(
        f"| `{code}` | {row.severity.value} | {_shown(row.what)} {_shown(row.why)} | {_shown(row.cure)} |\n"
        for code, row in FINDINGS.items()
    )
    note = (
        "\nThis section is generated from the table of findings (`python -m tools.doctor_page`). Words in capitals\n"
        "are filled with the ids of your set-up where they are known.\n\n"
    )
    return f"{before}{heading}{note}| Finding | | What, and why it matters | What mends it |\n|---|---|---|---|\n{rows}"


def _shown(text: str) -> str:
    return _PLACE.sub(lambda place: place[1].upper(), text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
