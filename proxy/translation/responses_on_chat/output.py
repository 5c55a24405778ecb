"""The items of a response, made piece by piece of what a chat says, with the events that tell of them.

One item is whole before the next begins, because clients follow one at a time. Only a call whose arguments are not
whole yet when another begins stays open beside it.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from functools import partial
from typing import Protocol, TypeVar

import msgspec
from msgspec import Raw

from proxy.errors import UpstreamError
from proxy.openai_api.json_members import ENCODE, UNREADABLE, Members
from proxy.openai_api.response_events import (
    INPUTS,
    PARTS,
    SUMMARY,
    Event,
    Numbered,
    begin_part,
    begin_summary,
    end_input,
    end_part,
    end_summary,
)
from proxy.translation.responses_on_chat.custom_input import CustomInput
from proxy.translation.responses_on_chat.marks import new_id, seal
from proxy.translation.responses_on_chat.names import Tool, ToolKind
from proxy.translation.responses_on_chat.response_object import Asked
from proxy.translation.responses_on_chat.texts import PieceDecoder, quoted

# An answer of the most tokens that models give has about a megabyte. It is kept, because its last events repeat it.
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
_TOO_LARGE = "Azure OpenAI sent an answer that is too large."
_NO_ARGUMENTS = b"{}"
_VALUE = msgspec.json.Decoder(Raw).decode
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_TEXT = msgspec.json.Decoder(str).decode
_PREFIXES = {ToolKind.FUNCTION: "fc", ToolKind.CUSTOM: "ctc", ToolKind.SEARCH: "tsc"}


class Item(Protocol):
    """An item that is being made; `whole` is what it is when it ends like this."""

    def whole(self, status: str) -> Members:
        """Return the item with all that came."""
        ...

    def end(self, status: str) -> bytes:
        """Return the events that end what is open in it."""
        ...


class Reasoning:
    """Reasoning, whose summary is the whole of it."""

    def __init__(self, event: Event, asked: Asked) -> None:
        self._id = quoted(new_id("rs", asked.reply))
        self._sealed = asked.sealed
        self._text = bytearray()
        self.is_part = False
        self._event = partial(event, item_id=self._id, summary_index=0)

    def begin(self) -> bytes:
        """Return the events that begin its summary."""
        return begin_summary(self._event, self._part())

    def think(self, piece: bytes) -> bytes:
        """Return the event of a piece."""
        self._text += piece
        return self._event(f"{SUMMARY}.delta", delta=Raw(b'"%s"' % piece))

    def whole(self, status: str) -> Members:
        """Return the item; what the client hands back tells all that the model thought."""
        item: Members = {"id": self._id, "type": Raw(b'"reasoning"'), "status": quoted(status)}
        item["summary"] = Raw(ENCODE([self._part()] if self._text else []))
        if self._sealed and self._text:
            item["encrypted_content"] = quoted(seal(PieceDecoder().feed(bytes(self._text)), is_part=self.is_part))
        return item

    def end(self, _status: str) -> bytes:
        """Return the events that end its summary."""
        return end_summary(self._event, self._part())

    def _part(self) -> Members:
        return {"type": Raw(b'"summary_text"'), "text": Raw(b'"%s"' % self._text)}


class Message:
    """A message of the model: its text or its refusal, or both as two parts."""

    def __init__(self, event: Event, asked: Asked) -> None:
        self.id = new_id("msg", asked.reply)
        self._event = partial(event, item_id=self.id)
        self._parts: list[Members] = []
        self.kind: str | None = None
        self.text = bytearray()
        self._logprobs: list[Members] = []
        self._annotations: list[Members] = []

    @property
    def part_index(self) -> int:
        """Return the number of the part that is open."""
        return len(self._parts)

    def open_part(self, kind: str) -> bytes:
        """Return the events that begin a part, and end another one."""
        ended = self._end_part()
        self.kind = kind
        return ended + begin_part(self._place(), self._part())

    def say(self, piece: bytes, logprobs: list[Members], **others: Raw) -> bytes:
        """Return the event of a piece of the part that is open."""
        self.text += piece
        self._logprobs += logprobs
        kind = self.kind or ""
        likely = {"logprobs": logprobs} if kind == "output_text" else {}
        return self._place()(f"{PARTS[kind][1]}.delta", delta=Raw(b'"%s"' % piece), **likely, **others)

    def annotate(self, annotations: list[Members]) -> None:
        """Take what the text cites; it is told at the end of the part."""
        self._annotations += annotations

    def whole(self, status: str) -> Members:
        """Return the message."""
        parts = self._parts if self.kind is None else [*self._parts, self._part()]
        return {
            "id": quoted(self.id),
            "type": Raw(b'"message"'),
            "status": quoted(status),
            "role": Raw(b'"assistant"'),
            "content": Raw(ENCODE(parts)),
        }

    def end(self, _status: str) -> bytes:
        """Return the events that end the part that is open."""
        return self._end_part()

    def _place(self) -> Event:
        return partial(self._event, content_index=len(self._parts))

    def _end_part(self) -> bytes:
        if self.kind is None:
            return b""
        part = self._part()
        written = end_part(self._place(), part)
        self._parts.append(part)
        self.kind, self.text, self._logprobs, self._annotations = None, bytearray(), [], []
        return written

    def _part(self) -> Members:
        kind = self.kind or ""
        part: Members = {"type": quoted(kind), PARTS[kind][0]: Raw(b'"%s"' % self.text)}
        if kind == "output_text":
            part["annotations"] = Raw(ENCODE(self._annotations))
            part["logprobs"] = Raw(ENCODE(self._logprobs))
        return part


class ToolCall:
    """A call of a tool; `arguments` is the inside of the string that the chat has."""

    def __init__(self, event: Event, asked: Asked, tool: Tool, identifier: str | None) -> None:
        self._tool = tool
        self._id = quoted(new_id(_PREFIXES[tool.kind], asked.reply))
        self.call_id = identifier or f"call_{asked.reply.token()}"
        self._event = partial(event, item_id=self._id)
        self._arguments = bytearray()
        self._characters = PieceDecoder()
        self._decoder = CustomInput()
        self._input: list[str] = []
        self._is_over = False

    def pass_arguments(self, piece: bytes) -> bytes:
        """Return the event of a piece of the arguments, nothing where the client is told only the whole.

        Behind arguments that were whole when another item began there are only blanks.
        """
        if self._is_over:
            return b""
        self._arguments += piece
        if self._tool.kind is ToolKind.FUNCTION:
            return self._delta(Raw(b'"%s"' % piece)) if piece else b""
        if self._tool.kind is ToolKind.CUSTOM:
            return self._said(self._decoder.feed(self._characters.feed(piece)))
        return b""

    @property
    def is_whole(self) -> bool:
        """Tell whether the arguments are whole JSON."""
        return _json_in(self._arguments) is not None

    def whole(self, status: str) -> Members:
        """Return the item of the call."""
        kind = self._tool.kind
        item: Members = {
            "id": self._id,
            "type": quoted(kind.value),
            "status": quoted(status),
            "call_id": quoted(self.call_id),
        }
        if kind is ToolKind.SEARCH:
            arguments = _json_in(self._arguments) or Raw(b"{}")
            return {**item, "execution": Raw(b'"client"'), "arguments": arguments}
        item["name"] = quoted(self._tool.name)
        if self._tool.namespace is not None:
            item["namespace"] = quoted(self._tool.namespace)
        if self._tool.asks_to_seal:
            # Codex takes the arguments for sealed without this: https://github.com/openai/codex/pull/35845
            item["encrypted_function_args"] = Raw(b"[]")
        if kind is ToolKind.CUSTOM:
            return {**item, "input": quoted("".join(self._input))}
        return {**item, "arguments": Raw(b'"%s"' % self._arguments)}

    def end(self, status: str) -> bytes:
        """Return the events that end the input; a function without arguments gets an empty object."""
        written = b""
        if self._tool.kind is ToolKind.FUNCTION and not self._arguments:
            written = self.pass_arguments(_NO_ARGUMENTS)
        elif self._tool.kind is ToolKind.CUSTOM:
            written = self._said(self._decoder.feed(self._characters.end()) + self._decoder.end())
        if self._tool.kind.value in INPUTS:
            written += end_input(self._event, self.whole(status), self._tool.kind.value)
        self._is_over = True
        return written

    def _said(self, text: str) -> bytes:
        if not text:
            return b""
        self._input.append(text)
        return self._delta(quoted(text))

    def _delta(self, delta: Raw) -> bytes:
        return self._event(f"{INPUTS[self._tool.kind.value][1]}.delta", delta=delta)


def _json_in(inside: bytes | bytearray) -> Raw | None:
    """Return the JSON object that a string of JSON has in it, None when it has none."""
    try:
        text = _TEXT(b'"%s"' % inside).encode()
        _OBJECT(text)
        return Raw(bytes(_VALUE(text)))
    except UNREADABLE:
        return None


_Kind = TypeVar("_Kind", Reasoning, Message)


class Output:
    """The items of one response so far; `event` numbers what is told of them."""

    def __init__(self, asked: Asked, event: Numbered) -> None:
        self._asked = asked
        self._event = event
        self._done: dict[int, Members] = {}
        self._open: dict[int, Item] = {}
        self._count = 0
        self.received = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no item yet."""
        return not self._count

    def think(self, piece: bytes, *, is_part: bool = False) -> bytes:
        """Return the events of a piece of reasoning, the inside of a string of JSON.

        `is_part` tells that it was a part of the content.
        """
        self.count(piece)
        item, written = self._last(Reasoning), b""
        if item is None:
            item = Reasoning(self._place(), self._asked)
            written = self._begin(item) + item.begin()
        item.is_part = is_part
        return written + item.think(piece)

    def say(self, kind: str, piece: bytes, logprobs: list[Members], **others: Raw) -> bytes:
        """Return the events of a piece of text or of a refusal."""
        self.count(piece)
        item, written = self.message()
        if item.kind != kind:
            written += item.open_part(kind)
        return written + item.say(piece, logprobs, **others)

    def message(self) -> tuple[Message, bytes]:
        """Return the message that is open, and the events that begin it if it is new."""
        item = self._last(Message)
        if item is not None:
            return item, b""
        item = Message(self._place(), self._asked)
        return item, self._begin(item)

    def begin_call(self, tool: Tool, identifier: str | None) -> tuple[ToolCall, bytes]:
        """Return a new call, and the events that begin it."""
        call = ToolCall(self._place(), self._asked, tool, identifier)
        return call, self._begin(call)

    def open_text(self) -> tuple[Message, int] | None:
        """Return the message whose text is open and its number, None when something else is."""
        item = self._last(Message)
        return (item, self._count - 1) if item is not None and item.kind == "output_text" else None

    def count(self, piece: bytes) -> None:
        """Count what is kept; raise `UpstreamError` when it is too much."""
        self.received += len(piece)
        if self.received > MAX_OUTPUT_BYTES:
            raise UpstreamError(_TOO_LARGE)

    def end(self, status: str) -> bytes:
        """Return the events that end every item that is open, in their order."""
        return b"".join([self._end(index, status) for index in sorted(self._open)])

    def items(self, status: str) -> list[Members]:
        """Return the items, those that are open as they would end now."""
        unfinished = {index: item.whole(status) for index, item in self._open.items()}
        return [item for _, item in sorted({**self._done, **unfinished}.items())]

    def _last(self, kind: type[_Kind]) -> _Kind | None:
        item = self._open.get(self._count - 1)
        return item if isinstance(item, kind) else None

    def _place(self) -> Event:
        return partial(self._event, output_index=self._count)

    def _begin(self, item: Item) -> bytes:
        ended = [
            self._end(index, "completed")
            for index, other in sorted(self._open.items())
            if not isinstance(other, ToolCall) or other.is_whole
        ]
        self._open[self._count] = item
        self._count += 1
        return b"".join(ended) + _added(partial(self._event, output_index=self._count - 1), item)

    def _end(self, index: int, status: str) -> bytes:
        item = self._open.pop(index)
        inside = item.end(status)
        whole = self._done[index] = item.whole(status)
        return inside + self._event("response.output_item.done", output_index=index, item=whole)


def _added(event: Event, item: Item) -> bytes:
    return event("response.output_item.added", item=item.whole("in_progress"))
