"""One line of JSON for every request: who, what, how it ended and how long it took; nothing of its body.

The lines go to standard output: the Functions host keeps them as `Host.Function.Console`, also those written after the
handler has returned its response, which is when a stream ends. What Python logs through the worker reaches the host
only while the handler runs. They are written directly: the machinery of logging would double their cost.
"""

import logging
import sys
from collections.abc import Callable

import msgspec

# What the worker and the SDKs log at INFO costs more than the whole request. The first is the worker up to Python
# 3.12, the second the one from 3.13 on.
_CHATTY = ("azure_functions_worker", "azure.functions", "azure", "aiohttp", "msal", "uvicorn", "asyncio")


def configure() -> None:
    """Let our own loggers write to standard output, and silence the chatter of others."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    ours = logging.getLogger("proxy")
    if not ours.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False


def write_line(text: str) -> None:
    """Write one line to standard output now: a stream ends after the worker has flushed for its handler."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Line:
    """The line of one request, filled on its way and written once."""

    __slots__ = (
        "_clock",
        "_first_byte",
        "_out",
        "_started",
        "client",
        "deployment",
        "error",
        "operation",
        "request_id",
        "status",
    )

    def __init__(self, request_id: str, clock: Callable[[], float], out: Callable[[str], None]) -> None:
        self._clock = clock
        self._out = out
        self._started = clock()
        self._first_byte: float | None = None
        self.request_id = request_id
        self.client: str | None = None
        self.operation: str | None = None
        self.deployment: str | None = None
        self.error: str | None = None
        self.status = 0

    def first_byte(self) -> None:
        """Note the time of the first byte for the client."""
        if self._first_byte is None:
            self._first_byte = self._clock()

    def write(self, *, outcome: str, status: int | None = None) -> None:
        """Write the line; `outcome` says in a word how the request ended."""
        now = self._clock()
        fields = {
            "request_id": self.request_id,
            "client": self.client,
            "operation": self.operation,
            "deployment": self.deployment,
            "status": status or self.status,
            "first_byte_ms": _milliseconds((self._first_byte or now) - self._started),
            "duration_ms": _milliseconds(now - self._started),
            "outcome": outcome,
            "error": self.error,
        }
        self._out(msgspec.json.encode(fields).decode())


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
