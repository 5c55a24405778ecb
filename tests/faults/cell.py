"""One cell of the matrix: a fault, a call and an arrangement of targets."""

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Protocol

import trustme

from tests.faults.client import SECOND_KEY
from tests.faults.fault import Address, Expected, Fault, Outcome
from tests.faults.operations import AZURE_KEY, CLIENT_KEY, Operation
from tests.faults.raw import Dead, Play, Upstream
from tests.faults.wire import answer, good

# All limits of time, in seconds, where one of them is what the row is about.
HASTY = {
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "1.2",
    "UPSTREAM_IDLE_TIMEOUT": "1",
    "UPSTREAM_REASONING_IDLE_TIMEOUT": "1",
    "UPSTREAM_TOTAL_TIMEOUT": "2",
    "STREAM_HEAD_TIMEOUT": "0.2",
    "STREAM_KEEP_ALIVE_INTERVAL": "0.1",
}


class Layout(Enum):
    """Which targets there are."""

    ALONE = "one target"
    EQUAL = "two equal targets that fail alike"
    SPILL = "provisioned, then pay-as-you-go that works"


class Target(Protocol):
    """An address that is asked; `attempts` is how often, None where nobody can count."""

    url: str

    @property
    def attempts(self) -> int | None:
        """Return how often it was asked."""
        ...

    def serving(self) -> AbstractAsyncContextManager[object]:
        """Stand at the address."""
        ...

    def hear(self) -> None:
        """Take in that the client has read something."""
        ...

    async def left_open(self, *, idle: bool) -> int:
        """Return how many connections nobody closed, those that wait for another request only if `idle`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A place in the matrix, and what the fault sends there.

    `translated` is the call that is made of the client's `operation`, None where that is made itself.
    """

    fault: Fault
    operation: Operation
    layout: Layout
    play: Play
    translated: Operation | None = None

    def __str__(self) -> str:
        """Return where it is."""
        made = "" if self.translated is None else f" as {self.translated.name}"
        return f"{self.fault.name} / {self.operation.name}{made} / {self.layout.value}"

    @property
    def called(self) -> Operation:
        """Return the call that reaches the targets."""
        return self.translated or self.operation

    @property
    def expected(self) -> Expected:
        """Return what must come of it; only a response has a failure of its own as its proper end."""
        expected = self.fault.expects(self.called)
        if expected.outcome is Outcome.FAILED and self.operation is not self.called:
            return replace(expected, outcome=Outcome.BROKEN_OFF)
        return expected

    def targets(self) -> Iterator[Target]:
        """Yield the targets, the faulty one first."""
        yield self._faulty()
        if self.layout is Layout.EQUAL:
            yield self._faulty()
        elif self.layout is Layout.SPILL:
            works = answer(good(self.called))
            yield Upstream(lambda _: works)

    def environ(self, targets: Sequence[Target]) -> dict[str, str]:
        """Return the settings of a gateway before the targets."""
        apis = {} if self.translated is None else {"deployment_apis": {"a-deployment": self.translated.api}}
        resources = [
            {
                **apis,
                "name": f"resource-{number}",
                "endpoint": target.url,
                "api_key": AZURE_KEY,
                "models": {self.fault.model: "a-deployment"},
                "priority": number if self.layout is Layout.SPILL else 0,
            }
            for number, target in enumerate(targets)
        ]
        own = {
            "AZURE_OPENAI_RESOURCES": json.dumps(resources),
            "CLIENT_KEYS": f"somebody={CLIENT_KEY}",
            # A connection that takes long because the machine is busy is not what a row is about.
            "UPSTREAM_CONNECT_TIMEOUT": "30",
        }
        return {**own, **(HASTY if self.fault.hasty else {}), **self.fault.environ}

    def _faulty(self) -> Target:
        address, second = self.fault.address, self.fault.second
        if address in (Address.REFUSES, Address.UNROUTABLE):
            return Dead(refuses=address is Address.REFUSES)
        renewed = self.play if second is None else second(self.called)
        return Upstream(
            lambda request: renewed if SECOND_KEY.encode() in request else self.play,
            scheme="http" if address is Address.SERVER else "https",
            tls=_strange() if address is Address.STRANGER else None,
        )


@cache
def _strange() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context
