"""What a chat completion and its chunks say, as far as a response has a place for it.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw, UnsetType

from proxy.openai_api.json_members import UNREADABLE, Members, free_letter, mask, unmask
from proxy.translation.responses_on_chat.draft import NULL


class Function(msgspec.Struct, gc=False):
    """A function that is called; its arguments are a string, at some servers an object."""

    name: str | None = None
    arguments: Raw = NULL


class Call(msgspec.Struct, gc=False):
    """One call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class ChatMessage(msgspec.Struct, gc=False):
    """What a message, or the delta of one, says; the reasoning has two names among servers."""

    content: Raw = NULL
    refusal: Raw = NULL
    reasoning_content: Raw = NULL
    reasoning: Raw = NULL
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    annotations: list[Members] | None = None


class ContentPart(msgspec.Struct, gc=False):
    """A part of a content that is a list, as Mistral's models that reason have it; `thinking` is text or parts of it.

    https://docs.mistral.ai/capabilities/reasoning/
    """

    type: str = ""
    text: Raw = NULL
    thinking: Raw = NULL


class Logprobs(msgspec.Struct, gc=False):
    """The probabilities of the tokens of a text."""

    content: list[Members] | None = None


class Choice(msgspec.Struct, gc=False):
    """One choice; a translated call asks for no more."""

    message: ChatMessage | None = None
    delta: ChatMessage | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    content_filter_results: Raw = NULL


class Completion(msgspec.Struct, gc=False):
    """A whole completion, or a chunk of one."""

    choices: list[Choice]
    model: str | None = None
    service_tier: Raw = NULL
    usage: Members | None = None
    prompt_filter_results: list[Members] | None = None
    obfuscation: Raw | UnsetType = UNSET


class _PlainDelta(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    content: Raw


class _PlainChoice(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    delta: _PlainDelta
    index: int = 0
    finish_reason: None = None
    logprobs: None = None


class PlainChunk(msgspec.Struct, gc=False):
    """A chunk with a piece of the text and nothing else that a response has a place for."""

    choices: tuple[_PlainChoice]
    usage: None = None
    prompt_filter_results: None = None
    obfuscation: Raw | UnsetType = UNSET


DECODE_PARTS = msgspec.json.Decoder(list[ContentPart]).decode
DECODE_PLAIN = msgspec.json.Decoder(PlainChunk).decode
_DECODE = msgspec.json.Decoder(Completion).decode
Restore = Callable[[Raw], bytes]
"""Returns some JSON of a completion as it came."""


def decode_completion(data: bytes) -> tuple[Completion, Restore]:
    """Return a completion, which may have halves of surrogate pairs; raise one of `UNREADABLE`."""
    try:
        return _DECODE(data), bytes
    except UNREADABLE:
        letter = free_letter(data)
        if letter is None:
            raise
    return _DECODE(mask(data, letter)), lambda raw: unmask(bytes(raw), letter)
