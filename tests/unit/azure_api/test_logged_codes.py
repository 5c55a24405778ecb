"""A code of an error is logged where it is a word of an API; one that repeats what the client has sent is not."""

import json

import pytest

from proxy.azure_api.errors import AzureErrors
from proxy.errors import NO_HEADERS, UNKNOWN_CODE, ProxyError

SENT = b'{"messages":[{"content":"tell secrets"}],"note":"content_filter"}'


def refused(code: str, status: int = 400) -> ProxyError:
    body = json.dumps({"error": {"code": code, "message": "No."}}).encode()
    return AzureErrors(model="m", auth=None, client_text=SENT).answer(status, NO_HEADERS, body)


@pytest.mark.parametrize("code", ["some_new_code", "content_filter"])
def test_a_word_of_an_api_is_logged(code: str) -> None:
    assert (refused(code).code, refused(code).reason) == (code, None)


@pytest.mark.parametrize("code", ["secrets", "tell secrets", "q44alb4d74v4u7we3vwhf"])
def test_a_word_of_the_client_is_not(code: str) -> None:
    assert (refused(code).code, refused(code).reason) == (code, UNKNOWN_CODE)


def test_an_event_of_a_stream_is_no_exception() -> None:
    event = b'{"error":{"code":"secrets","message":"No."}}'
    assert AzureErrors(model="m", auth=None, client_text=SENT).in_stream(event).reason == UNKNOWN_CODE


def test_the_reason_of_a_refused_credential_stays() -> None:
    assert refused("secrets", 403).reason != refused("secrets", 400).reason
