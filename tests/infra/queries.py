"""The queries of the workbook and of the alerts, and what they ask of the log."""

import re
from collections.abc import Iterator

from tests.processes import REPOSITORY

QUERIES = sorted((REPOSITORY / "infra" / "queries").glob("*.kql"))


def asked(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a query asks of a line or of an attempt that failed: the conversion, whose field, and the field."""
    text = text.replace("line.failures[0].", "failure.")
    yield from re.findall(r"(?:(\w+)\()?\b(line|failure)\.(\w+)", text)
