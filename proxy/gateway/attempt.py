"""One call to one resource: sent, and what came back in OpenAI's words."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from proxy.edge.request_log import Line
from proxy.edge.upstream import Upstream, UpstreamAnswer
from proxy.errors import ProxyError
from proxy.gateway.answers import Held, Stream, StreamTranslator, download
from proxy.gateway.opening import Opening
from proxy.gateway.resource import Resource
from proxy.messages import Response, UpstreamRequest
from proxy.translation import headers, response
from proxy.translation.errors import AzureErrors
from proxy.translation.request import Call
from proxy.translation.stream import open_stream
from proxy.translation.surfaces import without_version

# An answer that is not streamed is held whole before its headers leave, so that it cannot break in the middle.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# An error of Azure is some hundred bytes; a gateway's page of HTML is not read to its end.
MAX_ERROR_BYTES = 64 * 1024
_VERSION_REFUSED = b"api-version query parameter is not allowed"
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An error that Azure answered: its status and bytes, and what the client would read."""

    status: int
    body: bytes
    error: ProxyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call on its way to one resource."""

    call: Call
    resource: Resource
    message: UpstreamRequest
    opening: Opening
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes attempts.

    `keeps_filters` leaves Azure's annotations in the answers; `keep_alive` is in seconds.
    """

    upstream: Upstream
    keeps_filters: bool
    keep_alive: float

    async def attempt(self, attempt: Attempt) -> Response | Refused:
        """Return the answer of one attempt; raise `ProxyError` when there is none or it broke before it began."""
        answer = await self._send(attempt)
        if answer.status < 300:
            return await self._succeed(attempt, answer)
        try:
            body = await answer.read_beginning(MAX_ERROR_BYTES)
        finally:
            answer.close()
        message = attempt.message
        if _VERSION_REFUSED in body and isinstance(message.body, bytes) and "api-version=" in message.url:
            return await self.attempt(replace(attempt, message=replace(message, url=without_version(message.url))))
        error = errors_of(attempt.call, attempt.resource).answer(answer.status, answer.headers, body)
        return Refused(status=answer.status, body=body, error=error)

    async def prove(self, resource: Resource, message: UpstreamRequest, end: float) -> None:
        """Raise `Unauthenticated` or what else Azure says when it refuses a client's own key."""
        answer = await self.upstream.send(message, await resource.credential.header(), end)
        try:
            body = await answer.read_beginning(MAX_ERROR_BYTES)
        finally:
            answer.close()
        if answer.status in (401, 403):
            raise AzureErrors(model=None, auth=resource.auth).answer(answer.status, answer.headers, body)

    def translator(self, call: Call, resource: Resource) -> StreamTranslator | None:
        """Return what translates a stream of the call's operation, None when it has none."""
        form = call.route.operation.stream
        if form is None:
            return None
        azure_errors = errors_of(call, resource)
        return open_stream(form, azure_errors, choices=call.choices, keep_filters=self.keeps_filters)

    async def _succeed(self, attempt: Attempt, answer: UpstreamAnswer) -> Response:
        operation, line = attempt.call.route.operation, attempt.line
        if answer.headers.get("content-type", "").startswith(_EVENTS):
            stream = self.translator(attempt.call, attempt.resource)
            if stream is not None:
                body = await self._begin(attempt, Held(answer, stream))
                return replace(_response(answer, body), keep_alive=self.keep_alive)
        if operation.download:
            return _response(answer, download(answer, line), headers.of_download(answer.headers))
        try:
            whole = await answer.read(MAX_ANSWER_BYTES)
        finally:
            answer.close()
        return _response(answer, response.to_openai(whole, keep=self.keeps_filters) if operation.clean else whole)

    async def _begin(self, attempt: Attempt, held: Held) -> Stream:
        attempt.opening.is_stream()
        error = await held.begin(at_once=attempt.call.in_background)
        if error is not None:
            error.headers = {**headers.headers_of_error(held.answer.headers), **error.headers}
            raise error
        return held.relay(attempt.line)

    async def _send(self, attempt: Attempt) -> UpstreamAnswer:
        credential, message, end = attempt.resource.credential, attempt.message, attempt.opening.end
        header = await credential.header()
        answer = await self.upstream.send(message, header, end)
        if answer.status != 401:
            return answer
        with contextlib.ExitStack() as leaving:
            leaving.callback(answer.close)
            renewed = await credential.renew(header)
            if not (renewed and isinstance(message.body, bytes)):
                leaving.pop_all()  # The refusal itself is the answer.
                return answer
        return await self.upstream.send(message, await credential.header(), end)


def errors_of(call: Call, resource: Resource) -> AzureErrors:
    """Return what translates the errors of a call."""
    return AzureErrors(
        model=call.model,
        auth=resource.auth,
        models=resource.deployments.names(),
        said=call.raw or "/".join(call.route.parameters).encode(),
    )


def _response(answer: UpstreamAnswer, body: bytes | Stream, passed: Mapping[str, str] | None = None) -> Response:
    return Response(
        status=answer.status,
        headers=headers.response_to_openai(answer.headers) if passed is None else passed,
        body=body,
    )
