"""Serve the answers with our server and no worker: `python -m tests.bench.layers.server`, which prints its port."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from proxy.server.worker_extension import Server, WebServer
from proxy.values import Receive, Scope, Send
from tests.bench.layers.answers import answer


class _WithoutWorker:
    """What the worker's WebServer takes as its application."""

    def get_app(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        return answer


async def _serve() -> None:
    server = Server(WebServer("127.0.0.1", 0, _WithoutWorker()).config())
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    sys.stdout.write(f"{server.servers[0].sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await serving


if __name__ == "__main__":
    asyncio.run(_serve())
