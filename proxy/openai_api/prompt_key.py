"""What tells prompts with the same beginning: a key for each, found by the members of a body that was read.

The models' caches keep beginnings of prompts from 1,024 tokens on, which take some 4 KB. The tools and the system
prompt stand first. https://platform.openai.com/docs/guides/prompt-caching
"""

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice

import msgspec

from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import UNREADABLE, decode
from proxy.openai_api.json_walk import elements

# A system prompt and tools of so many bytes are worth a place in the cache by themselves.
LARGE = 4096
# Who begins alike for so many bytes shares some 4,000 cached tokens; to hash more would take time for little.
MAX_HASHED = 16 * 1024
# The first message of the user is among so many, or there is none to find.
MAX_MESSAGES = 16
KEY_BYTES = 16

Span = tuple[int, int]
Beginning = tuple[list[Span], Span | None]
"""Where the system prompt and the tools are in a body, and where the first message of the user is."""


class _Message(msgspec.Struct, gc=False):
    role: object = None


_DECODE = msgspec.json.Decoder(_Message).decode
_SYSTEM = frozenset({"system", "developer"})
# How nearly all clients write a message; it says the role without reading what may be long.
_ROLE_FIRST = re.compile(rb'\{\s*+(?:"type"\s*+:\s*+"message"\s*+,\s*+)?+"role"\s*+:\s*+"([a-z]++)"')


def find_prompt_key(operation: str, document: JsonBody | None) -> bytes | None:
    """Return the key of the prompt of one of the operations `PROMPTS`, None if there is nothing to tell it by.

    It is the client's own `prompt_cache_key`, or else the system prompt and the tools if they are large, or else those
    with the first message of the user.
    """
    if document is None:
        return None
    given = document.member("prompt_cache_key")
    if given is not None:
        return blake2b(given, digest_size=KEY_BYTES).digest()
    shared, user = PROMPTS[operation](document)
    is_large = sum(end - start for start, end in shared) >= LARGE
    spans = shared if is_large or user is None else [*shared, user]
    return _digest(document.raw, spans) if spans else None


def _digest(raw: bytes, spans: list[Span]) -> bytes:
    digest, view, left = blake2b(digest_size=KEY_BYTES), memoryview(raw), MAX_HASHED
    for start, end in spans:
        piece = view[start : min(end, start + left)]
        digest.update(piece)
        left -= len(piece)
    return digest.digest()


def _of_chat(document: JsonBody) -> Beginning:
    shared, user = _of_messages(document, "messages")
    return [*_members(document, "tools", "functions"), *shared], user


def _of_response(document: JsonBody) -> Beginning:
    shared, user = _of_messages(document, "input")
    return [*_members(document, "tools", "instructions", "prompt"), *shared], user


def _of_completion(document: JsonBody) -> Beginning:
    """Return the beginning of a prompt that grows, as far as the cache needs it."""
    return [], next(((start, min(end, start + LARGE)) for start, end in _members(document, "prompt")), None)


def _members(document: JsonBody, *names: str) -> Iterator[Span]:
    """Yield where members are that are not null; their bytes may be too many to copy."""
    for name in names:
        start, end = document.spans.get(name, (0, 0))
        if document.raw[start : min(end, start + 5)] not in (b"", b"null"):
            yield start, end


def _of_messages(document: JsonBody, name: str) -> Beginning:
    """Return the system prompt at the beginning of a conversation, and the first message of the user."""
    span = next(_members(document, name), None)
    if span is None or document.raw[span[0] : span[0] + 1] != b"[":
        return [], span  # the text of a response's input, or what Azure refuses
    shared: list[Span] = []
    is_beginning = True
    for start, end in islice(elements(document.raw, span[0]), MAX_MESSAGES):
        role = _role_of(document.raw, start, end)
        is_beginning = is_beginning and role in _SYSTEM
        if is_beginning:
            shared.append((start, end))
        elif role == "user":
            return shared, (start, end)
    return shared, None


def _role_of(raw: bytes, start: int, end: int) -> object:
    if (first := _ROLE_FIRST.match(raw, start)) is not None:
        return first[1].decode()
    try:
        role = decode(raw[start:end], _DECODE).role
    except UNREADABLE:  # no object
        return None
    return role if isinstance(role, str) else None


PROMPTS: Mapping[str, Callable[[JsonBody], Beginning]] = {
    "createChatCompletion": _of_chat,
    "createCompletion": _of_completion,
    "createResponse": _of_response,
    "Compactconversation": _of_response,
}
