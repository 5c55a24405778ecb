"""The gateway in this process, put together as ever, and a client that calls it as the door does."""

from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from proxy.azure_services.credentials import Header
from proxy.bootstrap import build_gateway
from proxy.config.settings import Settings
from proxy.edge.delivery import Delivery
from proxy.gateway import Gateway
from proxy.gateway.fleet import Fleet
from proxy.gateway.visitors import ClientKeyAuthenticator
from proxy.values import AttemptRecord, Request, Response
from tests.faults.operations import AZURE_KEY, CLIENT_KEY, Operation
from tests.faults.seen import Seen

SECOND_KEY = "CANARY-second-key-0123456789"


class TwoKeys:
    """A credential that gives a second key when the first one is refused."""

    problem: str | None = None

    def __init__(self) -> None:
        self._key = AZURE_KEY

    def start(self) -> None:
        """Do nothing: the keys are here."""

    async def header(self) -> Header:
        """Return the key of the moment."""
        return ("api-key", self._key)

    async def renew(self, refused: Header) -> bool:
        """Go over to the second key; there is no third."""
        self._key = SECOND_KEY
        return refused[1] != SECOND_KEY

    async def close(self) -> None:
        """Do nothing."""


def open_gateway(
    environ: Mapping[str, str],
    log: Callable[[str], None],
    note: Callable[[AttemptRecord], None] | None = None,
    *,
    renews: bool = False,
) -> Gateway:
    """Return a gateway that knows nothing of any other."""
    gateway = replace(build_gateway(Settings.from_environ(environ), note), log=log)
    visitors = gateway.visitors
    if not renews or not isinstance(visitors, ClientKeyAuthenticator):
        return gateway
    fleet = visitors.fleet
    resources = [replace(resource, credential=TwoKeys()) for resource in fleet.resources]
    renewing = Fleet(resources, fallbacks={}, router=fleet.router, tags=fleet.tags)
    return replace(gateway, visitors=replace(visitors, fleet=renewing))


async def close_gateway(gateway: Gateway) -> None:
    """Close its connections."""
    await gateway.forwarding.caller.upstream.close()


async def call(gateway: Gateway, operation: Operation, heard: Callable[[], None] = lambda: None) -> Seen:
    """Make a call and read the answer to its end; `heard` is called when there is an event."""
    headers = {
        "authorization": f"Bearer {CLIENT_KEY}",
        "content-type": operation.content_type,
        "content-length": str(len(operation.body)),
    }
    answer = await gateway.handle(
        Request(id="a-request", method="POST", path=operation.path, query="", headers=headers, body=_sent(operation))
    )
    if isinstance(answer.body, bytes):
        return Seen(operation=operation, status=answer.status, headers=answer.headers, body=answer.body)
    return await _read(operation, answer, heard)


async def _sent(operation: Operation) -> AsyncIterator[bytes]:
    yield operation.body


async def _read(operation: Operation, answer: Response, heard: Callable[[], None]) -> Seen:
    parts: list[bytes] = []
    ended = False

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal ended
        parts.append(message.get("body", b""))
        ended = message.get("more_body") is False
        if b"data: " in parts[-1]:
            heard()

    assert not isinstance(answer.body, bytes)
    try:
        async with aclosing(answer.body) as body:
            await Delivery(send, silence=answer.keep_alive).run(answer.status, [], body)
    except Exception:  # noqa: BLE001  the door cannot say more than to break the connection
        ended = False
    return Seen(
        operation=operation, status=answer.status, headers=answer.headers, body=b"".join(parts), aborted=not ended
    )
