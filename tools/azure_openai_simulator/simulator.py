"""One simulated Azure OpenAI resource."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from aiohttp import web

from tools.azure_openai_simulator.connection import IdleConnections, Tempo
from tools.azure_openai_simulator.credentials import Credentials
from tools.azure_openai_simulator.handler import Handler
from tools.azure_openai_simulator.journal import Journal, RecordedRequest
from tools.azure_openai_simulator.state import Content, State
from tools.models import default_model

DEFAULT_KEY = "simulator-key"
_CHAT = default_model()
DEFAULT_DEPLOYMENTS: Mapping[str, str] = MappingProxyType(
    {
        _CHAT.name: f"{_CHAT.name}-{_CHAT.version}",
        "text-embedding-3-small": "text-embedding-3-small",
        "gpt-image-2": "gpt-image-2",
        "whisper": "whisper-001",
        "gpt-4o-transcribe": "gpt-4o-transcribe",
        "gpt-4o-mini-tts": "gpt-4o-mini-tts",
        "gpt-realtime": "gpt-realtime-2025-08-28",
        "sora-2": "sora-2",
        # Retired on Azure, but what clients of their time ask for by themselves.
        "gpt-4o": "gpt-4o-2024-11-20",
        "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
        "gpt-35-turbo-instruct": "gpt-35-turbo-instruct",
        "gpt-image-1": "gpt-image-1",
        "dall-e-3": "dall-e-3",
    }
)
"""Deployment name -> the model name in its answers."""

KEPT_REQUESTS = 1000  # a benchmark must not fill the memory
SHUTDOWN = 0.05  # seconds that unfinished answers get; a held one never finishes


class Simulator:
    """One Azure OpenAI resource: its deployments, its credentials, and what reached it.

    `credentials`, `deployments` and `absent` may be changed while it serves. `gate` starts without permits, and the
    deployment `gated` takes one for each content chunk. `pace` is the seconds after each chunk of a stream. `absent`
    are paths this resource does not have, as `v1/completions`, `deployments/audio/speech` or, with a dated version,
    `responses`. `idle` returns, for each answer, after how many seconds its connection is closed if it is idle until
    then; without it connections stay open.
    """

    def __init__(
        self,
        *,
        deployments: Mapping[str, str] = DEFAULT_DEPLOYMENTS,
        keys: Iterable[str] = (DEFAULT_KEY,),
        tokens: Iterable[str] = (),
        pace: float = 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep: int = KEPT_REQUESTS,
        absent: Iterable[str] = (),
        idle: Callable[[], float] | None = None,
    ) -> None:
        self.deployments = dict(deployments)
        self.credentials = Credentials(keys=set(keys), tokens=set(tokens))
        self.absent = set(absent)
        self.state = State(self.deployments)
        self.gate = asyncio.Semaphore(0)
        self.url = ""
        self._journal = Journal(keep)
        self._tempo = Tempo(gate=self.gate, pace=pace, sleep=sleep)
        self._idle = IdleConnections(idle)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The calls that arrived, oldest first."""
        return self._journal.requests

    @property
    def disconnects(self) -> list[RecordedRequest]:
        """The calls whose client left before the answer was complete."""
        return self._journal.disconnects

    def file(self, identity: str) -> Content:
        """Return what was kept of a file's bytes; raise KeyError when there is no such file."""
        return self.state.contents[f"files/{identity}"]

    async def requested(self, count: int = 1) -> None:
        """Wait until `count` calls have arrived."""
        await self._journal.wait(self.requests, count)

    async def disconnected(self, count: int = 1) -> None:
        """Wait until `count` clients have left early."""
        await self._journal.wait(self.disconnects, count)

    @asynccontextmanager
    async def serving(self, *, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator["Simulator"]:
        """Serve plain HTTP; port 0 takes a free one. `url` tells where, without a final slash."""
        runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN
        )
        await runner.setup()
        self._journal.closing = False
        try:
            await web.TCPSite(runner, address, port).start()
            self.url = f"http://{address}:{runner.addresses[0][1]}"
            yield self
        finally:
            self._journal.closing = True
            await runner.cleanup()

    def _application(self) -> web.Application:
        handler = Handler(
            state=self.state,
            credentials=self.credentials,
            absent=self.absent,
            journal=self._journal,
            tempo=self._tempo,
            idle=self._idle,
        )
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler.handle)
        return application
