"""How many tokens an answer used, as Azure counted them or as its size suggests."""

import msgspec

from proxy.openai_api.json_members import UNREADABLE, decode
from proxy.values import Usage

# English text has about four bytes a token. https://help.openai.com/en/articles/4936856
BYTES_PER_TOKEN = 4
# An answer with images is tens of megabytes; to look into it would hold up other requests.
MAX_SEARCHED_BYTES = 1024 * 1024
_MARK = b'"usage"'


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


_NO_DETAILS = _Details()


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    seconds: float | None = None


class _Answer(msgspec.Struct):
    usage: _Counts | None = None


_COUNTS = msgspec.json.Decoder(_Counts | None).decode
_ANSWER = msgspec.json.Decoder(_Answer).decode


def find_usage(answer: bytes) -> Usage | None:
    """Return the tokens that a whole JSON answer counts; None when it counts none, or is too large to look into."""
    if len(answer) > MAX_SEARCHED_BYTES or _MARK not in answer:
        return None
    try:
        return _usage(decode(answer, _ANSWER).usage)
    except UNREADABLE:
        return None


def count_images(answer: bytes) -> int:
    """Return how many images a whole JSON answer has, or the addresses of them."""
    return answer.count(b'"b64_json"') + answer.count(b'"url"')


def parse_usage(usage: bytes | None) -> Usage | None:
    """Return the tokens of the `usage` member of a stream's event; None when it counts none."""
    try:
        return None if usage is None else _usage(_COUNTS(usage))
    except UNREADABLE:
        return None


def estimate_usage(sent: int, received: int) -> Usage:
    """Return the usage that the sizes of the bodies in bytes suggest."""
    return Usage(input_tokens=sent // BYTES_PER_TOKEN, output_tokens=received // BYTES_PER_TOKEN, estimated=True)


def _usage(counts: _Counts | None) -> Usage | None:
    if counts is None:
        return None
    given = counts.prompt_tokens_details or counts.input_tokens_details or _NO_DETAILS
    made = counts.completion_tokens_details or counts.output_tokens_details or _NO_DETAILS
    return Usage(
        input_tokens=counts.prompt_tokens or counts.input_tokens or 0,
        output_tokens=counts.completion_tokens or counts.output_tokens or 0,
        cached_tokens=given.cached_tokens or 0,
        reasoning_tokens=made.reasoning_tokens or 0,
        seconds=-int(-(counts.seconds or 0) // 1),
    )
