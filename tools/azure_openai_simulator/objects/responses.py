"""Responses that are kept: retrieved, streamed again, cancelled, deleted; and those that are only counted."""

from tools.azure_openai_simulator import metering, responses
from tools.azure_openai_simulator.answers import Answer, Ask, Stream, document
from tools.azure_openai_simulator.crud import Kind, action, advance, listing, one, rows
from tools.azure_openai_simulator.echo import tokens_of
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.headers import served_headers
from tools.azure_openai_simulator.response_items import items_of, text_of
from tools.azure_openai_simulator.response_stream import events
from tools.azure_openai_simulator.rows import Row, Surface, model
from tools.azure_openai_simulator.state import Record

SINCE = "2025-03-01-preview"


def _retrieve(ask: Ask) -> Answer:
    response = advance(ask, RESPONSE, one(ask, RESPONSE))
    if ask.query.get("stream") != "true":
        return document(response)
    after = ask.query.get("starting_after", "-1")
    if not after.removeprefix("-").isdecimal():
        raise InvalidError(400, f"Invalid 'starting_after': '{after}'.", param="starting_after", code="invalid_value")
    return Stream(events(response, after=int(after)), deployment=str(response["model"]))


def _arrive(ask: Ask, record: Record) -> None:
    """End a response in the background."""
    if record["status"] == "completed":
        identity = str(record["id"])
        record |= ask.state.find(f"{responses.PLACE}/{identity}/finished", identity, "response")


def _cancel(_ask: Ask, record: Record) -> None:
    if not record["background"]:
        raise InvalidError(400, "Only responses created with background=true can be cancelled.")
    if record["status"] in {"queued", "in_progress"}:
        record["status"] = "cancelled"


def _compact(ask: Ask) -> Answer:
    asked = ask.members()
    given = items_of(ask, asked.get("input"))
    compaction = {"id": ask.state.new_id("cmp_"), "type": "compaction", "encrypted_content": "c2ltdWxhdG9y"}
    count, made = metering.given(ask, asked, map(text_of, given)).tokens, metering.answer_tokens(ask, "c", None)
    usage = {
        "input_tokens": count,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count + made,
    }
    body = {"id": ask.state.new_id("resp_"), "object": "response.compaction", "created_at": ask.created}
    return document({**body, "output": [compaction], "usage": usage})


def _input_tokens(ask: Ask) -> Answer:
    given = items_of(ask, ask.members().get("input"))
    return document({"object": "response.input_tokens", "input_tokens": _count(given)})


def _count(given: list[Record]) -> int:
    return sum(len(tokens_of(text_of(item))) for item in given)


def _none(_ask: Ask) -> Record:
    return {}


RESPONSE = Kind(
    path=responses.PLACE,
    key="response_id",
    prefix="resp_",
    make=_none,
    verbs=("delete",),
    since=SINCE,
    deleted="response",
    course={"queued": "in_progress", "in_progress": "completed"},
    arrive=_arrive,
)
CREATE = Row(
    method="POST",
    path=RESPONSE.path,
    operation=responses.answer,
    names=model,
    since=SINCE,
    headers=served_headers,
)

ROWS: tuple[Row, ...] = (
    CREATE,
    Row(method="GET", path=RESPONSE.item, operation=_retrieve, since=SINCE),
    *rows(RESPONSE),
    action(RESPONSE, "cancel", _cancel),
    listing(f"{RESPONSE.item}/input_items", since=SINCE),
    Row(
        method="POST",
        path="responses/compact",
        operation=_compact,
        surfaces=Surface.V1,
        names=model,
        headers=served_headers,
    ),
    Row(
        method="POST",
        path="responses/input_tokens",
        operation=_input_tokens,
        surfaces=Surface.V1,
        names=model,
        headers=served_headers,
    ),
)
