"""What is told of each sending to whoever keeps accounts, and to the line of the request."""

import json

from proxy.pipeline.recorder import Recorder
from proxy.routing.targets import Target
from proxy.server.access_log import AccessLogEntry
from proxy.values import SendingRecord, Usage


class Kept:
    """A recorder of one attempt, what it reported and the line of its request."""

    def __init__(self) -> None:
        self.records: list[SendingRecord] = []
        self.lines: list[str] = []
        self.entry = AccessLogEntry("1", lambda: 0.0, self.lines.append)
        self.entry.client, self.entry.operation, self.entry.attempts = "alice", "createChatCompletion", 3
        target = Target(model="chat", resource=2, deployment="gpt-4o")
        self.recorder = Recorder(entry=self.entry, target=target, record=self.records.append)


def test_a_sending_is_recorded_once_with_where_it_went() -> None:
    kept = Kept()
    sending = kept.recorder.begin()
    sending.status, sending.sent, sending.usage = 200, 40, Usage(input_tokens=1, output_tokens=2)
    sending.take(80)
    kept.recorder.end("completed")
    kept.recorder.end("client_left")
    (record,) = kept.records
    assert (record.client, record.operation, record.model) == ("alice", "createChatCompletion", "chat")
    assert (record.resource, record.deployment, record.attempt) == (2, "gpt-4o", 3)
    assert (record.status, record.outcome, record.sent, record.received) == (200, "completed", 40, 80)
    assert (record.started, record.first_byte) == (sending.started, sending.first_byte)
    assert record.usage == Usage(input_tokens=1, output_tokens=2)


def test_each_sending_of_an_attempt_has_a_record_of_its_own() -> None:
    kept = Kept()
    kept.recorder.begin().end("reset")
    kept.recorder.begin()
    kept.recorder.end("answer")
    assert [(record.outcome, record.attempt) for record in kept.records] == [("reset", 3), ("answer", 4)]


def test_the_line_counts_every_sending_and_an_attempt_that_came_to_none() -> None:
    kept = Kept()
    kept.recorder.end("failed")
    assert kept.entry.attempts == 3
    for _ in range(3):
        kept.recorder.begin().end("reset")
    assert kept.entry.attempts == 5


def test_an_attempt_that_was_never_sent_has_no_record() -> None:
    kept = Kept()
    kept.recorder.end("failed")
    assert kept.records == []


def test_tokens_are_estimated_only_for_an_answer_that_was_one() -> None:
    estimated = []
    for status in (200, 299, 300, 429, None):
        kept = Kept()
        sending = kept.recorder.begin()
        sending.status, sending.sent = status, 40
        sending.take(80)
        kept.recorder.end("completed")
        estimated.append(kept.records[0].usage)
    guess = Usage(input_tokens=10, output_tokens=20, estimated=True)
    assert estimated == [guess, guess, None, None, None]


def test_the_line_counts_all_sendings_and_only_tokens_that_azure_counted() -> None:
    kept = Kept()
    for size in (40, 50):
        sending = kept.recorder.begin()
        sending.status, sending.sent = 200, size
        sending.take(8)
        kept.recorder.end("completed")
    kept.entry.write(outcome="completed")
    line = json.loads(kept.lines[0])
    assert (line["sent"], line["received"], line.get("input_tokens")) == (90, 16, None)


def test_the_line_counts_also_where_nobody_keeps_accounts() -> None:
    kept = Kept()
    kept.recorder.record = None
    kept.recorder.begin().sent = 7
    kept.recorder.end("reset")
    kept.entry.write(outcome="error")
    assert json.loads(kept.lines[0])["sent"] == 7
