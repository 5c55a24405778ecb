"""What an answer says of its usage is read in every form, and costs what its sample says."""

import json

import pytest

from proxy.prices.billed_usage import Billed, billed_answer, billed_usage
from proxy.prices.choice import Tariff
from proxy.prices.cost import BilledUsage, cost
from tests.unit.prices.samples import EVERY
from tests.unit.prices.usage_samples import SAMPLES, Sample

TARIFF = Tariff(short=EVERY)


@pytest.mark.parametrize("sample", [pytest.param(one, id=name) for name, several in SAMPLES.items() for one in several])
def test_every_form_of_usage_has_a_cost(sample: Sample) -> None:
    found = billed_answer(sample.operation, json.dumps(sample.answer).encode()).usage
    assert found is not None
    assert cost(found, TARIFF) == sample.cost


@pytest.mark.parametrize("sample", [pytest.param(one, id=name) for name, several in SAMPLES.items() for one in several])
def test_the_usage_of_an_event_reads_the_same(sample: Sample) -> None:
    usage = sample.answer.get("usage")
    whole = billed_answer(sample.operation, json.dumps(sample.answer).encode()).usage
    if usage is not None:
        assert billed_usage(sample.operation, json.dumps(usage).encode()) == whole


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"usage": null}', b'{"usage": 1}', b"\xff", b'{"data": []}'])
def test_an_answer_without_usage_has_none(answer: bytes) -> None:
    assert billed_answer("createChatCompletion", answer) == Billed()


def test_an_event_without_usage_has_none() -> None:
    assert billed_usage("createResponse", None) is None
    assert billed_usage("createResponse", b"null") is None
    assert billed_usage("createResponse", b"1") is None


def test_the_service_tier_that_served_is_told() -> None:
    assert billed_answer("createResponse", b'{"service_tier": "priority"}').tier == "priority"


@pytest.mark.parametrize(
    ("seconds", "expected"), [("0", 0), ("-3", 0), ("0.0001", 1), ("1.5", 1500), ("1e400", 10**12), ("2", 2000)]
)
def test_sound_counts_in_whole_milliseconds(seconds: str, expected: int) -> None:
    usage = billed_usage("createTranscription", b'{"type": "duration", "seconds": %s}' % seconds.encode())
    assert usage == BilledUsage(heard_ms=expected)


def test_calls_of_tools_count_but_pages_that_are_opened_and_sessions_that_go_on_do_not() -> None:
    items = [
        {"type": "web_search_call", "action": {"type": "search"}},
        {"type": "web_search_call"},
        {"type": "web_search_call", "action": {"type": "open_page"}},
        {"type": "file_search_call"},
        {"type": "code_interpreter_call", "container_id": "a"},
        {"type": "code_interpreter_call", "container_id": "a"},
        {"type": "code_interpreter_call", "container_id": "b"},
        {"type": "message"},
        {},
    ]
    answer = json.dumps({"output": items, "usage": {"input_tokens": 1, "output_tokens": 1}}).encode()
    found = billed_answer("createResponse", answer).usage
    assert found is not None
    assert found.calls == (("code_interpreter", 2), ("file_search", 1), ("web_search", 2))


@pytest.mark.parametrize("duration", ["1.5", '"1.5"'])
def test_sound_counts_by_its_length_where_a_verbose_answer_has_nothing_else(duration: str) -> None:
    answer = b'{"task": "transcribe", "duration": %s, "text": "Hi"}' % duration.encode()
    assert billed_answer("createTranslation", answer).usage == BilledUsage(heard_ms=1500)
    assert billed_answer("createResponse", answer).usage is None
    counted = answer[:-1] + b', "usage": {"type": "duration", "seconds": 2}}'
    assert billed_answer("createTranscription", counted).usage == BilledUsage(heard_ms=2000)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_has_not_ended_says_nothing_of_what_it_will_cost(status: str) -> None:
    answer = {"object": "response", "status": status, "usage": {"input_tokens": 0, "output_tokens": 0}}
    assert billed_answer("createResponse", json.dumps(answer).encode()) == Billed()
    for ended in ("completed", "incomplete", "failed"):
        assert billed_answer("createResponse", json.dumps({**answer, "status": ended}).encode()).usage is not None


@pytest.mark.parametrize("seconds", [None, "x", ""])
def test_a_video_without_a_length_has_no_usage(seconds: str | None) -> None:
    answer = json.dumps({"object": "video", "seconds": seconds}).encode()
    assert billed_answer("createVideo", answer).usage is None
