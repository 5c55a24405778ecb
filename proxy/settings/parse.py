"""One function per kind of setting: text in, value out, ValueError with what is expected."""

import re
from collections.abc import Iterator, Mapping

from proxy.settings import hosts
from proxy.values import DEPLOYMENT_NAME, AuthMode, Client, ClientAuth, ClientKey, Secret

_SECRET_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_API_VERSION = re.compile(r"v1|[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_ENDPOINT_PATHS = ("", "/openai", "/openai/v1")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?")


def endpoint(text: str) -> str:
    """Return scheme and host of an Azure OpenAI resource; what the portal shows behind them is cut off."""
    url = hosts.split(text)
    secure = url.scheme == "https" or (url.scheme == "http" and hosts.LOOPBACK.fullmatch(url.hostname or ""))
    if not secure or not hosts.AUTHORITY.fullmatch(url.netloc):
        raise ValueError("must be the https address of an Azure OpenAI resource, as https://NAME.openai.azure.com")
    if url.path.rstrip("/") not in _ENDPOINT_PATHS:
        raise ValueError("must have no path after the host name (only /openai or /openai/v1 is cut off)")
    return f"{url.scheme}://{url.netloc}"


def key_vault_url(text: str) -> str:
    """Return the address of a vault without a trailing slash."""
    url = hosts.split(text)
    if url.scheme != "https" or not hosts.AUTHORITY.fullmatch(url.netloc) or url.path.strip("/") or url.query:
        raise ValueError("must be the https address of a vault, as https://NAME.vault.azure.net")
    return f"https://{url.netloc}"


def api_version(text: str) -> str:
    """Return a dated api-version, or v1."""
    return _match(_API_VERSION, text, "must be a date, as 2025-04-01-preview, or v1")


def deployment(text: str) -> str:
    """Return the name of a deployment."""
    return _match(DEPLOYMENT_NAME, text, "must be a deployment's name: at most 64 letters, digits, '.', '_' and '-'")


def secret_name(text: str) -> str:
    """Return the name of a secret in Key Vault."""
    return _match(_SECRET_NAME, text, "must be a secret's name: letters, digits and '-'")


def client_id(text: str) -> str:
    """Return the client id of a user-assigned identity."""
    return _match(_GUID, text, "must be the client id of a user-assigned identity, a GUID")


def token_scope(text: str) -> str:
    """Return the scope of an Entra token."""
    if not (text.startswith("https://") and text.endswith("/.default")):
        raise ValueError("must start with https:// and end with /.default")
    return text


def secret(text: str) -> Secret:
    """Return a secret of visible ASCII characters, so that it fits into a header."""
    return Secret(_match(_VISIBLE, text, "must have no spaces and no characters outside of ASCII"))


def auth_mode(text: str) -> AuthMode:
    """Return where the credential for Azure OpenAI comes from."""
    try:
        return AuthMode(text)
    except ValueError:
        raise ValueError("must be key-vault, managed-identity or key") from None


def client_auth(text: str) -> ClientAuth:
    """Return what a client proves itself with."""
    try:
        return ClientAuth(text)
    except ValueError:
        raise ValueError("must be keys, azure-key or resource-key") from None


def client_resources(text: str) -> frozenset[str]:
    """Return the hosts of the resources that clients may name in a key, or `*` for all."""
    entries = [part.strip() for part in text.split(",") if part.strip()]
    if entries == [hosts.ANY_RESOURCE]:
        return frozenset(entries)
    if not entries:
        raise ValueError("must be * or a list of resources, as my-resource,other.openai.azure.us")
    return frozenset(hosts.resource_host(entry) for entry in entries)


def seconds(text: str) -> float:
    """Return a positive number of seconds."""
    expected = "must be a number of seconds above 0"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 < value <= 86_400:
        raise ValueError(expected + " and at most 86400")
    return value


def count(text: str) -> int:
    """Return a positive whole number."""
    if not (text.isascii() and text.isdigit() and int(text[:18]) > 0 and len(text) <= 18):
        raise ValueError("must be a whole number above 0")
    return int(text)


def model_mapper(text: str) -> Mapping[str, str]:
    """Return model names and the deployments that serve them, from `model=deployment,model=deployment`."""
    mapper: dict[str, str] = {}
    for number, (model, name) in _pairs(text, "model=deployment"):
        if not DEPLOYMENT_NAME.fullmatch(name):
            raise ValueError(f"has no deployment's name in entry {number}")
        if model in mapper:
            raise ValueError(f"names the model of entry {number} twice")
        mapper[model] = name
    return mapper


def operation_surfaces(text: str) -> Mapping[str, str]:
    """Return the surface of single operations, from `operation=v1,operation=classic`."""
    surfaces: dict[str, str] = {}
    for number, (operation, surface) in _pairs(text, "operation=v1 or operation=classic"):
        if surface not in ("v1", "classic"):
            raise ValueError(f"must say v1 or classic in entry {number}")
        if operation in surfaces:
            raise ValueError(f"names the operation of entry {number} twice")
        surfaces[operation] = surface
    return surfaces


def flag(text: str) -> bool:
    """Return whether something is switched on."""
    if text.lower() not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text.lower()]


def stored_objects(text: str) -> bool:
    """Return whether the objects that Azure keeps may be used."""
    if text not in ("shared", "off"):
        raise ValueError("must be shared or off")
    return text == "shared"


def filter_results(text: str) -> bool:
    """Return whether the results of Azure's content filter stay in the answers."""
    if text not in ("strip", "keep"):
        raise ValueError("must be strip or keep")
    return text == "keep"


def origins(text: str) -> frozenset[str]:
    """Return the origins of web pages, or `*` for all."""
    found = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if found != {"*"} and not all(_ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError("must be * or a list of origins, as https://chat.example.com")
    return found


def client_keys(text: str) -> tuple[ClientKey, ...]:
    """Return the client keys from `name=key,name=key`."""
    keys: dict[str, ClientKey] = {}
    for number, (name, key) in _pairs(text, "name=key"):
        if not _SECRET_NAME.fullmatch(name) or not _VISIBLE.fullmatch(key):
            raise ValueError(f"must have a name of letters, digits and '-' and a key without spaces in entry {number}")
        if name in keys or any(Secret(key) == known.key for known in keys.values()):
            raise ValueError(f"uses the name or the key of entry {number} twice")
        keys[name] = ClientKey(client=Client(name=name), key=Secret(key))
    return tuple(keys.values())


def _pairs(text: str, shape: str) -> Iterator[tuple[int, tuple[str, str]]]:
    for number, entry in enumerate((part for part in text.split(",") if part.strip()), start=1):
        left, equals, right = entry.partition("=")
        if not (equals and left.strip() and right.strip()):
            raise ValueError(f"must be a list of {shape}, separated by commas: entry {number} is not")
        yield number, (left.strip(), right.strip())


def _match(pattern: re.Pattern[str], text: str, expected: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(expected)
    return text
