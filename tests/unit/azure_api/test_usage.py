"""How many tokens an answer took."""

import pytest

from proxy.azure_api.usage import estimate_usage, find_usage
from proxy.values import Usage

CHAT = b'{"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
RESPONSE = b'{"type":"response.completed","response":{"usage":{"input_tokens":9,"output_tokens":3}}}'


@pytest.mark.parametrize(
    ("written", "usage"),
    [
        (CHAT, Usage(input_tokens=9, output_tokens=3)),
        (b"data: " + CHAT + b"\n\ndata: [DONE]\n\n", Usage(input_tokens=9, output_tokens=3)),
        (b"event: response.completed\ndata: " + RESPONSE + b"\n\n", Usage(input_tokens=9, output_tokens=3)),
        (b'{"usage":{"prompt_tokens":5,"total_tokens":5}}', Usage(input_tokens=5, output_tokens=0)),
        (b'data: {"usage":null}\n\ndata: ' + CHAT + b"\n\n", Usage(input_tokens=9, output_tokens=3)),
        (b'{"usage":null}', None),
        (b'{"response":{"usage":null}}', None),
        (b'{"response":null,"x":"usage","usage":null}', None),
        (b'{"choices":[]}', None),
        (b'{"usage":', None),
        (b'{"usage":"many"}', None),
        (b'{"usage":\xff}', None),
        (b"", None),
    ],
)
def test_the_tokens_are_those_that_azure_counts(written: bytes, usage: Usage | None) -> None:
    assert find_usage(written) == usage


def test_without_a_count_the_sizes_tell() -> None:
    assert estimate_usage(400, 81) == Usage(input_tokens=100, output_tokens=20, estimated=True)
