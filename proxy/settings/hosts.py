"""Hosts: what may stand in an address, which are this machine, and which belong to resources of Azure OpenAI."""

import re
from urllib.parse import SplitResult, urlsplit

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
AUTHORITY = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?")

# https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains
RESOURCE_SUFFIXES = (".openai.azure.com", ".openai.azure.us", ".cognitiveservices.azure.com", ".services.ai.azure.com")
ANY_RESOURCE = "*"
_RESOURCE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def split(text: str) -> SplitResult:
    """Return the parts of an address; raise ValueError when it cannot be one."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  reading it checks it
    except ValueError:
        raise ValueError("must be an address") from None
    return url


def resource_host(text: str) -> str:
    """Return the host of a resource that is named by itself, `my-res`, or by its host, `my-res.openai.azure.us`.

    The host is put together from a strict name and a fixed suffix, so it is nobody else's; anything else raises
    ValueError. The check of ASCII comes first: there are letters outside of it whose lower case is inside.
    """
    name, dot, domain = text.lower().partition(".")
    suffix = dot + domain or RESOURCE_SUFFIXES[0]
    if not (text.isascii() and _RESOURCE_NAME.fullmatch(name) and suffix in RESOURCE_SUFFIXES):
        raise ValueError("must be the name of a resource, or its host, as NAME.openai.azure.com")
    return name + suffix
