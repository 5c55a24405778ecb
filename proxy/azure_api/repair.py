"""Azure's refusal of a parameter into a repaired request.

A model refuses parameters that another takes: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning
What only tunes an answer is left out, and the limit of a chat completion goes by its other name. Nothing else is
touched: without its `tools` or its `stop` a request means something else.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from proxy.azure_api.errors import parse_texts
from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.values import Repair

HEADER = "x-proxy-repaired"

# What may be repaired: by another name, or by leaving it out (None).
_CURES: Mapping[str, str | None] = {
    "temperature": None,
    "top_p": None,
    "presence_penalty": None,
    "frequency_penalty": None,
    "verbosity": None,
    "text.verbosity": None,
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
# All that begins so are hints for the cache of prompts; a refusal may name what is inside one.
_CACHE_HINT = re.compile(r"(prompt_cache_[a-z_]{1,32})(?:\.|\Z)")
# The limit has two names in chat completions alone; in a response the other one would be refused as well.
_OF_CHAT = "messages"

# Whether the refusal is of a value, and not of the parameter: by its code.
_CODES: Mapping[str, bool] = {
    "unsupported_parameter": False,
    "unknown_parameter": False,
    "unrecognized_request_argument": False,
    "unsupported_value": True,
}
# Codes that say no more than that the request is wrong: then the wording decides. All three are in use, with
# "temperature" https://github.com/BerriAI/litellm/issues/13407, "max_completion_tokens"
# https://github.com/openai/openai-python/issues/1724 and "prompt_cache_retention"
# https://github.com/openai/codex/issues/39397
_VAGUE_CODES = frozenset({"", "400", "badrequest", "invalid_request_error", "invalid_parameter"})
# Whether the refusal is of a value: by its wording, which names the parameter too. Not every wording does:
# https://github.com/openai/codex/issues/9035 has the value in that place, and the parameter as `param`.
_WORDINGS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(r"(?:Unsupported|Unknown) parameter: '?([\w.]+)", re.ASCII), False),
    (re.compile(r"Unrecognized request arguments?(?:\(s\))? supplied: ([\w.]+(?:, ?[\w.]+)*)", re.ASCII), False),
    (re.compile(r"'?([\w.]+)'? is not supported (?:on|with) this model", re.ASCII), False),
    (re.compile(r"Unsupported value: '([\w.]+)' does not support", re.ASCII), True),
)
# Then every other value is refused as well, and to leave the parameter out is to ask for the default.
_ONLY_THE_DEFAULT = "Only the default"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What Azure refuses: parameters or, with `of_value`, their values; `any_value` is each but the default."""

    names: tuple[str, ...]
    of_value: bool
    any_value: bool


def find_repairs(status: int, body: bytes, document: JsonBody, made: Iterable[Repair] = ()) -> tuple[Repair, ...]:
    """Return what would make Azure take a request that it refused, nothing where that cannot be.

    `made` are the repairs that earlier refusals of this request led to: no name that was refused comes back.
    """
    refusal = _parse(body) if status == 400 else None
    if refusal is None:
        return ()
    refused = {*refusal.names, *(repair.parameter for repair in made)}
    found = [_repair(name, refusal, document) for name in refusal.names]
    repairs = tuple(repair for repair in found if repair is not None and repair.renamed_to not in refused)
    # Where one parameter has to stay, it is refused again, whatever becomes of the others.
    return repairs if len(repairs) == len(found) else ()


def apply(document: JsonBody, repairs: Iterable[Repair]) -> tuple[JsonBody, tuple[Repair, ...]]:
    """Return the request after the repairs that concern it, and these as they were made."""
    made = []
    for repair in repairs:
        if _concerns(repair, document):
            document, done = _make(repair, document)
            made.append(done)
    return document, tuple(made)


def encode_repairs(repairs: Iterable[Repair]) -> str:
    """Return the names of what was changed, as `temperature, max_tokens=max_completion_tokens`."""
    return ", ".join("=".join(filter(None, (repair.parameter, repair.renamed_to))) for repair in repairs)


def _parse(body: bytes) -> _Refusal | None:
    message, code, param = parse_texts(body)
    code = code.lower()
    named, of_value = _read(message)
    if code not in _CODES and not (named and code in _VAGUE_CODES):
        return None
    return _Refusal(
        names=tuple(dict.fromkeys(_whole(name) for name in ([param] if param else named))),
        of_value=_CODES.get(code, of_value),
        any_value=_ONLY_THE_DEFAULT in message,
    )


def _read(message: str) -> tuple[list[str], bool]:
    """Return the parameters that a message names, and whether it refuses only a value."""
    for wording, of_value in _WORDINGS:
        if match := wording.match(message):
            return [name.strip(" .") for name in match[1].split(",")], of_value
    return [], False


def _whole(name: str) -> str:
    hint = _CACHE_HINT.match(name)
    return hint[1] if hint else name


def _repair(name: str, refusal: _Refusal, document: JsonBody) -> Repair | None:
    if name not in _CURES and not _CACHE_HINT.match(name):
        return None
    renamed_to = _CURES.get(name)
    if renamed_to is not None and refusal.of_value:
        return None
    value = _value(document, name) if refusal.of_value and not refusal.any_value else None
    repair = Repair(parameter=name, renamed_to=renamed_to, value=value)
    return repair if _concerns(repair, document) else None


def _concerns(repair: Repair, document: JsonBody) -> bool:
    value = _value(document, repair.parameter)
    if value is None or (repair.renamed_to is not None and _OF_CHAT not in document.spans):
        return False
    return repair.value is None or repair.value == value


def _value(document: JsonBody, parameter: str) -> bytes | None:
    """Return the JSON of a parameter, of a member of a member too (`text.verbosity`); None where there is none."""
    outer, _, inner = parameter.partition(".")
    if outer not in document.spans:
        return None
    raw = _raw(document, outer)
    if not inner:
        return raw
    try:
        return _value(parse_json_body(raw), inner)
    except InvalidRequest:
        return None


def _raw(document: JsonBody, name: str) -> bytes:
    start, end = document.spans[name]
    return document.raw[start:end]


def _make(repair: Repair, document: JsonBody) -> tuple[JsonBody, Repair]:
    name = repair.renamed_to
    if name is None:
        return _drop(repair.parameter, document), repair
    if document.member(name) is not None:
        return document.dropped(repair.parameter), replace(repair, renamed_to=None)
    # A null under the other name makes way.
    return document.dropped(name).renamed(repair.parameter, name), repair


def _drop(parameter: str, document: JsonBody) -> JsonBody:
    outer, _, inner = parameter.partition(".")
    left = parse_json_body(_raw(document, outer)).dropped(inner) if inner else None
    return document.replaced(outer, left.raw) if left is not None and left.spans else document.dropped(outer)
