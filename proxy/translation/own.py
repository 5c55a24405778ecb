"""The bodies of the proxy's own answers."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

_OWNER = "azure-openai"

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


def encode_models(names: Iterable[str], created: int) -> bytes:
    """Return the list of models that work here, not Azure's catalogue; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode({"object": "list", "data": [_model(name, created) for name in names]})


def encode_model(name: str, created: int) -> bytes:
    """Return one model; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode(_model(name, created))


def encode_health(reasons: Iterable[str]) -> bytes:
    """Return the health of the proxy; the reasons, if any, are codes without names."""
    codes = list(reasons)
    return msgspec.json.encode({"status": "unavailable" if codes else "ok", "reasons": codes})


def realtime_message(endpoint: str) -> str:
    """Return how a client gets a WebSocket, which Azure Functions cannot serve."""
    host = urlsplit(endpoint).netloc
    return (
        "Azure Functions serves no WebSockets. Mint a client secret with POST /v1/realtime/client_secrets here, then "
        f"connect to wss://{host}/openai/v1/realtime?model=DEPLOYMENT with that secret as Bearer token."
    )


def _model(name: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": _OWNER}
