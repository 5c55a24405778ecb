"""The marks on what a translated answer has that looks as if Azure kept it: its ids and its sealed reasoning.

An id says that nothing is stored: `resp_notstored_` and 32 hexadecimal digits. The mark stands at the beginning, where
no affinity tag is, and no id of Azure's has an `n` or an `o` there. The ids of items have it too, so that a reference
to one is understood.

Sealed reasoning, the `encrypted_content` of a reasoning item, is `notstored.1.` and the whole text in base64, or
`notstored.2.` where the model told it as parts of its content, and wants it back so. It hides nothing: the client reads
the same text as the summary.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, rewrite
from proxy.translation.interface import Reply

_MARK = "notstored"
_SEAL, _SEAL_OF_PARTS = f"{_MARK}.1.", f"{_MARK}.2."
_REFERENCE = "item_reference"
_LIST = msgspec.json.Decoder(list[Raw]).decode
_NOT_STORED = (
    "has an id of an answer that a chat completion gave, which is stored nowhere. Send `store: false` and the whole "
    "conversation as `input`, with every item of the answers, instead of naming one."
)


class _Item(msgspec.Struct):
    """What tells whether an item was made here."""

    type: str | None = None
    role: str | None = None
    id: str | None = None
    encrypted_content: str | None = None


_ITEM = msgspec.json.Decoder(_Item).decode


def new_id(prefix: str, reply: Reply) -> str:
    """Return an id for a response or an item that nobody stores."""
    return f"{prefix}_{_MARK}_{reply.token()}"


def is_translated(identifier: str) -> bool:
    """Tell whether an id, with an affinity tag or without, is of an answer that was translated and not stored."""
    return identifier.partition("_")[2].startswith(f"{_MARK}_")


def refuse_reference(param: str) -> InvalidRequest:
    """Return the error for a call that names an answer which is not stored."""
    return InvalidRequest(f"`{param}` {_NOT_STORED}", param=param, code="previous_response_not_found")


def needs_responses(what: str, param: str | None = None) -> InvalidRequest:
    """Return the error for what only a deployment of the Responses API has."""
    return InvalidRequest(
        f"{what} needs a deployment that serves the Responses API, and this model's serves only chat completions.",
        param=param,
        code="unsupported_parameter",
    )


def seal(text: str, *, is_part: bool = False) -> str:
    """Return reasoning as the content of a reasoning item that the client hands back."""
    return (_SEAL_OF_PARTS if is_part else _SEAL) + urlsafe_b64encode(text.encode()).decode()


def unseal(content: str) -> str | None:
    """Return the reasoning in a content that was sealed here, None for another."""
    if not content.startswith((_SEAL, _SEAL_OF_PARTS)):
        return None
    try:
        return urlsafe_b64decode(content[len(_SEAL) :]).decode()
    except ValueError:
        return None


def was_part(content: str) -> bool:
    """Tell whether the model told some sealed reasoning as a part of its content."""
    return content.startswith(_SEAL_OF_PARTS)


def without_marks(document: JsonBody) -> JsonBody:
    """Return a request for a deployment of the Responses API without what only a translated answer has.

    Reasoning that was sealed here is left out, because no model can read it there, and so are the ids of other items.
    Raises `InvalidRequest` where the request names an answer that is not stored.
    """
    if _MARK.encode() not in document.raw:
        return document
    previous = document.member("previous_response_id")
    if (
        previous is not None
        and previous.startswith(b'"')
        and is_translated(document.text("previous_response_id") or "")
    ):
        raise refuse_reference("previous_response_id")
    items = document.member("input")
    if items is None or not items.startswith(b"["):
        return document
    try:
        return document.replaced("input", rewrite(items, _without_marks))
    except UNREADABLE:
        return document


def _without_marks(items: bytes) -> bytes:
    kept = [_bare(number, item) for number, item in enumerate(_LIST(items))]
    return ENCODE([item for item in kept if item is not None])


def _bare(number: int, raw: Raw) -> Raw | None:
    """Return an item as Azure can read it, None for reasoning that it cannot."""
    if _MARK.encode() not in bytes(raw) or not bytes(raw).startswith(b"{"):
        return raw
    item = _ITEM(raw)
    is_ours = is_translated(item.id or "")
    if item.type == "reasoning" and (is_ours or unseal(item.encrypted_content or "") is not None):
        return None
    if is_ours and (item.type or item.role or _REFERENCE) == _REFERENCE:
        raise refuse_reference(f"input[{number}].id")
    members: Members = DECODE(raw)
    return Raw(ENCODE({name: value for name, value in members.items() if name != "id"})) if is_ours else raw
