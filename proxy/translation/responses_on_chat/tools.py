"""The tools of a response, and the choice among them, as functions of a chat.

A tool that the client runs becomes a function. A hosted one, which OpenAI runs, is left out when it is only offered:
Codex offers the search in the web with every call.
https://platform.openai.com/docs/guides/tools
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Raw

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import ENCODE, Members
from proxy.translation.responses_on_chat.draft import NULL, Draft, list_of, members_of
from proxy.translation.responses_on_chat.names import Tool, ToolKind, ToolNames
from proxy.translation.responses_on_chat.texts import checked, joined, quoted, text_of

_TRUE = Raw(b"true")
_NOTHING = Raw(b'{"type":"object","properties":{}}')
_INPUT = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
_HOW_TO_CALL = "Write the text, as it is and whole, into `input`, the only member of the arguments."
# What Azure allows for the description of a function in a chat: https://github.com/langchain-ai/open_deep_research/issues/80
MAX_DESCRIPTION = 1024
_GOES_ON = "… (the whole description is in the instructions)"
_MODES = frozenset({"none", "auto", "required"})
# Where the search for tools has no name.
SEARCH = Tool(kind=ToolKind.SEARCH, name="tool_search")

_CALLED_BY = {"function": ToolKind.FUNCTION, "custom": ToolKind.CUSTOM, "tool_search": ToolKind.SEARCH}

AddTool = Callable[["Tools", Members, str], list[str]]


class Tools:
    """The functions of one request by their names, in their order."""

    def __init__(self, draft: Draft, names: ToolNames) -> None:
        self.names = names
        self.draft = draft
        self.functions: dict[str, Members] = {}
        # Descriptions that are too long for a function of OpenAI's models, by its name.
        self.long_descriptions: dict[str, Raw] = {}
        self._origins: dict[str, str] = {}

    def add(self, tools: Iterable[Raw], path: str, namespace: str | None = None) -> list[str]:
        """Take the tools of a list and return their names as functions; the last of several with one name counts."""
        names = []
        for number, raw in enumerate(tools):
            place = f"{path}[{number}]"
            tool = members_of(raw, place)
            kind = text_of(tool.get("type", NULL), f"{place}.type")
            if kind in OFFERS:
                within = quoted(namespace) if namespace else NULL
                names += OFFERS[kind](self, {**tool, "namespace": within}, place)
            else:
                self.draft.drop(kind, "tools")
        return names

    def function(self, kind: ToolKind, tool: Members, path: str, parameters: Raw, description: str | None) -> list[str]:
        """Take one tool as a function with some parameters."""
        name = text_of(tool.get("name", NULL), f"{path}.name")
        namespace = None if tool["namespace"] == NULL else text_of(tool["namespace"], path)
        flat = self.names.flat(Tool(kind=kind, name=name, namespace=namespace))
        members = {"name": quoted(flat), "parameters": parameters}
        told = tool.get("description", NULL) if description is None else quoted(description)
        if told != NULL:
            members["description"] = self._fitting(flat, told, f"{path}.description")
        if kind is ToolKind.FUNCTION and tool.get("strict") == _TRUE:
            members["strict"] = _TRUE
        if _asks_to_seal(parameters):
            self.names.note_seal(flat)
        self.draft.drop_rest(tool, _KNOWN, "tools[]")
        self.functions[flat], self._origins[flat] = members, path
        return [flat]

    def _fitting(self, name: str, description: Raw, path: str) -> Raw:
        """Return a description that a chat of OpenAI's models allows; a longer one goes on in the instructions."""
        self.long_descriptions.pop(name, None)
        if not self.draft.model.is_openai or len(bytes(description)) <= MAX_DESCRIPTION:
            return description
        text = text_of(description, path)
        if len(text) <= MAX_DESCRIPTION:
            return description
        self.long_descriptions[name] = description
        return quoted(text[: MAX_DESCRIPTION - len(_GOES_ON)] + _GOES_ON)

    def choose(self, choice: Raw) -> Raw | None:
        """Return the choice as a chat has it; raise `InvalidRequest` where it is one that a chat has not."""
        if bytes(choice).startswith(b'"'):
            mode = text_of(choice, "tool_choice")
            if mode not in _MODES:
                raise _cannot_choose(mode)
            return self._mode(mode)
        members = members_of(choice, "tool_choice")
        kind = text_of(members.get("type", NULL), "tool_choice.type")
        if kind == "allowed_tools":
            return self._allow(members)
        name = self._called(members, "tool_choice")
        if name is None:
            raise _cannot_choose(kind)
        return Raw(ENCODE({"type": "function", "function": {"name": name}}))

    def _mode(self, mode: str) -> Raw | None:
        if self.functions:
            return quoted(mode)
        if mode == "required":
            raise _cannot_choose(mode)
        return None

    def _allow(self, members: Members) -> Raw | None:
        """Offer only the allowed tools, which every model of a chat understands."""
        allowed = list_of(members.get("tools", NULL), "tool_choice.tools")
        names = []
        for number, raw in enumerate(allowed):
            path = f"tool_choice.tools[{number}]"
            tool = members_of(raw, path)
            name = self._called(tool, path)
            if name is None:
                self.draft.drop(text_of(tool["type"], path), "tool_choice")
            names.append(name)
        self.functions = {name: function for name, function in self.functions.items() if name in names}
        return self._mode(text_of(members.get("mode", NULL), "tool_choice.mode"))

    def _called(self, members: Members, path: str) -> str | None:
        """Return the name of the function that a choice names, None for a tool that is none."""
        kind = _CALLED_BY.get(text_of(members.get("type", NULL), f"{path}.type"))
        if kind is None:
            return None
        if kind is ToolKind.SEARCH:
            name = self.names.flat(SEARCH)
        else:
            namespace = members.get("namespace", NULL)
            name = self.names.flat(
                Tool(
                    kind=kind,
                    name=text_of(members.get("name", NULL), f"{path}.name"),
                    namespace=None if namespace == NULL else text_of(namespace, f"{path}.namespace"),
                )
            )
        return name if name in self.functions else None

    def origins(self) -> list[str]:
        """Return where the client has each function."""
        return [self._origins[name] for name in self.functions]

    def encoded(self) -> Raw:
        """Return the functions as tools of a chat."""
        return Raw(ENCODE([{"type": "function", "function": function} for function in self.functions.values()]))


