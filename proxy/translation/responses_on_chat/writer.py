"""What a chat says, whole or in chunks, put into the items of a response."""

import msgspec
from msgspec import Raw

from proxy.azure_api.failed_response import FAILED, encode_error, error_fields
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api.json_members import DECODE, ENCODE, Members
from proxy.openai_api.response_events import LAST, Numbered, begin_response
from proxy.openai_api.sse import encode_event
from proxy.translation.responses_on_chat.draft import NULL
from proxy.translation.responses_on_chat.output import Message, Output, ToolCall
from proxy.translation.responses_on_chat.response_object import INCOMPLETE, Asked, ResponseObject
from proxy.translation.responses_on_chat.shapes import (
    DECODE_PARTS,
    Call,
    ChatMessage,
    Choice,
    Completion,
    Function,
    Logprobs,
    Restore,
)
from proxy.translation.responses_on_chat.texts import PieceDecoder, is_text, nested, quoted
from proxy.translation.responses_on_chat.thoughts import ThoughtSplitter

_LIST = msgspec.json.Decoder(list[Members]).decode
_NO_TEXT = "Azure OpenAI sent a text that is none."
_TEXT, _REFUSAL = "output_text", "refusal"


class _Begun:
    """A call of the chat: its id there, what came before its name, and the call of the response when it has begun."""

    def __init__(self, identifier: str | None) -> None:
        self.identifier = identifier
        self.held = b""
        self.call: ToolCall | None = None


