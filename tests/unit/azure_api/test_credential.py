"""Whose credential Azure refuses, and what cures it."""

import re

import pytest

from proxy.azure_api.errors import AzureError, parse, refuse
from proxy.errors import NO_HEADERS, ROLE_MISSING, AzureRefusal, UpstreamAuthError
from proxy.openai_api.answers import encode_error
from proxy.values import AuthMode

KEY, HOST = "sk-canary-key", "canary-host.openai.azure.com"
ROLE = b'{"error":{"code":"x","message":"The principal canary-host lacks the required data action y."}}'


def refused(message: str, status: int = 401, code: str = "401") -> AzureError:
    body = f'{{"error":{{"code":"{code}","message":"{message}","innererror":{{"key":"{KEY}"}}}},"message":"{KEY}"}}'
    return parse(status, {"apim-request-id": "6f1c"}, body.encode(), b"")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("mode", "setting"),
    [
        (AuthMode.KEY_VAULT, "AZURE_OPENAI_KEY_SECRET"),
        (AuthMode.KEY, "AZURE_OPENAI_API_KEY"),
        (AuthMode.MANAGED_IDENTITY, "AZURE_OPENAI_TOKEN_SCOPE"),
    ],
)
def test_a_refused_credential_names_the_setting_and_echoes_nothing(status: int, mode: AuthMode, setting: str) -> None:
    error = refuse(mode, refused(f"Access denied for {KEY} at https://{HOST}/.", status))
    assert (error.status, error.type, error.code) == (502, "server_error", "upstream_auth_error")
    assert (error.reason, error.headers) == ("upstream_credential", {"apim-request-id": "6f1c"})
    assert setting in error.message
    assert not re.search(f"{KEY}|{HOST}", encode_error(error).decode())


WORDS_OF_THE_NETWORK = [
    "Public access is disabled.",
    "Denied by virtual network.",
    "Denied by the Firewall.",
    "Traffic is not from an approved private endpoint.",
]


@pytest.mark.parametrize("words", WORDS_OF_THE_NETWORK)
def test_a_refusal_of_the_network_is_told_from_one_of_the_key(words: str) -> None:
    error = refuse(AuthMode.KEY, refused(words, 403, "PermissionDenied"))
    assert isinstance(error, UpstreamAuthError)
    assert error.message.startswith("Azure OpenAI's network rules keep the proxy out.")
    assert error.reason == "upstream_network"


@pytest.mark.parametrize("body", [ROLE, b'{"error":{"code":"PermissionDenied","message":"x"}}'])
def test_a_missing_role_is_told_by_its_code_or_its_words(body: bytes) -> None:
    error = refuse(AuthMode.MANAGED_IDENTITY, parse(403, NO_HEADERS, body, b""))
    assert error.reason == ROLE_MISSING
    assert "the role Cognitive Services OpenAI User" in error.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_client_brought_is_the_clients_to_mend(status: int) -> None:
    error = refuse(None, refused(f"Access denied for {KEY} at https://{HOST}/.", status))
    assert isinstance(error, AzureRefusal)
    assert (error.status, error.type, error.code) == (401, "invalid_request_error", "invalid_api_key")
    assert error.headers == {"apim-request-id": "6f1c"}
    assert not re.search(f"{KEY}|{HOST}", encode_error(error).decode())


@pytest.mark.parametrize("words", [*WORDS_OF_THE_NETWORK, "It lacks the required data action x."])
def test_a_client_with_a_good_key_may_still_be_kept_out(words: str) -> None:
    error = refuse(None, refused(words, 401))
    assert (error.status, error.type, error.code) == (403, "invalid_request_error", None)
