"""What a usage costs, in whole micro-dollars.

All products are added up exactly and the sum is rounded once, up to the next micro-dollar: a bill may have many small
calls, and none of them is free.
"""

from collections.abc import Iterable, Iterator

import msgspec

from proxy.config.price_table import Amounts
from proxy.prices.choice import Tariff

MILLION = 1_000_000
MILLISECONDS_PER_HOUR = 3_600_000


class BilledUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What Azure has counted for a call.

    `input` has all tokens of the prompt and `output` all of the answer; the others are parts of them. `characters` are
    of a text that is spoken, `heard_ms` milliseconds of sound that was heard, `video_seconds` and `images` what was
    made without tokens. `calls` are those of each tool that Azure runs.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    audio_input: int = 0
    cached_audio_input: int = 0
    image_input: int = 0
    cached_image_input: int = 0
    output: int = 0
    audio_output: int = 0
    image_output: int = 0
    characters: int = 0
    heard_ms: int = 0
    video_seconds: int = 0
    images: int = 0
    calls: tuple[tuple[str, int], ...] = ()


def cost(usage: BilledUsage, tariff: Tariff, call_prices: Iterable[int] = ()) -> int:
    """Return what a usage costs; `call_prices` are the prices of the tools in the order of `calls`."""
    amounts = tariff.amounts(usage.input)
    per_million = sum(count * _first(prices) for count, prices in _tokens(usage, amounts))
    per_million += usage.characters * _first((amounts.characters,))
    per_hour = usage.heard_ms * _first((amounts.audio_hour,))
    whole = usage.video_seconds * _first((amounts.video_second,)) + usage.images * _first((amounts.image,))
    whole += sum(count * price for (_, count), price in zip(usage.calls, call_prices, strict=True))
    numerator = per_million * MILLISECONDS_PER_HOUR + per_hour * MILLION
    return whole + rounded_up(numerator, MILLION * MILLISECONDS_PER_HOUR)


def rounded_up(numerator: int, denominator: int) -> int:
    """Return a fraction as the next whole number."""
    return -(-numerator // denominator)


def format_usd(micro_dollars: int) -> str:
    """Return an amount as dollars with all six decimals, for `x-proxy-cost-usd`."""
    return f"{micro_dollars // MILLION}.{micro_dollars % MILLION:06d}"


def _tokens(usage: BilledUsage, amounts: Amounts) -> Iterator[tuple[int, tuple[int | None, ...]]]:
    """Yield the tokens of each kind, and the price of the kind before those that stand in for it."""
    text = (amounts.input, amounts.audio_input, amounts.image_input)
    audio, image = (amounts.audio_input, *text), (amounts.image_input, *text)
    written = (amounts.output, amounts.audio_output, amounts.image_output)
    yield usage.cached_audio_input, (amounts.cached_audio_input, *audio)
    yield usage.cached_image_input, (amounts.cached_image_input, *image)
    yield max(0, usage.audio_input - usage.cached_audio_input), audio
    yield max(0, usage.image_input - usage.cached_image_input), image
    yield usage.cached_input, (amounts.cached_input, *text)
    yield usage.cache_write, (amounts.cache_write, *text)
    yield _text_input(usage), text
    yield usage.audio_output, (amounts.audio_output, *written)
    yield usage.image_output, (amounts.image_output, *written)
    yield max(0, usage.output - usage.audio_output - usage.image_output), written


def _text_input(usage: BilledUsage) -> int:
    """Return the tokens of text that come neither from the cache nor go into it."""
    others = max(usage.audio_input, usage.cached_audio_input) + max(usage.image_input, usage.cached_image_input)
    return max(0, usage.input - others - usage.cached_input - usage.cache_write)


def _first(prices: Iterable[int | None]) -> int:
    return next((price for price in prices if price is not None), 0)
