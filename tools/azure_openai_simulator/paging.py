"""Lists in pages: `limit`, `after`, `before` and `order` are asked, `first_id`, `last_id` and `has_more` answered."""

from collections.abc import Mapping, Sequence

from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.state import Record

DEFAULT_LIMIT = 20
MAX_LIMIT = 10_000  # of files; other lists have 100, which the simulator does not tell apart


def page(records: Sequence[Record], query: Mapping[str, str], *, order: str = "desc") -> Record:
    """Return the page of a list that is kept oldest first; raise InvalidError for a bad limit."""
    ordered = list(records) if query.get("order", order) == "asc" else list(reversed(records))
    if "after" in query:
        ordered = ordered[_position(ordered, query["after"]) + 1 :]
    if "before" in query:
        ordered = ordered[: _position(ordered, query["before"])]
    limit = _limit(query)
    return envelope(ordered[:limit], has_more=len(ordered) > limit)


def envelope(records: Sequence[Record], *, has_more: bool = False) -> Record:
    """Wrap the objects of a page."""
    return {
        "object": "list",
        "data": records,
        "first_id": records[0]["id"] if records else "",
        "last_id": records[-1]["id"] if records else "",
        "has_more": has_more,
    }


def _position(records: Sequence[Record], identity: str) -> int:
    ids = [record["id"] for record in records]
    if identity not in ids:
        raise InvalidError(404, f"No object found with id '{identity}'.", param="after")
    return ids.index(identity)


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidError(400, f"Invalid 'limit': '{text}'.", param="limit", code="invalid_value")
    return int(text)
