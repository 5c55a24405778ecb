"""The line of a request, and who else may speak."""

import json
import logging
from collections.abc import Iterator

import pytest

from proxy.errors import ConfigurationError, InvalidRequest, ProxyError
from proxy.server.access_log import AccessLogEntry, FailedAttempt, configure, log_unexpected, write_line
from proxy.values import Usage


@pytest.fixture
def ours() -> Iterator[logging.Logger]:
    """Our logger, which is as before after the test."""
    ours = logging.getLogger("proxy")
    before = (ours.handlers[:], ours.level, ours.propagate)
    yield ours
    ours.handlers, ours.level, ours.propagate = before


def entry_at(*times: float) -> tuple[AccessLogEntry, list[str]]:
    written: list[str] = []
    clock = iter(times)
    return AccessLogEntry("request-1", lambda: next(clock), written.append), written


def test_a_line_tells_who_what_how_and_how_long() -> None:
    entry, written = entry_at(10.0, 10.25, 11.5)
    entry.client, entry.operation, entry.deployment, entry.status = "alice", "createChatCompletion", "gpt-4o", 200
    entry.add_attempt(0, "gpt-4o")
    entry.add_attempt(1, "gpt-4o-west")
    entry.note_first_byte()
    entry.note_first_byte()
    entry.add_sending(100, 0, None)
    entry.add_sending(90, 2000, Usage(input_tokens=7, output_tokens=8, cached_tokens=5))
    entry.add_failure(FailedAttempt(0, 429, "too_many"))
    entry.write(outcome="completed")
    assert json.loads(written[0]) == {
        "request_id": "request-1",
        "client": "alice",
        "operation": "createChatCompletion",
        "deployment": "gpt-4o-west",
        "status": 200,
        "first_byte_ms": 250.0,
        "duration_ms": 1500.0,
        "outcome": "completed",
        "target": 1,
        "attempts": 2,
        "sent": 190,
        "received": 2000,
        "input_tokens": 7,
        "cached_tokens": 5,
        "output_tokens": 8,
        "failures": [{"target": 0, "status": 429, "code": "too_many"}],
    }


def test_a_field_without_a_value_is_left_out() -> None:
    entry, written = entry_at(10.0, 10.5)
    entry.write(outcome="completed", status=200)
    assert list(json.loads(written[0])) == [
        *("request_id", "status", "first_byte_ms", "duration_ms", "outcome", "attempts", "sent", "received")
    ]


def test_where_all_clients_have_a_budget_the_line_tells_how_much_of_it_is_spent_when_it_is_written() -> None:
    entry, written = entry_at(10.0, 10.5)
    shares = [2 / 3]
    entry.budget_used = shares.pop
    entry.write(outcome="completed")
    assert json.loads(written[0])["budget_used"] == 0.6667


def test_a_translated_call_says_so_in_fields_of_its_own() -> None:
    entry, written = entry_at(10.0, 10.5)
    entry.translated, entry.reasoning_missed = "responses", 2
    entry.add_sending(1, 2, Usage(input_tokens=3, output_tokens=4, estimated=True))
    entry.write(outcome="completed")
    line = json.loads(written[0])
    assert (line["translated"], line["reasoning_missed"], line["estimated"]) == ("responses", 2, True)


def test_an_answer_in_one_piece_has_its_first_byte_at_its_end() -> None:
    entry, written = entry_at(10.0, 10.5)
    entry.write(outcome="error", status=499)
    line = json.loads(written[0])
    assert (line["first_byte_ms"], line["duration_ms"], line["status"]) == (500.0, 500.0, 499)


def test_a_request_has_one_line_and_its_first_word_counts() -> None:
    entry, written = entry_at(10.0, 10.5)
    is_written = [entry.is_written]
    for outcome, status in (("completed", 200), ("client_left", 499)):
        entry.write(outcome=outcome, status=status)
        is_written.append(entry.is_written)
    assert is_written == [False, True, True]
    assert [json.loads(line)["outcome"] for line in written] == ["completed"]


def test_a_sending_without_usage_does_not_take_that_of_another_away() -> None:
    entry, written = entry_at(10.0, 10.5)
    entry.add_sending(1, 2, Usage(input_tokens=3, output_tokens=4))
    entry.add_sending(5, 6, None)
    entry.write(outcome="completed")
    line = json.loads(written[0])
    assert (line["sent"], line["received"], line["input_tokens"], line["output_tokens"]) == (6, 8, 3, 4)


def test_an_error_is_named_by_its_reason_or_else_its_code() -> None:
    named = []
    for error in (ConfigurationError("x", reason="disk_full"), InvalidRequest("x", code="invalid_json")):
        entry, written = entry_at(10.0, 10.5)
        entry.set_error(error)
        entry.write(outcome="error")
        named.append(json.loads(written[0])["error"])
    assert named == ["disk_full", "invalid_json"]


def test_a_line_leaves_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    write_line("line")
    assert capsys.readouterr().out == "line\n"


def test_what_nobody_expected_is_logged_by_its_place_without_its_own_words(
    ours: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise KeyError("a part of a body")

    def failure() -> ProxyError:
        try:
            break_down()
        except KeyError as error:
            return log_unexpected(error)
        raise AssertionError

    ours.addHandler(caplog.handler)
    ours.propagate = False
    error = failure()
    assert (error.status, error.type) == (500, "server_error")
    assert caplog.messages[0].startswith("unexpected KeyError in break_down, line ")
    log_unexpected(ValueError("a part of a body"))
    assert caplog.messages[1] == "unexpected ValueError in nowhere"
    assert "body" not in error.message + caplog.text


def test_the_chatter_of_the_worker_and_the_sdks_is_silenced(ours: logging.Logger) -> None:
    before = len(ours.handlers)
    configure()
    configure()
    assert len(ours.handlers) == max(1, before)
    assert logging.getLogger("proxy.azure_services.key_vault").isEnabledFor(logging.INFO)
    for name in ("azure_functions_worker", "azure.functions", "azure.core.pipeline", "azure.identity", "uvicorn"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
