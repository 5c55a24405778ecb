"""What an event of a stream costs in the translator alone, for each kind of event and each way that reads cut it.

Run `python -m tests.bench.stream_events`. The goal for the usual events of a chat and of a response: no more than 0.6
times `json.loads` of their data, and 1 us for each read besides.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode
from tests.bench import samples

EVENTS = 400
REPEATS = 15
_ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY)
_FRAME = {
    "created": 1780000000,
    "id": "chatcmpl-CkWbq9mXyXyXyXyXyXyXyXyXyXyXy",
    "model": "gpt-4o-2024-11-20",
    "obfuscation": "aB3dE5fG",
    "object": "chat.completion.chunk",
    "system_fingerprint": "fp_c79ab13e31",
    "usage": None,
}


def _chunk(choice: dict[str, object], frame: dict[str, object] = _FRAME) -> bytes:
    index = {"finish_reason": None, "index": 0, "logprobs": None}
    return _encode({"choices": [choice | index], **frame})


def _encode(document: object) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _chat(word: str) -> bytes:
    return _chunk({"content_filter_results": samples.FILTERS, "delta": {"content": word}})


def _chat_of_another_order(word: str) -> bytes:
    choice = {"index": 0, "delta": {"content": word}, "content_filter_results": samples.FILTERS, "finish_reason": None}
    return _encode(_FRAME | {"choices": [choice]})


def _unfiltered_chat(word: str) -> bytes:
    return _chunk({"delta": {"content": word}})


def _annotation(_word: str) -> bytes:
    blank = {"created": 0, "id": "", "model": "", "object": "", "usage": None}
    offsets = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
    return _encode({"choices": [{"content_filter_offsets": offsets, "index": 0, "finish_reason": None}], **blank})


def _response(word: str) -> bytes:
    kind = "response.output_text.delta"
    place = {"item_id": "msg_68a1b2c3d4e5f60718293a4b5c6d7e8f90", "output_index": 0, "content_index": 0}
    text = {"delta": word, "logprobs": [], "obfuscation": "aB3dE5fG"}
    return f"event: {kind}\n".encode() + _encode({"type": kind, "sequence_number": 7, **place, **text})


KINDS: dict[str, tuple[StreamFormat, Callable[[str], bytes]]] = {
    "chat, with filter results": (StreamFormat.CHAT, _chat),
    "chat, without": (StreamFormat.CHAT, _unfiltered_chat),
    "chat, members in another order": (StreamFormat.CHAT, _chat_of_another_order),
    "chat, annotation of its own": (StreamFormat.CHAT, _annotation),
    "response.output_text.delta": (StreamFormat.RESPONSE, _response),
}


def _reads(received: bytes, size: int) -> list[bytes]:
    return [received[start : start + size] for start in range(0, len(received), size)]


CUTS: dict[str, Callable[[Sequence[bytes]], list[bytes]]] = {
    "an event per read": list,
    "eight events per read": lambda events: [b"".join(events[at : at + 8]) for at in range(0, len(events), 8)],
    "reads end inside events": lambda events: _reads(b"".join(events), len(events[0]) + 7),
    "reads of 1,460 bytes": lambda events: _reads(b"".join(events), 1460),
    "four reads per event": lambda events: _reads(b"".join(events), len(events[0]) // 4 + 1),
    "reads of 16 bytes": lambda events: _reads(b"".join(events), 16),
}


def _feed(stream_format: StreamFormat, opening: bytes, reads: Sequence[bytes]) -> float:
    stream = open_stream(stream_format, _ERRORS)
    stream.feed(opening)
    feed = stream.feed
    started = time.process_time()
    for read in reads:
        feed(read)
    return time.process_time() - started


def _load(documents: Sequence[bytes]) -> float:
    started = time.process_time()
    for document in documents:
        json.loads(document)
    return time.process_time() - started


def _least(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(REPEATS)) / EVENTS * 1e6


def measure(kind: str) -> Iterator[str]:
    """Return a line for each cut of one kind of event."""
    stream_format, make = KINDS[kind]
    events = [make(samples.WORDS[number % len(samples.WORDS)]) for number in range(EVENTS)]
    opening = _unfiltered_chat("") if stream_format is StreamFormat.CHAT else make("")
    loads = _least(partial(_load, [event.partition(b"data: ")[2] for event in events]))
    yield f"{kind}, {len(events[1])} bytes, json.loads {loads:.2f} us"
    for cut, split in CUTS.items():
        reads = split(events)
        spent = _least(partial(_feed, stream_format, opening, reads))
        per_read = (spent - 0.6 * loads) * EVENTS / len(reads)
        yield f"  {cut:24}{spent:6.2f} us{spent / loads:6.2f} x json.loads{per_read:7.2f} us a read besides 0.6 x"


if __name__ == "__main__":
    for each in KINDS:
        sys.stdout.writelines(f"{line}\n" for line in measure(each))
