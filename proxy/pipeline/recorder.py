"""What hears of every sending to Azure: the access log, and whoever keeps accounts.

A reused connection that was reset, a version that was refused, a repair and the next target are sendings of their own.
"""

from collections.abc import Callable, Mapping

import msgspec

from proxy.azure_api.usage import estimate_usage
from proxy.azure_services.sending import Sending
from proxy.routing.targets import Target
from proxy.server.access_log import AccessLogEntry
from proxy.values import SendingRecord

Record = Callable[[SendingRecord], None]
# Begins the span of a sending that starts at a time; returns the headers that name it.
Trace = Callable[[float], Mapping[str, str]]


class Recorder(msgspec.Struct, kw_only=True):
    """Hears of the sendings of one attempt; `record` is None where nobody keeps accounts, `trace` without spans.

    The entry has counted the attempt already, also one that comes to no sending; it counts each further sending.
    """

    entry: AccessLogEntry
    target: Target
    record: Record | None
    trace: Trace | None = None
    latest: Sending | None = None

    def begin(self) -> Sending:
        """Open the next sending."""
        if self.latest is not None:
            self.entry.attempts += 1
        self.latest = sending = Sending(self._report)
        if self.trace is not None:
            sending.trace = self.trace(sending.started)
        return sending

    def end(self, outcome: str) -> None:
        """Close the last sending."""
        if self.latest is not None:
            self.latest.end(outcome)

    def _report(self, sending: Sending) -> None:
        self.entry.add_sending(sending.sent, sending.received, sending.usage)
        if self.record is not None:
            self.record(self._record_of(sending))

    def _record_of(self, sending: Sending) -> SendingRecord:
        answered = sending.status is not None and sending.status < 300
        estimated = estimate_usage(sending.sent, sending.received) if answered else None
        return SendingRecord(
            client=self.entry.client,
            operation=self.entry.operation or "",
            model=self.target.model,
            resource=self.target.resource,
            deployment=self.target.deployment,
            attempt=self.entry.attempts,
            status=sending.status,
            outcome=sending.outcome or "failed",
            started=sending.started,
            first_byte=sending.first_byte,
            duration=sending.duration,
            sent=sending.sent,
            received=sending.received,
            usage=sending.usage or estimated,
            streamed=sending.streamed,
        )
