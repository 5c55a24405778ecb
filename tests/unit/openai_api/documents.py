"""JSON with ids at any depth, as a plain reader sees it: what the bytes must say before and after."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

ONE_ID = ("file_id", "previous_response_id", "training_file", "container_id", "vector_store_ids", "result_files")
SOME_KIND = ("id", "first_id", "item_id", "approval_request_id", "container", "conversation")
SEALED = ("encrypted_content",)
USERS = ("metadata", "parameters", "attributes")
IN_EVALS = ("item", "sample")
OTHER = (
    "x",
    "variables",
    "call_id",
    'x"file_id',
    "file_id\\",
    "File_id",
    "file_idx",
    "",
    "~",
    "é",
    '"file_id":"file-1',
)

BARE = ("file-1", "assistant-aB3", "resp_68ab.c", "vs_1-2", "conv_1", "cntr_9", "cfile_9", "eval_1", "video_1")
OF_ITEMS = ("msg_1", "rs_0a", "mcpr-1")
OF_NO_KIND = ("call_1", "item_1", "msgs_1", "evalrun_1", "chatcmpl-tool-1", "auto", "1")
_ID = re.compile(r"[A-Za-z0-9][\w.-]*(~\w*)?", re.ASCII)
_OF_SOME_KIND = re.compile(r"(file|assistant|resp|vs|conv|cntr|cfile|eval|video|msg|rs|mcpr)[-_]")
_SEAL = re.compile(r"[\w+/=.-]+(~\w*)?", re.ASCII)

_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        '"file_id":"file-1"',
        '{"file_id": "file-1"}',
        '\\"file_id\\":\\"file-1',
        '","id":"resp_1',
        "file_id",
        '["vs_1"]',
        "\\",
        "gAAAAABo+/_-4Q==",
        "gAAA Q==",
    ]
)
_OURS = (*ONE_ID, *SOME_KIND, *SEALED)
_LEAVES = st.none() | st.booleans() | st.integers() | _TEXTS


def values(ids: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """Return JSON in which ids stand at all places and users' own members too."""
    names = st.sampled_from([*ONE_ID, *SOME_KIND, *SEALED, *USERS, *IN_EVALS, *OTHER]) | st.text(max_size=4)
    return st.recursive(
        _LEAVES | ids,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(names, inner, max_size=5)
            | st.fixed_dictionaries({}, optional={name: ids | st.lists(ids, max_size=3) for name in _OURS})
        ),
        max_leaves=25,
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Changes every id in JSON that is not a user's own, by its member; `ascii` tells how the JSON is written."""

    change: Callable[[str, str], str]
    ascii: bool = True
    users: tuple[str, ...] = USERS

    def read(self, value: object) -> object:
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: self._member(name, item) for name, item in value.items()}

    def _member(self, name: str, value: object) -> object:
        if name in self.users and isinstance(value, dict | list):
            return value
        if isinstance(value, str) and _counts(name, value):
            return self.change(name, value)
        if name in ONE_ID and isinstance(value, list) and all(map(self._is_plain, value)):
            return [self.change(name, each) if _ID.fullmatch(each) else each for each in value]
        return self.read(value)

    def _is_plain(self, value: object) -> bool:
        """Tell whether a value is a text that JSON writes as it is; a list with another is not one of ids."""
        return isinstance(value, str) and "\\" not in json.dumps(value, ensure_ascii=self.ascii)


def _counts(name: str, value: str) -> bool:
    if name in SEALED:
        return _SEAL.fullmatch(value) is not None
    kind = name in ONE_ID or (name in SOME_KIND and _OF_SOME_KIND.match(value) is not None)
    return kind and _ID.fullmatch(value) is not None
