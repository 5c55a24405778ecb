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
from proxy.prices.choice import DEFAULT, FLEX, PRIORITY, Tariff, call_price, dearest
from proxy.prices.cost import MILLION, rounded_up
from proxy.prices.rules import CAUSES, Rule, bounding

# What a model gets besides the body: the frame of its messages, and words of Azure's about tools and formats.
HIDDEN_TOKENS = 1024
# What Azure is told where a client sets no limit to the calls of tools.
DEFAULT_TOOL_CALLS = 8
# Pictures that are shown before an image is finished take 100 tokens each.
# https://platform.openai.com/docs/guides/image-generation
PARTIAL_IMAGE_TOKENS = 100
# The longest that a model makes; longer ones are refused.
MOST_VIDEO_SECONDS = 25


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call has no bound; `cause` is a code for errors and logs, `reason` says it in words."""

    cause: str
    reason: str = ""

    @property
    def words(self) -> str:
        """Return why, for who reads the error."""
        return self.reason or CAUSES[self.cause]


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a call may cost in micro-dollars, provided that Azure calls tools `tool_calls` times at most."""

    micro_dollars: int
    tool_calls: int | None = None


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What the model of a call costs, how large it is, and the prices of tools on a day.

    A `hard` budget takes no price that is not verified. Where no model is called, the tariff is free.
    """

    tariff: Tariff
    size: ModelSize | None
    table: PriceTable
    day: date
    hard: bool = True


_FREE = Bound(micro_dollars=0)
# Flex may become default, and priority too, which costs less.
_TIERS: Mapping[str, tuple[str, ...]] = {
    DEFAULT: (DEFAULT,),
    FLEX: (FLEX, DEFAULT),
    PRIORITY: (PRIORITY,),
}


def tiers_of(tier: str | None) -> tuple[str, ...]:
    """Return the service tiers that may serve a call, the one that must have a price first.

    Where the client leaves the choice to the deployment, that may be priority.
    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/priority-processing
    """
    return _TIERS.get(tier or "", (DEFAULT, PRIORITY))


def calls_model(operation: str) -> bool:
    """Tell whether the bound of an operation depends on its model, so that a deployment must be known."""
    return bounding(operation).rule in _OF_MODELS


def bound(operation: str, asked: Asked, priced: Priced) -> Bound | Refused:
    """Return the most that a call may cost."""
    found = bounding(operation)
    if found.rule is Rule.REFUSED:
        return Refused(cause="unbounded_operation", reason=found.reason)
    if found.rule is Rule.FREE:
        return _FREE
    if asked.refusal:
        return Refused(cause=asked.refusal)
    return _RULES[found.rule](asked, priced)


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


def affordable_output(asked: Asked, priced: Priced, micro_dollars: int) -> int:
    """Return the most tokens for each answer of a conversation with which its bound is no more than an amount."""
    without = _conversation(structs.replace(asked, output=0), priced)
    left = -1 if isinstance(without, Refused) else micro_dollars - without.micro_dollars
    amounts = _amounts(priced.tariff, _input_tokens(asked, priced.size) or 0)
    price = _output_price(amounts, asked) * asked.answers
    if left < 0 or price == 0:
        return 0 if left < 0 else _output_tokens(asked, priced.size) or 0
    affordable, most = left * MILLION // price, _output_tokens(asked, priced.size)
    return affordable if most is None else min(affordable, most)


def _conversation(asked: Asked, priced: Priced) -> Bound | Refused:
    output, tokens = _output_tokens(asked, priced.size), _input_tokens(asked, priced.size)
    price = _tool_price(asked.tools, priced)
    if output is None:
        return Refused(cause="unbounded_output")
    if tokens is None:
        return Refused(cause="unknown_window")
    if price is None:
        return Refused(cause="tool_without_price")
    amounts = _amounts(priced.tariff, tokens)
    total = tokens * _input_price(amounts, asked)
    # Without a limit to the whole answer, each pass of the model may be as long as it can.
    answers = asked.answers if asked.output is not None else asked.answers * _passes(asked)
    total += (output * answers + asked.predicted) * _output_price(amounts, asked)
    # A container may be there before its first call.
    tools = _passes(asked) * price if asked.tools else 0
    return Bound(micro_dollars=rounded_up(total, MILLION) + tools, tool_calls=_tool_calls(asked))


def _embedding(asked: Asked, priced: Priced) -> Bound:
    return _of_tokens(asked.size, 0, priced)


def _image(asked: Asked, priced: Priced) -> Bound | Refused:
    amounts, size = priced.tariff.short, priced.size
    if amounts.image is not None:
        return Bound(micro_dollars=asked.made * amounts.image)
    if size is None or size.image_output is None:
        return Refused(cause="unbounded_output")
    if asked.images and size.image_input is None:
        return Refused(cause="unknown_image_size")
    each = size.image_output + PARTIAL_IMAGE_TOKENS * asked.partial_images
    shown = asked.images * (size.image_input or 0)
    tokens = asked.size + shown + HIDDEN_TOKENS
    amounts = _amounts(priced.tariff, tokens)
    total = tokens * _input_price(amounts, structs.replace(asked, images=1))
    total += asked.made * each * _highest(amounts.output, amounts.image_output)
    return Bound(micro_dollars=rounded_up(total, MILLION))


def _speech(asked: Asked, priced: Priced) -> Bound | Refused:
    amounts, size = priced.tariff.short, priced.size
    if amounts.characters is not None:
        return Bound(micro_dollars=rounded_up(asked.size * amounts.characters, MILLION))
    if size is None or size.output is None:
        return Refused(cause="unbounded_output")
    return _of_tokens(asked.size, size.output, priced)


def _transcription(_: Asked, priced: Priced) -> Bound | Refused:
    """Return a bound by the model's window; the size of a file says nothing of its length."""
    size = priced.size
    if priced.tariff.short.audio_hour is not None:
        return Refused(cause="unknown_duration")
    if size is None or size.input is None or size.output is None:
        return Refused(cause="unknown_window")
    return _of_tokens(size.input, size.output, priced)


