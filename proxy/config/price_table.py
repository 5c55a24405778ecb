"""The prices of models and tools: one format for the project's own table and for that of a setting.

Amounts are whole micro-dollars, so that sums are exact: for a million tokens or characters, an hour of sound, a second
of video, an image, or a call of a tool. Every line names a source, and every source has a date. A line that is not
`verified` is not good enough for a budget that must hold.

https://azure.microsoft.com/pricing/details/azure-openai/
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import structs

from proxy.config.environment import decode_json

# A table that is older warns: Azure lowers a price or adds a model in every quarter.
LONGEST_AGE = timedelta(days=180)
_DAY = timedelta(days=1)
_LARGEST = 10**12  # micro-dollars, a million dollars: what is above is a mistake of the unit
Amount = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
Tokens = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Sku = Literal["GlobalStandard", "DataZoneStandard", "Standard"]
Tier = Literal["default", "priority", "flex", "batch"]
Context = Literal["any", "short", "long"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the table; a member that nobody knows is refused, because it may be a price with a typing error."""


class Source(_Part, frozen=True, kw_only=True):
    """Where lines are from, as of a date."""

    title: Name
    url: str
    date: date


class _Line(_Part, frozen=True, kw_only=True):
    """A line, with its source; it is in force from the first day to the last, None for without an end."""

    source: Name
    verified: bool = True
    since: date | None = None
    until: date | None = None


class Amounts(_Part, frozen=True, kw_only=True):
    """What is paid for; None where there is no such price.

    For a million tokens, but `characters` for a million of them, `audio_hour` for an hour of sound that is heard,
    `video_second` for a second that is made, and `image` for one that is made.
    """

    input: Amount | None = None
    cached_input: Amount | None = None
    cache_write: Amount | None = None
    output: Amount | None = None
    audio_input: Amount | None = None
    cached_audio_input: Amount | None = None
    audio_output: Amount | None = None
    image_input: Amount | None = None
    cached_image_input: Amount | None = None
    image_output: Amount | None = None
    characters: Amount | None = None
    audio_hour: Amount | None = None
    video_second: Amount | None = None
    image: Amount | None = None


class Price(Amounts, frozen=True, kw_only=True):
    """What a model costs at a kind of deployment, at a service tier, for prompts of a length.

    Without a version it holds for those that have no line of their own.
    """

    source: Name
    verified: bool = True
    since: date | None = None
    until: date | None = None
    model: Name
    sku: Sku
    version: Name | None = None
    tier: Tier = "default"
    context: Context = "any"

    @property
    def amounts(self) -> Amounts:
        """Return the amounts alone."""
        return Amounts(**{name: getattr(self, name) for name in Amounts.__struct_fields__})


class ToolPrice(_Line, frozen=True, kw_only=True):
    """What one call costs of a tool that Azure runs, or one session of its containers."""

    tool: Name
    sku: Sku
    call: Amount


class ModelSize(_Line, frozen=True, kw_only=True):
    """What bounds the tokens of a model; None where its documents do not say.

    `input` and `output` are the most tokens of a call, `long_context` those of a prompt above which the prices for long
    ones count, `image_input` and `image_output` the most tokens of one image.
    """

    model: Name
    input: Tokens | None = None
    output: Tokens | None = None
    long_context: Tokens | None = None
    image_input: Tokens | None = None
    image_output: Tokens | None = None


Line = Price | ToolPrice | ModelSize
AnyLine = TypeVar("AnyLine", Price, ToolPrice, ModelSize)


def in_force(line: Line, day: date) -> bool:
    """Tell whether a line counts on a day."""
    return (line.since is None or line.since <= day) and (line.until is None or day <= line.until)


class PriceTable(_Part, frozen=True, kw_only=True):
    """All lines, and the sources that they name."""

    sources: dict[str, Source] = {}
    prices: list[Price] = []
    tools: list[ToolPrice] = []
    models: list[ModelSize] = []

    def lines(self) -> Iterator[tuple[str, Line]]:
        """Yield every line with what names it in a message."""
        kinds: Mapping[str, Sequence[Line]] = {
            "prices": self.prices,
            "tools": self.tools,
            "models": self.models,
        }
        for kind, lines in kinds.items():
            yield from ((f"{kind}[{number}]", line) for number, line in enumerate(lines))


_DECODE = msgspec.json.Decoder(PriceTable).decode
_OWN_WORDS = ("Expected", "Object missing required field")


