"""The messages of a chat as the input items of a response, in the same order.

System and developer messages stay where they are: `instructions` would not do for a JSON object, whose word must be in
the input. An assistant's text is a plain one, because the parts of an output must have an id, which Azure would look
for. https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import UNREADABLE, Members
from proxy.translation.chat_on_responses.call_ids import CallIds
from proxy.translation.chat_on_responses.members import invalid, refuse
from proxy.translation.chat_on_responses.reasoning import from_details
from proxy.translation.chat_on_responses.tools import list_of, members_of
from proxy.translation.interface import Remembered
from proxy.translation.losses import Losses

_NULL, _BLANK, _AUTO = Raw(b"null"), Raw(b'""'), Raw(b'"auto"')
_MESSAGE, _FUNCTION, _CUSTOM = Raw(b'"message"'), b'"function"', b'"custom"'
_ASSISTANT = Raw(b'"assistant"')
_TEXT = msgspec.json.Decoder(str).decode
# The member of a call that has its tool, by what of it is the input, with the type of its item.
_CALLS: Mapping[bytes, tuple[str, str, str]] = {
    _FUNCTION: ("function", "arguments", "function_call"),
    _CUSTOM: ("custom", "input", "custom_tool_call"),
}
_FILE_MEMBERS = frozenset({"file_id", "file_data", "filename"})


class Origin(msgspec.Struct, frozen=True):
    """Where an item came from in the request, and what its members are called there."""

    path: str
    names: Mapping[str, str] = {}


_OF_OUTPUT = {"output": "content", "call_id": "tool_call_id"}


class InputItems:
    """Makes the input of a request; `items` and the `origins` of each are there when it is done."""

    def __init__(self, losses: Losses, remembered: Remembered, *, with_details: bool) -> None:
        self.items: list[object] = []
        self.origins: list[Origin] = []
        self._losses = losses
        self._remembered = remembered
        self._with_details = with_details
        self._ids = CallIds()

    def add(self, messages: Raw) -> None:
        """Take the messages; raise `InvalidRequest` for what Responses has not."""
        listed = list_of(messages, "messages")
        roles = [_text(message.pop("role", _NULL), f"messages[{n}].role") for n, message in enumerate(listed)]
        last_user = max((n for n, role in enumerate(roles) if role == "user"), default=-1)
        for n, (role, message) in enumerate(zip(roles, listed, strict=True)):
            path = f"messages[{n}]"
            add = _ROLES.get(role)
            if add is None:
                raise InvalidRequest(f"Invalid value: '{role}'.", param=f"{path}.role", code="invalid_value")
            add(self, message, path, role, n > last_user)
            self._losses.drop_rest(message, "messages[]")

    def _append(self, item: object, path: str, names: Mapping[str, str] | None = None) -> None:
        self.items.append(item)
        self.origins.append(Origin(path, names or {}))

    def _add_prompt(self, message: Members, path: str, role: str, _is_new: bool) -> None:
        content = message.pop("content", _NULL)
        sent = self._content(content, path) if _is_list(content) else content
        self._append({"type": _MESSAGE, "role": role, "content": sent}, path)

    def _add_assistant(self, message: Members, path: str, _role: str, is_new: bool) -> None:
        if message.pop("audio", _NULL) != _NULL:
            raise refuse(f"{path}.audio", "it has no earlier audio")
        self._ids.begin_message()
        calls = self._calls(message, path)
        reasoning = self._reasoning(message, [given for given, _, _ in calls], is_new=is_new)
        for item in reasoning.pop(0, ()):
            self._append(item, path)
        texts = [*self._spoken(message.pop("content", _NULL), path)]
        refusal = message.pop("refusal", _NULL)
        texts += [refusal] if refusal not in (_NULL, _BLANK) else []
        for text in texts if any(text != _BLANK for text in texts) else [_BLANK] * (not calls):
            self._append({"type": _MESSAGE, "role": _ASSISTANT, "content": text}, path)
        for number, (_, call, origin) in enumerate(calls):
            for item in reasoning.get(number, ()):
                self._append(item, path)
            self._append(call, origin.path, origin.names)

    def _spoken(self, content: Raw, path: str) -> Iterator[Raw]:
        """Yield the texts of an assistant, its parts joined, and a refusal by itself."""
        if not _is_list(content):
            yield from () if content == _NULL else (content,)
            return
        said: list[bytes] = []
        for n, part in enumerate(list_of(content, f"{path}.content")):
            kind = _kind(part, place := f"{path}.content[{n}]")
            if kind not in ("text", "refusal"):
                raise refuse(f"{place}.type", "an assistant has said texts and refusals")
            text = part.pop(kind, _BLANK)
            _text(text, f"{place}.{kind}")
            self._losses.drop_rest(part, "messages[].content[]")
            said.append(bytes(text)[1:-1])
        yield Raw(b'"%s"' % b"".join(said))

    def _calls(self, message: Members, path: str) -> list[tuple[str, Members, Origin]]:
        """Return the calls of a message: the id that the client knows, the item and its origin."""
        found = []
        listed = message.pop("tool_calls", _NULL)
        for n, call in enumerate(list_of(listed, f"{path}.tool_calls") if listed != _NULL else []):
            found.append(self._call(call, f"{path}.tool_calls[{n}]"))
        legacy = message.pop("function_call", _NULL)
        if legacy != _NULL:
            function = members_of(legacy, f"{path}.function_call")
            name = _text(function.get("name", _NULL), f"{path}.function_call.name")
            item = self._item("function_call", "arguments", _function_id(name), function)
            self._losses.drop_rest(function, "messages[].function_call")
            found.append(("", item, Origin(f"{path}.function_call")))
        return found

    def _call(self, call: Members, path: str) -> tuple[str, Members, Origin]:
        kind = _CALLS.get(bytes(call.pop("type", Raw(_FUNCTION))))
        if kind is None:
            raise refuse(f"{path}.type", "a call of a chat is one of a function or a custom tool")
        holder, member, item_type = kind
        tool = members_of(call.pop(holder, _NULL), f"{path}.{holder}")
        given = _text(call.pop("id", _BLANK), f"{path}.id")
        item = self._item(item_type, member, given, tool)
        self._losses.drop_rest(call, "messages[].tool_calls[]")
        self._losses.drop_rest(tool, f"messages[].tool_calls[].{holder}")
        names = {"call_id": "id", "name": f"{holder}.name", member: f"{holder}.{member}"}
        return given, item, Origin(path, names)

    def _item(self, item_type: str, member: str, given: str, tool: Members) -> Members:
        call_id = self._ids.call(given, custom=member == "input")
        return {
            "type": _raw(item_type),
            "call_id": _raw(call_id),
            "name": tool.pop("name", _NULL),
            member: tool.pop(member, _BLANK),
        }

    def _reasoning(self, message: Members, calls: Sequence[str], *, is_new: bool) -> dict[int, Sequence[object]]:
        """Return the reasoning items to send before each call of a message, by the number of the call.

        A model needs those of its last turn alone. What the client sends counts for more than what is remembered,
        because another instance of the proxy may have made it.
        """
        details = message.pop("reasoning_details", _NULL) if self._with_details else _NULL
        if not is_new or not calls:
            return {}
        given = self._details(details)
        if given:
            unplaced = [item for call, items in given.items() if call not in calls for item in items]
            found: dict[int, Sequence[object]] = {n: given[call] for n, call in enumerate(calls) if call in given}
            return {**found, 0: [*unplaced, *found.get(0, ())]}
        remembered = ((n, self._remembered(call)) for n, call in enumerate(calls) if call)
        return {n: [Raw(item) for item in items] for n, items in remembered if items}

    def _details(self, details: Raw) -> Mapping[str, Sequence[Raw]]:
        if details == _NULL:
            return {}
        try:
            return from_details(details)
        except UNREADABLE:
            self._losses.drop("reasoning_details", "messages[]")
            return {}

    def _add_output(self, message: Members, path: str, role: str, _is_new: bool) -> None:
        if role == "tool":
            given = _text(message.pop("tool_call_id", _BLANK), f"{path}.tool_call_id")
        else:
            given = _function_id(_text(message.pop("name", _BLANK), f"{path}.name"))
        content = message.pop("content", _NULL)
        called = self._ids.output(given)
        item = {
            "type": "custom_tool_call_output" if called.custom else "function_call_output",
            "call_id": called.call_id,
            "output": self._output(content, path) if _is_list(content) else _or_blank(content),
        }
        self._append(item, path, _OF_OUTPUT)

    def _output(self, content: Raw, path: str) -> object:
        """Return an output; a single text stands for itself, which every server takes."""
        parts = self._content(content, path)
        only = parts[0] if len(parts) == 1 else {}
        return only["text"] if only.keys() == {"type", "text"} else parts

    def _content(self, content: Raw, path: str) -> list[Members]:
        parts = list_of(content, f"{path}.content")
        return [self._part(part, f"{path}.content[{n}]") for n, part in enumerate(parts)]

    def _part(self, part: Members, path: str) -> Members:
        kind = _kind(part, path)
        translate = _PARTS.get(kind)
        if translate is None:
            raise refuse(f"{path}.type", f"it has no parts of the type '{kind[:64]}'")
        sent = translate(part, path, self._losses)
        if "prompt_cache_breakpoint" in part:
            sent["prompt_cache_breakpoint"] = part.pop("prompt_cache_breakpoint")
        self._losses.drop_rest(part, "messages[].content[]")
        return sent


def _text_part(part: Members, _path: str, _losses: Losses) -> Members:
    return {"type": _raw("input_text"), "text": part.pop("text", _NULL)}


def _image_part(part: Members, path: str, losses: Losses) -> Members:
    value = part.pop("image_url", _NULL)
    image = members_of(value, f"{path}.image_url") if not _starts(value, b'"') else {"url": value}
    url, detail = image.pop("url", _NULL), image.pop("detail", _NULL)
    losses.drop_rest(image, "messages[].content[].image_url")
    return {"type": _raw("input_image"), "image_url": url, "detail": _AUTO if detail == _NULL else detail}


def _file_part(part: Members, path: str, losses: Losses) -> Members:
    file = members_of(part.pop("file", _NULL), f"{path}.file")
    for name in ("file_url", "url"):
        if file.get(name, _NULL) != _NULL:
            raise refuse(f"{path}.file.{name}", "send the file's id or its data")
    given = {name: value for name, value in file.items() if name in _FILE_MEMBERS and value != _NULL}
    losses.drop_rest({n: v for n, v in file.items() if n not in _FILE_MEMBERS}, "messages[].content[].file")
    return {"type": _raw("input_file"), **given}


def _audio_part(_part: Members, path: str, _losses: Losses) -> Members:
    raise refuse(f"{path}.input_audio", "it hears no audio")


_PARTS: Mapping[str, Callable[[Members, str, Losses], Members]] = {
    "text": _text_part,
    "image_url": _image_part,
    "file": _file_part,
    "input_audio": _audio_part,
}
_Add = Callable[[InputItems, Members, str, str, bool], None]
_ROLES: Mapping[str, _Add] = {
    **dict.fromkeys(("system", "developer", "user"), InputItems._add_prompt),
    "assistant": InputItems._add_assistant,
    **dict.fromkeys(("tool", "function"), InputItems._add_output),
}


def _kind(part: Members, path: str) -> str:
    return _text(part.pop("type", _NULL), f"{path}.type")


def _text(value: Raw, param: str) -> str:
    try:
        return _TEXT(value)
    except msgspec.ValidationError:
        raise invalid(param, "a string") from None


def _function_id(name: str) -> str:
    """Return an id for the calls of a function from the time before calls had any; no id has such characters."""
    return f"function:{name}\n"


def _is_list(value: Raw) -> bool:
    return _starts(value, b"[")


def _starts(value: Raw, first: bytes) -> bool:
    """Tell whether some JSON starts so, without a copy of what may be megabytes."""
    return bytes(memoryview(value)[:1]) == first


def _or_blank(value: Raw) -> Raw:
    return _BLANK if value == _NULL else value


def _raw(text: str) -> Raw:
    return Raw(msgspec.json.encode(text))
