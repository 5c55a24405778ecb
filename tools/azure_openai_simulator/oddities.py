"""The ways in which a stream of Azure OpenAI may be unusual; the name of an oddity is the deployment that has it.

An oddity is a play, which turns the chunks of an operation into steps, and the form in which the steps are written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from tools.azure_openai_simulator.answers import Chunk, Comment, Hold, Json, Mark, Reset, Stall, Step, encode
from tools.azure_openai_simulator.filters import COMPLETION_BLOCKED, COMPLETION_SAFE, NONE

Play = Callable[[Iterator[Chunk]], Iterator[Step]]

CONTENTS_BEFORE_FAULT = 2
SLOW_PACE = 1.0
BEFORE_ALL = frozenset({Mark.PROMPT_FILTER, Mark.PREAMBLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How steps become bytes; `fragment` is the largest write in bytes (0: none), `pace` seconds between writes."""

    newline: bytes = b"\n"
    blank_lines: int = 1
    ending: bytes = b"data: [DONE]\n\n"
    fragment: int = 0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """One unusual kind of stream."""

    play: Play = iter
    form: Form = field(default_factory=Form)


USUAL = Oddity()


def _after(contents: int, *steps: Step) -> Play:
    """Pass this number of content chunks, and everything before the first of them, then end with these steps."""

    def play(chunks: Iterator[Chunk]) -> Iterator[Step]:
        left = contents
        for chunk in chunks:
            if not left and chunk.mark not in BEFORE_ALL:
                break
            yield chunk
            left -= chunk.mark is Mark.CONTENT
        yield from steps

    return play


def _only(*steps: Step) -> Play:
    return lambda _chunks: iter(steps)


def _held(play: Play = iter) -> Play:
    """Wait for a permit before each content chunk."""

    def held(chunks: Iterator[Chunk]) -> Iterator[Step]:
        for step in play(chunks):
            if isinstance(step, Chunk) and step.mark is Mark.CONTENT:
                yield Hold()
            yield step

    return held


def _commented(chunks: Iterator[Chunk]) -> Iterator[Step]:
    for chunk in chunks:
        yield Comment(b"keep-alive")
        yield chunk


def _old_prompt_filter(chunks: Iterator[Chunk]) -> Iterator[Step]:
    for chunk in chunks:
        data = chunk.data.replace(b'"prompt_filter_results"', b'"prompt_annotations"')
        yield Chunk(mark=chunk.mark, data=data, event=chunk.event)


def _annotation(finish_reason: str | None, results: Json) -> Chunk:
    """Build a chunk of the asynchronous filter: no delta, and a blank id, object and model."""
    choice: Json = {
        "index": 0,
        "finish_reason": finish_reason,
        "content_filter_results": results,
        "content_filter_raw": [],
        "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198},
    }
    body = {"id": "", "object": "", "created": 0, "model": "", "choices": [choice], "usage": None}
    return Chunk(mark=Mark.ANNOTATION, data=encode(body))


def _annotated_later(chunks: Iterator[Chunk]) -> Iterator[Step]:
    """Remove the annotations from the chunks and send them afterwards, also after the finish chunk."""
    for chunk in chunks:
        edited = chunk if chunk.mark is Mark.PROMPT_FILTER else _edited(chunk, content_filter_results=NONE)
        yield edited
        if edited is not chunk and chunk.mark in {Mark.CONTENT, Mark.FINISH}:
            yield _annotation(None, COMPLETION_SAFE)


def _filtered(chunks: Iterator[Chunk]) -> Iterator[Step]:
    """Send two content chunks, then finish because of the content filter."""
    contents = 0
    for chunk in chunks:
        contents += chunk.mark is Mark.CONTENT
        if chunk.mark is Mark.FINISH:
            reason = "content_filter"
            yield _edited(chunk, content_filter_results=COMPLETION_BLOCKED, finish_reason=reason)
        elif chunk.mark is not Mark.CONTENT or contents <= CONTENTS_BEFORE_FAULT:
            yield chunk


