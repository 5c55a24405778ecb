"""HTTP on one side, operations on the other: one call from its arrival to its answer."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec
from aiohttp import web

from tools.azure_openai_simulator.answers import Ask, Document, Hold, Reset, Stall, Stream
from tools.azure_openai_simulator.credentials import Credentials
from tools.azure_openai_simulator.errors import ERROR_SAMPLES, ErrorSample, RefusalError
from tools.azure_openai_simulator.headers import gateway_headers, model_headers
from tools.azure_openai_simulator.journal import Journal, RecordedRequest
from tools.azure_openai_simulator.line import Tempo, reset, send_steps, wait_for
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES, USUAL
from tools.azure_openai_simulator.routes import V1, find_route

ODD_MODEL = "gpt-4o-2024-11-20"

LINE_FAULTS: Mapping[str, Hold | Stall | Reset] = MappingProxyType(
    {"connection-reset": Reset(), "gated-answer": Hold(), "no-answer": Stall()}
)
"""What happens before the answer of these deployments, be it a document or a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Answers every call to the simulated resource."""

    deployments: Mapping[str, str]
    credentials: Credentials
    journal: Journal
    tempo: Tempo
    _serials: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record a call, answer it, and note when its client does not stay for the answer."""
        recorded = await _record(request)
        self.journal.arrived(recorded)
        serial = next(self._serials)
        try:
            return await self._answer(request, recorded, serial)
        except RefusalError as refusal:
            return _refuse(refusal.sample, serial)
        except msgspec.DecodeError:
            return _refuse(ERROR_SAMPLES["error-400-json"], serial)
        except ConnectionError:
            self.journal.left(recorded)
            return web.Response()  # never sent: the line is gone
        except asyncio.CancelledError:
            if request.transport is None:
                self.journal.left(recorded)
            raise

    async def _answer(self, request: web.Request, recorded: RecordedRequest, serial: int) -> web.StreamResponse:
        self.credentials.check(recorded.headers, on_v1=recorded.raw_path.startswith(V1))
        route = find_route(recorded.method, recorded.raw_path, recorded.query, recorded.body)
        ask = self._ask(route.deployment, recorded.body, serial)
        fault = LINE_FAULTS.get(route.deployment)
        if isinstance(fault, Reset):
            reset(request)
            return web.Response()
        if fault is not None:
            await wait_for(fault, self.tempo)
        answer = route.operation(ask)
        headers = model_headers(serial, route.deployment, recorded.headers)
        if isinstance(answer, Document):
            return web.Response(headers=headers, body=answer.body, content_type="application/json")
        return await self._stream(request, headers, answer, route.deployment)

    def _ask(self, deployment: str, body: bytes, serial: int) -> Ask:
        if deployment in ERROR_SAMPLES:
            raise RefusalError(deployment)
        odd = ODD_MODEL if deployment in STREAM_ODDITIES or deployment in LINE_FAULTS else None
        model = self.deployments.get(deployment, odd)
        if model is None:
            raise RefusalError("error-404-deployment")
        return Ask(deployment=deployment, model=model, serial=serial, created=int(time.time()), body=body)

    async def _stream(
        self, request: web.Request, headers: Mapping[str, str], answer: Stream, deployment: str
    ) -> web.StreamResponse:
        oddity = STREAM_ODDITIES.get(deployment, USUAL)
        response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        if await send_steps(response, oddity.play(answer.chunks), oddity.form, self.tempo):
            await response.write_eof()
        else:
            reset(request)
        return response


def _refuse(sample: ErrorSample, serial: int) -> web.Response:
    return web.Response(status=sample.status, headers={**gateway_headers(serial), **sample.headers}, body=sample.body)


async def _record(request: web.Request) -> RecordedRequest:
    return RecordedRequest(
        method=request.method,
        raw_path=request.raw_path.partition("?")[0],
        query=request.query,
        headers=request.headers,
        body=await request.read(),
    )
