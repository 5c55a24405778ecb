"""CPU of a translated stream in this process, for each event of the API that was called: one event for each read.

`python -m tests.bench.translating` prints the figures alone, and fails above their ceilings.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.operations import StreamFormat
from proxy.translation import responses_on_chat
from proxy.translation.chat_on_responses import request as chat_on_responses
from proxy.translation.interface import AnswerReader, Reply
from proxy.values import AuthMode
from tests.bench import figures, samples
from tests.bench.cases import Result
from tests.bench.figures import Figure
from tests.bench.upstream import EVENTS

STREAMS = 50
_ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY)
_REPLY = Reply(token=lambda: "0" * 32, created=1780000000)
_CHAT = b'{"model":"gpt-5-codex","stream":true,"messages":[{"role":"user","content":"hi"}]}'
_RESPONSE = b'{"model":"deepseek","stream":true,"input":"hi"}'


def _chat_reader() -> AnswerReader:
    return chat_on_responses.translate(parse_json_body(_CHAT), _REPLY).reader


def _response_reader() -> AnswerReader:
    return responses_on_chat.translate(parse_json_body(_RESPONSE), _REPLY, is_openai=False).reader


_PARTS: dict[Figure, tuple[Callable[[], AnswerReader], StreamFormat, Callable[[int], Iterator[bytes]]]] = {
    figures.CHAT_ON_RESPONSES: (_chat_reader, StreamFormat.RESPONSE, samples.response_events),
    figures.RESPONSES_ON_CHAT: (_response_reader, StreamFormat.CHAT, samples.events),
}


def translating() -> Result:
    """Return what an event of each translated stream costs."""
    return {
        figure: _microseconds(partial(_spend, reader, form, list(events(EVENTS))))
        for figure, (reader, form, events) in _PARTS.items()
    }


def _spend(reader: Callable[[], AnswerReader], form: StreamFormat, reads: list[bytes]) -> float:
    stream = reader().open_stream(open_stream(form, _ERRORS))
    written = 0
    started = time.process_time()
    for read in reads:
        written += bool(stream.feed(read))
    spent = time.process_time() - started
    if written < len(reads):
        raise AssertionError(f"{len(reads) - written} events were lost")
    return spent


def _microseconds(spend: Callable[[], float]) -> float:
    return statistics.median(spend() for _ in range(STREAMS)) / EVENTS * 1e6


def main() -> int:
    """Print the figures; return 1 when one is above its ceiling."""
    results = translating()
    for figure, spent in results.items():
        sys.stdout.write(f"{figure.name:<50}{spent:7.2f} us, at most {figure.most:.0f}\n")
    return int(any(figure.most is not None and spent > figure.most for figure, spent in results.items()))


if __name__ == "__main__":
    sys.exit(main())
