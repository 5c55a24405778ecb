"""Addresses beside an Azure OpenAI resource's own: OpenAI's, Azure Resource Manager's, and a resource's place in it."""

import re

from proxy.settings import parse

OPENAI = "https://api.openai.com"
RESOURCE_MANAGER = "https://management.azure.com"

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RESOURCE_ID = re.compile(
    r"/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"/resourceGroups/[a-z0-9_().-]{0,89}[a-z0-9_()-]"
    r"/providers/Microsoft\.CognitiveServices/accounts/[a-z0-9][a-z0-9_.-]{1,63}",
    re.IGNORECASE | re.ASCII,
)


def openai(text: str) -> str:
    """Return scheme and host of OpenAI's API; `/v1` is cut off."""
    return _bare(text.rstrip("/").removesuffix("/v1"), f"must be the https address of OpenAI's API, as {OPENAI}/v1")


def resource_manager(text: str) -> str:
    """Return scheme and host of Azure Resource Manager, which has another name in each of Azure's clouds."""
    return _bare(text.rstrip("/"), f"must be the https address of Azure Resource Manager, as {RESOURCE_MANAGER}")


def resource_id(text: str) -> str:
    """Return the id of an Azure OpenAI resource in Azure Resource Manager."""
    if not _RESOURCE_ID.fullmatch(text):
        raise ValueError(
            "must be an Azure OpenAI resource's id, as "
            "/subscriptions/GUID/resourceGroups/NAME/providers/Microsoft.CognitiveServices/accounts/NAME"
        )
    return text


def _bare(text: str, expected: str) -> str:
    """Return the address if it is one, with nothing behind the host that would have to be cut off."""
    try:
        address = parse.endpoint(text)
    except ValueError:
        raise ValueError(expected) from None
    if address.lower() != text.lower():
        raise ValueError(expected)
    return address
