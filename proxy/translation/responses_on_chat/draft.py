"""What a chat request is built in, and what a model is that decides how."""

from collections.abc import Callable, Mapping
from enum import Enum

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import DECODE, Members
from proxy.translation.losses import Losses

NULL = Raw(b"null")
_LIST = msgspec.json.Decoder(list[Raw]).decode


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a chat request depends on: whether the model is one of OpenAI's or Mistral's, and whether it reasons."""

    is_openai: bool
    reasons: bool = False
    is_mistral: bool = False

    @property
    def instructing_role(self) -> str:
        """Return the role of instructions; OpenAI's other models and other makers' know only `system`."""
        return "developer" if self.is_openai and self.reasons else "system"

    @property
    def limit(self) -> str:
        """Return the name of the limit; the new one is refused by older models and other makers."""
        return "max_completion_tokens" if self.is_openai and self.reasons else "max_tokens"


class Fate(Enum):
    """What becomes of something in a request."""

    SENT = "sent"
    ANSWERED = "kept for the answer"
    DROPPED = "left out and named"
    REFUSED = "refused"


class Draft:
    """The members of a chat request so far, and the names of what was left out or sent with another value."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.members: Members = {}
        self.losses = Losses()

    def drop(self, name: str, place: str = "") -> None:
        """Name what is left out, and the place that had it."""
        self.losses.drop(name, place)

    def drop_rest(self, members: Mapping[str, Raw], known: frozenset[str], path: str) -> None:
        """Name the members that are not known, but for those that say nothing."""
        for name, value in members.items():
            if name not in known and bytes(value) not in _SAYS_NOTHING:
                self.drop(name, path)


_SAYS_NOTHING = frozenset({b"null", b"[]", b"{}", b"false"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a member of the body: its fate, what it is in a chat, and how it is put into the draft."""

    fate: Fate
    chat: str
    apply: Callable[[Draft, str, Raw], None]


def members_of(value: Raw, param: str) -> Members:
    """Return the members of an object; raise `InvalidRequest` for anything else."""
    if not bytes(value).startswith(b"{"):
        raise invalid_type(param, "an object")
    return DECODE(value)


def list_of(value: Raw, param: str) -> list[Raw]:
    """Return the elements of a list; raise `InvalidRequest` for anything else."""
    if not bytes(value).startswith(b"["):
        raise invalid_type(param, "a list")
    return _LIST(value)


def invalid_type(param: str, expected: str) -> InvalidRequest:
    """Return the error for a value of another type."""
    return InvalidRequest(f"Invalid type for '{param}': expected {expected}.", param=param, code="invalid_type")
