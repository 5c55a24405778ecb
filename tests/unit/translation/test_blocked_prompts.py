"""Azure's details about a blocked prompt in the shape of the client's API."""

import json

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.errors import AzureRefusal
from proxy.openai_api.answers import encode_error
from tests.unit.translation.chats import Json, ask
from tests.unit.translation.responses import translated

RESULTS: Json = {"jailbreak": {"detected": True, "filtered": True}}
INNER: Json = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": RESULTS}
FILTERS: list[Json] = [
    {"blocked": True, "source_type": "prompt", "content_filter_results": RESULTS, "content_filter_offsets": {}}
]


def refused(param: str | None = None, **details: object) -> AzureRefusal:
    """Return a refusal of Azure for a client that reads its details."""
    body = {"error": {"code": "content_filter", "message": "Filtered.", "param": param, **details}}
    error = AzureErrors(model="m", auth=None, keeps_details=True).answer(400, {}, json.dumps(body).encode())
    assert isinstance(error, AzureRefusal)
    return error


def as_chat(error: AzureRefusal) -> Json:
    told: Json = json.loads(encode_error(ask().reader.error(error)))["error"]
    return told


def as_response(error: AzureRefusal) -> Json:
    told: Json = json.loads(encode_error(translated({}).reader.error(error)))["error"]
    return told


def test_a_chat_reads_of_a_response_that_was_not_made_what_a_chat_has() -> None:
    told = as_chat(refused(content_filters=FILTERS))
    assert (told["param"], told["code"], told["innererror"]) == ("prompt", "content_filter", INNER)
    assert "content_filters" not in told


def test_a_response_reads_of_a_chat_that_was_not_made_what_a_response_has() -> None:
    told = as_response(refused("prompt", innererror=INNER))
    assert (told["param"], told["code"], told["content_filters"]) == (None, "content_filter", FILTERS)
    assert "innererror" not in told
    other = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": RESULTS}
    assert as_response(refused("prompt", inner_error=other))["content_filters"] == FILTERS


def test_a_refusal_without_details_has_none() -> None:
    assert as_chat(refused()).keys() == as_response(refused()).keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("filters", [[1], [], [{"source_type": "completion"}]])
def test_details_of_a_response_that_say_nothing_of_the_prompt_are_left_out(filters: object) -> None:
    assert "innererror" not in as_chat(refused(content_filters=filters))


def test_details_of_a_chat_that_cannot_be_read_are_left_out() -> None:
    error = refused()
    error.inner = b"[]"
    assert "content_filters" not in as_response(error)


def test_another_error_keeps_its_parameter() -> None:
    error = AzureRefusal("No.", status=400, type="invalid_request_error", code="invalid_value", param="prompt")
    assert as_response(error)["param"] == "prompt"
