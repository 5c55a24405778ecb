"""Command line: start the worker, serve, end both processes."""

import asyncio
import os
import signal
import sys

from tools.functions_host.forwarding import Forwarder
from tools.functions_host.server import Server
from tools.functions_host.settings import Settings, SettingsError, parse_arguments, read_settings
from tools.functions_host.worker_process import WorkerFailed
from tools.functions_host.workers import Workers


async def run(settings: Settings) -> None:
    """Serve until a signal comes; raise WorkerFailed or OSError."""
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - a coroutine runs in a task
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    workers = Workers(settings)
    try:
        await workers.start()
        forwarder = Forwarder(settings, workers)
        server = Server(settings, workers, forwarder)
        try:
            print(f"Functions host ready: {await server.start()}", flush=True)
            await workers.keep_alive()
        finally:
            await workers.stop()  # which may end its streams in its own time, while clients still listen
            await server.stop()
            await forwarder.close()
    except asyncio.CancelledError:
        return


def main() -> int:
    """Run the host; return its exit code."""
    try:
        settings = read_settings(parse_arguments(sys.argv[1:]), os.environ)
        asyncio.run(run(settings))
    except (SettingsError, WorkerFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
