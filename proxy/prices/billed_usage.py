"""What Azure bills of what an answer says that it has counted, in each of the forms of OpenAI's API.

An image or a speech says of its output how many tokens it has and not that they are no text: the operation says so.
https://platform.openai.com/docs/api-reference
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
from msgspec import structs

from proxy.azure_api.usage import Counts, milliseconds_of
from proxy.openai_api.json_members import UNREADABLE, decode
from proxy.prices.cost import BilledUsage

_IMAGE, _AUDIO = "image_output", "audio_output"
# What the output of an operation is that is no text.
_OUTPUTS: Mapping[str, str] = {"createImage": _IMAGE, "createImageEdit": _IMAGE, "createSpeech": _AUDIO}
# A verbose answer to these has the length of the sound; of whisper that is all that Azure says.
_HEARD = frozenset({"createTranscription", "createTranslation"})
WEB_SEARCH, FILE_SEARCH, CODE_INTERPRETER = "web_search", "file_search", "code_interpreter"
# Items of a response that are calls of tools which Azure runs and bills by the call.
_CALLS: Mapping[str, str] = {
    "web_search_call": WEB_SEARCH,
    "file_search_call": FILE_SEARCH,
    "code_interpreter_call": CODE_INTERPRETER,
}
# What a search of the web may do without another search.
_WITHOUT_SEARCH = frozenset({"open_page", "find", "find_in_page"})
# A response in the background that has not ended: what it counts until then is not all.
_RUNNING = frozenset({"queued", "in_progress"})


class _Action(msgspec.Struct):
    type: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    action: _Action | None = None
    container_id: str | None = None


class _Picture(msgspec.Struct):
    pass


class _Answer(msgspec.Struct):
    usage: Counts | None = None
    per_model_usage: list[Counts] | None = None
    service_tier: str | None = None
    status: str | None = None
    output: list[_Item] | None = None
    data: list[_Picture] | None = None
    object: str | None = None
    seconds: str | int | None = None
    duration: Decimal | None = None


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of an answer, and the service tier that served it, None where the answer says neither."""

    usage: BilledUsage | None = None
    tier: str | None = None


_NUMBERS = msgspec.json.Decoder(Counts | None)
_WHOLE = msgspec.json.Decoder(_Answer)


def billed_answer(operation: str, answer: bytes) -> Billed:
    """Return what a whole JSON answer to an operation, or the last event of a stream, says."""
    try:
        read = decode(answer, _WHOLE.decode)
    except UNREADABLE:
        return Billed()
    if read.object == "response" and read.status in _RUNNING:
        return Billed()
    counted = [counts for counts in (read.usage, *(read.per_model_usage or ())) if counts is not None]
    usage = _sum(_usage(operation, counts) for counts in counted) if counted else _without_tokens(operation, read)
    if usage is not None:
        usage = structs.replace(usage, calls=_calls(read.output or ()))
    return Billed(usage=usage, tier=read.service_tier)


def billed_usage(operation: str, usage: bytes | None) -> BilledUsage | None:
    """Return what the member `usage` of an event says, None where it says nothing."""
    try:
        counts = None if usage is None else decode(usage, _NUMBERS.decode)
    except UNREADABLE:
        return None
    return None if counts is None else _usage(operation, counts)


def _usage(operation: str, counts: Counts) -> BilledUsage:
    given, made, output = counts.given, counts.made, counts.output
    parts = {_AUDIO: made.audio_tokens or 0, _IMAGE: made.image_tokens or 0}
    if (name := _OUTPUTS.get(operation)) is not None:
        parts[name] = max(parts[name], output - (made.text_tokens or 0))
    return BilledUsage(
        input=counts.input,
        cached_input=counts.cached,
        cache_write=given.cache_write_tokens or 0,
        audio_input=given.audio_tokens or 0,
        image_input=given.image_tokens or 0,
        output=output,
        audio_output=parts[_AUDIO],
        image_output=parts[_IMAGE],
        heard_ms=counts.milliseconds,
    )


def _sum(usages: Iterable[BilledUsage]) -> BilledUsage:
    """Return the usages of several models together."""
    every = list(usages)
    names = [name for name in BilledUsage.__struct_fields__ if name != "calls"]
    return BilledUsage(**{name: sum(getattr(usage, name) for usage in every) for name in names})


def _without_tokens(operation: str, read: _Answer) -> BilledUsage | None:
    """Return the usage of a video, of images of models that count none, or of sound whose length is told."""
    if operation in _HEARD and read.duration is not None:
        return BilledUsage(heard_ms=milliseconds_of(read.duration))
    if read.object == "video" and str(read.seconds or "").isdecimal():
        return BilledUsage(video_seconds=int(str(read.seconds)))
    if _OUTPUTS.get(operation) == _IMAGE and read.data:
        return BilledUsage(images=len(read.data))
    return None


def _calls(output: Iterable[_Item]) -> tuple[tuple[str, int], ...]:
    """Return the calls of each tool; code runs in sessions, one for each container."""
    items = [item for item in output if item.type in _CALLS and not _is_free(item)]
    containers = {item.container_id for item in items if item.type == "code_interpreter_call"}
    counted = Counter(_CALLS[item.type or ""] for item in items)
    if containers:
        counted[CODE_INTERPRETER] = len(containers)
    return tuple(sorted(counted.items()))


def _is_free(item: _Item) -> bool:
    return item.action is not None and item.action.type in _WITHOUT_SEARCH
