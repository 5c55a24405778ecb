"""In its first minutes an instance may be refused because a new role is not known everywhere yet."""

import pytest

from proxy.errors import ConfigurationError, ProxyError, UpstreamAuthError, UpstreamError
from proxy.openai_api.answers import to_response, with_propagation_hint

MISSING_ROLE = "Give it the role."


def refused() -> list[ProxyError]:
    return [
        UpstreamAuthError(MISSING_ROLE, reason="upstream_role"),
        ConfigurationError(MISSING_ROLE, reason="key_vault_forbidden"),
    ]


@pytest.mark.parametrize("error", refused(), ids=lambda error: error.reason)
def test_in_the_first_minutes_the_client_is_told_to_come_back(error: ProxyError) -> None:
    status = error.status
    answer = to_response(with_propagation_hint(error, 599.0))
    assert answer.status == status
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("30", "true")
    assert b"Permissions are still spreading in Azure, try again in 30 s." in bytes(answer.body)  # type: ignore[arg-type]
    assert MISSING_ROLE.encode() in bytes(answer.body)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", refused(), ids=lambda error: error.reason)
def test_later_it_is_a_matter_of_the_set_up(error: ProxyError) -> None:
    status = error.status
    assert with_propagation_hint(error, 600.0).status == status
    assert "retry-after" not in error.headers
    assert error.message == MISSING_ROLE


def test_other_errors_have_nothing_to_do_with_it() -> None:
    for error in (
        UpstreamAuthError("Wrong key.", reason="upstream_credential"),
        UpstreamError("It broke."),
        ConfigurationError("No vault.", reason="key_vault_missing"),
    ):
        before = (error.status, error.message, dict(error.headers))
        assert with_propagation_hint(error, 0.0) is error
        assert (error.status, error.message, dict(error.headers)) == before
