"""Azure OpenAI refuses the credential: whose it is decides who is told, and what cures it. No id is repeated."""

import re
from collections.abc import Mapping

from proxy.errors import AzureRefusal, ProxyError, UpstreamAuthError
from proxy.messages import AuthMode
from proxy.translation.errors.azure_error import AzureError

ROLE_MISSING = "upstream_role"
_NETWORK = re.compile(r"public access is disabled|virtual network|firewall|private endpoint", re.IGNORECASE)
_ROLE = re.compile(r"lacks the required data action", re.IGNORECASE)

_CURE_NETWORK = (
    "Azure OpenAI's network rules keep the proxy out. Under Networking of the Azure OpenAI resource, allow the subnet "
    "or the outbound addresses of the Function app, or connect the two by a private endpoint."
)
# https://learn.microsoft.com/azure/ai-foundry/openai/how-to/role-based-access-control
_CURE_ROLE = (
    "The proxy's identity may not do this at Azure OpenAI. Give it the role Cognitive Services OpenAI User on the "
    "resource, for fine-tuning Cognitive Services OpenAI Contributor; a new role takes some minutes."
)
_CURE: Mapping[AuthMode, str] = {
    AuthMode.KEY_VAULT: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into the Key Vault secret that "
        "AZURE_OPENAI_KEY_SECRET, or the resource's own key_secret, names, and see that the resource allows keys."
    ),
    AuthMode.KEY: (
        "Azure OpenAI refuses the proxy's key. Put a current key of the resource into AZURE_OPENAI_API_KEY, or into "
        "its api_key in AZURE_OPENAI_RESOURCES, and see that the resource allows keys."
    ),
    AuthMode.MANAGED_IDENTITY: (
        "Azure OpenAI refuses the proxy's token. Give the identity the role Cognitive Services OpenAI User on the "
        "resource, and see that AZURE_OPENAI_TOKEN_SCOPE fits the endpoint."
    ),
}
_CLIENTS_KEY = (
    "Azure OpenAI refuses the key that you sent. Use a current key of the Azure OpenAI resource, and see that the "
    "resource allows keys."
)
_CLIENTS_NETWORK = "The network rules of the Azure OpenAI resource that your key belongs to keep this proxy out."
_CLIENTS_ROLE = "Your credential is valid, but its role at the Azure OpenAI resource does not allow this operation."


def refuse(auth: AuthMode | None, error: AzureError) -> ProxyError:
    """Return what the client reads when Azure refuses the credential; without `auth` the client brought its own."""
    by_network = bool(_NETWORK.search(error.raw))
    by_role = not by_network and (error.code == "permissiondenied" or bool(_ROLE.search(error.raw)))
    if auth is None:
        return _clients_own(error, by_network=by_network, by_role=by_role)
    if by_network:
        return UpstreamAuthError(_CURE_NETWORK, reason="upstream_network", headers=error.headers)
    if by_role:
        return UpstreamAuthError(_CURE_ROLE, reason=ROLE_MISSING, headers=error.headers)
    return UpstreamAuthError(_CURE[auth], reason="upstream_credential", headers=error.headers)


def _clients_own(error: AzureError, *, by_network: bool, by_role: bool) -> ProxyError:
    allowed = not (by_network or by_role)
    return AzureRefusal(
        _CLIENTS_KEY if allowed else _CLIENTS_NETWORK if by_network else _CLIENTS_ROLE,
        status=401 if allowed else 403,
        type="invalid_request_error",
        code="invalid_api_key" if allowed else None,
        headers=error.headers,
    )
