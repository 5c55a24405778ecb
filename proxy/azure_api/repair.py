"""Requests repaired after Azure has refused a parameter.

Models accept different parameters: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning
A refused parameter that only tunes the answer is left out, and the limit of a chat completion gets its other name. No
other parameter is changed: without its `tools` or its `stop` a request would mean something else.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from proxy.azure_api.errors import parse_texts
from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.values import Repair

# What may be repaired, with the other name or None to leave it out.
_REPAIRABLE: Mapping[str, str | None] = {
    "temperature": None,
    "top_p": None,
    "presence_penalty": None,
    "frequency_penalty": None,
    "verbosity": None,
    "text.verbosity": None,
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
# Hints for the prompt cache; a refusal may name a member of one.
_CACHE_HINT = re.compile(r"(prompt_cache_[a-z_]{1,32})(?:\.|\Z)")
# Only chat completions, which have this member, know two names of the limit.
_CHAT_MEMBER = "messages"

# Codes of refusals, and whether they are about the value rather than the parameter.
_CODES: Mapping[str, bool] = {
    "unsupported_parameter": False,
    "unknown_parameter": False,
    "unrecognized_request_argument": False,
    "unsupported_value": True,
}
# Codes that only say that the request is wrong, so that the message decides. Examples are, for "temperature",
# https://github.com/BerriAI/litellm/issues/13407, "max_completion_tokens"
# https://github.com/openai/openai-python/issues/1724 and "prompt_cache_retention"
# https://github.com/openai/codex/issues/39397
_VAGUE_CODES = frozenset({"", "400", "badrequest", "invalid_request_error", "invalid_parameter"})
# Messages of refusals, which name the parameter, and whether they are about the value. Some name the value instead, and
# have the parameter in `param`: https://github.com/openai/codex/issues/9035
_WORDINGS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(r"(?:Unsupported|Unknown) parameter: '?([\w.]+)", re.ASCII), False),
    (re.compile(r"Unrecognized request arguments?(?:\(s\))? supplied: ([\w.]+(?:, ?[\w.]+)*)", re.ASCII), False),
    (re.compile(r"'?([\w.]+)'? is not supported (?:on|with) this model", re.ASCII), False),
    (re.compile(r"Unsupported value: '([\w.]+)' does not support", re.ASCII), True),
)
# Then every other value is refused as well; without the parameter the default is used.
_ONLY_THE_DEFAULT = "Only the default"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What Azure refuses: parameters or, with `of_value`, their values; `any_value` means all but the default."""

    names: tuple[str, ...]
    of_value: bool
    any_value: bool


def find_repairs(status: int, body: bytes, document: JsonBody, made: Iterable[Repair] = ()) -> tuple[Repair, ...]:
    """Return the repairs after which Azure may accept a request that it refused, none if there are none.

    `made` are the repairs after earlier refusals of this request, so that no refused name is used again.
    """
    refusal = _parse(body) if status == 400 else None
    if refusal is None:
        return ()
    refused = {*refusal.names, *(repair.parameter for repair in made)}
    found = [_repair(name, refusal, document) for name in refusal.names]
    repairs = tuple(repair for repair in found if repair is not None and repair.renamed_to not in refused)
    # A parameter that must stay would be refused again, whatever is done with the others.
    return repairs if len(repairs) == len(found) else ()


def apply(document: JsonBody, repairs: Iterable[Repair]) -> tuple[JsonBody, tuple[Repair, ...]]:
    """Return the repaired request, and the repairs that were made."""
    made = []
    for repair in repairs:
        if _concerns(repair, document):
            document, done = _make(repair, document)
            made.append(done)
    return document, tuple(made)


def encode_repairs(repairs: Iterable[Repair]) -> str:
    """Return the names of the repaired parameters, as `temperature, max_tokens=max_completion_tokens`."""
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
    """Return the parameters that a message names, and whether it is about a value."""
    for wording, of_value in _WORDINGS:
        if match := wording.match(message):
            return [name.strip(" .") for name in match[1].split(",")], of_value
    return [], False


def _whole(name: str) -> str:
    hint = _CACHE_HINT.match(name)
    return hint[1] if hint else name


def _repair(name: str, refusal: _Refusal, document: JsonBody) -> Repair | None:
    if name not in _REPAIRABLE and not _CACHE_HINT.match(name):
        return None
    renamed_to = _REPAIRABLE.get(name)
    if renamed_to is not None and refusal.of_value:
        return None
    value = _value(document, name) if refusal.of_value and not refusal.any_value else None
    repair = Repair(parameter=name, renamed_to=renamed_to, value=value)
    return repair if _concerns(repair, document) else None


def _concerns(repair: Repair, document: JsonBody) -> bool:
    value = _value(document, repair.parameter)
    if value is None or (repair.renamed_to is not None and _CHAT_MEMBER not in document.spans):
        return False
    return repair.value is None or repair.value == value


def _value(document: JsonBody, parameter: str) -> bytes | None:
    """Return the JSON of a parameter, which may be nested (`text.verbosity`); None if it is missing."""
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
    # A null with the other name is replaced.
    return document.dropped(name).renamed(repair.parameter, name), repair


def _drop(parameter: str, document: JsonBody) -> JsonBody:
    outer, _, inner = parameter.partition(".")
    left = parse_json_body(_raw(document, outer)).dropped(inner) if inner else None
    return document.replaced(outer, left.raw) if left is not None and left.spans else document.dropped(outer)
