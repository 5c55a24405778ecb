"""Requests repaired after Azure has refused a parameter.

Models accept different parameters: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning
A refused parameter that only tunes the answer is left out, and the limit of a chat completion gets its other name.
Where only a value is refused and the error names those that are allowed, the nearest one is sent. No other parameter
is changed: without its `tools` or its `stop` a request would mean something else.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from proxy.azure_api.errors import parse_texts
from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.json_members import UNREADABLE, rewrite
from proxy.values import Repair

# Only chat completions, which have this member, know two names of the limit.
_CHAT_MEMBER = "messages"
# What may be repaired, with the other name or None to leave it out.
_REPAIRABLE: Mapping[str, str | None] = {
    "temperature": None,
    "top_p": None,
    "presence_penalty": None,
    "frequency_penalty": None,
    "parallel_tool_calls": None,
    "reasoning_effort": None,
    "reasoning.effort": None,
    "reasoning.summary": None,
    "reasoning.generate_summary": None,
    "include": None,
    "verbosity": None,
    "text.verbosity": None,
    "stream_options": None,
    "stream_options.include_usage": None,
    "stream_options.include_obfuscation": None,
    "safety_identifier": None,
    "user": None,
    "service_tier": None,
    "metadata": None,
    "store": None,
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
# Hints for the prompt cache; a refusal may name a member of one.
_CACHE_HINT = re.compile(r"(prompt_cache_[a-z_]{1,32})(?:\.|\Z)")
# Members that clients add to the items of an input, and that say nothing to the model.
_ITEMS = "input"
_OF_ITEM = re.compile(r"input\[\d*\]\.(internal_chat_message_metadata_passthrough|metadata)(?:\.|\Z)", re.ASCII)


# What an answer is asked to include, and some models have not: https://github.com/pydantic/pydantic-ai/issues/2915
_INCLUDE, _SEALED = "include", "reasoning.encrypted_content"
# Also about `include`, but not about sealed reasoning: https://github.com/vllm-project/vllm/pull/23319
_NO_LOGPROBS = "logprobs are not supported"


def _has_sealed(value: bytes, _document: JsonBody) -> bool:
    return _without_sealed(value) is not None


def _is_empty(value: bytes, _document: JsonBody) -> bool:
    return not value.strip(b"{} \t\r\n")


def _is_off_in_chat(value: bytes, document: JsonBody) -> bool:
    """Tell whether chat is asked not to store, as it does by itself; a response is stored unless it says so."""
    return value == b"false" and _CHAT_MEMBER in document.spans


# What may be left out only with some values.
_ONLY_IF: Mapping[str, Callable[[bytes, JsonBody], bool]] = {
    "metadata": _is_empty,
    "store": _is_off_in_chat,
    _INCLUDE: _has_sealed,
}
# What a refused value may become where Azure does not name the allowed ones: without it the default is used.
_NUMBERS = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
# The words of a parameter in their order, to find the nearest one.
_SCALES: Mapping[str, Sequence[str]] = {
    "effort": ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": ("low", "medium", "high"),
    "service_tier": ("flex", "default", "auto", "scale", "priority"),
    "prompt_cache_retention": ("in_memory", "in-memory", "24h"),
}

# Codes of refusals, and whether they are about the value rather than the parameter.
_CODES: Mapping[str, bool] = {
    "unsupported_parameter": False,
    "unknown_parameter": False,
    "unrecognized_request_argument": False,
    "extra_forbidden": False,
    "unsupported_value": True,
}
# Codes that only say that the request is wrong, so that the message decides. Examples are, for "temperature",
# https://github.com/BerriAI/litellm/issues/13407, "max_completion_tokens"
# https://github.com/openai/openai-python/issues/1724 and "prompt_cache_retention"
# https://github.com/openai/codex/issues/39397
_VAGUE_CODES = frozenset({"", "400", "badrequest", "invalid_request_error", "invalid_parameter"})
# About the value, if the message names those that are allowed.
_INVALID_VALUE = "invalid_value"
# Messages of refusals, which name the parameter, and whether they are about the value. Some name the value instead, and
# have the parameter in `param`: https://github.com/openai/codex/issues/9035
_WORDINGS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(r"(?:Unsupported|Unknown) parameter: '?([\w.\[\]]+)", re.ASCII), False),
    (re.compile(r"Unrecognized request arguments?(?:\(s\))? supplied: ([\w.]+(?:, ?[\w.]+)*)", re.ASCII), False),
    (re.compile(r"'?([\w.\[\]]+)'? is not supported (?:on|with) this model", re.ASCII), False),
    (re.compile(r"(Encrypted content) is not supported"), False),
    (re.compile(r"Unsupported value: '([\w.]+)' does not support", re.ASCII), True),
    (re.compile(r"(?:The )?[Mm]odel \S{1,80} does not support (?:the )?parameter '?(\w+)", re.ASCII), False),
    (re.compile(r"Argument not supported (?:on|for) this model: '?(\w+)", re.ASCII), False),
    (
        re.compile(
            r"(?:Invalid value for '[\w.]+': )?(?:The )?'([\w.]+)' (?:parameter )?is only allowed when", re.ASCII
        ),
        False,
    ),
)
# A name as a maker in another language writes it: presencePenalty.
_CAMEL = re.compile(r"(?<=[a-z])[A-Z]")
# What servers in Python say of each parameter, whatever the code: "top_p: Extra inputs are not permitted".
_EXTRA = re.compile(r"([\w.\[\]]+): Extra inputs are not permitted", re.ASCII)
# The same as a text of Python, which vLLM sends: {'loc': ('body', 'user'), 'msg': 'Extra inputs are not permitted'}
_EXTRA_OF_PYTHON = re.compile(
    r"'loc': \('body', ((?:'\w{1,64}'(?:, )?){1,4}),?\), 'msg': 'Extra inputs are not permitted'", re.ASCII
)
# Then every other value is refused as well; without the parameter the default is used.
_ONLY_THE_DEFAULT = "Only the default"
_ALLOWED = re.compile(
    r"(?:supported values are|allowed values are|must be one of|expected one of|one of)[: ]+([^\n;]{1,400})",
    re.IGNORECASE,
)
_WORD = re.compile(r"['\"`]([\w.-]{1,64})['\"`]|(?<![\w.'\"`-])(\d+(?:\.\d+)?)(?![\w'\"`-])", re.ASCII)
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What Azure refuses: parameters or, with `of_value`, their values.

    `any_value` means all values but the default, `allowed` are those that Azure names.
    """

    names: tuple[str, ...]
    of_value: bool
    any_value: bool
    allowed: tuple[str, ...] = ()


