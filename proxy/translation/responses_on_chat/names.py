"""The names of tools, of which a chat knows one kind and no namespaces, and the way back from them.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools
"""

import re
from enum import Enum
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

# What a chat allows; a response allows names of twice the length.
MAX_NAME = 64
# Azure refuses longer ids of calls in a chat. https://github.com/Portkey-AI/gateway/issues/1062
MAX_CALL_ID = 40
# What Mistral's models take as an id: https://github.com/anomalyco/opencode/issues/1680
_OF_MISTRAL = re.compile(r"[a-zA-Z0-9]{9}", re.ASCII)
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_SEPARATOR = "__"
_DIGEST = 4


class ToolKind(Enum):
    """The kinds of tools that become functions."""

    __hash__ = object.__hash__

    FUNCTION = "function_call"
    CUSTOM = "custom_tool_call"
    SEARCH = "tool_search_call"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the client named it; `asks_to_seal` tells that OpenAI's models may seal some of its arguments."""

    kind: ToolKind
    name: str
    namespace: str | None = None
    asks_to_seal: bool = False


class ToolNames:
    """The names of one request's tools as functions, which are the same wherever a tool is named."""

    def __init__(self) -> None:
        self._by_tool: dict[tuple[ToolKind, str | None, str], str] = {}
        self._by_name: dict[str, Tool] = {}

    def flat(self, tool: Tool) -> str:
        """Return the name of the function that a tool is."""
        key = (tool.kind, tool.namespace, tool.name)
        known = self._by_tool.get(key)
        if known is None:
            known = self._by_tool[key] = self._free(tool)
            self._by_name[known] = tool
        return known

    def note_seal(self, name: str) -> None:
        """Take that a function asks for sealed arguments."""
        self._by_name[name] = replace(self._by_name[name], asks_to_seal=True)

    def tool(self, name: str) -> Tool:
        """Return the tool that a function is; a function that nobody offered is its own."""
        return self._by_name.get(name) or Tool(kind=ToolKind.FUNCTION, name=name)

    def _free(self, tool: Tool) -> str:
        whole = _qualified(tool)
        name = _ILLEGAL.sub("_", whole)
        number = 0
        while len(name) > MAX_NAME or name in self._by_name or (name != whole and not number):
            digest = blake2b(f"{tool.kind.value} {whole} {number}".encode(), digest_size=_DIGEST).hexdigest()
            name = f"{_ILLEGAL.sub('_', whole)[: MAX_NAME - 1 - len(digest)]}_{digest}"
            number += 1
        return name


def _qualified(tool: Tool) -> str:
    """Return a name behind that of its namespace, which with some clients ends in the separator already."""
    if tool.namespace is None:
        return tool.name
    return f"{tool.namespace.removesuffix(_SEPARATOR)}{_SEPARATOR}{tool.name}"


def call_id(written: str, taken: set[str], *, is_mistral: bool = False) -> str:
    """Return the id of a call that a chat accepts and that no other call of its message has."""
    fits = _OF_MISTRAL.fullmatch(written) if is_mistral else len(written) <= MAX_CALL_ID
    digest = _short_digest if is_mistral else _digest
    identifier = written if fits else digest(written)
    number = 2
    while identifier in taken:
        identifier = digest(f"{written} {number}")
        number += 1
    return identifier


def _short_digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=5).hexdigest()[:9]


def _digest(text: str) -> str:
    return f"call_{blake2b(text.encode(errors='replace'), digest_size=16).hexdigest()}"
