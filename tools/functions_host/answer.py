"""The client's side of a response: sent with its first chunk, so that a failure before it is still an empty 500."""

import socket
import struct
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from tools.functions_host import cors, headers

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_RESET_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no seconds


class HostResponse(web.StreamResponse):
    """A response with the host's own headers only where the app set none, and no invented content type."""

    async def _prepare_headers(self) -> None:
        typed = "Content-Type" in self.headers
        self.headers.setdefault("Server", "Kestrel")
        await super()._prepare_headers()
        if not typed:
            self.headers.pop("Content-Type", None)
        if not self.keep_alive:
            self.headers["Connection"] = "close"  # in HTTP/1.0 too


class _Empty(HostResponse):
    """An answer of the host itself, which has no length where there is no body to have one."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        if self._req is not None and self._req.method == "HEAD":
            self.headers.pop("Content-Length", None)


def empty(status: int, headers: Mapping[str, str] = NO_HEADERS, *, closing: bool = False) -> HostResponse:
    """Build an answer of the host itself."""
    response = _Empty(status=status, headers=headers)
    if status != 204:
        response.content_length = 0
    if closing:
        response.force_close()
    return response


class Answer:
    """One request's answer, from the worker's headers to the last byte."""

    def __init__(self, request: web.BaseRequest, cors_origins: frozenset[str] | None) -> None:
        self._request = request
        self._cors_origins = cors_origins
        self._response = HostResponse()

    def take_headers(self, leg: ClientResponse) -> None:
        """Take status and headers from the worker; nothing leaves yet."""
        sent: CIMultiDict[str] = headers.to_client(leg.headers)
        if self._cors_origins is not None:
            origin = cors.allowed_origin(self._cors_origins, self._request.headers)
            if origin is not None:
                sent[cors.ALLOW_ORIGIN] = origin
        self._response = HostResponse(status=leg.status, reason=leg.reason, headers=sent)

    async def write(self, chunk: bytes) -> None:
        """Send a chunk as one HTTP chunk, the headers with the first."""
        if not self._response.prepared:
            await self._response.prepare(self._request)
        await self._response.write(chunk)

    async def end(self) -> web.StreamResponse:
        """End the body cleanly."""
        if not self._response.prepared:
            if self._request.method != "HEAD" and self._response.status not in {204, 304}:
                self._response.headers.setdefault("Content-Length", "0")
            await self._response.prepare(self._request)
        await self._response.write_eof()
        return self._response

    def fail(self, *, closing: bool = False) -> web.StreamResponse:
        """Answer an empty 500, or reset the connection when chunks have left."""
        if not self._response.prepared:
            return empty(500, closing=closing)
        transport = self._request.transport
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
            transport.abort()
        return self._response
