"""The line of a request, and who else may speak."""

import json
import logging

from proxy.edge.request_log import Line, configure


def test_a_line_tells_who_what_how_and_how_long() -> None:
    written: list[str] = []
    times = iter((10.0, 10.25, 11.5))
    line = Line("request-1", lambda: next(times), written.append)
    line.client, line.operation, line.deployment, line.status = "alice", "createChatCompletion", "gpt-4o", 200
    line.goes_to(1, "gpt-4o-west", 2)
    line.first_byte()
    line.first_byte()
    line.write(outcome="completed")
    assert json.loads(written[0]) == {
        "request_id": "request-1",
        "client": "alice",
        "operation": "createChatCompletion",
        "deployment": "gpt-4o-west",
        "status": 200,
        "first_byte_ms": 250.0,
        "duration_ms": 1500.0,
        "outcome": "completed",
        "error": None,
        "target": 1,
        "attempts": 2,
    }


def test_an_answer_in_one_piece_has_its_first_byte_at_its_end() -> None:
    written: list[str] = []
    times = iter((10.0, 10.5))
    Line("request-1", lambda: next(times), written.append).write(outcome="error", status=499)
    line = json.loads(written[0])
    assert (line["first_byte_ms"], line["duration_ms"], line["status"]) == (500.0, 500.0, 499)


def test_the_chatter_of_the_worker_and_the_sdks_is_silenced() -> None:
    ours = logging.getLogger("proxy")
    before = (ours.handlers[:], ours.level, ours.propagate)
    try:
        configure()
        configure()
        assert len(ours.handlers) == max(1, len(before[0]))
        assert logging.getLogger("proxy.azure_services.key_vault").isEnabledFor(logging.INFO)
        for name in ("azure_functions_worker", "azure.functions", "azure.core.pipeline", "azure.identity", "uvicorn"):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    finally:
        ours.handlers, ours.level, ours.propagate = before
