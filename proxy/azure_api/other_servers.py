r"""Errors of servers that have OpenAI's API and are not Azure's: Ollama, vLLM, LM Studio, Foundry Local, llama.cpp.

Each says in its own way that it has no such model or no such operation; these are the ones that are known:

    404 {"error": {"message": "model 'x' not found", "type": "api_error", "param": null, "code": null}}      Ollama
    404 404 page not found, 405 405 method not allowed                                                       Ollama
    404 {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}  vLLM
    404 {"detail": "Not Found"}, 405 {"detail": "Method Not Allowed"}                                        vLLM
    200 {"error": "Unexpected endpoint or method. (POST /v1/files)"}                                         LM Studio
    404 {"error": {"message": "No models loaded. ...", "param": "model", "code": "model_not_found"}}         LM Studio
    400 No OpenAIService provider found for modelName:x, 404 without a body                           Foundry Local
    404 {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}                     llama.cpp
    501 {"error": {"message": "This server does not support embeddings. ...", "code": 501}}                  llama.cpp

https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/618, https://github.com/vllm-project/vllm/issues/3485,
https://github.com/microsoft/foundry-local/issues/92
"""

import re

import msgspec

from proxy.openai_api import json_members

_LONGEST_TEXT = 500
_BAD_REQUEST, _NOT_FOUND, _METHOD_NOT_ALLOWED, _NOT_IMPLEMENTED = 400, 404, 405, 501
_WITHOUT_MODEL = re.compile(
    r"\bmodel\b[ :]*\S{1,300} (?:was |is )?(?:not found|not exist|does not exist|not loaded)"
    r"|no models? (?:is |are )?loaded|no openaiservice provider found|invalid model identifier",
    re.IGNORECASE,
)
_WITHOUT_PATH = re.compile(
    r"\W*(?:404\W+)?(?:(?:page|path|url|route|endpoint|file) )?not found\W*"
    r"|unexpected endpoint or method\b.*|cannot [a-z]+ /.*|invalid url\b.*",
    re.IGNORECASE | re.DOTALL,
)
# What an error consists of that came with a status of success; an object of the API has more.
_OF_ERRORS = frozenset({"error", "object", "message", "type", "param", "code", "status", "detail"})


def lacks_model(status: int, message: str) -> bool:
    """Tell whether a server has no such model."""
    return status in (_BAD_REQUEST, _NOT_FOUND) and _WITHOUT_MODEL.search(message) is not None


def lacks_operation(status: int, message: str) -> bool:
    """Tell whether a server has no such operation; what says more than that nothing is there is about an object."""
    if status == _NOT_FOUND:
        return not message or says_no_path(message)
    return status in (_METHOD_NOT_ALLOWED, _NOT_IMPLEMENTED)


def says_no_path(message: str) -> bool:
    """Tell whether a message only says that there is no such path."""
    return _WITHOUT_PATH.fullmatch(message) is not None


def is_error(body: bytes) -> bool:
    """Tell whether JSON that came with a status of success is an error."""
    try:
        members = json_members.DECODE(body)
    except json_members.UNREADABLE:
        return False
    names_error = bytes(members.get("error", b"null")) != b"null" or bytes(members.get("object", b"")) == b'"error"'
    return names_error and members.keys() <= _OF_ERRORS


def with_json(body: bytes) -> bytes:
    """Return an error as JSON, also one that came as a line of text; a page of HTML stays as it is."""
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        return body
    if not text.isprintable() or not 0 < len(text) <= _LONGEST_TEXT or text.startswith(("{", "[", "<", '"')):
        return body
    return msgspec.json.encode({"message": text})
