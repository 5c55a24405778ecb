"""Create, list, retrieve, update and delete: one implementation for all kinds of objects."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tools.azure_openai_simulator.answers import Answer, Ask, Operation, document
from tools.azure_openai_simulator.paging import page
from tools.azure_openai_simulator.rows import BOTH, Names, Row, Surface, nothing
from tools.azure_openai_simulator.state import Record

_ID = re.compile(r"\{(\w+)\}")

Make = Callable[[Ask], Record]
Arrive = Callable[[Ask, Record], None]


def _stay(_ask: Ask, _record: Record) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object.

    `make` returns the members of a new one (`id` and `created_at` are given); `course` has the status that follows each
    status, one step for each retrieval, and `arrive` is called with each step; `changes` are the members an update may
    set; `deleted` is the `object` of a deletion's answer and `deleted_key` the name of the id in it; `created` is the
    HTTP status of a creation.
    """

    path: str
    key: str
    prefix: str
    make: Make
    verbs: Collection[str] = ("create", "list", "retrieve", "update", "delete")
    surfaces: Surface = BOTH
    since: str = ""
    names: Names = nothing
    order: str = "desc"
    changes: Collection[str] = ("metadata",)
    deleted: str = ""
    deleted_key: str = "id"
    created: int = 200
    course: Mapping[str, str] = field(default_factory=dict)
    arrive: Arrive = _stay

    @property
    def item(self) -> str:
        """Return the path of one object."""
        return f"{self.path}/{{{self.key}}}"


def rows(kind: Kind) -> Iterator[Row]:
    """Return the rows of a kind's verbs."""
    for verb in kind.verbs:
        method, many, operation = _VERBS[verb]
        yield Row(
            method=method,
            path=kind.path if many else kind.item,
            operation=operation(kind),
            surfaces=kind.surfaces,
            since=kind.since,
            names=kind.names if verb in {"create", "update"} else nothing,
        )


def action(kind: Kind, verb: str, act: Arrive, surfaces: Surface | None = None) -> Row:
    """Return the row of POST `.../{id}/verb`, or of POST `.../{id}` without a verb, which changes the object."""

    def operation(ask: Ask) -> Answer:
        record = one(ask, kind)
        act(ask, record)
        return document(record)

    return Row(
        method="POST",
        path=f"{kind.item}/{verb}".removesuffix("/"),
        operation=operation,
        surfaces=kind.surfaces if surfaces is None else surfaces,
        since=kind.since,
    )


def listing(path: str, *, order: str = "desc", surfaces: Surface = BOTH, since: str = "") -> Row:
    """Return the row that lists what other operations put into a collection."""

    def operation(ask: Ask) -> Answer:
        return document(page(members_of(ask, path), ask.query, order=order))

    return Row(method="GET", path=path, operation=operation, surfaces=surfaces, since=since)


def status(value: str, *allowed: str) -> Arrive:
    """Return the act of setting a status, which does nothing to an object that is past the allowed ones."""

    def act(_ask: Ask, record: Record) -> None:
        if not allowed or record["status"] in allowed:
            record["status"] = value

    return act


def one(ask: Ask, kind: Kind) -> Record:
    """Return the object of a call; raise InvalidError when it or one it belongs to does not exist."""
    _check_parents(ask, kind.path)
    return ask.state.find(ask.place(kind.path), ask.ids[kind.key], _word(kind.key))


def members_of(ask: Ask, path: str) -> list[Record]:
    """Return the objects of a call's collection; raise InvalidError when one it belongs to does not exist."""
    _check_parents(ask, path)
    return list(ask.state.collection(ask.place(path)).values())


def add(ask: Ask, kind: Kind, members: Record) -> Record:
    """Keep a new object."""
    record: Record = {"id": ask.state.new_id(kind.prefix), "created_at": ask.created} | members
    return ask.state.add(ask.place(kind.path), record)


def advance(ask: Ask, kind: Kind, record: Record) -> Record:
    """Take an object one step along its course."""
    following = kind.course.get(str(record.get("status")))
    if following is not None:
        record["status"] = following
        kind.arrive(ask, record)
    return record


def _create(kind: Kind) -> Operation:
    def operation(ask: Ask) -> Answer:
        _check_parents(ask, kind.path)
        return document(add(ask, kind, kind.make(ask)), kind.created)

    return operation


def _list(kind: Kind) -> Operation:
    return lambda ask: document(page(members_of(ask, kind.path), ask.query, order=kind.order))


def _retrieve(kind: Kind) -> Operation:
    return lambda ask: document(advance(ask, kind, one(ask, kind)))


def _update(kind: Kind) -> Operation:
    def operation(ask: Ask) -> Answer:
        record = one(ask, kind)
        record |= {name: value for name, value in ask.members().items() if name in kind.changes}
        return document(record)

    return operation


def _delete(kind: Kind) -> Operation:
    def operation(ask: Ask) -> Answer:
        record = one(ask, kind)
        ask.state.remove(ask.place(kind.path), ask.ids[kind.key])
        return document({kind.deleted_key: record["id"], "object": kind.deleted or record["object"], "deleted": True})

    return operation


_VERBS: Mapping[str, tuple[str, bool, Callable[[Kind], Operation]]] = {
    "create": ("POST", True, _create),
    "list": ("GET", True, _list),
    "retrieve": ("GET", False, _retrieve),
    "update": ("POST", False, _update),
    "delete": ("DELETE", False, _delete),
}


def _check_parents(ask: Ask, path: str) -> None:
    for match in _ID.finditer(path):
        parent = ask.place(path[: match.start() - 1])
        ask.state.find(parent, ask.ids[match[1]], _word(match[1]))


def _word(key: str) -> str:
    """Return the words of an object from the name of its id."""
    return key.removesuffix("_id").replace("_", " ")
