"""The most that a call may cost, before it is made: a pure function of what it asks for and what its model costs.

What cannot be bounded is refused, with a code that says why. Where Azure runs tools, it is told how often it may: each
call of a tool is another pass of the model over its window. https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

import msgspec
from msgspec import structs

from proxy.azure_api.request import Call
from proxy.config.price_table import Amounts, ModelSize, PriceTable
from proxy.openai_api.json_body import parse_json_body
from proxy.prices.asked import CODE_INTERPRETER, FILE_SEARCH, Asked
from proxy.prices.choice import DEFAULT, PRIORITY, Tariff, call_price, dearest
from proxy.prices.cost import MILLION, rounded_up
from proxy.prices.rules import Rule, bounding

# What a model gets besides the body: the frame of its messages, and words of Azure's about tools and formats.
HIDDEN_TOKENS = 1024
# What Azure is told where a client sets no limit to the calls of tools.
DEFAULT_TOOL_CALLS = 8
# More than any model takes for one image: gpt-4o-mini takes 2,833 and 5,667 for each of up to 8 tiles.
# https://platform.openai.com/docs/guides/images-vision
MOST_IMAGE_TOKENS = 48_169
# Pictures that are shown before an image is finished take 100 tokens each.
# https://platform.openai.com/docs/guides/image-generation
PARTIAL_IMAGE_TOKENS = 100
# An edit of an image takes up to 16, and a mask.
MOST_IMAGES = 17
# The longest that a model makes; longer ones are refused.
MOST_VIDEO_SECONDS = 25


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call has no bound; `code` is for errors and logs, `reason` a sentence where there is one."""

    code: str
    reason: str = ""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a call may cost in micro-dollars, provided that Azure calls tools `tool_calls` times at most."""

    micro_dollars: int
    tool_calls: int | None = None


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What the model of a call costs, how large it is, and the prices of tools on a day."""

    tariff: Tariff
    size: ModelSize | None
    table: PriceTable
    day: date


_FREE = Bound(micro_dollars=0)


def tiers_of(tier: str | None) -> tuple[str, ...]:
    """Return the service tiers that may serve a call, the one that must have a price first.

    Where the client leaves the choice to the deployment, that may be priority.
    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/priority-processing
    """
    return (DEFAULT, PRIORITY) if tier in {None, "auto"} else (tier or DEFAULT,)


def needs_price(operation: str) -> bool:
    """Tell whether the bound of an operation depends on its model."""
    return bounding(operation).rule in _RULES


def bound(operation: str, asked: Asked, priced: Priced | None) -> Bound | Refused:
    """Return the most that a call may cost; `priced` may be None where no model is called."""
    found = bounding(operation)
    if found.rule is Rule.REFUSED:
        return Refused(code="unbounded_operation", reason=found.reason)
    if found.rule is Rule.FREE:
        return _FREE
    if asked.refusal:
        return Refused(code=asked.refusal)
    return Refused(code="unknown_model") if priced is None else _RULES[found.rule](asked, priced)


def with_tool_calls(call: Call, limit: int) -> Call:
    """Return a call that lets Azure call tools so many times at most; a lower limit of the client's stays."""
    document = call.document
    if document is None:
        return call
    given = document.member("max_tool_calls") or b""
    if given.isdigit() and int(given) <= limit:
        return call
    document = parse_json_body(document.with_member("max_tool_calls", b"%d" % limit))
    return structs.replace(call, document=document, raw=document.raw)


def bound_of_lines(bounds: Iterable[Bound | Refused]) -> Bound | Refused:
    """Return the most that a batch may cost whose lines were counted one by one."""
    total = 0
    for each in bounds:
        if isinstance(each, Refused):
            return each
        total += each.micro_dollars
    return Bound(micro_dollars=total)


