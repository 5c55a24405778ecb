"""Create, list, retrieve, update and delete: one core for every noun, which says only what is its own."""

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
class Noun:
    """A kind of object.

    `make` returns the members of a new one (`id` and `created_at` are given); `course` is the status that follows each
    status, one step per retrieval, and `arrive` is told of each step; `changes` are the members an update may set;
    `deleted` is the `object` of a deletion's answer and `deleted_key` the name of the id in it; `created` is the HTTP
    status of a creation.
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


def rows(noun: Noun) -> Iterator[Row]:
    """Return the rows of a noun's verbs."""
    for verb in noun.verbs:
        method, many, operation = _VERBS[verb]
        yield Row(
            method=method,
            path=noun.path if many else noun.item,
            operation=operation(noun),
            surfaces=noun.surfaces,
            since=noun.since,
            names=noun.names if verb in {"create", "update"} else nothing,
        )


def action(noun: Noun, verb: str, act: Arrive, surfaces: Surface | None = None) -> Row:
    """Return the row of POST `.../{id}/verb`, or of POST `.../{id}` without a verb, which changes the object."""

    def operation(ask: Ask) -> Answer:
        record = one(ask, noun)
        act(ask, record)
        return document(record)

    return Row(
        method="POST",
        path=f"{noun.item}/{verb}".removesuffix("/"),
        operation=operation,
        surfaces=noun.surfaces if surfaces is None else surfaces,
        since=noun.since,
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


def one(ask: Ask, noun: Noun) -> Record:
    """Return the object of a call; raise InvalidError when it or one it belongs to does not exist."""
    _check_parents(ask, noun.path)
    return ask.state.find(ask.place(noun.path), ask.ids[noun.key], _word(noun.key))


def members_of(ask: Ask, path: str) -> list[Record]:
    """Return the objects of a call's collection; raise InvalidError when one it belongs to does not exist."""
    _check_parents(ask, path)
    return list(ask.state.collection(ask.place(path)).values())


def add(ask: Ask, noun: Noun, members: Record) -> Record:
    """Keep a new object."""
    record: Record = {"id": ask.state.new_id(noun.prefix), "created_at": ask.created} | members
    return ask.state.add(ask.place(noun.path), record)


def advance(ask: Ask, noun: Noun, record: Record) -> Record:
    """Take an object one step along its course."""
    following = noun.course.get(str(record.get("status")))
    if following is not None:
        record["status"] = following
        noun.arrive(ask, record)
    return record


def _create(noun: Noun) -> Operation:
    def operation(ask: Ask) -> Answer:
        _check_parents(ask, noun.path)
        return document(add(ask, noun, noun.make(ask)), noun.created)

    return operation


def _list(noun: Noun) -> Operation:
    return lambda ask: document(page(members_of(ask, noun.path), ask.query, order=noun.order))


def _retrieve(noun: Noun) -> Operation:
    return lambda ask: document(advance(ask, noun, one(ask, noun)))


def _update(noun: Noun) -> Operation:
    def operation(ask: Ask) -> Answer:
        record = one(ask, noun)
        record |= {name: value for name, value in ask.members().items() if name in noun.changes}
        return document(record)

    return operation


def _delete(noun: Noun) -> Operation:
    def operation(ask: Ask) -> Answer:
        record = one(ask, noun)
        ask.state.remove(ask.place(noun.path), ask.ids[noun.key])
        return document({noun.deleted_key: record["id"], "object": noun.deleted or record["object"], "deleted": True})

    return operation


_VERBS: Mapping[str, tuple[str, bool, Callable[[Noun], Operation]]] = {
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
