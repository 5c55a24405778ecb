"""The proxy's own answers in OpenAI's shape: errors, models and health.

An error has OpenAI's four keys and says whether and when to try again. While the roles of a new deployment may not have
reached all of Azure's servers, which takes some minutes, errors about missing permissions say so.
https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec

from proxy.errors import (
    NO_HEADERS,
    ROLE_MISSING,
    AzureRefusal,
    ConfigurationError,
    ProxyError,
    UpstreamAuthError,
    UpstreamRefused,
)
from proxy.openai_api.retry_after import with_milliseconds
from proxy.openai_api.sse import encode_last_event
from proxy.values import NO_LIMITS, Limits, ListedModel, Response

# Headers that the proxy adds: the resource that answered, the number of attempts, what was repaired, and the API that a
# call was translated to.
TARGET, ATTEMPTS, REPAIRED, TRANSLATED = "x-proxy-target", "x-proxy-attempts", "x-proxy-repaired", "x-proxy-translated"
# What a whole answer has cost in dollars, and the request's header that asks for it in the usage of a stream.
COST, INCLUDE_COST = "x-proxy-cost-usd", "x-proxy-include-cost"
BUDGET_REMAINING, BUDGET_EXCEEDED = "x-proxy-budget-remaining-usd", "x-proxy-budget-exceeded"
# Statuses below 500 after which OpenAI's SDKs rightly try again.
_TEMPORARY_STATUSES = frozenset({408, 409, 429})
# Problems of the proxy's set-up that it tries to solve by itself, or that may be over with the next request.
_TEMPORARY_REASONS = frozenset(
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
    """Tell whether the same request may succeed later."""
    if error.code == "insufficient_quota":
        return False
    if isinstance(error, ConfigurationError):
        return error.reason in _TEMPORARY_REASONS
    if isinstance(error, UpstreamAuthError | UpstreamRefused):
        # A new role takes some minutes to reach every server of Azure.
        return error.reason == ROLE_MISSING
    return error.status >= 500 or error.status in _TEMPORARY_STATUSES


def encode_error(error: ProxyError) -> bytes:
    """Return the body of an error: OpenAI's four keys, and Azure's details about a content filter if there are any."""
    four = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    fields: dict[str, object] = {name: value and _encodable(value) for name, value in four.items()}
    if isinstance(error, AzureRefusal):
        details = {"innererror": error.inner, "content_filters": error.filters}
        fields |= {name: msgspec.Raw(detail) for name, detail in details.items() if detail is not None}
    return msgspec.json.encode({"error": fields})


def encode_error_event(error: ProxyError) -> bytes:
    """Return an error as the last event of a stream: in its envelope, which the SDKs look for in every event."""
    return encode_last_event(encode_error(error))


def _encodable(text: str) -> str:
    """Return a text without halves of surrogate pairs, which a client may have sent and UTF-8 has not."""
    return text.encode(errors="replace").decode()


def to_response(error: ProxyError) -> Response:
    """Return the answer for an error.

    OpenAI's SDKs obey `x-should-retry`; without it they decide by the status alone.
    https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
    """
    advice = {} if may_pass(error) else {"x-should-retry": "false"}
    headers = {**advice, **with_milliseconds(error.headers), "content-type": "application/json"}
    return Response(status=error.status, headers=headers, body=encode_error(error))


# How long after its start an instance may be refused only because a role is not known everywhere, in seconds.
PROPAGATION_SECONDS = 600.0
# When the client should try again, in seconds; the proxy itself tries at least as often.
PROPAGATION_PAUSE = 30
_ROLE_REASONS = frozenset({ROLE_MISSING, "key_vault_forbidden"})


def with_propagation_hint(error: ProxyError, age: float) -> ProxyError:
    """Return an error about permissions with the hint that they may still be spreading, while an instance is young.

    `age` is that of the instance, in seconds.
    """
    if age >= PROPAGATION_SECONDS or error.reason not in _ROLE_REASONS:
        return error
    error.message = (
        f"Permissions are still spreading in Azure, try again in {PROPAGATION_PAUSE} s. If that lasts: {error.message}"
    )
    error.headers = {**error.headers, "retry-after": str(PROPAGATION_PAUSE), "x-should-retry": "true"}
    return error


# Chat UIs of 2023 ask for these. Azure has no such account, so all amounts are zero.
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
    """Return the list of models that can be used; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode({"object": "list", "data": [_model_fields(model, created) for model in models]})


def encode_model(model: ListedModel, created: int) -> bytes:
    """Return one model; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode(_model_fields(model, created))


def encode_account(
    client: str, limits: Limits | None, expires: float | None, used: Mapping[str, object] = MappingProxyType({})
) -> bytes:
    """Return what a client may use, until when in seconds since 1970 UTC, and members for what it has `used`.

    None stands for no limit.
    """
    shown = {**msgspec.to_builtins(limits or NO_LIMITS), "expires": expires}
    shown.pop("budget")
    return msgspec.json.encode({"object": "usage", "client": client, "limits": shown, **used})


def encode_health(
    reasons: Iterable[str], warnings: Iterable[str] = (), version: Mapping[str, str] = NO_HEADERS
) -> bytes:
    """Return the health of the proxy; reasons against it and warnings, if any, are codes without names."""
    codes = list(reasons)
    shown = {"status": "unavailable" if codes else "ok", "reasons": [*codes, *warnings]}
    return msgspec.json.encode({**shown, **version})


def realtime_message(endpoints: Sequence[str]) -> str:
    """Return how a client can open a WebSocket at one of the `endpoints`, because Azure Functions cannot serve one."""
    host = urlsplit(endpoints[0]).netloc if len(endpoints) == 1 else "RESOURCE.openai.azure.com"
    return (
        "Azure Functions serves no WebSockets. Mint a client secret with POST /v1/realtime/client_secrets here, then "
        f"connect to wss://{host}/openai/v1/realtime?model=DEPLOYMENT with that secret as Bearer token."
    )


def _model_fields(model: ListedModel, created: int) -> dict[str, object]:
    shown = {"id": model.name, "object": "model", "created": created, "owned_by": model.owned_by}
    return shown | ({"capabilities": dict.fromkeys(model.capabilities, True)} if model.capabilities else {})
