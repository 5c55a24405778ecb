"""HTTP on one side, operations on the other: one call, from the request to its answer."""

import asyncio
import itertools
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import msgspec
from aiohttp import web

from tools.azure_openai_simulator.answers import Ask, Document, Download, Hold, Reset, Stall
from tools.azure_openai_simulator.connection import IdleConnections, Tempo, reset, send_content, send_stream, wait_for
from tools.azure_openai_simulator.credentials import Credentials
from tools.azure_openai_simulator.errors import ERROR_SAMPLES, ErrorSample, RefusalError
from tools.azure_openai_simulator.headers import gateway_headers
from tools.azure_openai_simulator.intake import Arrival, read_arrival
from tools.azure_openai_simulator.journal import Journal
from tools.azure_openai_simulator.labels import label_of
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES
from tools.azure_openai_simulator.refusals import REFUSALS, check_parameters
from tools.azure_openai_simulator.routes import V1, Route, find_route
from tools.azure_openai_simulator.state import State

ODD_MODEL = "gpt-4o-2024-11-20"
OTHER_MAKERS = ("DeepSeek", "Llama", "Mistral", "Phi", "grok")
"""How models begin that answer on v1 alone."""
CALLS = f"{V1}realtime/calls"

CONNECTION_FAULTS: Mapping[str, Hold | Stall | Reset] = MappingProxyType(
    {"connection-reset": Reset(), "gated-answer": Hold(), "no-answer": Stall()}
)
"""What happens before the answer of these deployments, whether it is a document or a stream."""

SAMPLES = frozenset({*ERROR_SAMPLES, *CONNECTION_FAULTS})
ODD_DEPLOYMENTS = frozenset({*STREAM_ODDITIES, *CONNECTION_FAULTS, *REFUSALS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """Answers every call to the simulated resource."""

    state: State
    credentials: Credentials
    absent: Collection[str]
    journal: Journal
    tempo: Tempo
    idle: IdleConnections
    _serials: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record a call, answer it, and record a client that disconnects before the answer is complete."""
        self.idle.begin(request)
        arrival = await read_arrival(request)
        recorded = arrival.recorded
        self.journal.arrived(recorded)
        serial = next(self._serials)
        try:
            return await self.idle.end(request, await self._answer(request, arrival, serial))
        except RefusalError as refusal:
            return _refuse(refusal.sample, serial)
        except msgspec.DecodeError:
            return _refuse(ERROR_SAMPLES["error-400-json"], serial)
        except ConnectionError:
            self.journal.left(recorded)
            return web.Response()  # never sent: the connection is lost
        except asyncio.CancelledError:
            if request.transport is None:
                self.journal.left(recorded)
            raise

    async def _answer(self, request: web.Request, arrival: Arrival, serial: int) -> web.StreamResponse:
        recorded = arrival.recorded
        on_v1 = recorded.raw_path.startswith(V1)
        secrets = self.state.secrets if recorded.raw_path == CALLS else ()
        self.credentials.check(recorded.headers, on_v1=on_v1, secrets=secrets)
        route = find_route(recorded.method, recorded.raw_path, recorded.query, self.absent)
        ask, sample = self._ask(route, arrival, serial, f"{request.scheme}://{request.host}")
        fault = CONNECTION_FAULTS.get(sample)
        if isinstance(fault, Reset):
            reset(request)
            return web.Response()
        if fault is not None:
            await wait_for(fault, self.tempo)
        check_parameters(ask)
        answer = route.row.operation(ask)
        headers = route.row.headers(ask)
        if isinstance(answer, Document):
            headers |= {**answer.headers, "Content-Type": answer.media_type}
            return web.Response(status=answer.status, headers=headers, body=answer.body)
        if isinstance(answer, Download):
            return await send_content(request, headers, answer.content)
        deployment = answer.deployment or ask.deployment
        return await send_stream(request, headers, answer, deployment, self.tempo)

    def _ask(self, route: Route, arrival: Arrival, serial: int, origin: str) -> tuple[Ask, str]:
        """Return the call of an operation, and the name with which it asks for an unusual answer."""
        ask = Ask(
            serial=serial,
            created=int(time.time()),
            origin=origin,
            state=self.state,
            ids=route.ids,
            query=arrival.recorded.query,
            headers=arrival.recorded.headers,
            body=arrival.body,
            form=arrival.form,
            by_path=route.deployment is not None,
        )
        name = route.row.names(ask) if route.deployment is None else route.deployment
        label = name if name in SAMPLES else label_of(ask, SAMPLES, has_deployment=name is not None)
        if label is not None and label in ERROR_SAMPLES:
            raise RefusalError(label)
        if name is None:
            return ask, label or ""
        return replace(ask, deployment=name, model=self._model(name, by_path=ask.by_path)), label or name

    def _model(self, deployment: str, *, by_path: bool) -> str:
        odd = ODD_MODEL if deployment in ODD_DEPLOYMENTS else None
        model = self.state.deployments.get(deployment, odd)
        if model is None:
            raise RefusalError("error-404-deployment")
        if by_path and model.startswith(OTHER_MAKERS):
            raise RefusalError("error-404-route")
        return model


def _refuse(sample: ErrorSample, serial: int) -> web.Response:
    return web.Response(status=sample.status, headers={**gateway_headers(serial), **sample.headers}, body=sample.body)
