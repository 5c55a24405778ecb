"""Run the matrix and write docs/reliability.md; the exit code tells whether all was as expected."""

import asyncio
import sys

from tests.faults.matrix import run_all
from tests.faults.report import DOCUMENT, render


def main() -> int:
    """Write the page, print what is wrong, return how much."""
    rows = asyncio.run(run_all())
    DOCUMENT.write_text(render(rows))
    wrong = [line for row in rows for line in row.wrong]
    sys.stdout.write("\n".join([*wrong, f"{len(wrong)} complaints", ""]))
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
