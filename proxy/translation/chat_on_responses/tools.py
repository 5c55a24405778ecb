"""The tools of a chat, which Responses has flat, and the choice among them."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from proxy.openai_api.json_members import DECODE, Members
from proxy.translation.chat_on_responses.members import invalid, refuse
from proxy.translation.losses import Losses

_NULL, _FALSE = Raw(b"null"), Raw(b"false")
_FUNCTION, _CUSTOM, _ALLOWED, _GRAMMAR = Raw(b'"function"'), Raw(b'"custom"'), Raw(b'"allowed_tools"'), b'"grammar"'
# Chat takes a function without them for one that has none; Responses requires them.
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_KINDS: Mapping[bytes, str] = {bytes(_FUNCTION): "function", bytes(_CUSTOM): "custom"}
_LIST = msgspec.json.Decoder(list[Members]).decode


def members_of(value: Raw, param: str) -> Members:
    """Return the members of an object; raise `InvalidRequest` for anything else."""
    try:
        return DECODE(value)
    except msgspec.ValidationError:
        raise invalid(param, "an object") from None


def list_of(value: Raw, param: str) -> list[Members]:
    """Return a list of objects; raise `InvalidRequest` for anything else."""
    try:
        return _LIST(value)
    except msgspec.ValidationError:
        raise invalid(param, "a list of objects") from None


def to_tools(value: Raw, losses: Losses) -> list[Members]:
    """Return the tools of a request; raise `InvalidRequest` for one that chat does not have."""
    return [_tool(tool, f"tools[{index}]", losses) for index, tool in enumerate(list_of(value, "tools"))]


def from_functions(value: Raw) -> list[Members]:
    """Return the tools for the functions of the time before there were tools."""
    return [_function(function) for function in list_of(value, "functions")]


def to_choice(value: Raw, losses: Losses) -> object:
    """Return the choice among the tools."""
    if not bytes(value).startswith(b"{"):
        return value
    choice = DECODE(value)
    if choice.get("type") != _ALLOWED:
        return _named(choice, "tool_choice", losses)
    allowed = members_of(choice.pop("allowed_tools", _NULL), "tool_choice.allowed_tools")
    del choice["type"]
    losses.drop_rest(choice, "tool_choice")
    tools = list_of(allowed.get("tools", _NULL), "tool_choice.allowed_tools.tools")
    named = [_named(tool, "tool_choice.allowed_tools.tools[]", losses) for tool in tools]
    return {**allowed, "type": _ALLOWED, "tools": named}


def from_function_call(value: Raw) -> object:
    """Return the choice among the functions of the time before there were tools."""
    return {**DECODE(value), "type": _FUNCTION} if bytes(value).startswith(b"{") else value


def _tool(tool: Members, param: str, losses: Losses) -> Members:
    kind = _kind(tool, param)
    inner = members_of(tool.pop(kind, _NULL), f"{param}.{kind}")
    losses.drop_rest(tool, "tools[]")
    return _function(inner) if kind == "function" else _custom(inner, f"{param}.custom")


def _kind(tool: Members, param: str) -> str:
    kind = _KINDS.get(bytes(tool.pop("type", _NULL)))
    if kind is None:
        raise refuse(f"{param}.type", "a tool of a chat is a function or a custom tool")
    return kind


def _function(function: Members) -> Members:
    """Return a function; `strict` is written, because Responses takes a missing one for true."""
    given = {name: value for name, value in function.items() if value != _NULL}
    return {"parameters": _NO_PARAMETERS, "strict": _FALSE, **given, "type": _FUNCTION}


def _custom(tool: Members, param: str) -> Members:
    form = tool.get("format", _NULL)
    if form == _NULL:
        return {**{name: value for name, value in tool.items() if name != "format"}, "type": _CUSTOM}
    members = members_of(form, f"{param}.format")
    if bytes(members.get("type", _NULL)) == _GRAMMAR:
        members |= members_of(members.pop("grammar", _NULL), f"{param}.format.grammar")
    return {**tool, "type": _CUSTOM, "format": Raw(msgspec.json.encode(members))}


def _named(choice: Members, param: str, losses: Losses) -> Members:
    kind = _kind(choice, param)
    inner = members_of(choice.pop(kind, _NULL), f"{param}.{kind}")
    losses.drop_rest(choice, param)
    losses.drop_rest({name: value for name, value in inner.items() if name != "name"}, f"{param}.{kind}")
    return {"type": _FUNCTION if kind == "function" else _CUSTOM, "name": inner.get("name", _NULL)}


def client_place(rest: str, tools: Sequence[Members], index: int) -> str:
    """Return what of a tool an error is about, as chat has it: `.function.name` for `.name`."""
    custom = index < len(tools) and tools[index].get("type") == _CUSTOM
    kind = ".custom" if custom else ".function"
    if not rest or rest.startswith((kind, ".type")):
        return rest
    grammar = custom and rest in (".format.definition", ".format.syntax")
    return kind + (rest.replace(".format", ".format.grammar") if grammar else rest)
