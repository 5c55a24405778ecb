"""The models of a server that has OpenAI's API and is not OpenAI's, as it lists them.

https://platform.openai.com/docs/api-reference/models/list
"""

import asyncio
import re

import msgspec

from proxy.azure_services.credentials import UpstreamCredential
from proxy.azure_services.sending import Sending
from proxy.azure_services.upstream import Upstream
from proxy.errors import ConfigurationError, UpstreamError
from proxy.values import Deployed, UpstreamRequest

FORBIDDEN = "discovery_forbidden"
UNREACHABLE = "discovery_unreachable"
UNUSABLE = "discovery_unusable"

LIST_SECONDS = 20.0
LONGEST_LIST = 1024 * 1024  # bytes; a model takes some hundred
MOST_MODELS = 1000
# Ollama's name for the version that a model without one has.
_LATEST = ":latest"
_NAME = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/@+-]{0,255}")
_CURES = {
    FORBIDDEN: "The server does not list its models to the proxy. Correct the api_key or key_secret of its entry in "
    "AZURE_OPENAI_RESOURCES.",
    UNREACHABLE: "The server could not be asked for its models. Check its endpoint and what the proxy's network lets "
    "out; the proxy tries again by itself.",
    UNUSABLE: "The server does not list its models. Name them in models of its entry in AZURE_OPENAI_RESOURCES, or "
    "correct its endpoint; until then it is asked for every model.",
}


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model] | None


def parse_models(body: bytes) -> tuple[Deployed, ...]:
    """Return the models of a list, those with a name that can be asked for; raise `ValueError` if it is none."""
    models = msgspec.json.decode(body, type=_Models).data or []  # Ollama writes null for none
    names = [model.id for model in models[:MOST_MODELS] if _NAME.fullmatch(model.id)]
    return tuple(Deployed(name=name, model=name.removesuffix(_LATEST)) for name in names)


async def list_models(upstream: Upstream, endpoint: str, credential: UpstreamCredential) -> tuple[Deployed, ...]:
    """Return the models of the server at a base URL; raise `ConfigurationError` if they cannot be read."""
    message = UpstreamRequest(
        method="GET",
        url=f"{endpoint}/models",
        headers={"accept": "application/json", "accept-encoding": "identity"},
        body=b"",
        guarded=True,
    )
    try:
        async with asyncio.timeout(LIST_SECONDS):
            answer = await upstream.send(message, await credential.header(), lambda: Sending(lambda _: None))
            try:
                status, body = answer.status, await answer.read_whole(LONGEST_LIST)
            finally:
                answer.close()
    except (TimeoutError, UpstreamError):
        raise _failure(UNREACHABLE) from None
    if status in (401, 403):
        raise _failure(FORBIDDEN)
    try:
        return parse_models(body if status == 200 else b"")
    except (ValueError, RecursionError):
        raise _failure(UNREACHABLE if status >= 500 or status == 429 else UNUSABLE) from None


def _failure(reason: str) -> ConfigurationError:
    return ConfigurationError(_CURES[reason], reason=reason)
