"""Refusals that say that a deployment does not offer an API for conversations, or not with what the request has.

Azure says so with different words: https://github.com/langchain-ai/langchain-azure/issues/228 is a model of Responses
alone, https://github.com/maximhq/bifrost/issues/7275 a model that reasons and has functions on Responses alone, and
https://github.com/earendil-works/pi/issues/6228 one of another maker, whose Responses are not all of OpenAI's. OpenAI
says "This model is only supported in v1/responses and not in v1/chat/completions."
"""

import re
from collections.abc import Callable
from enum import Enum

from proxy.azure_api.errors import MISSING_CODES, parse_texts
from proxy.openai_api.json_body import JsonBody

_BAD_REQUEST, _NOT_FOUND = 400, 404
_REFUSALS = frozenset({_BAD_REQUEST, _NOT_FOUND, 405, 422})
_OPERATION_CODE = "operationnotsupported"
_OPERATION = re.compile(
    r"operation does not work with the specified model|requested operation is unsupported|is only supported in v1/",
    re.IGNORECASE,
)
_TOOLS = re.compile(r"[Ff]unction tools with reasoning_effort are not supported")
_STREAM = re.compile(r"^Unsupported (?:value|parameter): 'stream'")
_SEALING = re.compile(r"[Ee]ncrypted content is not supported with this model")
_EFFORT = "reasoning"
_UNSUPPORTED_CODES = frozenset({"unsupported_parameter", "unknown_parameter", "unsupported_value", "invalid_value", ""})
# What says that the reasoning of an earlier answer cannot be read, or not without what came with it; one of each kind:
# https://github.com/openai/codex/pull/3528, https://github.com/dyad-sh/dyad/issues/4549,
# https://github.com/openai/codex/issues/6375 and https://github.com/anomalyco/opencode/issues/29879
_REASONING_CODE = "invalid_encrypted_content"
_REASONING = re.compile(
    r"Item with id '[^']{1,128}' not found"
    r"|Conflicting authenticated continuation identities"
    r"|without its required '?(?:reasoning|following)'? item"
    r"|encrypted content .{1,200} could not be verified",
    re.DOTALL,
)


class ApiRefusal(Enum):
    """Why a deployment does not take a request by one API that it may take by the other."""

    OPERATION = "it does not offer the operation"
    TOOLS = "it has functions only where it does not reason"
    OTHER_MAKER = "it is of another maker than OpenAI and lacks a part of the API"


def find_api_refusal(status: int | None, body: bytes, *, on_chat: bool) -> ApiRefusal | None:
    """Return why a deployment refuses the API of a request, None where it refuses anything else."""
    if status not in _REFUSALS:
        return None
    message, code, param = parse_texts(body)
    if code.lower() == _OPERATION_CODE or _OPERATION.search(message):
        return ApiRefusal.OPERATION
    refuses_part: Callable[[str, str, str], bool] = _refuses_tools if on_chat else _refuses_other_maker
    if not refuses_part(message, code.lower(), param):
        return None
    return ApiRefusal.TOOLS if on_chat else ApiRefusal.OTHER_MAKER


def is_missing_there(status: int | None, body: bytes) -> bool:
    """Tell whether an answer says that there is no such operation, or no such deployment for it."""
    return status in (_NOT_FOUND, 405) or parse_texts(body)[1].lower() in MISSING_CODES


def refuses_reasoning(status: int | None, body: bytes) -> bool:
    """Tell whether the reasoning of an earlier answer is refused, which the request can do without."""
    if status not in (_BAD_REQUEST, _NOT_FOUND):
        return False
    message, code, _ = parse_texts(body)
    return code.lower() == _REASONING_CODE or _REASONING.search(message) is not None


def refuses_stream(status: int | None, body: bytes) -> bool:
    """Tell whether a model is refused as a stream, as o1-pro is."""
    message, code, param = parse_texts(body)
    names_it = param == "stream" or _STREAM.search(message) is not None
    return status == _BAD_REQUEST and code.lower() in _UNSUPPORTED_CODES and names_it


def has_functions_and_reasoning(document: JsonBody) -> bool:
    """Tell whether a chat has functions, and does not say that the model is not to reason."""
    has_functions = any((document.member(name) or b"[]").strip(b"[] \t\r\n") for name in ("tools", "functions"))
    return has_functions and document.member("reasoning_effort") != b'"none"'


def _refuses_tools(message: str, _code: str, _param: str) -> bool:
    return _TOOLS.search(message) is not None


def _refuses_other_maker(message: str, code: str, param: str) -> bool:
    if _SEALING.search(message):
        return True
    return param.partition(".")[0] == _EFFORT and code in _UNSUPPORTED_CODES