def _edited(chunk: Chunk, **members: object) -> Chunk:
    """Change the choices of a chunk; the events of other operations than chat and completions have none."""
    if b'"choices":' not in chunk.data:
        return chunk
    body = msgspec.json.decode(chunk.data, type=dict[str, object])
    choices = msgspec.convert(body["choices"], list[dict[str, object]])
    return Chunk(mark=chunk.mark, data=encode(body | {"choices": [choice | members for choice in choices]}))


_BLOCKED = _annotation("content_filter", {"protected_material_text": {"detected": True, "filtered": True}})
_RATE_LIMIT = "Your requests to gpt-4o for gpt-4o in polandcentral have exceeded token rate limit."
_ERROR_429 = Chunk(mark=Mark.ERROR, data=encode({"error": {"code": "429", "message": _RATE_LIMIT}}))
_ERROR_CAPACITY = Chunk(
    mark=Mark.ERROR,
    data=encode(
        {
            "error": {
                "code": "no_capacity",
                "type": "too_many_requests",
                "message": "The system is currently experiencing high demand and cannot process your request.",
            }
        }
    ),
)
_ERROR_EVENT = Chunk(
    mark=Mark.ERROR,
    event=b"error",
    data=encode(
        {
            "type": "error",
            "error": {
                "type": "too_many_requests",
                "code": "rate_limit_exceeded",
                "headers": {"x-ms-fe-error": "true"},
                "message": _RATE_LIMIT,
                "param": None,
            },
            "sequence_number": 1,
        }
    ),
)
_RESPONSE_FAILED = Chunk(
    mark=Mark.ERROR,
    event=b"response.failed",
    data=encode(
        {
            "type": "response.failed",
            "response": {
                "object": "response",
                "status": "failed",
                "error": {"code": "rate_limit_exceeded", "message": _RATE_LIMIT},
            },
        }
    ),
)
_NO_ENDING = Form(ending=b"")
_TWO = CONTENTS_BEFORE_FAULT

STREAM_ODDITIES: Mapping[str, Oddity] = MappingProxyType(
    {
        "gated": Oddity(play=_held()),
        "gated-cut": Oddity(play=_held(_after(_TWO, Hold(), Reset()))),
        "gated-error": Oddity(play=_after(0, Hold(), _ERROR_429), form=_NO_ENDING),
        "stream-async-filter": Oddity(play=_annotated_later),
        "stream-async-filter-block": Oddity(play=_after(_TWO, _BLOCKED)),
        "stream-clean-cut": Oddity(play=_after(_TWO), form=_NO_ENDING),
        "stream-comments": Oddity(play=_commented),
        "stream-crlf": Oddity(form=Form(newline=b"\r\n", ending=b"data: [DONE]\r\n\r\n")),
        "stream-cut": Oddity(play=_after(_TWO, Reset())),
        "stream-double-blank-lines": Oddity(form=Form(blank_lines=2, ending=b"data: [DONE]\n\n\n")),
        "stream-empty": Oddity(play=_only(), form=_NO_ENDING),
        "stream-error-429": Oddity(play=_after(0, _ERROR_429), form=_NO_ENDING),
        "stream-error-429-first": Oddity(play=_only(_ERROR_429), form=_NO_ENDING),
        "stream-error-after-content": Oddity(play=_after(_TWO, _ERROR_429), form=_NO_ENDING),
        "stream-error-capacity": Oddity(play=_after(0, _ERROR_CAPACITY), form=_NO_ENDING),
        "stream-error-done": Oddity(play=_after(0, _ERROR_429)),
        "stream-error-event": Oddity(play=_after(0, _ERROR_EVENT), form=_NO_ENDING),
        "stream-error-response-failed": Oddity(play=_after(0, _RESPONSE_FAILED), form=_NO_ENDING),
        "stream-filter-block": Oddity(play=_filtered),
        "stream-no-done": Oddity(form=_NO_ENDING),
        "stream-no-final-newline": Oddity(form=Form(ending=b"data: [DONE]")),
        "stream-prompt-annotations": Oddity(play=_old_prompt_filter),
        "stream-slow": Oddity(form=Form(pace=SLOW_PACE)),
        "stream-split": Oddity(form=Form(fragment=7)),
        "stream-stall": Oddity(play=_after(0, Stall())),
    }
)
