"""Errors of a chat completion, with the names that the client knows.

A client that reads that `max_tokens` is wrong, which it never sent, cannot help itself.
"""

import re
from collections.abc import Mapping

import msgspec

from proxy.errors import AzureRefusal, ProxyError
from proxy.translation import blocked_prompts

_NAMES: Mapping[str, str] = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "messages": "input",
    "logprobs": "include",
    "stream_options.include_usage": "stream_options",
}
_INSIDE_SCHEMA = re.compile(r"response_format\.json_schema(?P<rest>[.\[][\w.\[\]]+)", re.ASCII)
# Azure writes `messages.[3].role`, other servers `messages[3]` and `messages.3`.
_MESSAGE = re.compile(r"messages\.?\[?(?P<index>\d{1,6})\]?(?P<rest>(?:[.\[][\w.\[\]]*)?)", re.ASCII)
_TOOL = re.compile(r"tools\.?\[?(?P<index>\d{1,6})\]?(?P<rest>(?:[.\[][\w.\[\]]*)?)", re.ASCII)
# How messages name a parameter.
_QUOTED = re.compile(r"(?<=['`\"])([a-z_]+(?:[.\[][\w.\[\]]*)?)(?=['`\"])", re.ASCII)


class Origins(msgspec.Struct, frozen=True):
    """What in the client's request each message and each tool of the chat begins with."""

    messages: list[str]
    tools: list[str]


def name_for_client(error: ProxyError, origins: Origins) -> ProxyError:
    """Return an error that names the client's parameter, also in its message."""
    if isinstance(error, AzureRefusal):
        blocked_prompts.to_response(error)
    if error.param is not None:
        error.param = _client_name(error.param, origins)
    error.message = _QUOTED.sub(lambda name: _client_name(name[1], origins), error.message)
    return error


def _client_name(name: str, origins: Origins) -> str:
    if name in _NAMES:
        return _NAMES[name]
    if inside := _INSIDE_SCHEMA.fullmatch(name):
        return f"text.format{inside['rest']}"
    if message := _MESSAGE.fullmatch(name):
        return _place(origins.messages, int(message["index"]), "", "input")
    if tool := _TOOL.fullmatch(name):
        return _place(origins.tools, int(tool["index"]), tool["rest"].removeprefix(".function"), "tools")
    return name


def _place(places: list[str], index: int, rest: str, otherwise: str) -> str:
    return places[index] + rest if index < len(places) else otherwise
