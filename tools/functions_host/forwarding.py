"""The HTTP request to the worker, in parallel with the invocation and within the host's deadlines."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

from tools.functions_host import headers
from tools.functions_host.answer import Answer
from tools.functions_host.channel import Invoke
from tools.functions_host.connections import worker_session
from tools.functions_host.paths import encode_path
from tools.functions_host.routes import Match
from tools.functions_host.settings import Settings
from tools.functions_host.upload import (
    BodyTooLarge,
    StreamedUpload,
    Upload,
    WholeUpload,
    answer_expectation,
)
from tools.functions_host.worker_process import WorkerProcess
from tools.functions_host.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that a function answers; `upload` is None for a body that streams."""

    match: Match
    path: str
    query: str
    upload: WholeUpload | None


class Forwarder:
    """Forwards calls to the current worker."""

    def __init__(self, settings: Settings, workers: Workers) -> None:
        self._settings = settings
        self._workers = workers
        self._session = worker_session()

    async def close(self) -> None:
        """Close every connection to the worker."""
        await self._session.close()

    async def forward(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        """Answer `request` with the worker's response, however that ends."""
        worker = await self._workers.current()
        invocation_id = str(uuid.uuid4())
        invocation = Invoke(
            invocation_id=invocation_id,
            function=call.match.function,
            params=call.match.params,
            trace_parent=request.headers.get("traceparent", ""),
        )
        worker.invoke(invocation)
        answer = Answer(request, self._settings.cors_origins)
        whole = asyncio.timeout(self._settings.function_timeout)
        try:
            async with whole:
                if self._settings.loses_requests and headers.is_lost(request.headers):
                    return await self._lose(request, call, answer, worker, invocation_id)
                return await self._exchange(request, call, answer, worker, invocation_id)
        except TimeoutError:
            if whole.expired() and worker.is_running(invocation_id):
                self._workers.kill(worker)
            return answer.fail()
        except BodyTooLarge:
            return answer.fail(closing=True)
        except (aiohttp.ClientError, OSError) as error:
            return answer.fail(closing=isinstance(error.__cause__, BodyTooLarge))

    async def _lose(
        self, request: web.BaseRequest, call: Call, answer: Answer, worker: WorkerProcess, invocation_id: str
    ) -> web.StreamResponse:
        """Let the invocation and the HTTP leg, if there is one, wait for each other in vain."""
        async with asyncio.TaskGroup() as group:
            if not headers.has_no_leg(request.headers):
                foreign_id = request.headers[headers.INVOCATION_ID]
                upload = await self._upload(request, call, lambda: None)
                leg = group.create_task(self._request(request, call, upload, worker, foreign_id))
                leg.add_done_callback(_close)
            await worker.returned(invocation_id)
        return answer.fail()

    async def _exchange(
        self, request: web.BaseRequest, call: Call, answer: Answer, worker: WorkerProcess, invocation_id: str
    ) -> web.StreamResponse:
        """Send the request, then the answer, as long as there is progress."""
        async with asyncio.timeout(self._settings.activity_timeout) as silence:
            on_activity = self._activity(silence)
            upload = await self._upload(request, call, on_activity)
            leg = await self._request(request, call, upload, worker, invocation_id)
            try:
                await upload.ended(leg)
                answer.take_headers(leg)
                async for chunk in leg.content.iter_any():
                    on_activity()
                    await answer.write(chunk)
            except BaseException:
                leg.close()
                raise
            return await answer.end()

    async def _upload(self, request: web.BaseRequest, call: Call, on_activity: Callable[[], None]) -> Upload:
        if call.upload is not None:
            return call.upload
        await answer_expectation(request)
        return StreamedUpload(request, self._settings.body_limit, on_activity)

    def _activity(self, silence: asyncio.Timeout) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        return lambda: silence.reschedule(loop.time() + self._settings.activity_timeout)

    async def _request(
        self, request: web.BaseRequest, call: Call, upload: Upload, worker: WorkerProcess, invocation_id: str
    ) -> aiohttp.ClientResponse:
        base = URL(worker.uri)
        target = URL.build(
            scheme=base.scheme,
            host=str(base.host),
            port=base.port,
            path=encode_path(call.path),
            query_string=call.query,
            encoded=True,
        )
        sent = headers.to_worker(
            request.headers,
            client=request.remote or "",
            invocation_id=invocation_id,
            keeps_scheme=self._settings.cors_origins is not None,
        )
        body = upload.body
        if call.upload is None:
            sent.popall("Content-Length", None)  # Transfer-Encoding takes precedence
        return await self._session.request(request.method, target, headers=sent, data=body, allow_redirects=False)


def _close(leg: "asyncio.Task[aiohttp.ClientResponse]") -> None:
    if not leg.cancelled() and leg.exception() is None:
        leg.result().close()