_KNOWN = frozenset({"type", "name", "namespace", "description", "parameters", "strict", "format", "tools", "execution"})


class _Parameters(msgspec.Struct):
    properties: dict[str, object] = {}


_PARAMETERS = msgspec.json.Decoder(_Parameters).decode


def _asks_to_seal(parameters: Raw) -> bool:
    """Tell whether some argument is to be written sealed, which only OpenAI's models do: Codex marks messages so."""
    if b'"encrypted"' not in bytes(parameters):
        return False
    try:
        properties = _PARAMETERS(parameters).properties.values()
    except msgspec.ValidationError:
        return False
    return any(isinstance(one, dict) and one.get("encrypted") is True for one in properties)


def _function(tools: Tools, tool: Members, path: str) -> list[str]:
    parameters = tool.get("parameters", NULL)
    return tools.function(ToolKind.FUNCTION, tool, path, _NOTHING if parameters == NULL else parameters, None)


def _custom(tools: Tools, tool: Members, path: str) -> list[str]:
    description = tool.get("description", NULL)
    told = [] if description == NULL else [text_of(description, f"{path}.description")]
    form = tool.get("format", NULL)
    grammar = {} if form == NULL else members_of(form, f"{path}.format")
    if grammar.get("definition", NULL) != NULL:
        syntax = text_of(grammar.get("syntax", quoted("lark")), f"{path}.format.syntax")
        definition = text_of(grammar["definition"], f"{path}.format.definition")
        told.append(f"The text must match this {syntax} grammar:\n{definition}")
    return tools.function(ToolKind.CUSTOM, tool, path, _INPUT, "\n\n".join((*told, _HOW_TO_CALL)))


def _namespace(tools: Tools, tool: Members, path: str) -> list[str]:
    """Take the tools of a namespace; its description, which may be long, is put before that of the first."""
    name = text_of(tool.get("name", NULL), f"{path}.name")
    about = tool.get("description", NULL)
    inside = list_of(tool.get("tools", NULL), f"{path}.tools")
    if about not in (NULL, Raw(b'""')):
        inside[:1] = [_described(first, checked(about, f"{path}.description"), path) for first in inside[:1]]
    return tools.add(inside, f"{path}.tools", name)


def _described(raw: Raw, about: Raw, path: str) -> Raw:
    tool = members_of(raw, f"{path}.tools")
    own = tool.get("description", NULL)
    both = [about] if own == NULL else [about, checked(own, f"{path}.tools.description")]
    return Raw(ENCODE({**tool, "description": joined(both)}))


def _search(tools: Tools, tool: Members, path: str) -> list[str]:
    """Take the search for tools where the client runs it; OpenAI's own is hosted."""
    if tool.get("execution") != Raw(b'"client"'):
        tools.draft.drop("tools.tool_search")
        return []
    parameters = tool.get("parameters", NULL)
    named = {**tool, "name": quoted(SEARCH.name)}
    return tools.function(ToolKind.SEARCH, named, path, _NOTHING if parameters == NULL else parameters, None)


OFFERS: Mapping[str, AddTool] = {
    "function": _function,
    "custom": _custom,
    "namespace": _namespace,
    "tool_search": _search,
}


def _cannot_choose(kind: str) -> InvalidRequest:
    return InvalidRequest(
        f"A `tool_choice` of `{kind[:64]}` names no tool that a chat completion of this model can call.",
        param="tool_choice",
        code="invalid_value",
    )


def put_tools(draft: Draft, tools: Tools, choice: Raw) -> None:
    """Put the functions and the choice among them into the draft of a chat, which allows neither without a function."""
    chosen = None if choice == NULL else tools.choose(choice)
    if tools.functions:
        draft.members["tools"] = tools.encoded()
    elif draft.members.pop("parallel_tool_calls", None) is not None:
        draft.drop("parallel_tool_calls")
    if chosen is not None:
        draft.members["tool_choice"] = chosen
    elif choice != NULL:
        draft.drop("tool_choice")
