"""The answers of the proxy itself: the models that work here (not Azure's catalogue), and whether it is ready."""

from collections.abc import Iterable

import msgspec

_OWNER = "azure-openai"


def encode_models(names: Iterable[str], created: int) -> bytes:
    """Return the list of models; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode({"object": "list", "data": [_model(name, created) for name in names]})


def encode_model(name: str, created: int) -> bytes:
    """Return one model; `created` is in seconds since 1970 UTC."""
    return msgspec.json.encode(_model(name, created))


def encode_health(reasons: Iterable[str]) -> bytes:
    """Return the health of the proxy; the reasons, if any, are codes without names."""
    codes = list(reasons)
    return msgspec.json.encode({"status": "unavailable" if codes else "ok", "reasons": codes})


def _model(name: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": _OWNER}
