"""The worker's HTTP server on the loopback, in front of an ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.server.worker_extension import Application, Request, Response, Server, WebApp, WebServer


@asynccontextmanager
async def serving(application: Application) -> AsyncIterator[int]:
    """Serve an application as the worker does; give the port."""
    web_app = WebApp()

    @web_app.route
    async def function(_request: Request) -> Response:
        return Response(application)

    async with serving_web_app(web_app) as port:
        yield port


@asynccontextmanager
async def serving_web_app(web_app: WebApp) -> AsyncIterator[int]:
    """Serve a web app; give the port."""
    server = Server(WebServer("127.0.0.1", 0, web_app).config())
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({serving}, timeout=0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving
