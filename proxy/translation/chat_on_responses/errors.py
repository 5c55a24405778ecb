"""Errors that name the client's parameters: Azure names those of the request that it got.

https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses
"""

import re
from collections.abc import Mapping, Sequence

from proxy.errors import AzureRefusal, ProxyError
from proxy.openai_api.json_members import Members
from proxy.translation import blocked_prompts
from proxy.translation.chat_on_responses.messages import Origin
from proxy.translation.chat_on_responses.tools import client_place

_PLACE = r"(?:\.\w+|\[\d+\])*"
_INDEXED = re.compile(rf"(input|tools)\[(\d{{1,6}})\]({_PLACE})", re.ASCII)
# Words of a message that are parameters wherever they stand, and one that is when it stands in quotes.
_IN_TEXT = re.compile(
    rf"\b(?:input|tools)\[\d{{1,6}}\]{_PLACE}|\bmax_output_tokens\b|\btext\.(?:format|verbosity)\b{_PLACE}"
    r"|\breasoning\.effort\b|(?<=['\"`])input(?=['\"`])",
    re.ASCII,
)
_NAMES: Mapping[str, str | None] = {
    "input": "messages",
    "text": "response_format",
    "text.format": "response_format",
    "text.verbosity": "verbosity",
    "reasoning.effort": "reasoning_effort",
    # The proxy's own: no client can do anything about them.
    "include": None,
    "store": None,
}
_OF_SCHEMA = "text.format."
_FILTERED = "content_filter"


class Parameters:
    """Where each member of a translated request came from.

    `renamed` has those of its own names, `tools` are those that were sent; the ones from `functions` on were functions.
    """

    def __init__(
        self, origins: Sequence[Origin], tools: Sequence[Members], functions: int, renamed: Mapping[str, str]
    ) -> None:
        self._origins = origins
        self._tools = tools
        self._functions = functions
        self._names: Mapping[str, str | None] = {**_NAMES, **renamed}

    def translate(self, error: ProxyError) -> ProxyError:
        """Return an error with the client's names, in its message as well."""
        if isinstance(error, AzureRefusal):
            error.message = _IN_TEXT.sub(lambda found: self._client_name(found[0]) or found[0], error.message)
            # Azure names the prompt for a chat, and nothing for a response.
            error.param = "prompt" if error.code == _FILTERED else error.param and self._client_name(error.param)
            blocked_prompts.to_chat(error)
        return error

    def _client_name(self, name: str) -> str | None:
        if indexed := _INDEXED.fullmatch(name):
            index, rest = int(indexed[2]), indexed[3]
            return self._of_item(index, rest) if indexed[1] == "input" else self._of_tool(index, rest)
        if name.startswith(_OF_SCHEMA):
            return f"response_format.json_schema.{name.removeprefix(_OF_SCHEMA)}"
        return self._names.get(name, name)

    def _of_item(self, index: int, rest: str) -> str:
        if index >= len(self._origins):
            return "messages"
        origin = self._origins[index]
        member = rest.removeprefix(".")
        return (
            ".".join(filter(None, (origin.path, origin.names[member])))
            if member in origin.names
            else origin.path + ("" if origin.names else rest)
        )

    def _of_tool(self, index: int, rest: str) -> str:
        if index < self._functions:
            return f"tools[{index}]{client_place(rest, self._tools, index)}"
        return f"functions[{index - self._functions}]{rest}"
