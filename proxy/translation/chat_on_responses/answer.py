"""A whole response as the answer of a chat."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from proxy.azure_api.stream import Stream
from proxy.errors import ProxyError
from proxy.openai_api.json_members import BYTE_ORDER_MARK, ENCODE, UNREADABLE, Members, rewrite
from proxy.translation.chat_on_responses import pieces
from proxy.translation.chat_on_responses.chunks import Identity
from proxy.translation.chat_on_responses.errors import Parameters
from proxy.translation.chat_on_responses.pieces import BETWEEN, BLANK, CALLS, NULL, Part, ResponseFields, Wanted
from proxy.translation.chat_on_responses.reasoning import ReasoningItems, shown_thoughts, to_details
from proxy.translation.chat_on_responses.stop import StopSequences, within
from proxy.translation.chat_on_responses.stream import ChatEvents
from proxy.translation.interface import Reply

_RESPONSE = msgspec.json.Decoder(ResponseFields).decode
_ENDED = frozenset({"completed", "incomplete", None})


class ChatReader:
    """Turns what came back of one call into a chat's; `reasoning` is there when the answer is."""

    def __init__(self, reply: Reply, wanted: Wanted, model: str, parameters: Parameters) -> None:
        self.reasoning: Mapping[str, Sequence[bytes]] = {}
        self._identity = Identity(id=f"chatcmpl-{reply.token()}", created=reply.created, model=model)
        self._wanted = wanted
        self._parameters = parameters

    def answer(self, raw: bytes) -> bytes:
        """Return a whole answer; raise `UpstreamError` if it is no response, `AzureRefusal` if it failed."""
        try:
            return rewrite(raw.removeprefix(BYTE_ORDER_MARK), self._answer)
        except UNREADABLE:
            raise pieces.no_response() from None

    def open_stream(self, upstream: Stream) -> ChatEvents:
        """Begin the client's stream over one of Responses."""
        return ChatEvents(upstream, self._wanted, self._identity, self.error, self._keep)

    def error(self, error: ProxyError) -> ProxyError:
        """Return an error that names the client's parameter."""
        return self._parameters.translate(error)

    def _keep(self, items: ReasoningItems) -> None:
        """Take the reasoning items of an answer that has come to its end."""
        self.reasoning = items.by_call()

    def _answer(self, raw: bytes) -> bytes:
        response = _RESPONSE(raw)
        if response.error is not None or response.status == "failed":
            raise self.error(pieces.failed(response))
        if response.output is None or response.status not in _ENDED:
            raise pieces.no_response()
        message = _Message(self._wanted)
        for item in response.output:
            message.add(item)
        self._keep(message.reasoning)
        return ENCODE(self._members(response, message))

    def _members(self, response: ResponseFields, message: "_Message") -> dict[str, object]:
        called, functions = bool(message.calls), self._wanted.functions
        reason = "stop" if message.is_cut else pieces.finish_reason(response, called=called, functions=functions)
        choice: dict[str, object] = {
            "index": 0,
            "message": message.members(self.reasoning),
            "logprobs": pieces.to_logprobs(message.tokens),
            "finish_reason": reason,
        }
        answer: dict[str, object] = {
            "id": self._identity.id,
            "object": "chat.completion",
            "created": self._identity.created,
            "model": response.model or self._identity.model,
            "choices": [choice],
        }
        if self._wanted.filters:
            prompt, completion = pieces.to_filters(response.content_filters)
            choice |= {"content_filter_results": completion} if completion else {}
            answer |= {"prompt_filter_results": pieces.prompt_filters(prompt)} if prompt else {}
        usage = pieces.to_usage(response.usage)
        answer |= {"usage": usage} if usage is not None else {}
        return answer | ({"service_tier": response.service_tier} if response.service_tier != NULL else {})


class _Message:
    """The one message of a chat, made of all items of a response."""

    def __init__(self, wanted: Wanted) -> None:
        self.calls: list[dict[str, object]] = []
        self.tokens: list[Members] = []
        self.reasoning = ReasoningItems()
        self.is_cut = False
        self._wanted = wanted
        self._texts: list[bytes] = []
        self._refusals: list[bytes] = []
        self._thoughts: list[bytes] = []
        self._annotations: list[dict[str, object]] = []
        self._characters = 0

    def add(self, item: Members) -> None:
        """Take an item; nothing behind a stop sequence."""
        kind = pieces.TEXT(item.get("type", BLANK))
        if self.is_cut:
            return
        if kind in CALLS:
            self._call(kind, item)
        elif kind == "reasoning":
            self.reasoning.note(item)
            shown = shown_thoughts(item, summary=self._wanted.summary)
            self._thoughts += filter(None, map(pieces.inner_of, shown))
        elif kind == "message":
            self._message(pieces.PARTS(item.get("content", NULL)) or [])

    def members(self, reasoning: Mapping[str, Sequence[bytes]]) -> dict[str, object]:
        """Return the message."""
        message: dict[str, object] = {"role": "assistant", "content": self._content(), "refusal": None}
        if self._refusals:
            message["refusal"] = _joined(self._refusals)
        if self._annotations:
            message["annotations"] = self._annotations
        if self.calls:
            first = {"function_call": self.calls[0].get("function")}
            message |= first if self._wanted.functions else {"tool_calls": self.calls}
        if self._thoughts:
            message["reasoning_content"] = _joined(self._thoughts)
        if self._wanted.details and reasoning:
            message["reasoning_details"] = to_details(reasoning)
        return message

    def _content(self) -> Raw | None:
        return None if not self._texts and (self.calls or self._refusals) else _joined(self._texts)

    def _message(self, parts: Sequence[Part]) -> None:
        said = [part for part in parts if part.type == "output_text"]
        if said:
            self._say(said)
        self._refusals += [pieces.inner_of(part.refusal) for part in parts if part.type == "refusal"]

    def _say(self, parts: Sequence[Part]) -> None:
        before = self._characters + 2 * bool(self._texts)
        inner = b"".join(pieces.inner_of(part.text) for part in parts)
        text = pieces.TEXT(b'"%s"' % inner)
        tokens = [token for part in parts for token in part.logprobs or []]
        if self._wanted.stops:
            stop = StopSequences(self._wanted.stops)
            kept = stop.feed(text)
            kept += stop.flush()
            self.is_cut, inner = stop.cut, pieces.inner_of(pieces.encode_text(kept, inner))
            tokens, text = within(tokens, len(kept)) if stop.cut else tokens, kept
        self._annotate(parts, before)
        self._characters = before + len(text)
        self._texts += [inner] if inner else []
        self.tokens += tokens

    def _annotate(self, parts: Sequence[Part], before: int) -> None:
        for part in parts:
            self._annotations += pieces.to_annotations(part.annotations or [], before)
            before += pieces.length(part.text)

    def _call(self, kind: str, item: Members) -> None:
        call_id = item.get("call_id", item.get("id", BLANK))
        self.reasoning.call(pieces.TEXT(call_id))
        holder, member = ("function", "arguments") if kind == "function_call" else ("custom", "input")
        tool = {"name": item.get("name", BLANK), member: item.get(member, BLANK)}
        self.calls.append({"id": call_id, "type": holder, holder: tool})


def _joined(texts: Sequence[bytes]) -> Raw:
    return Raw(b'"%s"' % BETWEEN.join(filter(None, texts)))