class Writer:
    """Writes one response; `take` what the chat says, and then `close`, or `fail` at any time."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.event = Numbered()
        self.output = Output(asked, self.event)
        self._response: ResponseObject | None = None
        self._splitter = ThoughtSplitter(reads=asked.reads_thoughts)
        self._characters = PieceDecoder()
        self._likely: list[Members] = []
        self._calls: dict[int, _Begun] = {}
        self._reason: str | None = None

    def take(self, completion: Completion, restore: Restore) -> bytes:
        """Return the events for a chunk, or for a whole completion.

        Raises `UpstreamError` for what is no chat.
        """
        written = b""
        if self._response is None:
            self._response = ResponseObject(self._asked, completion.model)
            written = begin_response(self.event, self._response.begun())
        self._note(completion, self._response)
        for choice in completion.choices[:1]:
            written += self._take_choice(choice, restore, completion)
        return written

    def end(self) -> Members:
        """Return the response when all has come."""
        response = self._response or ResponseObject(self._asked, None)
        status = self._status
        return response.ended(self.output.items(status), self._reason, self.output.received)

    def close(self) -> bytes:
        """Return the last events of a complete answer."""
        written = self._finish(self._reason or "stop")
        return written + self.event(LAST[self._status], response=self.end())

    def fail(self, error: ProxyError) -> bytes:
        """Return the events that end an answer with an error, with what came of it."""
        response = (self._response or ResponseObject(self._asked, None)).begun()
        written = encode_error(error, self.event.number)
        told = {"status": "failed", "error": error_fields(error), "output": self.output.items("incomplete")}
        data = ENCODE({"type": FAILED, "sequence_number": self.event.number + 1, "response": {**response, **told}})
        return written + encode_event(data, FAILED.encode())

    def open_text(self) -> tuple[Message, int] | None:
        """Return the message and its number whose text can go on without a look at it, None when there is none."""
        return self.output.open_text() if self._splitter.passes else None

    @property
    def _status(self) -> str:
        return "incomplete" if self._reason in INCOMPLETE else "completed"

    def _note(self, completion: Completion, response: ResponseObject) -> None:
        response.usage = completion.usage or response.usage
        if completion.service_tier != NULL:
            response.tier = completion.service_tier.copy()
        for prompt in (completion.prompt_filter_results or [])[:1]:
            response.note_filter("prompt", prompt.get("content_filter_results", NULL))
        for choice in completion.choices[:1]:
            response.note_filter("completion", choice.content_filter_results)

    def _take_choice(self, choice: Choice, restore: Restore, completion: Completion) -> bytes:
        message = choice.delta or choice.message
        padding = {} if not isinstance(completion.obfuscation, Raw) else {"obfuscation": completion.obfuscation}
        written = b"" if message is None else self._take_message(message, choice.logprobs, restore, padding)
        return written + self._finish(choice.finish_reason) if choice.finish_reason else written

    def _take_message(
        self, message: ChatMessage, logprobs: Logprobs | None, restore: Restore, padding: Members
    ) -> bytes:
        thought = _thought(message.reasoning_content, restore) or _thought(message.reasoning, restore)
        written = self._say_thought(thought) if thought else b""
        if bytes(message.content).startswith(b"["):
            written += self._say_parts(message.content, restore, padding)
        else:
            written += self._say_text(_inside(message.content, restore), _with_bytes(logprobs, restore), padding)
        if refusal := _inside(message.refusal, restore):
            written += self.output.say(_REFUSAL, refusal, [], **padding)
        if message.annotations:
            written += self._annotate(message.annotations)
        if message.function_call is not None:
            written += self._call(0, None, message.function_call, restore)
        for position, call in enumerate(message.tool_calls or ()):
            written += self._call_of(position, call, restore)
        return written

    def _say_parts(self, content: Raw, restore: Restore, padding: Members) -> bytes:
        """Write reasoning and text that are parts of one content; others, as references, a response has not."""
        written = b""
        for part in DECODE_PARTS(content):
            if part.type == "thinking":
                inner = part.thinking
                texts = [one.text for one in DECODE_PARTS(inner)] if bytes(inner).startswith(b"[") else [inner]
                thought = b"".join(_inside(text, restore) for text in texts)
                written += self._say_thought(thought, is_part=True) if thought else b""
            elif part.type == "text":
                written += self._say_text(_inside(part.text, restore), [], padding)
        return written

    def _say_thought(self, thought: bytes, *, is_part: bool = False) -> bytes:
        """Write reasoning that comes apart from the text, which has no tags then."""
        return self._flush() + self.output.think(thought, is_part=is_part)

    def _say_text(self, piece: bytes, logprobs: list[Members], padding: Members) -> bytes:
        if not piece and not logprobs:
            return b""
        if self._splitter.passes:
            return self.output.say(_TEXT, piece, logprobs, **padding)
        self._likely += logprobs
        return self._say_split(self._splitter.feed(self._characters.feed(piece)), padding) + self._say_rest()

    def _say_rest(self) -> bytes:
        """Write the half of a character that was held until the text passes as it comes."""
        rest = self._characters.rest() if self._splitter.passes else b""
        return self.output.say(_TEXT, rest, []) if rest else b""

    def _say_split(self, split: tuple[str, str], padding: Members) -> bytes:
        """Write reasoning, text or both; the probabilities of what was held go with the text."""
        thought, text = (bytes(quoted(part))[1:-1] for part in split)
        likely = self._likely
        if thought or text:
            self._likely = []
        written = self.output.think(thought) if thought else b""
        return written + self.output.say(_TEXT, text, likely, **padding) if text else written

    def _flush(self) -> bytes:
        """Write what was held because it might have begun or ended reasoning."""
        return b"" if self._splitter.passes else self._say_split(self._splitter.end(), {})

    def _annotate(self, annotations: list[Members]) -> bytes:
        message, written = self.output.message()
        if message.kind != _TEXT:
            written += message.open_part(_TEXT)
        message.annotate([_flat(annotation) for annotation in annotations])
        return written

    def _call_of(self, position: int, call: Call, restore: Restore) -> bytes:
        index = position if call.index is None else call.index
        return self._call(index, call.id or None, call.function or Function(), restore)

    def _call(self, index: int, identifier: str | None, function: Function, restore: Restore) -> bytes:
        """Write a piece of a call; a new id with a name is a new call, also where its number is not new."""
        begun = self._calls.get(index)
        is_other = begun is not None and begun.identifier and identifier and begun.identifier != identifier
        if begun is None or (is_other and function.name):
            begun = self._calls[index] = _Begun(identifier)
        piece = _arguments(function.arguments, restore)
        if begun.call is None and not function.name:
            self.output.count(piece)
            begun.held += piece
            return b""
        self.output.count(piece)
        if begun.call is not None:
            return begun.call.pass_arguments(piece)
        written = self._flush()
        tool = self._asked.names.tool(function.name or "")
        begun.call, added = self.output.begin_call(tool, begun.identifier or identifier)
        held, begun.held = begun.held, b""
        return written + added + begun.call.pass_arguments(held + piece)

    def _finish(self, reason: str) -> bytes:
        self._reason = reason
        written = self._flush()
        if self.output.is_empty:
            message, begun = self.output.message()
            written += begun + message.open_part(_TEXT)
        return written + self.output.end(self._status)


def _inside(value: Raw, restore: Restore) -> bytes:
    """Return the inside of a text, empty for none; raise `UpstreamError` for another value."""
    if value == NULL:
        return b""
    if not is_text(value):
        raise UpstreamError(_NO_TEXT)
    return restore(value)[1:-1]


def _thought(value: Raw, restore: Restore) -> bytes:
    """Return the inside of some reasoning; what is none that can be read is passed over."""
    return _inside(value, restore) if is_text(value) else b""


def _arguments(value: Raw, restore: Restore) -> bytes:
    """Return the inside of the arguments as a string, which some servers send as an object."""
    if value == NULL or is_text(value):
        return _inside(value, restore)
    return nested(Raw(restore(value)))


def _with_bytes(logprobs: Logprobs | None, restore: Restore) -> list[Members]:
    """Return the probabilities of tokens with the members that a response requires."""
    if logprobs is None or not logprobs.content:
        return []
    return [_token(token, restore) for token in logprobs.content]


def _token(token: Members, restore: Restore) -> Members:
    others = token.get("top_logprobs", NULL)
    listed = [] if others == NULL else [_likely(other, restore) for other in _LIST(others)]
    return {**_likely(token, restore), "top_logprobs": Raw(ENCODE(listed))}


def _likely(token: Members, restore: Restore) -> Members:
    found = {name: Raw(restore(value)) for name, value in token.items()}
    if found.get("bytes", NULL) == NULL:
        found["bytes"] = _bytes_of(found.get("token", NULL))
    return found


def _bytes_of(token: Raw) -> Raw:
    text = PieceDecoder().feed(bytes(token)[1:-1]) if is_text(token) else ""
    return Raw(ENCODE(list(text.encode())))


def _flat(annotation: Members) -> Members:
    """Return an annotation as a response has it, its members beside its type."""
    kind = annotation.get("type", NULL)
    inner = annotation.get(bytes(kind)[1:-1].decode(errors="replace"), NULL)
    return {"type": kind, **DECODE(inner)} if bytes(inner).startswith(b"{") else annotation
