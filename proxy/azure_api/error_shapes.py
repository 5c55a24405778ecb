r"""What an error says, in whatever shape its JSON comes: message, type, code and parameter.

Azure OpenAI, the gateways in front of it and the makers of other models each have their own:

    {"error": {"message": "...", "code": "...", "details": [{"message": "...", "target": "..."}]}}
    {"error": "..."}, {"error": [...]}, [{"error": {...}}], {"errors": [...]}, {"errors": {"name": ["..."]}}
    {"statusCode": 429, "message": "..."}, {"message": {"lang": "en", "value": "..."}}, {"message": "{\"error\": ...}"}
    {"detail": "..."}, {"detail": [{"loc": ["body", "messages"], "msg": "...", "type": "missing"}]}
    {"type": "https://...", "title": "...", "detail": "...", "errors": {...}}

The last one is https://www.rfc-editor.org/rfc/rfc9457. JSON may be followed by text.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from proxy.azure_api.error_text import cut
from proxy.openai_api.json_members import UNREADABLE, mask

# No error of Azure is nested deeper, or lists more reasons than are of use.
_DEEPEST = 8
_MOST_REASONS = 10
_JSON_STARTS = ("{", "[")
# Members with the message, the first one counts; then those that hold other errors.
_MESSAGES = ("message", "msg", "detail", "error_description", "description", "title", "value", "text")
_INNER = ("detail", "details", "errors")
# Where FastAPI says that a parameter was: only what follows is its name.
_PLACES = frozenset({"body", "query", "path", "header"})
# Codes that only repeat the status; OpenAI has none of them.
EMPTY_CODES = frozenset(
    {"badrequest", "timeout", "internalservererror", "invalidrequest", "invalidrequesterror", "bad_request", ""}
)
# What may be the type of an error: not the address that it has in a problem of RFC 9457.
_TYPE = re.compile(r"[\w.-]{1,64}", re.ASCII)
_STATUS = re.compile(r"[45][0-9]{2}", re.ASCII)

_READ = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFields:
    """What an error says, each member empty if it does not say it; `status` may stand in its body."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""
    status: str = ""


_NOTHING = ErrorFields()


def read_fields(body: bytes) -> ErrorFields | None:
    """Return what the JSON of an error says, None if it is no JSON."""
    try:
        return _read(_decode(body), _DEEPEST)
    except (*UNREADABLE, ValueError):
        return None


def says_nothing(code: str) -> bool:
    """Tell whether a code only repeats the status."""
    return code.isdigit() or code.lower() in EMPTY_CODES


def _decode(body: bytes) -> object:
    body = mask(body)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return _READ(body.decode(errors="replace").lstrip("\ufeff \t\r\n"))[0]


def _read(value: object, depth: int) -> ErrorFields:
    if isinstance(value, str):
        return _read_text(value, depth)
    if isinstance(value, list):
        return _joined([_read(item, depth - 1) for item in value[:_MOST_REASONS]]) if depth else _NOTHING
    if isinstance(value, dict) and depth:
        return _read_object({str(name).lower(): member for name, member in value.items()}, depth - 1)
    return _NOTHING


def _read_text(text: str, depth: int) -> ErrorFields:
    if depth and text.lstrip().startswith(_JSON_STARTS):
        try:
            inner = _read(_decode(text.encode(errors="replace")), depth - 1)
        except (*UNREADABLE, ValueError):
            inner = _NOTHING
        if inner.message:
            return inner
    return ErrorFields(message=cut(text))


def _read_object(members: Mapping[str, object], depth: int) -> ErrorFields:
    """Return what an object says by itself, and what the errors in it add."""
    error = members.get("error")
    response = members.get("response")
    if error is None and isinstance(response, dict):
        error = response.get("error")
    own = _own(members, depth)
    if isinstance(error, str) and own.message:  # the word for the status, or a code of OAuth
        return _merged(own, ErrorFields(code="" if " " in error else error))
    if isinstance(error, list):
        error = error[:1]
    if error is not None:  # the type of what holds it is none of the error
        return _merged(_read(error, depth), replace(own, type=""))
    return own


def _own(members: Mapping[str, object], depth: int) -> ErrorFields:
    kind, param = _text(members.get("type")), _param(members)
    code = _text(members.get("code"))
    said = _first_message(members, depth)
    message = said.message
    if "loc" in members:
        code, kind = code or kind, ""
        message = f"{param}: {message}" if param and message else message
    own = ErrorFields(
        message=message,
        type=kind if _TYPE.fullmatch(kind) else "",
        code=code,
        param=param,
        status=_text(members.get("statuscode")) or _text(members.get("status")),
    )
    return _joined([_merged(own, said), *_inner(members, depth)])


def _first_message(members: Mapping[str, object], depth: int) -> ErrorFields:
    found = (_read(members[name], depth) for name in _MESSAGES if members.get(name) and name not in _lists(members))
    return next((fields for fields in found if fields.message), _NOTHING)


def _lists(members: Mapping[str, object]) -> frozenset[str]:
    """Return the members that list reasons, and so are no message."""
    return frozenset(name for name in _INNER if isinstance(members.get(name), list))


def _inner(members: Mapping[str, object], depth: int) -> Iterable[ErrorFields]:
    for name in _INNER:
        inner = members.get(name)
        if name == "errors" and isinstance(inner, dict):
            yield from (_named(key, reasons, depth) for key, reasons in list(inner.items())[:_MOST_REASONS])
        else:
            yield replace(_read(inner, depth), type="")


def _named(name: object, reasons: object, depth: int) -> ErrorFields:
    """Return what is wrong with one parameter, by its name."""
    said = _read(reasons, depth)
    return ErrorFields(message=f"{name}: {said.message}" if said.message else "", param=_text(name))


def _param(members: Mapping[str, object]) -> str:
    place = members.get("loc")
    if isinstance(place, list):
        names = [_text(name) for name in place]
        return cut(".".join(names[1:] if names[0:1] and names[0] in _PLACES else names))
    return _text(members.get("param")) or _text(members.get("target"))


def _joined(every: list[ErrorFields]) -> ErrorFields:
    """Return several reasons as one: all their messages, and of the rest what comes first."""
    messages: list[str] = []
    merged = _NOTHING
    for fields in every:
        if fields.message and not any(fields.message in message for message in messages):
            messages.append(fields.message)
        merged = _merged(merged, fields)
    return replace(merged, message=cut(" ".join(messages)))


def _merged(first: ErrorFields, second: ErrorFields) -> ErrorFields:
    """Return the first one, with what it lacks from the second; a code that says something comes first."""
    codes = [code for code in (first.code, second.code) if not says_nothing(code)]
    return ErrorFields(
        message=first.message or second.message,
        type=first.type or second.type,
        code=codes[0] if codes else first.code or second.code,
        param=first.param or second.param,
        status=first.status if _STATUS.fullmatch(first.status) else second.status or first.status,
    )


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return cut(str(value))
