"""Whose credential Azure refuses, and what cures it."""

import re

import pytest

from proxy.azure_api.errors import AzureError, AzureErrors, parse, refuse
from proxy.errors import NO_HEADERS, ROLE_MISSING, AzureRefusal, UpstreamAuthError, UpstreamRefused
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
        (AuthMode.NONE, "AZURE_OPENAI_RESOURCES"),
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


BLOCKED = [
    "Your resource has been temporarily blocked because we detected behavior that may violate our content policy.",
    "The subscription is suspended.",
    "The subscription '0f1e' is disabled and therefore marked as read only.",
    "Your subscription has expired.",
    "Out of call volume quota. Quota will be replenished in 01:02:03.",
]
UNKNOWN = ["Forbidden", "This feature is not available in this region."]


@pytest.mark.parametrize("mode", AuthMode)
@pytest.mark.parametrize("words", [*BLOCKED, *UNKNOWN])
def test_another_reason_than_the_credential_is_told_in_azures_words(mode: AuthMode, words: str) -> None:
    error = refuse(mode, refused(words, 403, "403"))
    assert isinstance(error, UpstreamRefused)
    assert (error.status, error.type, error.code) == (502, "server_error", "upstream_refused")
    assert error.reason == ("upstream_blocked" if words in BLOCKED else "upstream_refused")
    assert words in error.message
    assert "current key" not in error.message
    assert error.headers == {"apim-request-id": "6f1c"}


def test_another_reason_is_told_without_names() -> None:
    words = (
        "The subscription '6f1c0000-0000-4000-8000-000000000001' of https://canary-host.openai.azure.com is suspended."
    )
    told = refuse(AuthMode.KEY, refused(f"{words} It is blocked.", 403, "SubscriptionSuspended")).message
    assert told == "Azure OpenAI refuses calls of this resource: It is blocked."
    told = refuse(AuthMode.KEY, refused(f"/subscriptions/0f1e/resourceGroups/a on {HOST} is suspended.", 403)).message
    assert told == "Azure OpenAI refuses calls of this resource: [resource] on [host] is suspended."


@pytest.mark.parametrize(
    "words",
    [
        "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
        "Key based authentication is disabled for this resource.",
        "Access denied due to an expired subscription key.",
        "The access token has the wrong audience.",
    ],
)
def test_words_about_a_key_or_token_are_about_the_credential(words: str) -> None:
    assert refuse(AuthMode.KEY, refused(words, 403)).reason == "upstream_credential"


def test_403_without_a_word_says_that_there_is_none() -> None:
    error = refuse(AuthMode.KEY, parse(403, NO_HEADERS, b"", b""))
    assert (error.reason, error.code) == ("upstream_refused", "upstream_refused")
    assert "gave no reason" in error.message


def test_401_without_a_known_reason_is_about_the_credential() -> None:
    assert refuse(AuthMode.KEY, refused("No.", 401)).reason == "upstream_credential"


@pytest.mark.parametrize("words", [*BLOCKED, *UNKNOWN])
def test_a_client_with_a_key_of_its_own_reads_the_reason_too(words: str) -> None:
    error = refuse(None, refused(words, 403, "403"))
    assert isinstance(error, AzureRefusal)
    assert (error.status, error.type, error.code) == (403, "invalid_request_error", None)
    assert words in error.message


def test_what_a_filter_refuses_with_403_is_not_about_the_resource() -> None:
    body = b'{"error":{"code":"content_policy_violation","message":"It was blocked."}}'
    error = AzureErrors(model=None, auth=AuthMode.KEY).answer(403, NO_HEADERS, body)
    assert (error.status, error.code, error.reason) == (400, "content_policy_violation", None)


@pytest.mark.parametrize("code", ["unknown_model", "unavailable_model"])
def test_a_model_that_foundry_does_not_know_is_not_found(code: str) -> None:
    body = f'{{"error":{{"code":"{code}","message":"Unknown model: m"}}}}'.encode()
    error = AzureErrors(model="m", auth=AuthMode.KEY).answer(400, NO_HEADERS, body)
    assert (error.status, error.code) == (404, "model_not_found")


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