def parse_price_table(text: str | bytes) -> PriceTable:
    """Return a table from JSON; raise ValueError, which names the member that is wrong and never a value."""
    try:
        table = msgspec.convert(decode_json(text), PriceTable)
    except msgspec.ValidationError as error:
        raise ValueError(_problem(str(error))) from None
    for problem in problems(table):
        raise ValueError(problem)
    return table


def parse_own_prices(text: str, read_file: Callable[[str], bytes]) -> PriceTable | None:
    """Return the table of a setting, None for an empty one: from JSON, or from the JSON file at a path.

    `read_file` returns a file or raises OSError.
    """
    if not text or text.startswith("{"):
        return parse_price_table(text) if text else None
    try:
        content = read_file(text)
    except (OSError, ValueError):
        raise ValueError("must be a JSON object, or the path of a file with one that can be read") from None
    return parse_price_table(content)


def decode_price_table(content: bytes) -> PriceTable:
    """Return the project's own table, which its tests have checked."""
    return _DECODE(content)


def _problem(message: str) -> str:
    """Return what is wrong where; msgspec quotes the names of unknown members and wrong words, which may be secrets."""
    what, _, place = message.partition(" - at ")
    known = what if what.startswith(_OWN_WORDS) else "a word or a member that is not known"
    return f"is wrong at {place.strip('`') or 'its top'}: {known}"


def problems(table: PriceTable) -> Iterator[str]:
    """Yield what is wrong with a table although it has the format."""
    for name, line in table.lines():
        if line.source not in table.sources:
            yield f"is wrong at {name}: its source is not among the sources"
        if line.since is not None and line.until is not None and line.until < line.since:
            yield f"is wrong at {name}: it ends before it begins"
    for number, price in enumerate(table.prices):
        if price.amounts == Amounts():
            yield f"is wrong at prices[{number}]: it has no amount"
        if any(_both(price, other) for other in table.prices[:number]):
            yield f"is wrong at prices[{number}]: another line has the same model, SKU, tier, context and days"


def _both(one: Price, other: Price) -> bool:
    """Tell whether two lines hold for the same on some day."""
    if _key(one) != _key(other) or one.version != other.version or one.context != other.context:
        return False
    return _meet(one, other)


def _meet(one: Line, other: Line) -> bool:
    """Tell whether two lines are in force on some day together."""
    starts_late = one.since is not None and other.until is not None and one.since > other.until
    ends_early = one.until is not None and other.since is not None and one.until < other.since
    return not (starts_late or ends_early)


def _key(line: Line) -> tuple[str, ...]:
    """Return what a line is for."""
    match line:
        case Price():
            return line.model, line.sku, line.tier
        case ToolPrice():
            return line.tool, line.sku
        case _:
            return (line.model,)


def merged(first: PriceTable | None, table: PriceTable) -> PriceTable:
    """Return a table in which the lines of the first one replace others, on the days on which they are in force.

    A price replaces those of the same model, SKU and tier, a tool that of the same SKU, a model the same one.
    """
    if first is None:
        return table
    return structs.replace(
        first,
        sources={**table.sources, **first.sources},
        prices=[*first.prices, *_beside(first.prices, table.prices)],
        tools=[*first.tools, *_beside(first.tools, table.tools)],
        models=[*first.models, *_beside(first.models, table.models)],
    )


def _beside(first: Sequence[AnyLine], lines: Iterable[AnyLine]) -> Iterator[AnyLine]:
    """Yield lines for the days on which none of the first ones is in force for the same."""
    for line in lines:
        parts = [line]
        for own in (one for one in first if _key(one) == _key(line)):
            parts = [rest for part in parts for rest in _without(part, own)]
        yield from parts


def _without(line: AnyLine, other: AnyLine) -> Iterator[AnyLine]:
    """Yield a line for the days before another one, and for those after it."""
    if not _meet(line, other):
        yield line
        return
    if other.since is not None and date.min < other.since and (line.since is None or line.since < other.since):
        yield structs.replace(line, until=other.since - _DAY)
    if other.until is not None and other.until < date.max and (line.until is None or other.until < line.until):
        yield structs.replace(line, since=other.until + _DAY)


def is_old(table: PriceTable, today: date) -> bool:
    """Tell whether a price of a table is from a source that is too old to be relied on."""
    return age_of(table, today) > LONGEST_AGE


def age_of(table: PriceTable, today: date) -> timedelta:
    """Return the age of the oldest source that a price is from."""
    used = {price.source for price in table.prices} | {tool.source for tool in table.tools}
    return today - min((table.sources[name].date for name in used), default=today)
