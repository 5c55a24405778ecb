"""What a meter of Azure's price list bills: which tokens of which model, at which kind of deployment.

Azure writes that into a short name, and writes it differently for every generation of models: `gpt 4.1 cached Inp glbl
Tokens`, `5.4 mini cd Inp Dz 1M Tokens`, `6-sol LongCo Cd Wr Std Gl 1M Tokens`. A name is taken apart into words; those
that are left after the words for the kind of tokens are the model.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GLOBAL, DATA_ZONE, REGIONAL = "GlobalStandard", "DataZoneStandard", "Standard"
_SKUS: Mapping[str, str] = {
    **dict.fromkeys(("glbl", "gl", "global"), GLOBAL),
    **dict.fromkeys(("dz", "dzn", "dzone", "datazone"), DATA_ZONE),
    **dict.fromkeys(("regnl", "rgnl", "regional", "regn", "rg"), REGIONAL),
}
_TIERS: Mapping[str, str] = {
    "std": "default",
    "pp": "priority",
    "flex": "flex",
    "fl": "flex",
    "batch": "batch",
}
_CONTEXTS: Mapping[str, str] = {"longco": "long", "loco": "long", "shortco": "short", "shco": "short"}
_INPUT = frozenset({"inp", "inpt", "input", "in"})
_OUTPUT = frozenset({"opt", "outp", "outpt", "out", "output"})
_CACHED = frozenset({"cchd", "ccchd", "cd", "cached"})
_WRITTEN = frozenset({"wr"})
_MEDIA: Mapping[str, str] = {
    **dict.fromkeys(("aud", "audio"), "audio_"),
    **dict.fromkeys(("img", "image"), "image_"),
    **dict.fromkeys(("txt", "text"), ""),
}
# A medium among the first words is part of the model's name: `gpt aud 0828 txt Inp` bills the text of an audio model.
_NAME_WORDS = 3
_EMBEDDING = "embedding"
_IGNORED = frozenset({"tokens", "token", "1m"})
# Names that Azure ran together.
_JOINED = (
    (re.compile(r"data zone"), "dz"),
    (re.compile(r"batchoutp"), "batch outp"),
    (re.compile(r"mini0718"), "mini 0718"),
    (re.compile(r"turbo16k"), "turbo 16k"),
)
_SEPARATORS = re.compile(r"[\s_/-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a meter bills; `words` are the model as the meter spells it, `amount` is a member of a price."""

    words: str
    sku: str
    tier: str
    context: str
    amount: str


def parse_meter(name: str) -> Meter | None:
    """Return what a meter bills, None where its name does not say that it bills tokens at a kind of deployment."""
    words = _words(name)
    sku, amount = _one(_SKUS, words), _amount(words)
    if sku is None or amount is None:
        return None
    return Meter(
        words=" ".join(_model(words)),
        sku=sku,
        tier=_one(_TIERS, words) or "default",
        context=_one(_CONTEXTS, words) or "any",
        amount=amount,
    )


def _words(name: str) -> list[str]:
    text = _SEPARATORS.sub(" ", name.lower()).strip()
    for pattern, spelt in _JOINED:
        text = pattern.sub(spelt, text)
    return text.split()


def _one(table: Mapping[str, str], words: Iterable[str]) -> str | None:
    found = {table[word] for word in words if word in table}
    return found.pop() if len(found) == 1 else None


def _amount(words: list[str]) -> str | None:
    """Return the member of a price that a meter gives, such as `cached_audio_input`."""
    given = frozenset(words)
    medium = next((_MEDIA[word] for word in reversed(words) if word in _MEDIA), "")
    if given & _CACHED and given & _WRITTEN:
        return "cache_write"
    if given & _OUTPUT and not given & _INPUT:
        return f"{medium}output"
    if given & _INPUT and not given & _OUTPUT:
        return f"cached_{medium}input" if given & _CACHED else f"{medium}input"
    return "input" if _EMBEDDING in given else None


def _model(words: list[str]) -> list[str]:
    """Return the words for the model: those that say nothing else, and the first medium if it is in the name."""
    name = next((index for index, word in enumerate(words[:_NAME_WORDS]) if word in _MEDIA), None)
    return [word for index, word in enumerate(words) if index == name or not _is_known(word)]


def _is_known(word: str) -> bool:
    tables: tuple[Mapping[str, str], ...] = (_SKUS, _TIERS, _CONTEXTS, _MEDIA)
    sets = (_INPUT, _OUTPUT, _CACHED, _WRITTEN, _IGNORED)
    return any(word in table for table in tables) or any(word in known for known in sets)
