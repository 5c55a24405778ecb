"""The corridor: the path of every request, from the door through the rooms and back. It decides nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from proxy.auth import INVALID_KEY, KeyRing
from proxy.edge.client_keys import ClientKeys
from proxy.edge.credentials import UpstreamCredential
from proxy.edge.inbound import read_body
from proxy.edge.request_log import Line, write_line
from proxy.edge.upstream import Upstream, UpstreamAnswer
from proxy.errors import ModelNotFound, ProxyError, Unauthenticated, UpstreamError, UpstreamTimeout
from proxy.messages import AuthMode, Client, Request, Response, UpstreamRequest
from proxy.routing.deployments import Deployments
from proxy.settings import Timeouts
from proxy.translation import errors, headers, models, operations, response
from proxy.translation.errors import AzureErrors
from proxy.translation.operations import Answer, Route
from proxy.translation.request import Call, Surface, parse_call, to_azure
from proxy.translation.stream import ChoicesStream

# An answer that is not streamed is held whole before its headers leave, so that it cannot break in the middle.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# An error of Azure is some hundred bytes; a gateway's page of HTML is not read to its end.
MAX_ERROR_BYTES = 64 * 1024

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}
INDEX = b"This is an OpenAI-compatible API in front of Azure OpenAI; its base URL is this address followed by /v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The rooms and the limits, put together by `bootstrap`. `created` is in seconds since 1970 UTC."""

    deployments: Deployments
    surface: Surface
    auth: AuthMode
    keys: ClientKeys[KeyRing]
    credential: UpstreamCredential
    upstream: Upstream
    timeouts: Timeouts
    max_json_body: int
    created: int
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
        except asyncio.CancelledError:
            line.write(status=499, outcome="client_left")
            raise
        finished = headers.finish(answer.headers, request.id)
        line.request_id, line.status = finished["x-request-id"], answer.status
        if isinstance(answer.body, bytes):
            line.write(outcome="completed" if answer.status < 400 else "error")
        return Response(status=answer.status, headers=finished, body=answer.body)

    async def _answer(self, request: Request, line: Line) -> Response:
        route = operations.find(request.method, request.path)
        if isinstance(route, Route) and route.operation.public:
            return await self._answer_here(route)
        line.client = (await self._identify(request)).name
        if isinstance(route, ProxyError):
            raise route
        line.operation = route.operation.name
        if route.operation.answer is not Answer.DEPLOYMENT:
            return await self._answer_here(route)
        return await self._forward(request, route, line)

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
        match route.operation.answer:
            case Answer.HEALTH:
                return await self._health()
            case Answer.MODELS:
                body = models.encode_models(self.deployments.names(), self.created)
            case Answer.MODEL:
                body = self._model(route.parameters[0])
            case _:
                return Response(status=200, headers=TEXT, body=INDEX)
        return Response(status=200, headers=JSON, body=body)

    def _model(self, name: str) -> bytes:
        if name not in self.deployments.names():
            raise ModelNotFound(name)
        return models.encode_model(name, self.created)

    async def _health(self) -> Response:
        self.start()
        reasons = [reason for reason in (self.credential.problem, self.keys.problem) if reason]
        if not reasons and not len(await self.keys.current()):
            reasons.append("no_client_keys")
        return Response(status=503 if reasons else 200, headers=JSON, body=models.encode_health(dict.fromkeys(reasons)))

    async def _forward(self, request: Request, route: Route, line: Line) -> Response:
        end = asyncio.get_running_loop().time() + self.timeouts.total
        body = await read_body(request, self.max_json_body, end)
        call = parse_call(route.operation, body)
        line.deployment = self.deployments.serving(call.model)
        message = to_azure(call, line.deployment, self.surface, query=request.query, client_headers=request.headers)
        try:
            async with asyncio.timeout_at(min(end, asyncio.get_running_loop().time() + self.timeouts.first_byte)):
                return await self._call(call, message, line)
        except TimeoutError:
            raise UpstreamTimeout(
                f"Azure OpenAI did not answer within {self.timeouts.first_byte:g} seconds. Ask for a stream."
            ) from None

    async def _call(self, call: Call, message: UpstreamRequest, line: Line) -> Response:
        answer = await self._send(message)
        translator = AzureErrors(model=call.model, auth=self.auth)
        passed = headers.response_to_openai(answer.headers)
        stream = call.operation.stream
        if stream is not None and call.stream and answer.status == 200:
            body = _relay(answer, ChoicesStream(translator, stream.value, call.choices), line)
            return Response(status=200, headers=passed, body=body)
        try:
            if answer.status >= 300:
                raise translator.answer(answer.status, answer.headers, await answer.read(MAX_ERROR_BYTES))
            whole = await answer.read(MAX_ANSWER_BYTES)
        finally:
            answer.close()
        if call.operation.clean:
            whole = response.to_openai(whole)
        return Response(status=answer.status, headers=passed, body=whole)

    async def _send(self, message: UpstreamRequest) -> UpstreamAnswer:
        header = await self.credential.header()
        answer = await self.upstream.send(message, header)
        if answer.status == 401 and await self.credential.renew(header):
            answer.close()
            answer = await self.upstream.send(message, await self.credential.header())
        return answer


async def _relay(answer: UpstreamAnswer, stream: ChoicesStream, line: Line) -> AsyncIterator[bytes]:
    """Yield the stream for the client, one write for each read of Azure's; close Azure's side whatever happens."""
    outcome = "client_left"
    try:
        async for written in _normalised(answer, stream):
            line.first_byte()
            yield written
        await answer.finish()
        outcome = "stream_broken" if stream.broken else "completed"
    finally:
        answer.close()
        line.write(outcome=outcome)


async def _normalised(answer: UpstreamAnswer, stream: ChoicesStream) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.chunks():
            if written := stream.feed(chunk):
                yield written
            if stream.ended:
                return
    except UpstreamError as error:
        yield stream.fail(error)
        return
    if rest := stream.end():
        yield rest
