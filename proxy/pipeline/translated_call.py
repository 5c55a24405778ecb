"""A call that a deployment takes by the other API for conversations: the request, and what reads its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import msgspec
from msgspec import structs

from proxy.azure_api.request import Call
from proxy.errors import InvalidRequest, UnknownId
from proxy.openai_api.json_body import JsonBody, parse_json_body
from proxy.openai_api.operations import OPERATIONS, Operation
from proxy.openai_api.router import Route
from proxy.routing.targets import Target, is_of_mistral, is_of_openai, is_reasoning, takes_long
from proxy.server.access_log import AccessLogEntry
from proxy.translation.interface import AnswerReader, Reply, TranslatedRequest
from proxy.translation.reasoning_memory import ReasoningMemory, open_calls
from proxy.values import Api

CHAT, RESPONSE = "createChatCompletion", "createResponse"
# The API that the operation of a client belongs to.
APIS: Mapping[str, Api] = {CHAT: Api.CHAT, RESPONSE: Api.RESPONSES}
_BY_NAME = {operation.name: operation for operation in OPERATIONS if operation.name in APIS}
_OTHER: Mapping[Api, Operation] = {Api.CHAT: _BY_NAME[RESPONSE], Api.RESPONSES: _BY_NAME[CHAT]}
# What is in every id and seal of a translated response.
MARK = b"notstored"
# Operations of Responses that a deployment without them cannot do.
RESPONSES_ALONE = frozenset({"Compactconversation", "Getinputtokencounts"})
_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the API that a deployment has, and what turns its answer into the one that the client waits for.

    `changed` says what of the client's request was changed or left out, as `x-proxy-repaired` does. `keep` remembers
    the reasoning of an answer that is over. `collects` tells that the client's whole answer is collected from a stream.
    """

    __repr__ = object.__repr__  # without what is in it

    api: Api
    call: Call
    reader: AnswerReader
    changed: tuple[str, ...] = ()
    collects: bool = False
    keep: Callable[[], None]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Whose call it is, and where it goes; `place` names the deployment, of all resources."""

    client: str
    place: str
    target: Target
    entry: AccessLogEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Translators:
    """Makes translated calls.

    `memory` is None where reasoning is not remembered; `with_details` gives clients the reasoning, to be sent back.
    `needs_usage` tells that somebody counts tokens, `clock` never goes back, `now` is in seconds since 1970 UTC.
    """

    memory: ReasoningMemory | None
    keep_filter_results: bool
    with_details: bool
    needs_usage: bool
    clock: Callable[[], float]
    now: Callable[[], float]

    def translate(
        self, call: Call, document: JsonBody, origin: Origin, *, replays: bool, may_stream: bool
    ) -> Translated:
        """Return a call by the other API; raise `InvalidRequest` for what only the client's API has.

        With `replays` the reasoning of earlier answers goes back. `may_stream` tells that the deployment does not
        refuse streams: a whole answer that may take many minutes is asked for as one.
        """
        api = APIS[call.route.operation.name]
        reply = Reply(token=lambda: uuid4().hex, created=int(self.now()))
        if api is Api.CHAT:
            request = self._on_responses(document, reply, origin, replays=replays)
        else:
            request = self._on_chat(document, reply, origin.target)
        body = request.body if replays else _without_reasoning(request.body)
        collects = may_stream and api is Api.CHAT and not call.streams and _takes_long(origin.target)
        if collects:
            body = parse_json_body(body.with_member("stream", b"true"))
        other = Call(
            route=Route(operation=_OTHER[api]), model=call.model, streams=call.streams, raw=body.raw, document=body
        )
        return Translated(
            api=APIS[other.route.operation.name],
            call=other,
            reader=request.reader,
            changed=(*request.dropped, *(f"{name}={value}" for name, value in request.changed.items())),
            collects=collects,
            keep=partial(self._keep, origin, request.reader),
        )

    def remembers(self, call: Call, client: str, place: str) -> bool:
        """Tell whether the reasoning between the tool calls of a chat is remembered for a deployment."""
        if self.memory is None or call.document is None or call.route.operation.name != CHAT:
            return False
        calls = open_calls(call.document)
        return any(self.memory.find(client, place, one, self.clock()) is not None for one in calls)

    def _on_chat(self, document: JsonBody, reply: Reply, target: Target) -> TranslatedRequest:
        from proxy.translation import responses_on_chat  # noqa: PLC0415  it delays a cold start

        return responses_on_chat.translate(
            document,
            reply,
            is_openai=is_of_openai(target),
            reasons=_reasons(target),
            is_mistral=is_of_mistral(target),
            keep_filters=self.keep_filter_results,
        )

    def _on_responses(self, document: JsonBody, reply: Reply, origin: Origin, *, replays: bool) -> TranslatedRequest:
        from proxy.translation.chat_on_responses import request as chat_on_responses  # noqa: PLC0415  as above

        reasons = _reasons(origin.target)
        recall = _Recall(self, origin)
        request = chat_on_responses.translate(
            document,
            reply,
            reasons=reasons,
            remembered=recall.find if reasons and replays else _nothing,
            with_details=self.with_details,
            keep_filters=self.keep_filter_results,
            needs_usage=self.needs_usage,
        )
        if reasons and not recall.found:
            origin.entry.reasoning_missed = recall.asked or None
        return request

    def _keep(self, origin: Origin, reader: AnswerReader) -> None:
        if self.memory is not None and (by_call := reader.reasoning):
            self.memory.keep(origin.client, origin.place, by_call, self.clock())


class _Recall:
    """Looks up the reasoning of one request, and counts: only the first of parallel calls has any."""

    def __init__(self, translators: Translators, origin: Origin) -> None:
        self._memory, self._clock, self._origin = translators.memory, translators.clock, origin
        self.asked = 0
        self.found = False

    def find(self, call_id: str) -> tuple[bytes, ...] | None:
        self.asked += 1
        origin = self._origin
        if self._memory is None:
            return None
        items = self._memory.find(origin.client, origin.place, call_id, self._clock())
        self.found = self.found or items is not None
        return items


def without_marks(call: Call) -> Call:
    """Return a call of Responses for a deployment that has them, without what only a translated answer has.

    Raises `InvalidRequest` where the call names an answer that is not stored.
    """
    if call.document is None or MARK not in call.raw:
        return call
    from proxy.translation.responses_on_chat import marks  # noqa: PLC0415  as above

    document = marks.without_marks(call.document)
    return structs.replace(call, document=document, raw=document.raw)


def refuse_not_stored(route: Route) -> None:
    """Raise `UnknownId` for an operation on a response that was translated, and is stored nowhere."""
    from proxy.translation.responses_on_chat import marks  # noqa: PLC0415  as above

    if marks.is_translated(route.parameters[0]):
        error = marks.refuse_reference("response_id")
        raise UnknownId(error.message, param=error.param, code=error.code)


def needs_responses(route: Route) -> InvalidRequest:
    """Return the error for an operation of Responses that no chat completion can stand for."""
    from proxy.translation.responses_on_chat import marks  # noqa: PLC0415  as above

    return marks.needs_responses(f"`{route.operation.method} /v1{route.operation.path}`", "model")


def _reasons(target: Target) -> bool:
    return is_reasoning(target.model) or is_reasoning(target.deployment)


def _takes_long(target: Target) -> bool:
    return takes_long(target.model) or takes_long(target.deployment)


def _nothing(_call_id: str) -> None:
    return None


def _without_reasoning(body: JsonBody) -> JsonBody:
    """Return a request without the reasoning of earlier answers, also what the client has sent back of it."""
    items = body.member("input")
    if items is None or b'"reasoning"' not in items:
        return body
    kept = [item for item in _LIST(items) if not _is_reasoning(parse_json_body(bytes(item)))]
    return body.replaced("input", msgspec.json.encode(kept))


def _is_reasoning(item: JsonBody) -> bool:
    return item.member("type") == b'"reasoning"'
