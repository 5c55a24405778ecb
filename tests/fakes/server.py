"""A web server on the loopback that can be taken down and come back on the same port."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Self

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A wrong answer: a status, with a body of its own if `body` is given; or the right one after `delay` seconds."""

    status: int | None = None
    retry_after: str | None = None
    body: str | None = None
    delay: float = 0.0

    def response(self) -> web.Response:
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        error = {"error": {"code": "Fake", "message": "fault"}}
        return web.Response(
            status=self.status or 200,
            headers=headers,
            text=json.dumps(error) if self.body is None else self.body,
            content_type="application/json",
        )


class Server:
    """Serve `_answer` on 127.0.0.1. `fault` changes the answers; clearing `open` holds them back."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.fault: Fault | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = asyncio.Event()  # set when a request is being held back
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        await self.down()

    async def up(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def down(self) -> None:
        """Close the port and every connection."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        raise NotImplementedError

    async def _handle(self, request: web.Request) -> web.Response:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _faulty(self, fault: Fault | None) -> web.Response | None:
        """Hold the request back as the test asks; return the wrong answer, if it is to be wrong."""
        if not self.open.is_set():
            self.waiting.set()
            await self.open.wait()
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        return fault.response() if fault.status is not None or fault.body is not None else None
