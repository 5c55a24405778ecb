"""The events of a response as the chunks of a chat, over a stream that has OpenAI's events in it.

Nearly every event is a piece of the text that goes on. Such an event is read into a struct of a few members, and its
chunk has the same bytes around every piece. Events that a chat has nothing for are not read at all.
https://platform.openai.com/docs/api-reference/responses-streaming
https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, Raw, UnsetType

from proxy.azure_api.stream import Stream
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api.answers import encode_error_event
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, rewrite
from proxy.openai_api.sse import DONE, encode_event
from proxy.translation.chat_on_responses import pieces
from proxy.translation.chat_on_responses.chunks import Chunks, Identity
from proxy.translation.chat_on_responses.pieces import BETWEEN, BLANK, CALLS, EMPTY_LIST, NULL, ResponseFields, Wanted
from proxy.translation.chat_on_responses.reasoning import ReasoningItems, shown_thoughts, to_details
from proxy.translation.chat_on_responses.stop import HeldTokens, StopSequences
from proxy.translation.interface import StreamOverStream

_CUT_SHORT = "Azure OpenAI ended the stream before the answer was complete."
_NOT_JSON = "Azure OpenAI sent an event that is not the JSON it should be."
_END = b"\n\n"
_EVENT, _DATA = b"event: ", b"data: "
_TEXT_DELTA = b"event: response.output_text.delta\ndata: "
_OF_RESPONSE, _ERROR = "response.", "error"


class _Delta(msgspec.Struct, gc=False):
    """A piece of text."""

    delta: Raw
    output_index: int
    content_index: int = 0
    logprobs: Raw = EMPTY_LIST
    obfuscation: Raw | UnsetType = UNSET


class _Event(msgspec.Struct):
    """What is read of all other events."""

    type: str = ""
    output_index: int | None = None
    item_id: str = ""
    content_index: int = 0
    summary_index: int = 0
    delta: Raw = BLANK
    text: Raw = BLANK
    refusal: Raw = BLANK
    arguments: Raw = BLANK
    input: Raw = BLANK
    item: Raw = NULL
    annotation: Raw = NULL
    response: Raw = NULL

    @property
    def item_key(self) -> "_Key":
        """Return what tells the items of a stream apart; some servers change the id of an item with every event."""
        return self.item_id if self.output_index is None else self.output_index


_Key = int | str
_DECODE_DELTA = msgspec.json.Decoder(_Delta).decode
_DECODE_EVENT = msgspec.json.Decoder(_Event).decode
_DECODE_RESPONSE = msgspec.json.Decoder(ResponseFields).decode


class _Call(msgspec.Struct):
    """A tool call that has begun: its number among the calls, and whether its input has come."""

    index: int
    holder: str
    member: str
    has_input: bool = False


class ChatEvents(StreamOverStream):
    """The chunks of one answer; `feed` and then `end`, or `fail` at any time, give the bytes for the client.

    `ended` tells that nothing more will be given; with a stop sequence that may be before Azure's stream has ended.
    """

    def __init__(
        self,
        upstream: Stream,
        wanted: Wanted,
        identity: Identity,
        translate_error: Callable[[ProxyError], ProxyError],
        keep_reasoning: Callable[[ReasoningItems], None],
    ) -> None:
        super().__init__(upstream)
        self._wanted = wanted
        self._chunks = Chunks(identity, with_usage=wanted.usage)
        self._translate_error = translate_error
        self._keep_reasoning = keep_reasoning
        self._reasoning = ReasoningItems()
        self._calls: dict[_Key, _Call] = {}
        # The message and its part whose text goes on, and all whose text has come.
        self._open: tuple[_Key, int] | None = None
        self._sent: set[tuple[_Key, int]] = set()
        self._thought: tuple[_Key, int] | None = None
        self._thinking: set[_Key] = set()
        self._message: _Key | None = None
        self._between = b""
        self._refusing: _Key | None = None
        self._stop = StopSequences(wanted.stops)
        self._tokens = HeldTokens()
        self._is_cut = self._has_items = False
        # How many characters are whole, and the parts that they are in: what annotations count from.
        self._characters = 0
        self._counted: set[tuple[_Key, int]] = set()

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        return b"" if self.ended else self._translate_all(self._upstream.feed(chunk))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: the end, or the error of a stream cut short."""
        if self.ended:
            return b""
        written = self._translate_all(self._upstream.end())
        return written if self.ended else written + self._fail(UpstreamError(_CUT_SHORT))

    def fail(self, error: ProxyError) -> bytes:
        """Return an error as the last event; the end alone when the answer is complete."""
        if self.ended:
            return b""
        written = self._translate_all(self._upstream.fail(error))
        return written if self.ended else written + self._fail(error)

    def _translate_all(self, events: bytes) -> bytes:
        if not events:
            return b""
        blocks = events.split(_END)
        blocks.pop()
        written = []
        for block in blocks:
            plain = self._plain(block)
            written.append(self._translate(block) if plain is None else plain)
            if self.ended:
                break
        if self._upstream.ended and not self.ended:
            written.append(self._fail(self._upstream.failure or UpstreamError(_CUT_SHORT)))
        return b"".join(written)

    def _plain(self, block: bytes) -> bytes | None:
        """Return the chunk for a piece of the text that goes on; None for all other events."""
        if self._is_cut or not block.startswith(_TEXT_DELTA):
            return None
        try:
            event = _DECODE_DELTA(block[len(_TEXT_DELTA) :])
        except UNREADABLE:
            return None
        if (event.output_index, event.content_index) != self._open or event.logprobs != EMPTY_LIST:
            return None
        if not bytes(event.delta).startswith(b'"'):
            return None
        if self._wanted.stops:
            return self._say(event.output_index, event.content_index, event.delta, EMPTY_LIST, self._hidden(event))
        return self._chunks.plain(event.delta, self._hidden(event))

    @staticmethod
    def _hidden(event: _Delta) -> bytes:
        """Return what hides the length of a piece, which is as long in the chunk as in the event."""
        return b"" if event.obfuscation is UNSET else b',"obfuscation":%s' % bytes(event.obfuscation)

    def _translate(self, block: bytes) -> bytes:
        if not block or block.startswith(b":"):
            return block + _END
        head, _, rest = block.partition(_DATA)
        name = head.strip().removeprefix(_EVENT).decode(errors="replace")
        if name.startswith(_OF_RESPONSE) and name not in _HANDLERS:
            return b""
        try:
            return rewrite(rest.partition(b"\n")[0], lambda data: self._handle(name, data))
        except UNREADABLE:
            return self._fail(UpstreamError(_NOT_JSON))

    def _handle(self, name: str, data: bytes) -> bytes:
        if name == _ERROR:
            return self._fail(self._upstream.failure or UpstreamError(_CUT_SHORT))
        event = _DECODE_EVENT(data)
        handle = _HANDLERS.get(event.type or name)
        if handle is None or (self._is_cut and handle not in _BEHIND_THE_CUT):
            return b""
        try:
            return handle(self, event, data)
        except msgspec.ValidationError:  # what it has changed must not be changed again
            return self._fail(UpstreamError(_NOT_JSON))

    def _announce(self, event: _Event, _data: bytes) -> bytes:
        """Take the name of the model."""
        if event.response != NULL:
            self._chunks.set_model(_DECODE_RESPONSE(event.response).model)
        return b""

    def _begin_item(self, event: _Event, _data: bytes) -> bytes:
        self._has_items = True
        item = DECODE(event.item)
        return self._begin_call(event.item_key, item) if _kind(item) in CALLS else b""

    def _begin_call(self, key: _Key, item: Members) -> bytes:
        """Return the first piece of a call: its names, and nothing of its input."""
        if key in self._calls or (self._wanted.functions and self._calls):
            return b""
        flushed = self._end_message()
        holder, member = ("function", "arguments") if _kind(item) == "function_call" else ("custom", "input")
        call = self._calls[key] = _Call(len(self._calls), holder, member)
        call_id = item.get("call_id", item.get("id", BLANK))
        self._reasoning.call(pieces.TEXT(call_id))
        tool = {"name": item.get("name", BLANK), member: BLANK}
        if self._wanted.functions:
            return flushed + self._chunks.begin(NULL) + self._chunks.chunk({"function_call": tool})
        begun = {"index": call.index, "id": call_id, "type": holder, holder: tool}
        return flushed + self._chunks.begin(NULL) + self._chunks.chunk({"tool_calls": [begun]})

    def _input(self, event: _Event, _data: bytes) -> bytes:
        """Return a piece of a call's input; an empty one says nothing."""
        call = self._calls.get(event.item_key)
        return b"" if call is None or event.delta == BLANK else self._add_input(call, event.delta)

    def _whole_input(self, event: _Event, _data: bytes) -> bytes:
        """Return the input of a call of which no piece has come."""
        call = self._calls.get(event.item_key)
        return self._rest_of_input(call, event.input if event.arguments == BLANK else event.arguments) if call else b""

    def _rest_of_input(self, call: _Call, value: Raw) -> bytes:
        return b"" if call.has_input or value in (BLANK, NULL) else self._add_input(call, value)

    def _add_input(self, call: _Call, piece: Raw) -> bytes:
        call.has_input = bool(pieces.inner_of(piece))
        if self._wanted.functions:
            return self._chunks.chunk({"function_call": {"arguments": piece}})
        return self._chunks.chunk({"tool_calls": [{"index": call.index, call.holder: {call.member: piece}}]})

    def _text(self, event: _Event, data: bytes) -> bytes:
        """Return a piece of text that is not a plain one."""
        delta = _DECODE_DELTA(data) if event.output_index is not None else _Delta(event.delta, 0)
        return self._say(event.item_key, event.content_index, event.delta, delta.logprobs, self._hidden(delta))

    def _whole_text(self, event: _Event, _data: bytes) -> bytes:
        """Return a text of which no piece has come."""
        place = (event.item_key, event.content_index)
        part = pieces.Part("output_text", text=event.text)
        written = self._tell(*place, part)
        self._count(place, part)
        return written

    def _count(self, place: tuple[_Key, int], part: pieces.Part) -> None:
        if place not in self._counted and part.type == "output_text":
            self._counted.add(place)
            self._characters += pieces.length(part.text)

    def _tell(self, key: _Key, index: int, part: pieces.Part) -> bytes:
        if (key, index) in self._sent:
            return b""
        if part.type == "refusal":
            return self._refuse_with(key, index, part.refusal)
        if part.type != "output_text" or part.text == BLANK:
            return b""
        logprobs = Raw(ENCODE(part.logprobs)) if part.logprobs else EMPTY_LIST
        return self._say(key, index, part.text, logprobs, b"")

    def _say(self, key: _Key, index: int, piece: Raw, logprobs: Raw, hidden: bytes) -> bytes:
        inner, tokens = pieces.inner_of(piece), pieces.parse_tokens(logprobs)
        if not inner and not tokens:
            return self._chunks.begin(BLANK)
        flushed = b"" if self._message == key else self._begin_message(key)
        self._open = (key, index)
        self._sent.add(self._open)
        if self._wanted.stops:
            inner, tokens = self._up_to_stop(inner, tokens)
        written = self._chunks.begin(BLANK)
        if inner or tokens:
            written += self._chunks.chunk({"content": self._spaced(inner)}, pieces.to_logprobs(tokens), hidden)
        return flushed + written + (self._cut() if self._is_cut else b"")

    def _begin_message(self, key: _Key) -> bytes:
        """Begin with a message that says something; return what was held back of the one before it."""
        flushed = self._end_message()
        self._between = b"" if self._message is None else BETWEEN
        self._characters += 2 * bool(self._between)
        self._message = key
        return flushed

    def _spaced(self, inner: bytes) -> Raw:
        """Return a piece of the text, behind what stands between it and the message before it."""
        between = self._between if inner else b""
        self._between = self._between if not inner else b""
        return Raw(b'"%s%s"' % (between, inner))

    def _cut(self) -> bytes:
        """Return the end of an answer that a stop sequence ends, behind which only its usage may be of interest."""
        self._keep_reasoning(self._reasoning)
        self.ended = not (self._wanted.usage or self._wanted.rest)
        return self._finish("stop", ResponseFields()) + (encode_event(DONE) if self.ended else b"")

    def _finish(self, reason: str, response: ResponseFields) -> bytes:
        begun = self._chunks.begin(BLANK)
        return begun + self._chunks.finish(reason, response, with_filters=self._wanted.filters)

    def _up_to_stop(self, inner: bytes, tokens: list[Members]) -> tuple[bytes, list[Members]]:
        kept = self._stop.feed(pieces.TEXT(b'"%s"' % inner))
        self._is_cut = self._stop.cut
        return pieces.inner_of(pieces.encode_text(kept, inner)), self._tokens.feed(tokens, len(kept))

    def _end_message(self) -> bytes:
        """Return what was held back of a message, whose stop sequences cannot go on in what follows."""
        held, tokens = self._stop.flush(), pieces.to_logprobs(self._tokens.flush())
        if not held and not tokens:
            return b""
        return self._chunks.chunk({"content": self._spaced(pieces.inner_of(pieces.encode_text(held, b"")))}, tokens)

    def _refuse(self, event: _Event, _data: bytes) -> bytes:
        return self._refuse_with(event.item_key, event.content_index, event.delta)

    def _whole_refusal(self, event: _Event, _data: bytes) -> bytes:
        return self._tell(event.item_key, event.content_index, pieces.Part("refusal", refusal=event.refusal))

    def _refuse_with(self, key: _Key, index: int, piece: Raw) -> bytes:
        is_first = (key, index) not in self._sent and self._refusing is not None
        self._sent.add((key, index))
        self._refusing = key
        inner = (BETWEEN if is_first else b"") + pieces.inner_of(piece)
        return self._chunks.begin(NULL) + self._chunks.chunk({"refusal": Raw(b'"%s"' % inner)})

    def _summarise(self, event: _Event, _data: bytes) -> bytes:
        """Return a piece of the summary that the client asked for."""
        return self._think((event.item_key, event.summary_index), event.delta) if self._wanted.summary else b""

    def _reason(self, event: _Event, _data: bytes) -> bytes:
        """Return a piece of the reasoning of an open model, which is not encrypted."""
        return self._think((event.item_key, -1 - event.content_index), event.delta)

    def _think(self, place: tuple[_Key, int], piece: Raw) -> bytes:
        inner = pieces.inner_of(piece)
        if not inner:
            return b""
        between = BETWEEN if self._thought not in (None, place) else b""
        self._thought = place
        self._thinking.add(place[0])
        text = Raw(b'"%s%s"' % (between, inner))
        return self._chunks.begin(BLANK) + self._chunks.chunk({"reasoning_content": text})

    def _whole_thoughts(self, key: _Key, item: Members) -> bytes:
        """Return reasoning of which no piece has come."""
        shown = enumerate(shown_thoughts(item, summary=self._wanted.summary))
        return b"".join(self._think((key, number), thought) for number, thought in shown)

    def _annotate(self, event: _Event, _data: bytes) -> bytes:
        if event.annotation == NULL:
            return b""
        found = pieces.to_annotations([DECODE(event.annotation)], self._characters)
        return self._chunks.begin(BLANK) + self._chunks.chunk({"annotations": found}) if found else b""

    def _end_item(self, event: _Event, _data: bytes) -> bytes:
        self._has_items = True
        return self._take(event.item_key, DECODE(event.item))

    def _take(self, key: _Key, item: Members) -> bytes:
        """Return what of a whole item has not come in pieces."""
        kind = _kind(item)
        if kind == "reasoning":
            self._reasoning.note(item)
            return b"" if key in self._thinking else self._whole_thoughts(key, item)
        if kind == "message":
            return self._take_message(key, item)
        if kind in CALLS:
            begun = self._begin_call(key, item)
            call = self._calls.get(key)
            return begun + (self._rest_of_input(call, item.get(call.member, BLANK)) if call else b"")
        return b""

    def _take_message(self, key: _Key, item: Members) -> bytes:
        written = b""
        parts = pieces.PARTS(item.get("content", NULL)) or []
        for index, part in enumerate(parts):
            written += b"" if self._is_cut else self._tell(key, index, part)
            self._count((key, index), part)
        return written + (b"" if self._is_cut else self._end_message())

    def _complete(self, event: _Event, _data: bytes) -> bytes:
        """Return the end: what came only with it, why it ended, and what it used."""
        response = _DECODE_RESPONSE(event.response)
        output = response.output or []
        written = b""
        for index, item in enumerate(output):
            if _kind(item) == "reasoning":
                self._reasoning.merge(item)
            if not (self._has_items or self._is_cut or self.ended):
                written += self._take(index, item)
        if self.ended:
            return written
        self._keep_reasoning(self._reasoning)
        if not self._is_cut:
            reason = pieces.finish_reason(response, called=bool(self._calls), functions=self._wanted.functions)
            written += self._end_message() + self._details() + self._finish(reason, response)
        self.ended = True
        return written + self._chunks.usage(response) + encode_event(DONE)

    def _details(self) -> bytes:
        found = self._reasoning.by_call() if self._wanted.details else {}
        return self._chunks.chunk({"reasoning_details": to_details(found)}) if found else b""

    def _response_failed(self, event: _Event, _data: bytes) -> bytes:
        return self._fail(self._upstream.failure or pieces.failed(_DECODE_RESPONSE(event.response)))

    def _fail(self, error: ProxyError) -> bytes:
        """Return the last event: the error, or the end where the client has its answer and no more than the usage."""
        self.ended = True
        if self._is_cut:
            return encode_event(DONE)
        self._failure = self._translate_error(error)
        return encode_error_event(self._failure)


def _kind(item: Members) -> str:
    return pieces.TEXT(item.get("type", BLANK))


_Handle = Callable[[ChatEvents, _Event, bytes], bytes]
_HANDLERS: Mapping[str, _Handle] = {
    **dict.fromkeys(("response.created", "response.queued", "response.in_progress"), ChatEvents._announce),
    "response.output_item.added": ChatEvents._begin_item,
    "response.output_item.done": ChatEvents._end_item,
    "response.output_text.delta": ChatEvents._text,
    "response.output_text.done": ChatEvents._whole_text,
    "response.output_text.annotation.added": ChatEvents._annotate,
    "response.refusal.delta": ChatEvents._refuse,
    "response.refusal.done": ChatEvents._whole_refusal,
    "response.function_call_arguments.delta": ChatEvents._input,
    "response.function_call_arguments.done": ChatEvents._whole_input,
    "response.custom_tool_call_input.delta": ChatEvents._input,
    "response.custom_tool_call_input.done": ChatEvents._whole_input,
    "response.reasoning_summary_text.delta": ChatEvents._summarise,
    "response.reasoning_text.delta": ChatEvents._reason,
    "response.completed": ChatEvents._complete,
    "response.incomplete": ChatEvents._complete,
    "response.failed": ChatEvents._response_failed,
}
_BEHIND_THE_CUT = frozenset({ChatEvents._complete, ChatEvents._response_failed})
