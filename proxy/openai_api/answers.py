"""Answers of the proxy's own: errors in OpenAI's shape, models, health.

An error as the answer that the client reads: four keys, and whether and when to try again.

Permissions that Azure has just been told of, and that not all of its servers know yet.

A role works some minutes after it was given: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting

The bodies of the proxy's own answers.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from proxy.errors import ROLE_MISSING, AzureRefusal, ConfigurationError, ProxyError, UpstreamAuthError
from proxy.openai_api.retry_after import with_milliseconds
from proxy.values import ListedModel, Response

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


# How long after the start of an instance a refusal may be nothing but that, in seconds.
PROPAGATION_SECONDS = 600.0
# When to come back, in seconds: the proxy itself asks again at least as often.
PROPAGATION_PAUSE = 30
_ROLE_REASONS = frozenset({ROLE_MISSING, "key_vault_forbidden"})


def with_propagation_hint(error: ProxyError, age: float) -> ProxyError:
    """Return an error as it is told while permissions may still be spreading; `age` of the instance is in seconds."""
    if age >= PROPAGATION_SECONDS or error.reason not in _ROLE_REASONS:
        return error
    error.message = (
        f"Permissions are still spreading in Azure, try again in {PROPAGATION_PAUSE} s. If that lasts: {error.message}"
    )
    error.headers = {**error.headers, "retry-after": str(PROPAGATION_PAUSE), "x-should-retry": "true"}
    return error


# What chat UIs of 2023 ask for. Azure has no such account, and no money is invented.
SUBSCRIPTION = msgspec.json.encode(
    {
        "object": "billing_subscription",
        "has_payment_method": True,
        "hard_limit_usd": 0.0,
        "soft_limit_usd": 0.0,
        "system_hard_limit_usd": 0.0,
        "access_until": 0,
        "plan": {"title": "Azure OpenAI", "id": "azure"},
    }
)
USAGE = msgspec.json.encode({"object": "list", "daily_costs": [], "total_usage": 0.0})


def encode_models(models: Iterable[ListedModel], created: int) -> bytes:
    """Return the list of models that work here, not Azure's catalogue; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode({"object": "list", "data": [_model_fields(model, created) for model in models]})


def encode_model(model: ListedModel, created: int) -> bytes:
    """Return one model; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode(_model_fields(model, created))


def encode_health(reasons: Iterable[str]) -> bytes:
    """Return the health of the proxy; the reasons, if any, are codes without names."""
    codes = list(reasons)
    return msgspec.json.encode({"status": "unavailable" if codes else "ok", "reasons": codes})


def realtime_message(endpoints: Sequence[str]) -> str:
    """Return how a client gets a WebSocket, which Azure Functions cannot serve; `endpoints` are the resources'."""
    host = urlsplit(endpoints[0]).netloc if len(endpoints) == 1 else "RESOURCE.openai.azure.com"
    return (
        "Azure Functions serves no WebSockets. Mint a client secret with POST /v1/realtime/client_secrets here, then "
        f"connect to wss://{host}/openai/v1/realtime?model=DEPLOYMENT with that secret as Bearer token."
    )


def _model_fields(model: ListedModel, created: int) -> dict[str, object]:
    shown = {"id": model.name, "object": "model", "created": created, "owned_by": model.owned_by}
    return shown | ({"capabilities": dict.fromkeys(model.capabilities, True)} if model.capabilities else {})
