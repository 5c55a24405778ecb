"""Sendings become measurements of the conventions; what a client invents makes no series of its own."""

import pytest

from proxy.telemetry.metrics import DURATION, HISTOGRAMS, TIME_TO_FIRST_CHUNK, TOKEN_USAGE, Measurement, measurements
from proxy.values import SendingRecord, Usage
from tests.unit.telemetry.records import AZURE, sending

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": AZURE}
ANSWERED = {**CHAT, "gen_ai.request.model": "my-4o"}


def measured(record: SendingRecord) -> list[Measurement]:
    return list(measurements(record, AZURE))


def test_a_whole_answer_counts_its_duration_and_its_tokens() -> None:
    assert measured(sending()) == [
        Measurement(DURATION, 2.0, ANSWERED),
        Measurement(TOKEN_USAGE, 10, {**ANSWERED, "gen_ai.token.type": "input"}),
        Measurement(TOKEN_USAGE, 20, {**ANSWERED, "gen_ai.token.type": "output"}),
    ]


def test_a_stream_counts_the_time_to_its_first_chunk() -> None:
    assert Measurement(TIME_TO_FIRST_CHUNK, 0.5, ANSWERED) in measured(sending(streamed=True))


def test_a_stream_that_never_began_has_none() -> None:
    assert [one.histogram for one in measured(sending(streamed=True, first_byte=None, usage=None))] == [DURATION]


@pytest.mark.parametrize("usage", [None, Usage(input_tokens=10, output_tokens=20, estimated=True)])
def test_tokens_that_azure_did_not_count_are_not_measured(usage: Usage | None) -> None:
    assert measured(sending(usage=usage)) == [Measurement(DURATION, 2.0, ANSWERED)]


def test_a_call_of_no_model_counts_for_nothing() -> None:
    assert measured(sending(model=None)) == []


@pytest.mark.parametrize(("status", "outcome", "error"), [(404, "answer", "404"), (None, "connect", "connect")])
def test_a_model_that_azure_did_not_answer_to_makes_no_series(status: int | None, outcome: str, error: str) -> None:
    record = sending(status=status, outcome=outcome, usage=None)
    assert measured(record) == [Measurement(DURATION, 2.0, {**CHAT, "error.type": error})]


def test_an_answer_without_a_deployment_has_the_model_that_was_asked_for() -> None:
    record = sending(deployment=None, usage=None)
    assert measured(record) == [Measurement(DURATION, 2.0, {**CHAT, "gen_ai.request.model": "gpt-4o"})]


def test_the_histograms_are_those_of_the_conventions() -> None:
    assert [(one.name, one.unit) for one in HISTOGRAMS] == [
        ("gen_ai.client.token.usage", "{token}"),
        ("gen_ai.client.operation.duration", "s"),
        ("gen_ai.client.operation.time_to_first_chunk", "s"),
    ]
    assert (TOKEN_USAGE.bounds[:3], TOKEN_USAGE.bounds[-1]) == ((1, 4, 16), 67108864)
    assert (DURATION.bounds[:3], DURATION.bounds[-1]) == ((0.01, 0.02, 0.04), 81.92)
    assert all(one.bounds == tuple(sorted(set(one.bounds))) for one in HISTOGRAMS)
