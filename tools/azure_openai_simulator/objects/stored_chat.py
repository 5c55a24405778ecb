"""Chat completions that were created with `store`; chat.py puts them here."""

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.chat import STORED
from tools.azure_openai_simulator.crud import Kind, listing, rows
from tools.azure_openai_simulator.rows import Row
from tools.azure_openai_simulator.state import Record

SINCE = "2025-02-01-preview"


def _none(_ask: Ask) -> Record:
    return {}


COMPLETION = Kind(
    path=STORED,
    key="completion_id",
    prefix="chatcmpl-",
    make=_none,
    verbs=("list", "retrieve", "update", "delete"),
    since=SINCE,
    order="asc",
    deleted="chat.completion.deleted",
)

ROWS: tuple[Row, ...] = (*rows(COMPLETION), listing(f"{COMPLETION.item}/messages", order="asc", since=SINCE))