def _video(asked: Asked, priced: Priced) -> Bound | Refused:
    price = priced.tariff.short.video_second
    if price is None:
        return Refused(cause="video_without_price")
    return Bound(micro_dollars=(asked.seconds or MOST_VIDEO_SECONDS) * price)


def _search(_: Asked, priced: Priced) -> Bound | Refused:
    return _one_call(FILE_SEARCH, priced)


def _session(_: Asked, priced: Priced) -> Bound | Refused:
    return _one_call(CODE_INTERPRETER, priced)


def _one_call(tool: str, priced: Priced) -> Bound | Refused:
    price = _tool_price((tool,), priced)
    return Refused(cause="tool_without_price") if price is None else Bound(micro_dollars=price)


def _of_tokens(given: int, made: int, priced: Priced) -> Bound:
    """Return what so many tokens of any kind may cost."""
    amounts = _amounts(priced.tariff, given + HIDDEN_TOKENS)
    total = (given + HIDDEN_TOKENS) * _highest(amounts.input, amounts.audio_input)
    total += made * _highest(amounts.output, amounts.audio_output)
    return Bound(micro_dollars=rounded_up(total, MILLION))


def _tool_calls(asked: Asked) -> int | None:
    """Return how often Azure may call tools, None where it has none."""
    if not asked.tools:
        return None
    return DEFAULT_TOOL_CALLS if asked.max_tool_calls is None else asked.max_tool_calls


def _passes(asked: Asked) -> int:
    """Return how often the model reads its input: once, and after each call of a tool that Azure runs."""
    return (_tool_calls(asked) or 0) + 1


def _input_tokens(asked: Asked, size: ModelSize | None) -> int | None:
    """Return the most tokens of the input of all passes, None where a window counts that is not known."""
    window = None if size is None else size.input
    image = None if size is None else size.image_input
    if asked.opaque or asked.tools or (asked.images and image is None):
        return None if window is None else window * _passes(asked)
    tokens = asked.size + asked.images * (image or 0) + HIDDEN_TOKENS
    return tokens if window is None else min(tokens, window * asked.prompts)


def _output_tokens(asked: Asked, size: ModelSize | None) -> int | None:
    """Return the most tokens of one answer, None where nothing says so."""
    given = [limit for limit in (asked.output, None if size is None else size.output) if limit is not None]
    return min(given, default=None)


def _amounts(tariff: Tariff, tokens: int) -> Amounts:
    """Return the amounts for a prompt of so many tokens at most."""
    return (
        tariff.short if tariff.long is None or tokens <= tariff.long_context else dearest((tariff.short, tariff.long))
    )


def _input_price(amounts: Amounts, asked: Asked) -> int:
    """Return the dearest price that a token of the input may have: what is cached the first time costs more."""
    images = (amounts.image_input, amounts.cached_image_input) if asked.images or asked.opaque else ()
    sounds = (amounts.audio_input, amounts.cached_audio_input) if asked.audio or asked.opaque else ()
    return _highest(amounts.input, amounts.cached_input, amounts.cache_write, *images, *sounds)


def _output_price(amounts: Amounts, asked: Asked) -> int:
    return _highest(amounts.output, amounts.image_output, *((amounts.audio_output,) if asked.audio else ()))


def _highest(*amounts: int | None) -> int:
    return max((amount for amount in amounts if amount is not None), default=0)


def _tool_price(tools: Iterable[str], priced: Priced) -> int | None:
    """Return what a call of the dearest tool costs, None where one has no price that is good enough."""
    found = [call_price(priced.table, tool, priced.tariff.sku, priced.day) for tool in tools if tool]
    if any(price is None or (priced.hard and not price[1]) for price in found):
        return None
    return max((price[0] for price in found if price is not None), default=0)


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
_OF_MODELS = _RULES.keys() - {Rule.SEARCH, Rule.SESSION}
