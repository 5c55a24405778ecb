"""CPU of the normaliser alone, on the events that the workers were given: one event for each read."""

import statistics
import time
from collections.abc import Callable, Iterator

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.operations import StreamFormat
from proxy.values import AuthMode
from tests.bench import figures, samples
from tests.bench.cases import Result
from tests.bench.figures import Figure
from tests.bench.upstream import EVENTS

STREAMS = 50
_ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY)
# A figure of the worker, that of the normaliser, and the stream of both.
_PARTS: dict[Figure, tuple[Figure, StreamFormat, Callable[[int], Iterator[bytes]]]] = {
    figures.EVENT_CPU: (figures.NORMALISING, StreamFormat.CHAT, samples.events),
    figures.RESPONSE_EVENT_CPU: (figures.NORMALISING_RESPONSE, StreamFormat.RESPONSE, samples.response_events),
}


def normalising(worker: Result) -> tuple[Result, Result]:
    """Return what normalising an event costs here, and what the worker spent on the same event in all."""
    parts = [(*_PARTS[figure], cpu) for figure, cpu in worker.items() if figure in _PARTS]
    ours = {figure: _microseconds(form, list(events(EVENTS))) for figure, form, events, _ in parts}
    return ours, {figure: cpu for figure, _, _, cpu in parts}


def _microseconds(form: StreamFormat, reads: list[bytes]) -> float:
    spent = []
    for _ in range(STREAMS):
        started = time.process_time()
        stream = open_stream(form, _ERRORS)
        for read in reads:
            stream.feed(read)
        spent.append(time.process_time() - started)
    return statistics.median(spent) / len(reads) * 1e6
