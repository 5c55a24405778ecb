"""The bodies of the proxy's own answers."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from proxy.messages import ListedModel

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
    return msgspec.json.encode({"object": "list", "data": [_model(model, created) for model in models]})


def encode_model(model: ListedModel, created: int) -> bytes:
    """Return one model; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode(_model(model, created))


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


def _model(model: ListedModel, created: int) -> dict[str, object]:
    shown = {"id": model.name, "object": "model", "created": created, "owned_by": model.owned_by}
    return shown | ({"capabilities": dict.fromkeys(model.capabilities, True)} if model.capabilities else {})
