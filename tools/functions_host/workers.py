"""The current worker process, and its successor when it ends."""

import asyncio
import sys

from tools.functions_host.routes import Routes
from tools.functions_host.settings import Settings
from tools.functions_host.worker_process import WorkerProcess, start_worker


class Workers:
    """One worker at a time; callers between two of them wait for the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._current: WorkerProcess | None = None
        self._available = asyncio.Event()
        self.routes = Routes((), "")

    async def start(self) -> None:
        """Start a worker; raise WorkerFailed."""
        worker = await start_worker(self._settings)
        self.routes = worker.routes(self._settings.route_prefix)
        print(f"worker process {worker.pid}", flush=True)
        self._current = worker
        self._available.set()

    async def keep_alive(self) -> None:
        """Replace each worker that ends; raise WorkerFailed when the app no longer starts."""
        while True:
            worker = await self.current()
            code = await worker.listen()
            self._retire()
            print(
                f"The worker process {worker.pid} ended with code {code}; starting another.",
                file=sys.stderr,
                flush=True,
            )
            await self.start()

    async def current(self) -> WorkerProcess:
        """Return the worker to use, waiting for it if it is just starting."""
        while self._current is None:
            await self._available.wait()
        return self._current

    def kill(self, worker: WorkerProcess) -> None:
        """Kill `worker`; later callers get its successor."""
        if worker is self._current:
            self._retire()
        worker.kill()

    async def stop(self) -> None:
        """End the worker there is."""
        if self._current is not None:
            await self._current.stop()

    def _retire(self) -> None:
        self._current = None
        self._available.clear()
