"""One call to one target: built, sent, and what came back in OpenAI's words.

`Attempts.make` is the only way to Azure OpenAI for a client's call.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import structs

from proxy.azure_api import headers, other_servers, response
from proxy.azure_api.asked_usage import hide_usage
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.request import Call, wants_usage
from proxy.azure_api.stream import open_stream
from proxy.azure_api.urls import without_version
from proxy.azure_api.usage import count_images, estimate_usage, find_usage
from proxy.azure_api.whole_as_stream import to_events
from proxy.azure_services.credentials import Header
from proxy.azure_services.sending import Sending
from proxy.azure_services.upstream import Upstream
from proxy.config.timeouts import Timeouts
from proxy.errors import ConfigurationError, IncompletelySent, ProxyError, Unreachable, UpstreamError, UpstreamTimeout
from proxy.openai_api.answers import TRANSLATED
from proxy.openai_api.object_ids import tag_location
from proxy.openai_api.operations import Operation, Surface
from proxy.openai_api.retry_after import parse_wait
from proxy.openai_api.router import is_azure_shaped
from proxy.pipeline.collecting import collect
from proxy.pipeline.costs import Costs, spoken_characters, wants_cost
from proxy.pipeline.exchange import Exchange
from proxy.pipeline.recorder import Record, Recorder, Trace
from proxy.pipeline.relay import EventRelay, Tag, download
from proxy.pipeline.resources import Resource
from proxy.pipeline.routed_request import RoutedRequest
from proxy.pipeline.stream_start import NO_STREAM, StreamStart
from proxy.pipeline.translated_call import Translated
from proxy.routing.failures import Failure, Kind, Repeat
from proxy.routing.targets import Target, is_reasoning
from proxy.server.concurrency import Slot
from proxy.server.deadline import Limit
from proxy.server.response_writer import ResponseWriter
from proxy.translation.collected_response import CollectedResponse
from proxy.translation.interface import EventStream
from proxy.values import ModelKind, Response, UpstreamRequest

if TYPE_CHECKING:
    from proxy.azure_services.http_client import UpstreamAnswer

# An answer that is not streamed is held whole before its headers leave, so that it cannot break in the middle.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# An error of Azure is some hundred bytes; a gateway's page of HTML is not read to its end.
MAX_ERROR_BYTES = 64 * 1024
NO_CONTENT = 204
_VERSION_REFUSED = b"api-version query parameter is not allowed"
_EVENTS = "text/event-stream"
# What gateways say of a stream of events when they do not know its type.
_VAGUE_TYPES = ("application/octet-stream", "binary/octet-stream", "text/plain")

Renew = Callable[[], Awaitable[bool]]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that brought an answer: what the client gets, and the headers as Azure sent them."""

    __repr__ = object.__repr__  # without what is in it

    response: Response
    headers: Mapping[str, str]


async def _no_other_credential() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An attempt that failed: what routing weighs, what the client would read, and the body of Azure's refusal.

    `renew` gets a fresh credential, and tells whether there is one.
    """

    failure: Failure
    error: ProxyError
    body: bytes = field(default=b"", repr=False)
    renew: Renew = _no_other_credential


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What to send to a target; `translated` is None where the client's own API is called."""

    __repr__ = object.__repr__  # without what is in it

    call: Call
    message: UpstreamRequest
    translated: Translated | None = None


class BodySource(Protocol):
    """Makes the request for one target after the other, out of the body that the client sent."""

    @property
    def repeat(self) -> Repeat:
        """Return after which failures the request may be sent again."""
        ...

    def begin(self, target: Target) -> None:
        """Begin an attempt at a target."""
        ...

    async def build(self, target: Target) -> Built | Refused:
        """Return what to send to a target, or why nothing can be."""
        ...

    def repair(self, refused: Refused) -> Refused | None:
        """Return what the client would read of a refusal, None when the request can be built anew without its cause."""
        ...

    def succeeded(self) -> None:
        """Note that a target has answered."""
        ...


class RunningCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a call has from its beginning to its end: its exchange and slot, its answer's writer, its head's start."""

    exchange: Exchange
    slot: Slot
    writer: ResponseWriter
    start: StreamStart


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request on its way to a target, with what belongs to its attempt."""

    __repr__ = object.__repr__  # without what is in it

    running: RunningCall
    routed: RoutedRequest
    target: Target
    call: Call
    message: UpstreamRequest
    translated: Translated | None
    recorder: Recorder

    @property
    def resource(self) -> Resource:
        """Return the resource that is called."""
        return self.routed.resources.each[self.target.resource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Makes attempts.

    `keep_filter_results` leaves Azure's annotations in the answers; `record` hears of every sending, None where nobody
    keeps accounts, and `trace` begins its span, None where nobody writes spans; `now` is in seconds since 1970 UTC;
    `costs` is None where no deployment can have a price.
    """

    upstream: Upstream
    timeouts: Timeouts
    keep_filter_results: bool
    record: Record | None = None
    trace: Trace | None = None
    costs: Costs | None = None
    now: Callable[[], float] = time.time

    async def make(
        self, running: RunningCall, routed: RoutedRequest, source: BodySource, target: Target
    ) -> Answered | Refused:
        """Return how an attempt went, in the time that it has; nothing of it has reached the client when it failed."""
        recorder = Recorder(entry=running.exchange.entry, target=target, record=self.record, trace=self.trace)
        source.begin(target)
        running.start.attempt()
        try:
            return await self._repair(running, routed, source, target, recorder)
        except asyncio.CancelledError:
            error = running.start.timeout()
            recorder.end("client_left" if error is None else "timeout")
            if error is None:
                raise
            return Refused(failure=Failure(kind=Kind.TIMEOUT), error=error)
        except BaseException:
            recorder.end("failed")
            raise
        finally:
            running.start.attempted()

    async def _repair(
        self, running: RunningCall, routed: RoutedRequest, source: BodySource, target: Target, recorder: Recorder
    ) -> Answered | Refused:
        """Send a request, again without what is refused, until it is answered or nothing cures it."""
        while True:
            built = await source.build(target)
            if isinstance(built, Refused):
                return built
            running.exchange.entry.translated = None if built.translated is None else built.translated.api.value
            outcome = await self._send(
                Sent(
                    running=running,
                    routed=routed,
                    target=target,
                    call=built.call,
                    message=built.message,
                    translated=built.translated,
                    recorder=recorder,
                )
            )
            if isinstance(outcome, Answered):
                source.succeeded()
                return outcome
            recorder.end(outcome.failure.kind.name.lower())
            if running.exchange.entry.counts_sendings and outcome.failure.kind is not Kind.ANSWER:
                return outcome  # It may be billed, so that another sending has to be reserved.
            refused = source.repair(outcome)
            if refused is not None:
                return refused

    async def prove(self, start: StreamStart, resource: Resource, message: UpstreamRequest, recorder: Recorder) -> None:
        """Raise `Unauthenticated` or what else Azure says when it refuses a client's own key."""
        start.body_sent()
        start.attempt()
        try:
            header = await resource.credential.header()
            answer = await self.upstream.send(message, header, recorder.begin)
            try:
                body = await answer.read_beginning(MAX_ERROR_BYTES)
            finally:
                answer.close()
        except asyncio.CancelledError:
            raise start.timeout() or asyncio.CancelledError from None
        finally:
            start.attempted()
            recorder.end("answer")
        if answer.status >= 300:
            errors = AzureErrors(model=None, auth=resource.auth, secret=header[1].removeprefix("Bearer "))
            raise errors.answer(answer.status, answer.headers, body)

    def translator(
        self, call: Call, azure_errors: AzureErrors, keep_alive: bytes, translated: Translated | None = None
    ) -> EventStream | None:
        """Return what makes the client's stream of the one that Azure sends for a call, None when it has none."""
        form, keep = call.route.operation.stream, self.keep_filter_results
        if form is None:
            return None
        stream = open_stream(form, azure_errors, choices=call.choices, keep_filters=keep, keep_alive=keep_alive)
        return stream if translated is None else translated.reader.open_stream(stream)

    async def _send(self, sent: Sent) -> Answered | Refused:
        credential = sent.resource.credential
        try:
            header = await credential.header()
            answer = await self.upstream.send(sent.message, header, sent.recorder.begin)
        except (UpstreamError, ConfigurationError) as error:
            return Refused(failure=Failure(kind=_kind(error)), error=error)
        try:
            if 200 <= answer.status < 300:
                return await self._succeed(sent, answer, header)
            return await self._refuse(sent, answer, header)
        except UpstreamError as error:
            answer.close()
            return Refused(failure=Failure(kind=_kind(error)), error=error)
        except BaseException:
            answer.close()
            raise

    async def _refuse(self, sent: Sent, answer: "UpstreamAnswer", header: Header) -> Answered | Refused:
        deadline = sent.running.exchange.deadline
        deadline.set(Limit.IDLE, deadline.now() + self.timeouts.idle)
        try:
            body = await answer.read_beginning(MAX_ERROR_BYTES)
        finally:
            deadline.clear(Limit.IDLE)
            answer.close()
        message = sent.message
        if _VERSION_REFUSED in body and isinstance(message.body, bytes) and "api-version=" in message.url:
            sent.recorder.end("answer")
            message = structs.replace(message, url=without_version(message.url))
            return await self._send(structs.replace(sent, message=message))
        error = self._errors_of(sent, answer, header).answer(answer.status, answer.headers, body)
        wait = parse_wait({**answer.headers, **error.headers}, error.message, self.now())
        code = error.reason or error.code or ""
        if sent.translated is not None:
            error = _translated_error(sent.translated, error)
        failure = Failure(kind=Kind.ANSWER, status=answer.status, code=code, wait=wait)
        return Refused(failure=failure, error=error, body=body, renew=partial(sent.resource.credential.renew, header))

    async def _succeed(self, sent: Sent, answer: "UpstreamAnswer", header: Header) -> Answered | Refused:
        content_type = answer.headers.get("content-type", "")
        if sent.routed.request.method == "HEAD" and (
            sent.call.route.operation.download or content_type.startswith(_EVENTS)
        ):
            return self._leave_unread(answer)
        if content_type.startswith(_EVENTS) or (sent.call.streams and _is_vague(content_type)):
            errors, keep_alive = self._errors_of(sent, answer, header), sent.running.writer.keep_alive
            collects = sent.translated is not None and sent.translated.collects
            stream = self.translator(sent.call, errors, keep_alive, None if collects else sent.translated)
            if stream is not None:
                return await (self._collect if collects else self._begin_stream)(sent, answer, stream)
        is_json = content_type.startswith("application/json")
        if sent.call.route.operation.download and not (is_json and (sent.call.streams or _may_be_error(sent, answer))):
            body = download(answer, sent.running.exchange, idle=self.timeouts.idle, end=sent.running.start.end)
            passed = headers.of_download(answer.headers)
            return self._leaving(sent, answer, body, passed | self._note_speech(sent))
        whole = await answer.read_whole(MAX_ANSWER_BYTES)
        answer.close()
        if is_json and sent.resource.surfaces.is_openai and other_servers.is_error(whole):
            return self._refused_in_success(self._errors_of(sent, answer, header).in_success(answer.headers, whole))
        if sent.call.streams and is_json:
            return self._stream_whole(sent, answer, self._errors_of(sent, answer, header), whole)
        return self._read_whole(sent, answer, content_type, whole)

    def _leave_unread(self, answer: "UpstreamAnswer") -> Answered:
        """Return the head alone of an answer that is a file or a stream.

        None of Azure's documents has an operation with HEAD, so it is asked by GET, and the connection is closed.
        """
        answer.close()
        answer.sending.end("completed")
        left = Response(status=answer.status, headers=headers.of_download(answer.headers), body=b"")
        return Answered(response=left, headers=answer.headers)

    def _read_whole(self, sent: Sent, answer: "UpstreamAnswer", content_type: str, whole: bytes) -> Answered:
        """Return an answer that was held until it was whole; the attempt's own limit bounded the silence in it."""
        operation = sent.call.route.operation
        if not whole and (sent.call.streams or not _may_be_empty(operation, answer.status)):
            raise UpstreamError("Azure OpenAI's answer is empty.")
        if sent.translated is not None:
            cleaned = sent.translated.reader.answer(whole)
        elif operation.clean and whole:
            cleaned = response.to_openai(whole, keep=self.keep_filter_results)
        else:
            cleaned = response.check(whole, content_type) if whole and not operation.download else whole
        # The ids of a translated answer are the proxy's own.
        is_tagged = whole and sent.translated is None
        tag = sent.routed.tagging(sent.call, sent.target.resource) if is_tagged else None
        passed = (headers.of_download if operation.download else headers.response_to_openai)(answer.headers)
        if sent.translated is not None and sent.translated.collects:
            passed |= headers.JSON
        if "location" in passed:
            passed["location"] = tag_location(sent.routed.tags, passed["location"], sent.target.resource)
        answer.sending.usage = find_usage(whole)
        if sent.translated is not None:
            _end_translated(sent.translated, answer.sending)
        if self.costs is not None or operation.kind is ModelKind.IMAGES:
            passed |= self._note_whole(sent, whole)
        answer.sending.end("completed")
        body = cleaned if tag is None else tag(cleaned)
        return Answered(response=Response(status=answer.status, headers=passed, body=body), headers=answer.headers)

    async def _collect(self, sent: Sent, answer: "UpstreamAnswer", stream: EventStream) -> Answered | Refused:
        """Return the whole answer that a stream adds up to; nothing of one that breaks has reached the client."""
        collected = CollectedResponse(stream, MAX_ANSWER_BYTES)
        await collect(answer, collected, sent.running.exchange.deadline, idle=self.timeouts.reasoning_idle)
        answer.close()
        if collected.failure is not None:
            translated, error = sent.translated, collected.failure
            error = error if translated is None else _translated_error(translated, error)
            return self._refused_in_stream(sent, error, answer, begun=stream.begun)
        return self._read_whole(sent, answer, "application/json", collected.whole())

    async def _begin_stream(self, sent: Sent, answer: "UpstreamAnswer", stream: EventStream) -> Answered | Refused:
        """Return a stream that has said something; until then a model may think for as long as the request may take."""
        sent.running.start.is_stream()
        answer.sending.streamed = True
        translated, hides = sent.translated, sent.call.hides_usage
        tag: Tag | None = None
        at_end: Callable[[], None] | None = None
        if translated is None:
            tag = sent.routed.tagging_events(sent.call, sent.target.resource)
        else:
            at_end = partial(_end_translated, translated, answer.sending)
        if hides:
            tag = _after(hide_usage, tag)
        if self.costs is not None:
            tag, at_end = self._with_costs(self.costs, sent, stream, tag, at_end)
        relay = EventRelay(answer, stream, tag, at_end=at_end)
        error = await relay.begin(sent.running.exchange.deadline, at_once=sent.call.in_background)
        if error is not None:
            answer.close()
            return self._refused_in_stream(sent, error, answer)
        reasons = is_reasoning(sent.target.model) or is_reasoning(sent.target.deployment)
        idle = self.timeouts.reasoning_idle if reasons else self.timeouts.idle
        body = relay.chunks(sent.running.exchange, sent.running.writer, idle=idle, end=sent.running.start.end)
        passed = headers.response_to_openai(answer.headers)
        if not passed.get("content-type", "").startswith(_EVENTS):
            passed |= headers.EVENTS
        return self._leaving(sent, answer, body, passed, keep_alive=self.timeouts.keep_alive)

    def _with_costs(
        self, costs: Costs, sent: Sent, stream: EventStream, tag: Tag | None, at_end: Callable[[], None] | None
    ) -> tuple[Tag | None, Callable[[], None]]:
        """Return what changes the events of a stream, and what notes at its end what it costs."""
        name, entry = sent.call.route.operation.name, sent.running.exchange.entry
        if wants_cost(sent.routed.request.headers):
            tag = _after(costs.in_events(sent.target, name, hard=entry.hard_budget), tag)
        return tag, costs.at_end(entry, sent.target, name, lambda: stream.billed, at_end)

    def _note_whole(self, sent: Sent, whole: bytes) -> dict[str, str]:
        """Note what a whole answer has and costs; return the header that says its cost."""
        operation, entry = sent.call.route.operation, sent.running.exchange.entry
        if operation.kind is ModelKind.IMAGES:
            entry.units = count_images(whole)
        return {} if self.costs is None else self.costs.note_answer(entry, sent.target, operation.name, whole)

    def _note_speech(self, sent: Sent) -> dict[str, str]:
        """Note how much text is spoken; return the header that says its cost."""
        operation, entry = sent.call.route.operation, sent.running.exchange.entry
        if operation.kind is not ModelKind.SPEECH:
            return {}
        entry.units = spoken_characters(sent.call)
        return {} if self.costs is None else self.costs.note_speech(entry, sent.target, operation.name, entry.units)

    def _stream_whole(
        self, sent: Sent, answer: "UpstreamAnswer", errors: AzureErrors, whole: bytes
    ) -> Answered | Refused:
        """Return a whole answer as the stream that was asked for."""
        stream = self.translator(sent.call, errors, sent.running.writer.keep_alive, sent.translated)
        events = to_events(sent.call.route.operation.stream, whole, with_usage=wants_usage(sent.call))
        if stream is None or events is None:
            raise UpstreamError(NO_STREAM)
        written = stream.feed(events) + stream.end()
        if sent.call.hides_usage:
            written = hide_usage(written)
        if stream.failure is not None:
            return self._refused_in_stream(sent, stream.failure, answer, begun=True)
        answer.sending.usage = find_usage(whole)
        if sent.translated is not None:
            _end_translated(sent.translated, answer.sending)
        if self.costs is not None:
            _, note = self._with_costs(self.costs, sent, stream, None, None)
            note()
        tag = sent.routed.tagging(sent.call, sent.target.resource) if sent.translated is None else None
        body = at_once(sent.running.exchange, written if tag is None else tag(written))
        answer.sending.end("completed")
        passed = headers.response_to_openai(answer.headers) | headers.EVENTS
        return self._leaving(sent, answer, body, passed)

    def _refused_in_success(self, error: ProxyError) -> Refused:
        """Return an error that came with a status of success."""
        wait = parse_wait(error.headers, error.message, self.now())
        code = error.reason or error.code or ""
        return Refused(failure=Failure(kind=Kind.ANSWER, status=error.status, code=code, wait=wait), error=error)

    def _refused_in_stream(
        self, sent: Sent, error: ProxyError, answer: "UpstreamAnswer", *, begun: bool = False
    ) -> Refused:
        if sent.translated is not None:
            error.headers = {**error.headers, TRANSLATED: sent.translated.api.value}
        error.headers = {**headers.headers_of_error(answer.headers), **error.headers}
        wait = parse_wait(error.headers, error.message, self.now())
        status = None if isinstance(error, UpstreamError) else error.status
        failure = Failure(kind=Kind.IN_STREAM, status=status, code=error.code or "", wait=wait, begun=begun)
        return Refused(failure=failure, error=error)

    def _errors_of(self, sent: Sent, answer: "UpstreamAnswer", header: Header) -> AzureErrors:
        """Return what translates the errors of an attempt."""
        return AzureErrors(
            model=sent.call.model,
            auth=sent.resource.auth,
            models=sent.routed.names(),
            client_text=sent.call.raw or "/".join(sent.call.route.parameters).encode(),
            secret=header[1].removeprefix("Bearer "),
            has_version="api-version=" in sent.message.url,
            names_object=bool(sent.call.route.parameters),
            keeps_details=self.keep_filter_results or is_azure_shaped(sent.routed.request.path),
            head=answer.headers,
            is_openai=sent.resource.surfaces.is_openai,
        )

    def _leaving(
        self,
        sent: Sent,
        answer: "UpstreamAnswer",
        body: AsyncGenerator[bytes, None],
        passed: Mapping[str, str],
        keep_alive: float | None = None,
    ) -> Answered:
        """Return an answer that leaves while it comes; the exchange closes what it comes from."""
        sent.running.exchange.stack.callback(sent.recorder.end, "client_left")
        sent.running.exchange.stack.callback(answer.close)
        leaving = Response(status=answer.status, headers=passed, body=body, keep_alive=keep_alive)
        return Answered(response=leaving, headers=answer.headers)


def _after(first: Tag, tag: Tag | None) -> Tag:
    """Return what does the first to events, and then tags their ids."""
    return first if tag is None else lambda events: tag(first(events))


def _may_be_error(sent: Sent, answer: "UpstreamAnswer") -> bool:
    """Tell whether what should be a file's bytes may be an error of a server that calls its errors a success."""
    length = answer.headers.get("content-length", "")
    return sent.resource.surfaces.is_openai and length.isdigit() and int(length[:9]) <= MAX_ERROR_BYTES


def _end_translated(translated: Translated, sending: Sending) -> None:
    """Keep the reasoning of a translated answer, and estimate its tokens where it ended before Azure counted them."""
    translated.keep()
    sending.usage = sending.usage or estimate_usage(sending.sent, sending.received)


def _translated_error(translated: Translated, error: ProxyError) -> ProxyError:
    """Return what the client reads of an error: in the words of its own API."""
    error = translated.reader.error(error)
    error.headers = {**error.headers, TRANSLATED: translated.api.value}
    return error


def _is_vague(content_type: str) -> bool:
    return not content_type or content_type.startswith(_VAGUE_TYPES)


async def at_once(exchange: Exchange, body: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a stream that is already whole."""
    exchange.entry.note_first_byte()
    yield body
    exchange.entry.write(outcome="completed")


def _may_be_empty(operation: Operation, status: int) -> bool:
    """Tell whether an answer without a body says all there is to say, as behind a deletion."""
    if operation.surface is Surface.DEPLOYMENT:
        return False
    return not operation.clean or (status == NO_CONTENT and operation.stream is None)


def _kind(error: ProxyError) -> Kind:
    """Return how far an attempt came that has no answer."""
    if isinstance(error, Unreachable | ConfigurationError):
        return Kind.CONNECT
    if isinstance(error, IncompletelySent):
        return Kind.INCOMPLETE
    return Kind.TIMEOUT if isinstance(error, UpstreamTimeout) else Kind.RESET