def affordable_output(asked: Asked, priced: Priced, micro_dollars: int) -> int:
    """Return the most tokens for each answer of a conversation with which its bound is no more than an amount."""
    without = _conversation(structs.replace(asked, output=0), priced)
    left = -1 if isinstance(without, Refused) else micro_dollars - without.micro_dollars
    if left < 0:
        return 0
    tokens = _input_tokens(asked, priced.size)
    price = _output_price(_amounts(priced.tariff, tokens if tokens is not None else None), asked)
    return left * MILLION // (price * asked.answers) if price else asked.output or 0


def _conversation(asked: Asked, priced: Priced) -> Bound | Refused:
    output = _output_tokens(asked, priced.size)
    tokens = _input_tokens(asked, priced.size)
    if output is None:
        return Refused(code="unbounded_output")
    if tokens is None:
        return Refused(code="unknown_window")
    calls, passes = None, 1
    if asked.tools:
        calls = DEFAULT_TOOL_CALLS if asked.max_tool_calls is None else asked.max_tool_calls
        passes = calls + 1
    price = _tool_price(asked.tools, priced)
    if price is None:
        return Refused(code="tool_without_price")
    amounts = _amounts(priced.tariff, tokens)
    total = tokens * passes * _input_price(amounts, asked)
    total += (output * asked.answers + asked.predicted) * _output_price(amounts, asked)
    return Bound(micro_dollars=rounded_up(total, MILLION) + (calls or 0) * price, tool_calls=calls)


def _embedding(asked: Asked, priced: Priced) -> Bound:
    return _of_tokens(asked.size, 0, priced)


def _image(asked: Asked, priced: Priced) -> Bound | Refused:
    amounts, size = priced.tariff.short, priced.size
    if amounts.image is not None:
        return Bound(micro_dollars=asked.made * amounts.image)
    if size is None or size.image_output is None:
        return Refused(code="unbounded_output")
    each = size.image_output + PARTIAL_IMAGE_TOKENS * asked.partial_images
    shown = asked.images * (size.image_input or MOST_IMAGE_TOKENS)
    total = (asked.size + shown + HIDDEN_TOKENS) * _input_price(amounts, structs.replace(asked, images=1))
    total += asked.made * each * _highest(amounts.output, amounts.image_output)
    return Bound(micro_dollars=rounded_up(total, MILLION))


def _speech(asked: Asked, priced: Priced) -> Bound | Refused:
    amounts, size = priced.tariff.short, priced.size
    if amounts.characters is not None:
        return Bound(micro_dollars=rounded_up(asked.size * amounts.characters, MILLION))
    if size is None or size.output is None:
        return Refused(code="unbounded_output")
    return _of_tokens(asked.size, size.output, priced)


def _transcription(asked: Asked, priced: Priced) -> Bound | Refused:
    """A model that is paid by the hour may hear anything: the size of a file says nothing of its length."""
    size = priced.size
    if priced.tariff.short.audio_hour is not None:
        return Refused(code="unknown_duration", reason="the length of the sound is not known before it is heard")
    if size is None or size.input is None or size.output is None:
        return Refused(code="unknown_window")
    return _of_tokens(size.input, size.output, priced)


def _video(asked: Asked, priced: Priced) -> Bound | Refused:
    price = priced.tariff.short.video_second
    if price is None:
        return Refused(code="video_without_price")
    seconds = MOST_VIDEO_SECONDS if asked.seconds is None else asked.seconds
    return Bound(micro_dollars=seconds * price)


def _search(asked: Asked, priced: Priced) -> Bound | Refused:
    return _one_call(FILE_SEARCH, priced)


def _session(asked: Asked, priced: Priced) -> Bound | Refused:
    return _one_call(CODE_INTERPRETER, priced)


_RULES: Mapping[Rule, Callable[[Asked, Priced], Bound | Refused]] = {
    Rule.CONVERSATION: _conversation,
    Rule.COMPACTION: _conversation,
    Rule.EMBEDDING: _embedding,
    Rule.IMAGE: _image,
    Rule.SPEECH: _speech,
    Rule.TRANSCRIPTION: _transcription,
    Rule.VIDEO: _video,
    Rule.SEARCH: _search,
    Rule.SESSION: _session,
}
