"""How many tokens an answer took, as Azure counts them at its end, or as far as its size tells."""

import msgspec

from proxy.openai_api.json_members import mask
from proxy.values import Usage

# English text has some four bytes a token. https://help.openai.com/en/articles/4936856
BYTES_PER_TOKEN = 4
_MARK = b'"usage"'


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Response(msgspec.Struct):
    usage: _Counts | None = None


class _Answer(_Response):
    response: _Response | None = None


_DECODE = msgspec.json.Decoder(_Answer).decode


def find_usage(written: bytes) -> Usage | None:
    """Return the tokens that a JSON answer, or the events of a stream, tell; None when they tell nothing."""
    if _MARK not in written:
        return None
    for line in reversed(written.split(b"\n")):
        if _MARK in line and (usage := _read(line.removeprefix(b"data: "))) is not None:
            return usage
    return None


def estimate_usage(sent: int, received: int) -> Usage:
    """Return what the sizes of the bodies suggest; both are in bytes."""
    return Usage(input_tokens=sent // BYTES_PER_TOKEN, output_tokens=received // BYTES_PER_TOKEN, estimated=True)


def _read(document: bytes) -> Usage | None:
    try:
        answer = _DECODE(mask(document))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    counts = answer.usage or (answer.response.usage if answer.response is not None else None)
    if counts is None:
        return None
    return Usage(
        input_tokens=counts.prompt_tokens or counts.input_tokens or 0,
        output_tokens=counts.completion_tokens or counts.output_tokens or 0,
    )