def find_repairs(status: int, body: bytes, document: JsonBody, made: Iterable[Repair] = ()) -> tuple[Repair, ...]:
    """Return the repairs after which Azure may accept a request that it refused, none if there are none.

    `made` are the repairs after earlier refusals of this request, so that no refused name is used again.
    """
    refusal = _parse(body, status)
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


def _parse(body: bytes, status: int) -> _Refusal | None:
    message, code, param = parse_texts(body)
    if extra := _extra(message) if status in (_BAD_REQUEST, _UNPROCESSABLE) else []:
        return _Refusal(names=_whole(extra), of_value=False, any_value=False)
    if status != _BAD_REQUEST:
        return None
    if param == _INCLUDE and message.startswith(_NO_LOGPROBS):
        return None
    code, allowed = code.lower(), _allowed(message)
    named, of_value = _read(message)
    by_value = bool(allowed) and (code == _INVALID_VALUE or (code in _VAGUE_CODES and bool(param)))
    if code not in _CODES and not by_value and not (named and code in _VAGUE_CODES):
        return None
    return _Refusal(
        names=_whole([param] if param else named),
        of_value=by_value or _CODES.get(code, of_value),
        any_value=_ONLY_THE_DEFAULT in message,
        allowed=allowed,
    )


def _extra(message: str) -> list[str]:
    """Return the parameters that a server in Python does not know."""
    places = _EXTRA_OF_PYTHON.findall(message)
    return _EXTRA.findall(message) or [".".join(re.findall(r"\w+", place)) for place in places]


def _read(message: str) -> tuple[list[str], bool]:
    """Return the parameters that a message names, and whether it is about a value."""
    for wording, of_value in _WORDINGS:
        if match := wording.match(message):
            return [name.strip(" .") for name in match[1].split(",")], of_value
    return [], False


def _allowed(message: str) -> tuple[str, ...]:
    """Return the values that a message names as allowed."""
    found = _ALLOWED.search(message)
    return tuple(word or number for word, number in _WORD.findall(found[1])) if found else ()


def _whole(names: Iterable[str]) -> tuple[str, ...]:
    """Return the parameters that are repaired for those that are named."""
    return tuple(dict.fromkeys(map(_whole_name, names)))


def _whole_name(name: str) -> str:
    if name == "Encrypted content":
        return _INCLUDE
    if hint := _CACHE_HINT.match(name):
        return hint[1]
    item = _OF_ITEM.match(name)
    return f"{_ITEMS}[].{item[1]}" if item else _CAMEL.sub(lambda letter: f"_{letter[0].lower()}", name)


