"""Serve the answers with our server and no worker: `python -m tests.bench.layers.server`, which prints its port."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable

from proxy.server.worker_extension import Server, WebServer
from proxy.values import Receive, Scope, Send
from tests.bench.layers.answers import answer


class _WithoutWorker:
    """What the worker's WebServer takes as its application."""

    def get_app(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        return answer


class _Announced(Server):
    """Prints its port."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_Announced(WebServer("127.0.0.1", 0, _WithoutWorker()).config()).serve())
