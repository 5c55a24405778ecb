"""What becomes of each member of a chat completion request, as a table; the page about compatibility shows it.

https://platform.openai.com/docs/api-reference/chat/create
https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Mapping
from enum import Enum

import msgspec

from proxy.errors import InvalidRequest


class Fate(Enum):
    """What becomes of a member: it is sent as it came or in another place, done here, left out, or refused."""

    SENT = "sent"
    MOVED = "moved"
    DONE_HERE = "done by the proxy"
    DROPPED = "left out and named"
    REFUSED = "400"


class Member(msgspec.Struct, frozen=True):
    """One row: `place` is where the member goes, `note` the condition or the reason."""

    fate: Fate
    place: str = ""
    note: str = ""


_SENT = Member(Fate.SENT)
_TUNES = Member(Fate.DROPPED, note="only tunes")
_OF_RESPONSES = Member(Fate.REFUSED, note="a parameter of Responses, not of chat")

# Members that are not listed are sent as they came.
MEMBERS: Mapping[str, Member] = {
    "model": _SENT,
    "messages": Member(Fate.MOVED, "input"),
    "max_completion_tokens": Member(Fate.MOVED, "max_output_tokens", "at least 16"),
    "max_tokens": Member(Fate.MOVED, "max_output_tokens", "at least 16; left out beside max_completion_tokens"),
    "reasoning_effort": Member(Fate.MOVED, "reasoning.effort"),
    "reasoning": Member(Fate.MOVED, "reasoning", "with a summary, the answer has reasoning_content"),
    "verbosity": Member(Fate.MOVED, "text.verbosity"),
    "response_format": Member(Fate.MOVED, "text.format"),
    "tools": Member(Fate.MOVED, "tools", "strict is false where it is missing"),
    "tool_choice": Member(Fate.MOVED, "tool_choice"),
    "functions": Member(Fate.MOVED, "tools", "one call at a time"),
    "function_call": Member(Fate.MOVED, "tool_choice"),
    "logprobs": Member(Fate.MOVED, "include", "message.output_text.logprobs"),
    "stream_options": Member(Fate.MOVED, "stream_options", "include_usage is done by the proxy"),
    "stop": Member(Fate.DONE_HERE, note="on the visible text"),
    "n": Member(Fate.DONE_HERE, note="1; other values are a 400"),
    "modalities": Member(Fate.DONE_HERE, note="text; others are a 400"),
    "store": Member(Fate.DROPPED, note="always false"),
    "frequency_penalty": _TUNES,
    "presence_penalty": _TUNES,
    "logit_bias": _TUNES,
    "seed": _TUNES,
    "prediction": _TUNES,
    **dict.fromkeys(("stream", "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "user"), _SENT),
    **dict.fromkeys(("service_tier", "metadata", "prompt_cache_key", "prompt_cache_retention"), _SENT),
    **dict.fromkeys(("prompt_cache_options", "safety_identifier"), _SENT),
    "audio": Member(Fate.REFUSED, note="Responses answers no audio"),
    "web_search_options": Member(Fate.REFUSED, note="use the web_search tool of Responses"),
    "moderation": Member(Fate.REFUSED, note="its results have another shape"),
    "data_sources": Member(Fate.REFUSED, note="Azure's own data is for chat alone"),
    **dict.fromkeys(("input", "instructions", "previous_response_id", "conversation", "prompt"), _OF_RESPONSES),
    **dict.fromkeys(("background", "include", "text", "max_output_tokens"), _OF_RESPONSES),
}
# What becomes of the members of a message and of its parts.
MESSAGE_MEMBERS: Mapping[str, Member] = {
    "messages[].role": Member(Fate.MOVED, "input[].role", "tool and function become outputs of calls"),
    "messages[].content": Member(Fate.MOVED, "input[].content"),
    "messages[].refusal": Member(Fate.MOVED, "input[].content", "as the assistant's text"),
    "messages[].tool_calls": Member(Fate.MOVED, "input[]", "function_call, custom_tool_call"),
    "messages[].function_call": Member(Fate.MOVED, "input[]", "function_call"),
    "messages[].tool_call_id": Member(Fate.MOVED, "input[].call_id", "renamed if over 64 characters or repeated"),
    "messages[].reasoning_details": Member(Fate.MOVED, "input[]", "reasoning, if accepted; else left out and named"),
    "messages[].name": Member(Fate.DROPPED, note="Responses has no names of participants"),
    "messages[].audio": Member(Fate.REFUSED),
    "messages[].content[].text": Member(Fate.MOVED, "input[].content[].text"),
    "messages[].content[].image_url": Member(Fate.MOVED, "input[].content[].image_url", "detail is auto if missing"),
    "messages[].content[].file": Member(Fate.MOVED, "input[].content[]", "by id or data; a URL is a 400"),
    "messages[].content[].input_audio": Member(Fate.REFUSED),
    "messages[].content[].prompt_cache_breakpoint": Member(
        Fate.MOVED, "input[].content[].prompt_cache_breakpoint", "left out and named where content becomes one text"
    ),
}


def refuse(param: str, why: str) -> InvalidRequest:
    """Return the error for what Responses cannot do."""
    message = f"This model is served through the Responses API, and there '{param}' cannot be sent: {why}."
    return InvalidRequest(message, param=param, code="unsupported_parameter")


def invalid(param: str, expected: str) -> InvalidRequest:
    """Return the error for a value of another type."""
    return InvalidRequest(f"Invalid type for '{param}': expected {expected}.", param=param, code="invalid_type")
