"""One call to one resource: sent, and what came back in OpenAI's words."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from proxy.azure_api import headers, response
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.request import Call
from proxy.azure_api.stream import open_stream
from proxy.azure_api.urls import without_version
from proxy.config.timeouts import Timeouts
from proxy.edge.upstream_later import UpstreamLater
from proxy.errors import ConfigurationError, ProxyError, Unreachable, UpstreamError, UpstreamTimeout
from proxy.gateway.answers import Held, Stream, StreamTranslator, Tagged, download
from proxy.gateway.exchange import Exchange
from proxy.gateway.fleet import Resource
from proxy.gateway.opening import NO_STREAM
from proxy.openai_api.operations import Surface
from proxy.openai_api.retry_after import parse_wait
from proxy.routing.failures import Failure, Kind
from proxy.routing.targets import Target, is_reasoning
from proxy.values import Response, UpstreamRequest

if TYPE_CHECKING:
    from proxy.edge.upstream_answer import UpstreamAnswer

# An answer that is not streamed is held whole before its headers leave, so that it cannot break in the middle.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# An error of Azure is some hundred bytes; a gateway's page of HTML is not read to its end.
MAX_ERROR_BYTES = 64 * 1024
_VERSION_REFUSED = b"api-version query parameter is not allowed"
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call on its way to one target."""

    exchange: Exchange
    call: Call
    target: Target
    message: UpstreamRequest

    @property
    def resource(self) -> Resource:
        """Return the resource that is called."""
        return self.exchange.fleet.resources[self.target.resource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An attempt that brought an answer: what the client gets, and the headers as Azure sent them."""

    response: Response
    headers: Mapping[str, str]


async def _no_other() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An attempt that failed: what routing weighs, what the client would read, and the body of Azure's refusal.

    `renew` gets a fresh credential, and tells whether there is one.
    """

    failure: Failure
    error: ProxyError
    body: bytes = field(default=b"", repr=False)
    renew: Callable[[], Awaitable[bool]] = _no_other


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes attempts; `keeps_filters` leaves Azure's annotations in the answers, `now` is in seconds since 1970 UTC."""

    upstream: UpstreamLater
    timeouts: Timeouts
    keeps_filters: bool
    now: Callable[[], float] = time.time

    async def attempt(self, attempt: Attempt) -> Answered | Refused:
        """Return how one attempt went; nothing of it has reached the client when it failed."""
        credential = attempt.resource.credential
        try:
            header = await credential.header()
            answer = await self.upstream.send(attempt.message, header, attempt.exchange.opening.end)
        except (UpstreamError, ConfigurationError) as error:
            return Refused(failure=Failure(kind=_kind(error)), error=error)
        try:
            if 200 <= answer.status < 300:
                return await self._succeed(attempt, answer)
            return await self._refuse(attempt, answer, partial(credential.renew, header))
        except UpstreamError as error:
            kind = Kind.TIMEOUT if isinstance(error, UpstreamTimeout) else Kind.RESET
            return Refused(failure=Failure(kind=kind), error=error)

    async def prove(self, resource: Resource, message: UpstreamRequest, end: float) -> None:
        """Raise `Unauthenticated` or what else Azure says when it refuses a client's own key."""
        answer = await self.upstream.send(message, await resource.credential.header(), end)
        try:
            body = await answer.read_beginning(MAX_ERROR_BYTES)
        finally:
            answer.close()
        if answer.status >= 300:
            raise AzureErrors(model=None, auth=resource.auth).answer(answer.status, answer.headers, body)

    def translator(self, call: Call, azure_errors: AzureErrors) -> StreamTranslator | None:
        """Return what translates a stream of the call's operation, None when it has none."""
        form = call.route.operation.stream
        if form is None:
            return None
        return open_stream(form, azure_errors, choices=call.choices, keep_filters=self.keeps_filters)

    async def _refuse(
        self, attempt: Attempt, answer: "UpstreamAnswer", renew: Callable[[], Awaitable[bool]]
    ) -> Answered | Refused:
        try:
            body = await answer.read_beginning(MAX_ERROR_BYTES)
        finally:
            answer.close()
        message = attempt.message
        if _VERSION_REFUSED in body and isinstance(message.body, bytes) and "api-version=" in message.url:
            return await self.attempt(replace(attempt, message=replace(message, url=without_version(message.url))))
        error = errors_of(attempt).answer(answer.status, answer.headers, body)
        wait = parse_wait({**answer.headers, **error.headers}, error.message, self.now())
        failure = Failure(kind=Kind.ANSWER, status=answer.status, code=error.code or "", wait=wait)
        return Refused(failure=failure, error=error, body=body, renew=renew)

    async def _succeed(self, attempt: Attempt, answer: "UpstreamAnswer") -> Answered | Refused:
        operation = attempt.call.route.operation
        if answer.headers.get("content-type", "").startswith(_EVENTS):
            stream = self.translator(attempt.call, errors_of(attempt))
            if stream is not None:
                return await self._begin(attempt, answer, stream)
        if attempt.call.streams and answer.headers.get("content-type", "").startswith("application/json"):
            answer.close()
            raise UpstreamError(NO_STREAM)
        if operation.download:
            body = download(answer, attempt.exchange.line)
            return _answered(answer, body, headers.of_download(answer.headers))
        answer.allow_silence(math.inf)  # The opening bounds it.
        try:
            whole = await answer.read(MAX_ANSWER_BYTES)
        finally:
            answer.close()
        if not whole and operation.surface is Surface.DEPLOYMENT:
            raise UpstreamError("Azure OpenAI's answer is empty.")
        if operation.clean:
            cleaned = response.to_openai(whole, keep=self.keeps_filters)
        else:
            cleaned = response.check(whole, answer.headers.get("content-type", ""))
        tag = attempt.exchange.tagging(attempt.call, attempt.target.resource)
        passed = headers.response_to_openai(answer.headers)
        if "location" in passed:
            passed["location"] += attempt.exchange.fleet.tags.tag(attempt.target.resource)
        return _answered(answer, cleaned if tag is None else tag(cleaned), passed)

    async def _begin(self, attempt: Attempt, answer: "UpstreamAnswer", stream: StreamTranslator) -> Answered | Refused:
        exchange, target = attempt.exchange, attempt.target
        exchange.opening.is_stream()
        tag = exchange.tagging(attempt.call, target.resource)
        held = Held(answer, stream if tag is None else Tagged(stream, tag))
        answer.allow_silence(math.inf)  # A model may think for minutes; the client hears that it is not forgotten.
        error = await held.begin(at_once=attempt.call.in_background)
        if error is not None:
            error.headers = {**headers.headers_of_error(answer.headers), **error.headers}
            wait = parse_wait(error.headers, error.message, self.now())
            status = None if isinstance(error, UpstreamError) else error.status
            failure = Failure(kind=Kind.IN_STREAM, status=status, code=error.code or "", wait=wait)
            return Refused(failure=failure, error=error)
        reasons = is_reasoning(target.model) or is_reasoning(target.deployment)
        answer.allow_silence(self.timeouts.reasoning_idle if reasons else self.timeouts.idle)
        answered = _answered(answer, held.relay(exchange.line))
        streamed = replace(answered.response, keep_alive=self.timeouts.keep_alive)
        return replace(answered, response=streamed)


def errors_of(attempt: Attempt) -> AzureErrors:
    """Return what translates the errors of an attempt."""
    call, exchange = attempt.call, attempt.exchange
    return AzureErrors(
        model=call.model,
        auth=attempt.resource.auth,
        models=exchange.names(),
        client_text=call.raw or "/".join(call.route.parameters).encode(),
    )


def _kind(error: ProxyError) -> Kind:
    """Return how far an attempt came that has no answer."""
    if isinstance(error, Unreachable | ConfigurationError):
        return Kind.CONNECT
    return Kind.TIMEOUT if isinstance(error, UpstreamTimeout) else Kind.RESET


def _answered(answer: "UpstreamAnswer", body: bytes | Stream, passed: Mapping[str, str] | None = None) -> Answered:
    passed = headers.response_to_openai(answer.headers) if passed is None else passed
    return Answered(response=Response(status=answer.status, headers=passed, body=body), headers=answer.headers)
