"""The corridor: the path of every request, from the door through the rooms and back. It decides nothing."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace

from proxy.auth import INVALID_KEY, KeyRing
from proxy.edge.client_keys import ClientKeys
from proxy.edge.credentials import UpstreamCredential
from proxy.edge.inbound import read_body
from proxy.edge.request_log import Line, write_line
from proxy.edge.upstream import Upstream, UpstreamAnswer
from proxy.errors import ProxyError, Unauthenticated, UnknownUrl, UnsupportedOperation, UpstreamTimeout
from proxy.gateway.answers import StreamTranslator, download, relay
from proxy.gateway.forms import Prepared, Upload
from proxy.gateway.here import Here
from proxy.messages import AuthMode, Client, Request, Response, UpstreamRequest
from proxy.routing.deployments import Deployments
from proxy.settings import Timeouts
from proxy.translation import cors, errors, headers, operations, response
from proxy.translation.errors import AzureErrors
from proxy.translation.event_stream import TypedStream
from proxy.translation.form_plan import is_upload
from proxy.translation.operations import Body, Route, Surface
from proxy.translation.request import IMAGE_HEADER, Call, encode_body, image_deployment, parse_call
from proxy.translation.stream import CONTENTS, ChoicesStream
from proxy.translation.surfaces import Surfaces, with_mapped_model, without_version

# An answer that is not streamed is held whole before its headers leave, so that it cannot break in the middle.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# An error of Azure is some hundred bytes; a gateway's page of HTML is not read to its end.
MAX_ERROR_BYTES = 64 * 1024
_VERSION_REFUSED = b"api-version query parameter is not allowed"
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The rooms and the limits, put together by `bootstrap`.

    `max_json_body` is in bytes; `allowed_origins` may call from a browser; `forwards_unknown` passes operations on that
    the table does not know, and `stores` those about objects that Azure keeps.
    """

    deployments: Deployments
    surfaces: Surfaces
    auth: AuthMode
    keys: ClientKeys[KeyRing]
    credential: UpstreamCredential
    upstream: Upstream
    here: Here
    timeouts: Timeouts
    max_json_body: int
    allowed_origins: frozenset[str]
    forwards_unknown: bool
    stores: bool
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    log: Callable[[str], None] = write_line

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        self.credential.start()
        self.keys.start()

    async def handle(self, request: Request) -> Response:
        """Answer one request; every failure becomes an answer, except that the client has left."""
        line = Line(request.id, self.clock, self.log)
        try:
            answer = await self._answer(request, line)
        except ProxyError as error:
            answer = errors.to_response(error)
            line.error = error.reason or error.code
        except asyncio.CancelledError:
            line.write(status=499, outcome="client_left")
            raise
        except Exception:  # Whatever it is, the door answers it; the request has its line all the same.
            line.write(status=500, outcome="failed")
            raise
        finished = headers.finish(answer.headers, request.id) | cors.origin_headers(
            request.headers, self.allowed_origins
        )
        line.request_id, line.status = finished["x-request-id"], answer.status
        if isinstance(answer.body, bytes):
            line.write(outcome="completed" if answer.status < 400 else "error")
        return Response(status=answer.status, headers=finished, body=answer.body)

    async def _answer(self, request: Request, line: Line) -> Response:
        if cors.is_preflight(request.method, request.headers):
            return Response(status=204, headers=cors.preflight_headers(request.headers), body=b"")
        route = self._route(request)
        if isinstance(route, Route):
            line.operation = route.operation.name
            if route.operation.public:
                return await self._answer_here(route)
        line.client = (await self._identify(request)).name
        if isinstance(route, ProxyError):
            raise route
        if route.operation.surface is Surface.HERE:
            return await self._answer_here(route)
        if request.method == "HEAD":
            return Response(status=200, headers=headers.JSON, body=b"")
        if route.operation.stored and not self.stores:
            raise UnsupportedOperation("Objects that Azure keeps are switched off at this proxy (STORED_OBJECTS).")
        return await self._forward(request, route, line)

    def _route(self, request: Request) -> Route | ProxyError:
        route = operations.find(request.method, request.path)
        if self.forwards_unknown and isinstance(route, UnknownUrl):
            return operations.unknown(request.method, request.path)
        return route

    async def _identify(self, request: Request) -> Client:
        ring = await self.keys.current()
        try:
            return ring.identify(request.headers, self.now())
        except Unauthenticated as error:
            missing = self.keys.missing()
            if missing is not None and error.code == INVALID_KEY:
                raise missing from None
            raise

    async def _answer_here(self, route: Route) -> Response:
        if route.operation.name != "health":
            return self.here.answer(route)
        self.start()
        reasons = [reason for reason in (self.credential.problem, self.keys.problem) if reason]
        if not reasons and not len(await self.keys.current()):
            reasons.append("no_client_keys")
        return self.here.health(reasons)

    async def _forward(self, request: Request, route: Route, line: Line) -> Response:
        now = asyncio.get_running_loop().time
        end = now() + self.timeouts.total
        if is_upload(route.operation.body, request.headers.get("content-type", "")):
            return await self._forward_upload(request, route, line, end)
        raw = await read_body(request, self.max_json_body, end)
        call = parse_call(route, raw, may_store=self.stores)
        line.deployment = self.deployments.serving(call.model) if call.model else None
        message = self._message(call, line.deployment, request)
        async with self._deadline(min(end, now() + self.timeouts.first_byte)):
            return await self._call(call, message, line, end)

    async def _forward_upload(self, request: Request, route: Route, line: Line, end: float) -> Response:
        loop = asyncio.get_running_loop()
        with Upload(request, end) as upload:
            prepared = await upload.prepare(route, self.deployments.serving, self.surfaces.of(route.operation))
            call = Call(route=route, model=prepared.plan.model)
            line.deployment = prepared.plan.deployment
            message = self._upload_message(route, prepared, request)
            async with self._deadline(end) as timer:
                upload.when_sent = lambda: timer.reschedule(min(end, loop.time() + self.timeouts.first_byte))
                try:
                    return await self._call(call, message, line, end)
                except ProxyError as error:
                    raise upload.failure or error from None

    @contextlib.asynccontextmanager
    async def _deadline(self, when: float) -> AsyncIterator[asyncio.Timeout]:
        try:
            async with asyncio.timeout_at(when) as timer:
                yield timer
        except TimeoutError:
            raise UpstreamTimeout(
                "Azure OpenAI did not answer in time. A stream has more time than a whole answer."
            ) from None

    def _message(self, call: Call, deployment: str | None, request: Request) -> UpstreamRequest:
        operation = call.route.operation
        image = image_deployment(call, self.deployments.serving)
        own = {**({IMAGE_HEADER: image} if image else {}), **(dict([operation.header]) if operation.header else {})}
        return UpstreamRequest(
            method=operation.method,
            url=self.surfaces.url(call.route, deployment, request.query),
            headers=headers.request_to_azure(request.headers, json=bool(call.raw)) | own,
            body=encode_body(call, deployment, self.surfaces.of(operation)),
        )

    def _upload_message(self, route: Route, prepared: Prepared, request: Request) -> UpstreamRequest:
        length = {} if prepared.length is None else {"content-length": str(prepared.length)}
        query = request.query
        if route.operation.body is Body.SESSION_FORM:
            query = with_mapped_model(query, self.deployments.serving)
        return UpstreamRequest(
            method=route.operation.method,
            url=self.surfaces.url(route, prepared.plan.deployment, query),
            headers=headers.request_to_azure(request.headers, json=False) | length,
            body=prepared.body,
        )

    async def _call(self, call: Call, message: UpstreamRequest, line: Line, end: float) -> Response:
        answer = await self._send(message, end)
        errors_of_call = AzureErrors(model=call.model, auth=self.auth)
        succeeded = answer.status < 300
        if succeeded:
            if (stream := _translator(call, errors_of_call, answer)) is not None:
                return _response(answer, relay(answer, stream, line))
            if call.route.operation.download:
                return _response(answer, download(answer, line), headers.of_download(answer.headers))
        try:
            whole = await (answer.read(MAX_ANSWER_BYTES) if succeeded else answer.read_beginning(MAX_ERROR_BYTES))
        finally:
            answer.close()
        if succeeded:
            return _response(answer, response.to_openai(whole) if call.route.operation.clean else whole)
        if _VERSION_REFUSED in whole and isinstance(message.body, bytes) and "api-version=" in message.url:
            return await self._call(call, replace(message, url=without_version(message.url)), line, end)
        raise errors_of_call.answer(answer.status, answer.headers, whole)

    async def _send(self, message: UpstreamRequest, end: float) -> UpstreamAnswer:
        header = await self.credential.header()
        answer = await self.upstream.send(message, header, end)
        if answer.status != 401:
            return answer
        with contextlib.ExitStack() as leaving:
            leaving.callback(answer.close)
            renewed = await self.credential.renew(header)
            if not (renewed and isinstance(message.body, bytes)):
                leaving.pop_all()  # The refusal itself is the answer.
                return answer
        return await self.upstream.send(message, await self.credential.header(), end)


def _response(
    answer: UpstreamAnswer, body: bytes | AsyncIterator[bytes], passed: Mapping[str, str] | None = None
) -> Response:
    return Response(
        status=answer.status,
        headers=headers.response_to_openai(answer.headers) if passed is None else passed,
        body=body,
    )


def _translator(call: Call, errors_of_call: AzureErrors, answer: UpstreamAnswer) -> StreamTranslator | None:
    form = call.route.operation.stream
    if form is None or not answer.headers.get("content-type", "").startswith(_EVENTS):
        return None
    if form in CONTENTS:
        return ChoicesStream(errors_of_call, CONTENTS[form], call.choices)
    return TypedStream(errors_of_call, form)
