"""The models that a JSON body names besides the one that it asks for: of graders, tools, transcribers.

Only a client key that may use some models alone has to have them read.
"""

from functools import cache

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.json_members import UNREADABLE
from proxy.openai_api.json_walk import Places, places, walk_whole
from proxy.openai_api.operations import Operation

_TEXT = msgspec.json.Decoder(str).decode
_PURPOSE, _BATCH = "purpose", b'"batch"'


def also_named_models(operation: Operation, raw: bytes) -> list[str]:
    """Return the further models that a body names; raise `InvalidRequest` for one that cannot be read."""
    if not operation.also_named or not raw:
        return []
    parse_json_body(raw)
    try:
        found = walk_whole(raw, _places(operation.also_named))
        return [_TEXT(raw[start:end]) for _, start, end in found]
    except (ValueError, *UNREADABLE):
        raise InvalidRequest("The models that your request names cannot be read.") from None


@cache
def _places(paths: tuple[str, ...]) -> Places[str]:
    return places({path: path for path in paths})


def is_batch_in_parts(operation: Operation, raw: bytes) -> bool:
    """Tell whether a body begins an upload in parts of the input of a batch, whose lines nobody reads."""
    return operation.name == "createUpload" and parse_json_body(raw).member(_PURPOSE) == _BATCH
