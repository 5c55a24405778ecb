"""Addresses: of Azure OpenAI resources, of the services beside them, and of web pages that may call."""

import re
from urllib.parse import SplitResult, urlsplit

from proxy.config.address_rules import AddressRules

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
AUTHORITY = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?")

# https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains
RESOURCE_SUFFIXES = (".openai.azure.com", ".openai.azure.us", ".cognitiveservices.azure.com", ".services.ai.azure.com")
ANY_RESOURCE = "*"
OPENAI_URL = "https://api.openai.com"
RESOURCE_MANAGER_URL = "https://management.azure.com"

# Where limits are counted: by each instance for itself, or by Azurite on this machine.
# https://learn.microsoft.com/azure/storage/common/storage-use-azurite
IN_MEMORY = "memory"
EMULATOR_PATH = "/devstoreaccount1"

_ENDPOINT_PATHS = ("", "/openai", "/openai/v1")
# The path of a base URL, whose parts are plain and not `.` or `..`; and how a URL ends that is none.
_BASE_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*", re.ASCII)
_OPERATION_PATHS = ("/completions", "/responses", "/embeddings", "/models")
_RESOURCE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?")
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RESOURCE_ID = re.compile(
    r"/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"/resourceGroups/[a-z0-9_().-]{0,89}[a-z0-9_()-]"
    r"/providers/Microsoft\.CognitiveServices/accounts/[a-z0-9][a-z0-9_.-]{1,63}",
    re.IGNORECASE | re.ASCII,
)


def split_url(text: str) -> SplitResult:
    """Return the parts of an address; raise ValueError when it cannot be one."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  reading it checks it
    except ValueError:
        raise ValueError("must be an address") from None
    return url


def port_of(url: SplitResult) -> int:
    """Return the port of an address of HTTP, also of one that does not say it."""
    return url.port or (443 if url.scheme == "https" else 80)


def parse_endpoint(text: str) -> str:
    """Return scheme and host of an Azure OpenAI resource; the path that the portal shows behind them is cut off."""
    url = split_url(text)
    secure = url.scheme == "https" or (url.scheme == "http" and LOOPBACK.fullmatch(url.hostname or ""))
    if not secure or not AUTHORITY.fullmatch(url.netloc):
        raise ValueError("must be the https address of an Azure OpenAI resource, as https://NAME.openai.azure.com")
    if url.path.rstrip("/") not in _ENDPOINT_PATHS:
        raise ValueError("must have no path after the host name (only /openai or /openai/v1 is cut off)")
    return f"{url.scheme}://{url.netloc}"


def parse_openai_endpoint(text: str, rules: AddressRules) -> str:
    """Return the base URL of OpenAI's API, or of another one that is like it; without a path it is at `/v1`."""
    url = split_url(text)
    path = url.path.rstrip("/")
    if url.scheme not in ("https", "http") or not AUTHORITY.fullmatch(url.netloc) or url.query or url.fragment:
        raise ValueError(f"must be the base URL of an API like OpenAI's, as {OPENAI_URL}/v1")
    if not _BASE_PATH.fullmatch(path) or path.endswith(_OPERATION_PATHS):
        raise ValueError("must end where the paths of the operations begin, usually with /v1")
    if problem := rules.endpoint_problem(url):
        raise ValueError(problem)
    return f"{url.scheme}://{url.netloc}{path or '/v1'}"


def parse_resource_manager_url(text: str) -> str:
    """Return scheme and host of Azure Resource Manager, which has another name in each of Azure's clouds."""
    expected = f"must be the https address of Azure Resource Manager, as {RESOURCE_MANAGER_URL}"
    return _parse_bare(text.rstrip("/"), expected)


def parse_authority(text: str) -> str:
    """Return scheme and host of Microsoft Entra ID, which has another name in each of Azure's clouds."""
    expected = "must be the https address of Microsoft Entra ID, as https://login.microsoftonline.com"
    return _parse_bare(text.rstrip("/"), expected)


def _parse_bare(text: str, expected: str) -> str:
    """Return an address that is nothing but scheme and host."""
    try:
        address = parse_endpoint(text)
    except ValueError:
        raise ValueError(expected) from None
    if address.lower() != text.lower():
        raise ValueError(expected)
    return address


def parse_key_vault_url(text: str) -> str:
    """Return the address of a vault without a trailing slash."""
    url = split_url(text)
    if url.scheme != "https" or not AUTHORITY.fullmatch(url.netloc) or url.path.strip("/") or url.query:
        raise ValueError("must be the https address of a vault, as https://NAME.vault.azure.net")
    return f"https://{url.netloc}"


def parse_limits_store(text: str) -> str:
    """Return the address of a table service without a trailing slash, or `memory`."""
    url = split_url(text)
    secure = url.scheme == "https" and url.path in ("", "/")
    emulated = url.scheme == "http" and LOOPBACK.fullmatch(url.hostname or "") and url.path.rstrip("/") == EMULATOR_PATH
    if text == IN_MEMORY:
        return text
    if not (secure or emulated) or not AUTHORITY.fullmatch(url.netloc) or url.query or url.fragment:
        raise ValueError(
            "must be memory or the https address of a table service, as https://NAME.table.core.windows.net"
        )
    return text.rstrip("/")


def parse_resource_id(text: str) -> str:
    """Return the id of an Azure OpenAI resource in Azure Resource Manager."""
    if not _RESOURCE_ID.fullmatch(text):
        raise ValueError(
            "must be an Azure OpenAI resource's id, as "
            "/subscriptions/GUID/resourceGroups/NAME/providers/Microsoft.CognitiveServices/accounts/NAME"
        )
    return text


def parse_resource_host(text: str) -> str:
    """Return the host of a resource that is named by itself, `my-res`, or by its host, `my-res.openai.azure.us`.

    The host is put together from a strict name and a fixed suffix, so it is nobody else's; anything else raises
    ValueError. The check of ASCII comes first: there are letters outside of it whose lower case is inside.
    """
    name, dot, domain = text.lower().partition(".")
    suffix = dot + domain or RESOURCE_SUFFIXES[0]
    if not (text.isascii() and _RESOURCE_NAME.fullmatch(name) and suffix in RESOURCE_SUFFIXES):
        raise ValueError("must be the name of a resource, or its host, as NAME.openai.azure.com")
    return name + suffix


def parse_client_resources(text: str) -> frozenset[str]:
    """Return the hosts of the resources that clients may name in a key, or `*` for all."""
    entries = [part.strip() for part in text.split(",") if part.strip()]
    if entries == [ANY_RESOURCE]:
        return frozenset(entries)
    if not entries:
        raise ValueError("must be * or a list of resources, as my-resource,other.openai.azure.us")
    return frozenset(parse_resource_host(entry) for entry in entries)


def parse_origins(text: str) -> frozenset[str]:
    """Return the origins of web pages, or `*` for all."""
    found = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if found != {"*"} and not all(_ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError("must be * or a list of origins, as https://chat.example.com")
    return found
