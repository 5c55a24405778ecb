"""The events of a run: each is an object of its thread, and the name on the line says what became of it."""

from collections.abc import Iterator

from tools.azure_openai_simulator.answers import Chunk, Mark, encode
from tools.azure_openai_simulator.echo import tokens_of
from tools.azure_openai_simulator.objects.assistants import spoken, text_part
from tools.azure_openai_simulator.state import Record

_UNFINISHED: Record = {"status": "in_progress", "completed_at": None}


def events(before: Record, run: Record, steps: list[Record], messages: list[Record]) -> Iterator[Chunk]:
    """Tell a run from its creation to where it is; the stream ends with an event `done`."""
    yield _event(Mark.PREAMBLE, "thread.run.created", before)
    yield _event(Mark.PREAMBLE, "thread.run.queued", before)
    yield _event(Mark.PREAMBLE, "thread.run.in_progress", before | {"status": "in_progress"})
    for step, message in zip(steps, messages, strict=True):
        yield _event(Mark.OPENING, "thread.run.step.created", step | _UNFINISHED)
        yield _event(Mark.OPENING, "thread.run.step.in_progress", step | _UNFINISHED)
        yield from _message(message)
        yield _event(Mark.FINISH, "thread.run.step.completed", step)
    yield _event(Mark.FINISH, f"thread.run.{run['status']}", run)
    yield Chunk(mark=Mark.FINISH, event=b"done", data=b"[DONE]")


def _message(message: Record) -> Iterator[Chunk]:
    opening = message | _UNFINISHED | {"content": []}
    yield _event(Mark.OPENING, "thread.message.created", opening)
    yield _event(Mark.OPENING, "thread.message.in_progress", opening)
    for token in tokens_of(spoken(message)):
        delta = {"content": [{"index": 0, **text_part(token)}]}
        chunk: Record = {"id": message["id"], "object": "thread.message.delta", "delta": delta}
        yield _event(Mark.CONTENT, "thread.message.delta", chunk)
    yield _event(Mark.FINISH, "thread.message.completed", message)


def _event(mark: Mark, name: str, body: Record) -> Chunk:
    return Chunk(mark=mark, event=name.encode(), data=encode(body))
