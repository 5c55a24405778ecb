"""The headers Azure OpenAI adds to what OpenAI sends."""

import uuid
from collections.abc import Mapping

REGION = "East US"


def gateway_headers(serial: int) -> dict[str, str]:
    """Return what the gateway adds to every answer, errors too."""
    return {
        "apim-request-id": str(uuid.UUID(int=serial)),
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
    }


def model_headers(serial: int, deployment: str, asked: Mapping[str, str]) -> dict[str, str]:
    """Return what a deployment adds to its answers."""
    return gateway_headers(serial) | {
        "azureml-model-session": f"d{serial:03d}-20260101000000",
        "openai-processing-ms": "42",
        "x-envoy-upstream-service-time": "45",
        "x-ms-client-request-id": asked.get("x-ms-client-request-id", "Not-Available"),
        "x-ms-deployment-name": deployment,
        "x-ms-rai-invoked": "true",
        "x-ms-region": REGION,
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-limit-tokens": "100000",
        "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-remaining-tokens": "99990",
        "x-ratelimit-reset-requests": "10",
        "x-ratelimit-reset-tokens": "10",
        "x-request-id": str(uuid.UUID(int=serial, version=4)),
    }
