"""An error as the answer that the client reads: four keys, and whether and when to try again."""

import msgspec

from proxy.errors import AzureRefusal, ConfigurationError, ProxyError, UpstreamAuthError
from proxy.messages import Response
from proxy.translation.errors.credential import ROLE_MISSING
from proxy.translation.waits import with_milliseconds

# Statuses below 500 that OpenAI's SDKs try again, and rightly.
_PASSING_STATUSES = frozenset({408, 409, 429})
# Troubles of the proxy's own set-up that it works on by itself, or that may be over with the next request.
_PASSING_REASONS = frozenset(
    {
        "credential_pending",
        "credential_timeout",
        "credential_unreadable",
        "disk_full",
        "identity_unavailable",
        "key_vault_throttled",
        "key_vault_unreachable",
    }
)


def may_pass(error: ProxyError) -> bool:
    """Tell whether the same request may succeed a little later."""
    if error.code == "insufficient_quota":
        return False
    if isinstance(error, ConfigurationError):
        return error.reason in _PASSING_REASONS
    if isinstance(error, UpstreamAuthError):
        # A new role takes some minutes until every server of Azure knows it: it may be there already.
        return error.reason == ROLE_MISSING
    return error.status >= 500 or error.status in _PASSING_STATUSES


def encode_error(error: ProxyError) -> bytes:
    """Return the four-key body of OpenAI, with Azure's detail of a content filter where there is one."""
    fields: dict[str, object] = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if isinstance(error, AzureRefusal) and error.inner is not None:
        fields["innererror"] = msgspec.Raw(error.inner)
    return msgspec.json.encode({"error": fields})


def to_response(error: ProxyError) -> Response:
    """Return the whole answer for an error.

    OpenAI's SDKs obey `x-should-retry`: without it they try again whatever has one of their statuses.
    https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
    """
    lasting = {} if may_pass(error) else {"x-should-retry": "false"}
    headers = {**lasting, **with_milliseconds(error.headers), "content-type": "application/json"}
    return Response(status=error.status, headers=headers, body=encode_error(error))
