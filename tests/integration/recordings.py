"""Streams of Azure OpenAI, one for each format, event by event."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One event: its bytes, the text that it adds, and the choices that it finishes.

    `reaches` tells that the client reads it, `says` that it is more than an announcement.
    """

    raw: bytes
    text: str = ""
    finishes: frozenset[int] = frozenset()
    reaches: bool = True
    says: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """One stream of the operation at a path below `/v1`; `asked` are the members of a request, but for its model.

    The answer is complete when all `choices` are finished; where there are none to choose from it is the last event
    that does so.
    """

    name: str
    path: str
    asked: Mapping[str, object]
    events: tuple[Recorded, ...]
    choices: frozenset[int] = frozenset({0})
    form: bool = False

    @property
    def raw(self) -> bytes:
        """Return all bytes of the stream."""
        return b"".join(event.raw for event in self.events)

    @property
    def text(self) -> str:
        """Return what is said in all."""
        return "".join(event.text for event in self.events)

    @property
    def ends_with_done(self) -> bool:
        """Tell whether the last event is `[DONE]`."""
        return self.events[-1].raw == DONE


_ENDS = Recorded(raw=DONE, reaches=False)
_ANNOTATED = Recorded(
    raw=b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":['
    b'{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\n',
    reaches=False,
)


def _chunk(kind: str, index: int, said: Mapping[str, object], reason: str | None = None, text: str = "") -> Recorded:
    """Build a chunk of chat or completions with one choice."""
    choice = {"content_filter_results": {}, **said, "finish_reason": reason, "index": index, "logprobs": None}
    return Recorded(
        raw=_event({"choices": [choice], **_tail(kind)}),
        text=text,
        finishes=frozenset({index}) if reason else frozenset(),
    )


def _tail(kind: str) -> dict[str, object]:
    return {"created": 1772304649, "id": "cmpl-DEtY", "model": "gpt-4o-2024-11-20", "object": kind}


def _event(body: Mapping[str, object], name: str = "") -> bytes:
    line = b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
    return f"event: {name}\n".encode() + line if name else line


def _chat(index: int, text: str) -> Recorded:
    return _chunk("chat.completion.chunk", index, {"delta": {"content": text}}, text=text)


def _chat_end(index: int, reason: str) -> Recorded:
    return _chunk("chat.completion.chunk", index, {"delta": {}}, reason)


def _usage(kind: str) -> Recorded:
    counts = {"completion_tokens": 3, "prompt_tokens": 9, "total_tokens": 12}
    return Recorded(raw=_event({"choices": [], **_tail(kind), "usage": counts}))


def _typed(kind: str, *, adds: str = "", last: bool = False, **members: object) -> Recorded:
    """Build an event without a name, as images, transcripts and speech have them."""
    finishes = frozenset({0}) if last else frozenset[int]()
    return Recorded(raw=_event({"type": kind, **members}), text=adds, finishes=finishes)


_OPENING = {"delta": {"content": "", "refusal": None, "role": "assistant"}}
CHAT = Recording(
    name="chat",
    path="chat/completions",
    asked={"messages": [{"role": "user", "content": "hi"}], "n": 2},
    choices=frozenset({0, 1}),
    events=(
        _ANNOTATED,
        _chunk("chat.completion.chunk", 0, _OPENING),
        _chunk("chat.completion.chunk", 1, _OPENING),
        _chat(1, "A"),
        _chat(0, "B"),
        _chat_end(1, "stop"),
        _chat(0, "C"),
        _chat_end(0, "length"),
        _usage("chat.completion.chunk"),
        _ENDS,
    ),
)
COMPLETION = Recording(
    name="completion",
    path="completions",
    asked={"prompt": ["hi", "ho"]},
    choices=frozenset({0, 1}),
    events=(
        _ANNOTATED,
        _chunk("text_completion", 0, {"text": "A"}, text="A"),
        _chunk("text_completion", 1, {"text": "B"}, text="B"),
        _chunk("text_completion", 0, {"text": ""}, "stop"),
        _chunk("text_completion", 1, {"text": "C"}, "length", text="C"),
        _ENDS,
    ),
)


def _response() -> Iterator[Recorded]:
    """Yield the events of a response, which are named and numbered."""
    begun = {"id": "resp_1", "object": "response", "created_at": 1772304649, "model": "gpt-4o", "output": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    said = {**item, "status": "completed", "content": [{**part, "text": "AB"}]}
    events: tuple[tuple[str, dict[str, object]], ...] = (
        ("created", {"response": {**begun, "status": "in_progress"}}),
        ("in_progress", {"response": {**begun, "status": "in_progress"}}),
        ("output_item.added", {"output_index": 0, "item": item}),
        ("content_part.added", {**place, "part": part}),
        ("output_text.delta", {**place, "delta": "A", "logprobs": []}),
        ("output_text.delta", {**place, "delta": "B", "logprobs": []}),
        ("output_text.done", {**place, "text": "AB", "logprobs": []}),
        ("content_part.done", {**place, "part": {**part, "text": "AB"}}),
        ("output_item.done", {"output_index": 0, "item": said}),
        ("completed", {"response": {**begun, "status": "completed", "output": [said]}}),
    )
    for number, (kind, members) in enumerate(events):
        named = f"response.{kind}"
        yield Recorded(
            raw=_event({"type": named, "sequence_number": number, **members}, named),
            text=str(members.get("delta", "")),
            finishes=frozenset({0}) if kind == "completed" else frozenset(),
            says=number > 1,
        )


RESPONSE = Recording(name="response", path="responses", asked={"input": "hi"}, events=tuple(_response()))
IMAGE = Recording(
    name="image",
    path="images/generations",
    asked={"prompt": "hi", "partial_images": 2},
    events=(
        _typed("image_generation.partial_image", adds="QQ==", b64_json="QQ==", partial_image_index=0),
        _typed("image_generation.partial_image", adds="Qg==", b64_json="Qg==", partial_image_index=1),
        _typed("image_generation.completed", adds="Qw==", b64_json="Qw==", last=True),
    ),
)
TRANSCRIPT = Recording(
    name="transcript",
    path="audio/transcriptions",
    asked={},
    form=True,
    events=(
        _typed("transcript.text.delta", adds="A", delta="A"),
        _typed("transcript.text.delta", adds="B", delta="B"),
        _typed("transcript.text.done", text="AB", last=True),
    ),
)
SPEECH = Recording(
    name="speech",
    path="audio/speech",
    asked={"input": "hi", "voice": "alloy", "stream_format": "sse"},
    events=(
        _typed("speech.audio.delta", adds="QQ==", audio="QQ=="),
        _typed("speech.audio.delta", adds="Qg==", audio="Qg=="),
        _typed("speech.audio.done", last=True, usage={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    ),
)
RECORDINGS = (CHAT, COMPLETION, RESPONSE, IMAGE, TRANSCRIPT, SPEECH)
