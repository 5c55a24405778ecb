"""Where ids of objects that Azure keeps stand in JSON: members by name, found in the bytes without building anything.

A quote inside a JSON string is always escaped, so `"file_id":` with bare quotes is the name of a member and never a
part of a text. Bytes that are not JSON do no harm: nothing is found in them, or what is found is one whole string.
Names and kinds are those of https://github.com/openai/openai-openapi.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from proxy.translation.operations import Operation

# A visit to a member, or to a bracket of what is passed over, takes about 0.5 us, and other requests wait; the longest
# conversations have some thousands of ids. What stands behind so many is left as it is.
MAX_VISITS = 200_000

# Members that hold an id of a kept object, or a list of them, and nothing else.
_IDS = (
    *("assistant_id", "comparison_response_id", "container_id", "error_file_id", "eval_id", "file_id", "file_ids"),
    *("fine_tuning_job_id", "input_file_id", "output_file_id", "previous_response_id", "remixed_from_video_id"),
    *("result_files", "thread_id", "training_file", "upload_id", "validation_file", "vector_store_id"),
    "vector_store_ids",
)
# Members that hold other ids too, those of messages or tool calls: only an id of one of the kinds below counts.
_IDS_OF_SOME_KIND = (
    *("approval_request_id", "container", "conversation", "first_id", "id", "item_id", "last_id", "message_id"),
)
# What only the resource that wrote it can read again: reasoning that the client keeps.
_SEALED = ("encrypted_content",)
# What ids of kept objects begin with. What is reached through another kept object, as a message through its thread or
# a run through its eval, needs none: the path names both. Azure's files may begin with `assistant-`, and the id of a
# tool call of other makers' models with `chatcmpl-tool-`.
_KINDS = (
    *("assistant", "asst", "batch", "cfile", "char", "chatcmpl(?!-tool-)", "cntr", "container", "conv", "eval", "file"),
    *("ft", "ftjob", "resp", "thread", "upload", "video", "vs"),
)
# Items of a response. Clients make such ids up too, so one without a tag says nothing.
_ITEMS = (
    *("apc", "apco", "ci", "cmp", "ctc", "ctco", "cu", "cuo", "fc", "fco", "fs", "ig", "lsh", "lsho", "mcp", "mcpa"),
    *("mcpl", "mcpr", "msg", "rs", "sh", "sho", "ws"),
)
# Objects in which clients and models name the members: nothing in them is ours to read or to change.
_OF_USERS = (
    *("arguments", "attributes", "datasource_item", "env", "headers", "input_schema", "item_schema", "metadata"),
    *("output_schema", "parameters", "schema"),
)
# The rows that are judged, and what a model made of them; elsewhere an `item` is one of a response.
_OF_USERS_IN_EVALS = (*_OF_USERS, "item", "sample")
_EVALS = ("/evals", "/fine_tuning/alpha/graders")

_TAGGED = rb"[\w.-]*+(?:~\w*+)?+"
_ID = re.compile(rb'"([A-Za-z0-9]' + _TAGGED + rb')"')
_ID_OF_SOME_KIND = re.compile(rb'"((?:' + "|".join((*_KINDS, *_ITEMS)).encode() + rb")[-_]" + _TAGGED + rb')"')
# Base64 of either alphabet; some encoders of JSON escape its `/`, `+` or `=`.
_SEAL = re.compile(rb'"((?:[\w+/=.-]++|\\/|\\u00(?:2[BDFbdf]|3[Dd]|5[Ff]))++(?:~\w*+)?+)"')
_ONE = {"ids": _ID, "kind": _ID_OF_SOME_KIND, "sealed": _SEAL}
_ITEM = re.compile(rf"(?:{'|'.join(_ITEMS)})[-_]")
_LIST = re.compile(rb'\[(?:\s*+"[^"\\]*+"\s*+,?+)*+\s*+\]')
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)

Place = tuple[str, int, int]
"""The name of a member, and where an id in it starts and ends, without its quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdMembers:
    """Finds the ids in JSON, or in whole events of a stream; `names` finds the members that may hold them."""

    names: re.Pattern[bytes]

    def places(self, raw: bytes) -> Iterator[Place]:
        """Yield the ids in the order in which they stand."""
        position, left = 0, MAX_VISITS
        while left > 0 and (name := self.names.search(raw, position)):
            group, position, left = name.lastgroup or "", name.end(), left - 1
            if group == "users":
                position, left = _behind(raw, position, left)
                continue
            for start, end in islice(_ids(raw, position, group), left):
                yield name[group].decode(), start, end
                position, left = end, left - 1


def claims_untagged(field: str, identifier: str) -> bool:
    """Tell whether an id without a tag belongs to the first resource: those of items belong to nobody."""
    return field not in _SEALED and _ITEM.match(identifier) is None


def members_of(operation: Operation) -> IdMembers:
    """Return what finds the ids in the JSON of an operation."""
    return _EVAL_MEMBERS if operation.path.startswith(_EVALS) else _MEMBERS


def _ids(raw: bytes, start: int, group: str) -> Iterable[tuple[int, int]]:
    one = _ONE[group].match(raw, start)
    if one is not None:
        return (one.span(1),)
    several = _LIST.match(raw, start) if group == "ids" else None
    return () if several is None else (each.span(1) for each in _ID.finditer(raw, *several.span()))


def _behind(raw: bytes, start: int, left: int) -> tuple[int, int]:
    """Return where an object or a list ends, the start for anything else; and what is left of the visits."""
    if raw[start : start + 1] not in (b"{", b"["):
        return start, left
    depth, position = 1, start + 1
    while depth and left > 0:
        bracket = _TO_BRACKET.match(raw, position)
        if bracket is None:
            return len(raw), left
        position, left = bracket.end(), left - 1
        depth += 1 if bracket[1] in (b"{", b"[") else -1
    return position, left


def _names(of_users: Iterable[str]) -> re.Pattern[bytes]:
    # The first condition costs least and is met by few strings; the second keeps out a name that ends like one of ours.
    groups = (("ids", _IDS), ("kind", _IDS_OF_SOME_KIND), ("sealed", _SEALED), ("users", of_users))
    names = "|".join(f"(?P<{group}>{'|'.join(names)})" for group, names in groups)
    return re.compile(rf'"(?=[a-z_]++"\s*+:)(?<!\\")(?:{names})"\s*+:\s*+'.encode())


_MEMBERS = IdMembers(names=_names(_OF_USERS))
_EVAL_MEMBERS = IdMembers(names=_names(_OF_USERS_IN_EVALS))
