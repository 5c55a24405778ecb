"""The most tokens that an answer may have: read from a call, and written into it as its operation has it.

A chat may bound its answer by `max_tokens` or by `max_completion_tokens`; a session does it inside.
https://platform.openai.com/docs/api-reference/chat/create
"""

from msgspec import structs

from proxy.azure_api.request import Call
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.operations import Body

_SESSION = "session"
_REALTIME = (None, b'"realtime"')
_LONGEST_NUMBER = 12


def output_bound(call: Call) -> int | None:
    """Return how many tokens the answers to a call have at most, None where nothing says so."""
    held = _held(call)
    if held is None:
        return None
    given = [number for name in call.route.operation.max_output if (number := _number(held.member(name))) is not None]
    # A repair or a translation may leave out one of two.
    bound = max(given, default=call.route.operation.default_output)
    return None if bound is None else bound * call.choices


def with_output_limit(call: Call, limit: int) -> Call:
    """Return the call with every bound above the limit lowered to it, and with one where it has none.

    The limit is for each answer; the client's own bound stays where it is lower.
    """
    names, held = call.route.operation.max_output, _held(call)
    if held is None or not names:
        return call
    given = [name for name in names if held.member(name) is not None]
    default = call.route.operation.default_output
    if not given and default is not None and default <= limit:
        return call
    changed = held
    for name in given or names[:1]:
        number = _number(held.member(name))
        if number is None or number > limit:
            changed = parse_json_body(changed.with_member(name, b"%d" % limit))
    return call if changed is held else _with_held(call, changed)


def _held(call: Call) -> JsonBody | None:
    """Return the object that has the bound; None for a session that only transcribes, and for what was not read."""
    document = call.document
    if document is None or call.route.operation.body is not Body.SESSION:
        return document
    session = parse_json_body(document.member(_SESSION) or b"{}")
    return session if session.member("type") in _REALTIME else None


def _with_held(call: Call, held: JsonBody) -> Call:
    document = held
    if call.route.operation.body is Body.SESSION and call.document is not None:
        document = parse_json_body(call.document.with_member(_SESSION, held.raw))
    return structs.replace(call, document=document, raw=document.raw)


def _number(value: bytes | None) -> int | None:
    """Return a whole number, None for anything else."""
    return int(value) if value is not None and value.isdigit() and len(value) <= _LONGEST_NUMBER else None
