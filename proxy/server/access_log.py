"""One line of JSON for every request: who, what, how it ended and how long it took; nothing of its body.

The lines go to standard output: the Functions host keeps them as `Host.Function.Console`, also those written after the
handler has returned its response, which is when a stream ends. What Python logs through the worker reaches the host
only while the handler runs. They are written directly: the machinery of logging would double their cost.
"""

import logging
import sys
import traceback
from collections.abc import Callable

import msgspec

from proxy.errors import ProxyError
from proxy.values import Usage

# nginx's status for a client that closed the connection; nobody reads it.
CLIENT_CLOSED_REQUEST = 499
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


def log_unexpected(error: BaseException) -> ProxyError:
    """Log what nobody expected and where it happened; return what the client reads of it.

    Not the error's own text: it may hold a part of a body.
    """
    place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ is not None else None
    where = "nowhere" if place is None else f"{place.name}, line {place.lineno}"
    logging.getLogger("proxy").error("unexpected %s in %s", type(error).__name__, where)
    return ProxyError("The proxy failed to answer. The error is in its log.")


class FailedAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attempt that failed, so that routing went on or gave up: no `status` without an answer of Azure's."""

    target: int
    status: int | None = None
    code: str = ""


class LogLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields in their order; one without a value is left out, for the text is stored twice and paid by its size."""

    request_id: str
    client: str | None = None
    operation: str | None = None
    deployment: str | None = None
    status: int
    first_byte_ms: float
    duration_ms: float
    outcome: str
    error: str | None = None
    target: int | None = None
    attempts: int
    sent: int
    received: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    cost_usd: float | None = None
    # Only where all clients together have a budget.
    budget_used: float | None = None
    # Only where an attempt failed.
    failures: list[FailedAttempt] | None = None
    # Only in the lines of translated calls.
    translated: str | None = None
    reasoning_missed: int | None = None
    estimated: bool = False


_ENCODE = msgspec.json.Encoder().encode
_MILLION = 1_000_000


class AccessLogEntry:
    """The line of one request, filled on its way and written once."""

    __slots__ = (
        "_clock",
        "_count",
        "_first_byte",
        "_out",
        "_started",
        "attempts",
        "budget_used",
        "client",
        "cost",
        "counts_sendings",
        "deployment",
        "error",
        "failures",
        "hard_budget",
        "is_written",
        "operation",
        "reasoning_missed",
        "received",
        "request_id",
        "sent",
        "status",
        "target",
        "translated",
        "units",
        "usage",
    )

    def __init__(
        self,
        request_id: str,
        clock: Callable[[], float],
        out: Callable[[str], None],
        count: "Callable[[AccessLogEntry, str, float], None] | None" = None,
    ) -> None:
        """Begin with a request; `count` gets the entry, its outcome and its seconds when the line is written."""
        self._clock = clock
        self._count = count
        self._out = out
        self._started = clock()
        self._first_byte: float | None = None
        self.is_written = False
        self.request_id = request_id
        self.client: str | None = None
        self.operation: str | None = None
        self.deployment: str | None = None
        self.target: int | None = None
        self.translated: str | None = None
        self.reasoning_missed: int | None = None
        self.attempts = 0
        self.failures: list[FailedAttempt] | None = None
        self.error: str | None = None
        self.status = 0
        self.sent = 0
        self.received = 0
        self.usage: Usage | None = None
        # In micro-dollars, None where that is not known; images that were made, or characters that were spoken.
        self.cost: int | None = None
        self.units = 0
        # Returns the share of the proxy's budget that is spent in this month.
        self.budget_used: Callable[[], float] | None = None
        # Whether the dearest price counts where several may.
        self.hard_budget = False
        # Whether each sending may be charged, so that none is repeated that nobody has reserved money for.
        self.counts_sendings = False

    def set_error(self, error: ProxyError) -> None:
        """Note why the request ends badly."""
        self.error = error.reason or error.code

    def add_attempt(self, target: int, deployment: str | None) -> None:
        """Count an attempt and note where it goes: the number of the resource and the deployment there."""
        self.target, self.deployment = target, deployment
        self.attempts += 1

    def add_failure(self, failed: FailedAttempt) -> None:
        """Note an attempt that failed."""
        self.failures = [*(self.failures or ()), failed]

    def add_sending(self, sent: int, received: int, usage: Usage | None) -> None:
        """Count what went to Azure and came back, in bytes; the last usage counts."""
        self.sent += sent
        self.received += received
        self.usage = usage or self.usage

    @property
    def came_to_nothing(self) -> bool:
        """Tell whether Azure has done no work for the request: it was not called, or it refused."""
        return not self.attempts or self.status >= 400 or (self.error is not None and not self.received)

    def note_first_byte(self) -> None:
        """Note the time of the first byte for the client."""
        if self._first_byte is None:
            self._first_byte = self._clock()

    def write(self, *, outcome: str, status: int | None = None) -> None:
        """Write the line; `outcome` says in a word how the request ended. The first word counts."""
        if self.is_written:
            return
        self.is_written = True
        now, usage = self._clock(), self.usage
        line = LogLine(
            request_id=self.request_id,
            client=self.client,
            operation=self.operation,
            deployment=self.deployment,
            status=status or self.status,
            first_byte_ms=round(((self._first_byte or now) - self._started) * 1000, 1),
            duration_ms=round((now - self._started) * 1000, 1),
            outcome=outcome,
            error=self.error,
            target=self.target,
            attempts=self.attempts,
            sent=self.sent,
            received=self.received,
            input_tokens=usage.input_tokens if usage is not None else None,
            output_tokens=usage.output_tokens if usage is not None else None,
            cached_tokens=usage.cached_tokens if usage is not None else 0,
            cost_usd=None if self.cost is None else self.cost / _MILLION,
            budget_used=None if self.budget_used is None else round(self.budget_used(), 4),
            failures=self.failures,
            translated=self.translated,
            reasoning_missed=self.reasoning_missed,
            estimated=usage is not None and usage.estimated,
        )
        self._out(_ENCODE(line).decode())
        if self._count is not None:
            self._count(self, outcome, now - self._started)
