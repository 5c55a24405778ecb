"""What is for operators: the doctor for who has a key of one, readiness, and the version for who has any key.

What they are made of is imported when somebody asks for it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.auth.keys import KeyRing
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.azure_services.upstream import Upstream
from proxy.errors import DoctorRunning, ProxyError
from proxy.pipeline.authentication import Authenticator, PassthroughAuthenticator, Refusals
from proxy.pipeline.exchange import Exchange
from proxy.values import Request, Response
from proxy.version import VERSION

if TYPE_CHECKING:
    from proxy.diagnosis.findings import Event
    from proxy.pipeline.readiness import Kept

# Where the package has the commit that it was built of; sources have none.
COMMIT = Path(__file__).parents[1] / "commit.txt"
_LINES = {"content-type": "application/x-ndjson; charset=utf-8", "x-content-type-options": "nosniff"}
_CALLS = frozenset({"calls=true", "calls=1"})


@dataclass(slots=True, kw_only=True)
class Operator:
    """Answers operators. `keys` are those of operators among them; `environ` and `read_file` are for the doctor."""

    authenticator: Authenticator
    keys: ClientKeys[KeyRing]
    upstream: Upstream
    environ: Mapping[str, str] = field(repr=False)
    read_file: Callable[[str], bytes]
    now: Callable[[], float] = time.time
    refusals: Refusals = field(default_factory=Refusals)
    _kept: "Kept | None" = None
    _is_running: bool = False

    async def readiness(self) -> tuple[str, ...]:
        """Return why nobody can be served now, none when all is well."""
        if self._kept is None:
            self._kept = self._open()
        return await self._kept.reasons()

    async def version(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the version and the commit for who has a key, of a client or of an operator; nothing for others."""
        if not ("authorization" in headers or "api-key" in headers):
            return {}
        return _version() if await self._is_admin(headers) or await self._is_client(headers) else {}

    async def doctor(self, exchange: Exchange, request: Request) -> Response:
        """Examine the set-up for who has the key of an operator; `?calls=true` calls each deployment for one token."""
        exchange.entry.client = await self.authenticate(request.headers)
        if self._is_running:
            raise DoctorRunning
        self._is_running = True
        exchange.stack.callback(self._end_run)
        calls = not _CALLS.isdisjoint(request.query.split("&"))
        return Response(status=200, headers=_LINES, body=self._examine(exchange, calls=calls))

    async def close(self) -> None:
        """Stop what goes on."""
        if self._kept is not None:
            await self._kept.close()

    async def _is_admin(self, headers: Mapping[str, str]) -> bool:
        try:
            (await self.keys.current()).identify_admin(headers, self.now())
        except ProxyError:
            return False
        return True

    async def _is_client(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a client is known to be one; of a key of Azure OpenAI only Azure knows."""
        if isinstance(self.authenticator, PassthroughAuthenticator):
            return False
        try:
            await self.authenticator.authenticate(headers)
        except ProxyError:
            return False
        return True

    async def authenticate(self, headers: Mapping[str, str]) -> str:
        """Return the name of the operator whose key a request carries; raise `Unauthenticated`."""
        ring = await self.keys.current()
        try:
            return ring.identify_admin(headers, self.now()).name
        except ProxyError:
            missing = self.keys.missing()
            if missing is not None:
                raise missing from None
            self.refusals.note(self.now())
            raise

    async def _examine(self, exchange: Exchange, *, calls: bool) -> AsyncGenerator[bytes, None]:
        examine = await asyncio.to_thread(_import_doctor)
        from proxy.diagnosis.findings import encode  # noqa: PLC0415  for who asks for it

        async with aclosing(examine(self.environ, self.read_file, calls=calls)) as events:
            async for event in events:
                exchange.entry.note_first_byte()
                yield encode(event)
        exchange.entry.write(outcome="completed")

    def _end_run(self) -> None:
        self._is_running = False

    def _open(self) -> "Kept":
        from proxy.pipeline.readiness import Kept, look  # noqa: PLC0415  for who asks for it

        return Kept(lambda: look(self.authenticator, self.upstream))


def _import_doctor() -> "Callable[..., AsyncGenerator[Event, None]]":
    with ONE_AT_A_TIME:
        from proxy.pipeline.doctor.run import examine  # noqa: PLC0415  it imports aiohttp

    return examine


@cache
def _version() -> Mapping[str, str]:
    """Return the version of the app and, where the package has it, the commit that it was built of."""
    commit = COMMIT.read_text("ascii").strip() if COMMIT.is_file() else ""
    return {"version": VERSION} | ({"commit": commit} if commit else {})
