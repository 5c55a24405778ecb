"""Conversations and their items, to which responses add theirs."""

from collections.abc import Iterable, Mapping

from tools.azure_openai_simulator.answers import Answer, Ask, document
from tools.azure_openai_simulator.crud import Kind, one, rows
from tools.azure_openai_simulator.paging import envelope
from tools.azure_openai_simulator.response_items import item_of
from tools.azure_openai_simulator.rows import Row, Surface
from tools.azure_openai_simulator.state import Record


def _items(ask: Ask, items: object) -> list[Record]:
    listed: Iterable[object] = items if isinstance(items, list) else []
    return [item_of(ask, item) for item in listed if isinstance(item, Mapping)]


def _make(ask: Ask) -> Record:
    asked = ask.members()
    identity = ask.state.new_id("conv_")
    ask.state.extend(f"conversations/{identity}/items", _items(ask, asked.get("items")))
    return {"id": identity, "object": "conversation", "metadata": asked.get("metadata") or {}}


def _add_items(ask: Ask) -> Answer:
    one(ask, CONVERSATION)
    items = _items(ask, ask.members().get("items"))
    ask.state.extend(ask.place(ITEM.path), items)
    return document(envelope(items))


def _delete_item(ask: Ask) -> Answer:
    one(ask, ITEM)
    ask.state.remove(ask.place(ITEM.path), ask.ids["item_id"])
    return document(one(ask, CONVERSATION))


def _none(_ask: Ask) -> Record:
    return {}


CONVERSATION = Kind(
    path="conversations",
    key="conversation_id",
    prefix="conv_",
    make=_make,
    verbs=("create", "retrieve", "update", "delete"),
    surfaces=Surface.V1,
    deleted="conversation.deleted",
)
ITEM = Kind(
    path="conversations/{conversation_id}/items",
    key="item_id",
    prefix="msg_",
    make=_none,
    verbs=("list", "retrieve"),
    surfaces=Surface.V1,
)

ROWS: tuple[Row, ...] = (
    *rows(CONVERSATION),
    *rows(ITEM),
    Row(method="POST", path=ITEM.path, operation=_add_items, surfaces=Surface.V1),
    Row(method="DELETE", path=ITEM.item, operation=_delete_item, surfaces=Surface.V1),
)
