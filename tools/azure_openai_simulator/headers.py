"""The headers Azure OpenAI adds to what OpenAI sends."""

import uuid

from tools.azure_openai_simulator.answers import Ask

REGION = "East US"


def gateway_headers(serial: int) -> dict[str, str]:
    """Return what the gateway adds to every answer, errors too."""
    return {
        "apim-request-id": str(uuid.UUID(int=serial)),
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
    }


def resource_headers(ask: Ask) -> dict[str, str]:
    """Return what the resource adds to the answers of operations without a deployment."""
    return gateway_headers(ask.serial) | {
        "openai-processing-ms": "42",
        "x-envoy-upstream-service-time": "45",
        "x-ms-client-request-id": ask.headers.get("x-ms-client-request-id", "Not-Available"),
        "x-ms-region": REGION,
        "x-request-id": str(uuid.UUID(int=ask.serial, version=4)),
    }


def served_headers(ask: Ask) -> dict[str, str]:
    """Return what a deployment adds to the answers of the Responses API, which tells the snapshot in a header."""
    return resource_headers(ask) | {
        "azureml-model-session": f"d{ask.serial:03d}-20260101000000",
        "x-ms-rai-invoked": "true",
        "x-ms-served-model": ask.model,
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-limit-tokens": "100000",
        "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-remaining-tokens": "99990",
        "x-ratelimit-reset-requests": "10",
        "x-ratelimit-reset-tokens": "10",
    }


def model_headers(ask: Ask) -> dict[str, str]:
    """Return what a deployment adds to its other answers, whose body tells the snapshot."""
    headers = served_headers(ask) | {"x-ms-deployment-name": ask.deployment}
    del headers["x-ms-served-model"]
    return headers