def _repair(name: str, refusal: _Refusal, document: JsonBody) -> Repair | None:
    if name not in _REPAIRABLE and not _CACHE_HINT.match(name) and not _OF_ITEM.match(name):
        return None
    if refusal.of_value and not refusal.any_value:
        repair = _repair_value(name, refusal.allowed, document)
    elif refusal.of_value and _REPAIRABLE.get(name) is not None:
        return None
    else:
        repair = Repair(parameter=name, renamed_to=_REPAIRABLE.get(name))
    return repair if repair is not None and _concerns(repair, document) else None


def _repair_value(name: str, allowed: Sequence[str], document: JsonBody) -> Repair | None:
    """Return a repair of one value: the nearest that is allowed, or the default where Azure does not say."""
    value = _value(document, name)
    if value is None or _REPAIRABLE.get(name) is not None:
        return None
    nearest = _nearest(name, value, allowed)
    if nearest is not None:
        return Repair(parameter=name, value=value, replacement=nearest)
    may_go = name in _NUMBERS or (_CACHE_HINT.match(name) is not None)
    return Repair(parameter=name, value=value) if may_go and not allowed else None


def _nearest(name: str, value: bytes, allowed: Sequence[str]) -> bytes | None:
    """Return the allowed value that is nearest to one as JSON, the lower of two; None if that cannot be told."""
    scale = _scale(name)
    try:
        current = msgspec.json.decode(value)
        if isinstance(current, str) and current in scale:
            words = [word for word in scale if word in allowed]
            best = min(words, key=lambda word: abs(scale.index(word) - scale.index(current)), default=None)
        elif isinstance(current, int | float):
            best = min(allowed, key=lambda number: abs(float(number) - current), default=None)
            return None if best is None else best.encode()
        else:
            return None
    except (*UNREADABLE, ValueError):
        return None
    return None if best is None else msgspec.json.encode(best)


def _scale(name: str) -> Sequence[str]:
    last = name.rpartition(".")[2]
    return _SCALES.get("effort" if last.endswith("effort") else last, ())


def _concerns(repair: Repair, document: JsonBody) -> bool:
    if repair.parameter.startswith(f"{_ITEMS}[]."):
        return _without_member_of_items(document, repair.parameter) is not None
    value = _value(document, repair.parameter)
    if value is None or (repair.renamed_to is not None and _CHAT_MEMBER not in document.spans):
        return False
    may_go = _ONLY_IF.get(repair.parameter)
    if may_go is not None and not may_go(value, document):
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
        return _changed(repair, document), repair
    if document.member(name) is not None:
        return document.dropped(repair.parameter), replace(repair, renamed_to=None)
    # A null with the other name is replaced.
    return document.dropped(name).renamed(repair.parameter, name), repair


def _changed(repair: Repair, document: JsonBody) -> JsonBody:
    """Return the request without a parameter, or with its other value."""
    items = _without_member_of_items(document, repair.parameter)
    if items is not None:
        return document.replaced(_ITEMS, items)
    if repair.parameter == _INCLUDE and (others := _without_sealed(_raw(document, _INCLUDE))):
        return document.replaced(_INCLUDE, others)
    outer, _, inner = repair.parameter.partition(".")
    if repair.replacement is not None:
        value = repair.replacement
        return document.replaced(
            outer, parse_json_body(_raw(document, outer)).replace(inner, value) if inner else value
        )
    left = parse_json_body(_raw(document, outer)).dropped(inner) if inner else None
    return document.replaced(outer, left.raw) if left is not None and left.spans else document.dropped(outer)


def _without_sealed(value: bytes) -> bytes | None:
    """Return what an answer is to include without sealed reasoning, empty if it is all; None if it is not asked for."""
    try:
        asked = _DECODE_NAMES(value)
    except UNREADABLE:
        return None
    others = [name for name in asked if name != _SEALED]
    if len(others) == len(asked):
        return None
    return msgspec.json.encode(others) if others else b""


def _without_member_of_items(document: JsonBody, parameter: str) -> bytes | None:
    """Return the items of the input without a member, None where none has it."""
    item = _OF_ITEM.match(parameter)
    if item is None or _ITEMS not in document.spans:
        return None
    before, name = _raw(document, _ITEMS), item[1]
    try:
        after = rewrite(before, lambda raw: _without(raw, name))
    except (*UNREADABLE, InvalidRequest):
        return None
    return None if after == before else after


_DECODE_NAMES = msgspec.json.Decoder(list[str]).decode
_DECODE_ITEMS = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _without(raw: bytes, name: str) -> bytes:
    """Return a list of items without a member, the same bytes where none has it."""
    items = [bytes(item) for item in _DECODE_ITEMS(raw)] if b'"%s"' % name.encode() in raw else []
    left = [parse_json_body(item).without(name) if item.startswith(b"{") else item for item in items]
    if sum(map(len, left)) == sum(map(len, items)):
        return raw
    return msgspec.json.encode([msgspec.Raw(item) for item in left])
