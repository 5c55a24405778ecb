"""Keys of Azure OpenAI that clients bring instead of a client key.

With `azure-key` it is the key alone, for the resource of the settings, as for stulzq/azure-openai-proxy. With
`resource-key` it is `RESOURCE:DEPLOYMENT:KEY[:VERSION]` or `RESOURCE:model|deployment,...:KEY[:VERSION]`, as for
scalaone/azure-openai-proxy. There the client chooses the resource: it must be one that the operator allows, and the
host name is built from a validated name and a fixed suffix.
"""

import re
from collections.abc import Mapping

from proxy.auth.keys import INVALID_KEY, presented_key
from proxy.config.addresses import ANY_RESOURCE, RESOURCE_SUFFIXES, parse_resource_host
from proxy.config.environment import parse_api_version, parse_deployment
from proxy.errors import Unauthenticated
from proxy.values import PassthroughKey, Secret

# Azure's keys have 32 or 84 characters. A mapping of twenty models fits, a header of megabytes does not.
LONGEST_KEY, LONGEST_COMPOSITE = 512, 4096
_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
_MODEL = re.compile(r"[!-~]{1,100}")
_WRONG_AZURE_KEY = "Incorrect API key provided. This proxy takes the key of its Azure OpenAI resource."
# The same for a malformed key and for a resource that is not allowed, so that guessing names reveals nothing.
_WRONG_RESOURCE_KEY = (
    "Incorrect API key provided. This proxy takes RESOURCE:DEPLOYMENT:KEY, or "
    "RESOURCE:model|deployment,model|deployment:KEY, either with :API-VERSION behind it, for the resources that its "
    "operator allows."
)


def azure_key(headers: Mapping[str, str]) -> PassthroughKey:
    """Return the key of Azure OpenAI that the request carries; raise `Unauthenticated` if it cannot be one."""
    try:
        return PassthroughKey(key=_key(presented_key(headers)))
    except ValueError:
        raise Unauthenticated(_WRONG_AZURE_KEY, code=INVALID_KEY) from None


def resource_key(headers: Mapping[str, str], allowed: frozenset[str]) -> PassthroughKey:
    """Return the key, the resource and the deployments that the request names; `allowed` are hosts, or `*` alone.

    Raises `Unauthenticated`, with the same message whatever is wrong.
    """
    try:
        return _parse_composite(presented_key(headers), allowed)
    except ValueError:
        raise Unauthenticated(_WRONG_RESOURCE_KEY, code=INVALID_KEY) from None


def _parse_composite(text: str, allowed: frozenset[str]) -> PassthroughKey:
    parts = text.split(":")
    if len(text) > LONGEST_COMPOSITE or len(parts) not in (3, 4):
        raise ValueError("not of three or four parts")
    models, default = _deployments(parts[1])
    return PassthroughKey(
        key=_key(parts[2]),
        endpoint=_endpoint(parts[0], allowed),
        models=models,
        default=default,
        api_version=parse_api_version(parts[3]) if len(parts) == 4 else None,
    )


def _endpoint(resource: str, allowed: frozenset[str]) -> str:
    host = parse_resource_host(resource)
    if host not in allowed and not (ANY_RESOURCE in allowed and host.endswith(RESOURCE_SUFFIXES[0])):
        raise ValueError("not on the list")
    return f"https://{host}"


def _deployments(text: str) -> tuple[Mapping[str, str], str | None]:
    """Return the deployments by model, and the one for all other models if only one is named."""
    if "|" not in text:
        return {}, parse_deployment(text)
    pairs = [_pair(entry) for entry in text.split(",")]
    models = dict(pairs)
    if len(models) < len(pairs):
        raise ValueError("a model is named twice")
    return models, pairs[0][1] if len(pairs) == 1 else None


def _pair(text: str) -> tuple[str, str]:
    model, _, deployment = text.partition("|")
    if not _MODEL.fullmatch(model):
        raise ValueError("not a model's name")
    return model, parse_deployment(deployment)


def _key(text: str) -> Secret:
    if not _KEY.fullmatch(text):
        raise ValueError("not a key")
    return Secret(text)
