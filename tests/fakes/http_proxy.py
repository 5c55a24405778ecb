"""An HTTP proxy on the way out, behind which stands all of Azure OpenAI.

Whatever host a client wants to be connected with, it comes to one port of this machine: over TLS with a certificate
for the names of Azure OpenAI's resources, which ends here, so that what listens on the port speaks plain HTTP. A
process that is started with `environ()` uses the proxy and trusts the certificate; see `key_vault` for how.
"""

import asyncio
import contextlib
import ssl
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Self

import trustme

NAMES = ("*.openai.azure.com", "*.openai.azure.us", "*.cognitiveservices.azure.com", "*.services.ai.azure.com")
ANY_ADDRESS = "0.0.0.0"  # leads to this machine, and is none of the names that never go through a proxy


class FakeHttpProxy:
    """Leads every CONNECT to `port`; with a `login`, `user:password`, only for those who have it."""

    def __init__(self, port: int, ca: trustme.CA | None = None, *, login: str | None = None) -> None:
        self._target = port
        self._ca = ca or trustme.CA()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*NAMES, ANY_ADDRESS).configure_cert(self._tls)
        self._login = login
        self._folder = tempfile.TemporaryDirectory()
        self._open: set[asyncio.StreamWriter] = set()
        self.tunnels: list[str] = []  # host:port of each CONNECT that was let through
        self.refused = 0
        self.port = 0
        self.tls_port = 0  # where the TLS server listens, for those who come without the proxy

    @property
    def url(self) -> str:
        login = f"{self._login}@" if self._login else ""
        return f"http://{login}127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the variables that lead a process through the proxy and make it trust what stands behind."""
        path = Path(self._folder.name, "ca.pem")
        self._ca.cert_pem.write_to_path(str(path))
        return {"HTTPS_PROXY": self.url, "SSL_CERT_FILE": str(path)}

    def client_context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts what stands behind the proxy, and nothing else."""
        context = ssl.create_default_context(cadata=self._ca.cert_pem.bytes().decode())
        context.set_alpn_protocols(["http/1.1"])  # as aiohttp's own
        return context

    async def __aenter__(self) -> Self:
        self._end = await asyncio.start_server(self._unwrap, "127.0.0.1", 0, ssl=self._tls)
        self.tls_port = int(self._end.sockets[0].getsockname()[1])
        self._front = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = int(self._front.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._front.close()
        self._end.close()
        for writer in self._open:
            writer.transport.abort()
        self._folder.cleanup()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.partition("\r\n")[0].split(" ")
        if self._login and f"Proxy-Authorization: Basic {b64encode(self._login.encode()).decode()}\r\n" not in head:
            self.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        assert method == "CONNECT"
        self.tunnels.append(target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._join(reader, writer, self.tls_port)

    async def _unwrap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._join(reader, writer, self._target)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Pass on what either side says until one of them leaves."""
        there, back = await asyncio.open_connection("127.0.0.1", port)
        self._open |= {writer, back}
        try:
            passing = [asyncio.ensure_future(_pass_on(reader, back)), asyncio.ensure_future(_pass_on(there, writer))]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for one in passing:
                one.cancel()
        finally:
            self._open -= {writer, back}
            back.close()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()
