"""POST embeddings."""

import base64
import hashlib
import math
import struct
from collections.abc import Mapping

import msgspec

from tools.azure_openai_simulator import metering
from tools.azure_openai_simulator.answers import Answer, Ask, Document, encode

DEFAULT_DIMENSIONS = 1536
DIMENSIONS: Mapping[str, int] = {"text-embedding-3-large": 3072}

Input = str | tuple[int, ...]


class EmbeddingsRequest(msgspec.Struct):
    """The body of a call, as far as the simulator reads it."""

    input: str | tuple[str | int | tuple[int, ...], ...] = ""
    encoding_format: str | None = None
    dimensions: int | None = None

    def inputs(self) -> list[Input]:
        """Return each input: a text or an array of tokens."""
        if isinstance(self.input, str):
            return [self.input]
        tokens = tuple(part for part in self.input if isinstance(part, int))
        return [tokens] if tokens else [part for part in self.input if not isinstance(part, int)]


_decoder = msgspec.json.Decoder(EmbeddingsRequest)


def answer(ask: Ask) -> Answer:
    """Answer an embeddings call."""
    request = _decoder.decode(ask.body)
    dimensions = request.dimensions or DIMENSIONS.get(ask.model, DEFAULT_DIMENSIONS)
    count = sum(metering.count(ask, part) if isinstance(part, str) else len(part) for part in request.inputs())
    body = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _spell(request, vector_of(part, dimensions))}
            for index, part in enumerate(request.inputs())
        ],
        "model": ask.model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }
    return Document(encode(body))


def vector_of(part: Input, dimensions: int) -> bytes:
    """Return the vector of length one that an input always has, as little-endian 32-bit floats."""
    seed = part if isinstance(part, str) else repr(part)
    noise = struct.unpack(f"<{dimensions}i", hashlib.shake_256(seed.encode()).digest(4 * dimensions))
    length = math.hypot(*noise) or 1.0
    return struct.pack(f"<{dimensions}f", *(value / length for value in noise))


def _spell(request: EmbeddingsRequest, vector: bytes) -> str | tuple[float, ...]:
    if request.encoding_format == "base64":
        return base64.b64encode(vector).decode("ascii")
    return struct.unpack(f"<{len(vector) // 4}f", vector)
