"""Several resources of Azure OpenAI, and OpenAI itself, written as JSON: docs/resources.md describes each member."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import partial
from urllib.parse import urlsplit

from proxy.settings import endpoints, json_text, parse
from proxy.settings.fallbacks import is_model
from proxy.settings.json_entry import JsonEntry
from proxy.values import AuthMode, Secret

# The last dated version that Azure has made; what `v1` does not serve goes there.
DATED_API_VERSION = "2025-04-01-preview"
KEY_SECRET = "azure-openai-key"  # noqa: S105  a secret's name
ReadFile = Callable[[str], bytes]

MAX_RESOURCES = 32
MAX_PRIORITY = 1000
MAX_WEIGHT = 1_000_000.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OPENAI_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")  # `:` stands in the names of fine-tuned models


class ResourceKind(Enum):
    """Whose API a resource has."""

    AZURE = "azure"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where requests may go. Among equal `priority`, 0 first, `weight` says how large a resource's share is.

    `endpoint` is scheme, host and port without a path; `models` maps a client's model name to a deployment, of OpenAI
    to a model; `api_version` is `v1` for OpenAI; `resource_id` is the resource's in Azure Resource Manager.
    """

    name: str
    endpoint: str
    kind: ResourceKind = ResourceKind.AZURE
    auth: AuthMode = AuthMode.MANAGED_IDENTITY
    key_secret: str = KEY_SECRET
    api_key: Secret | None = None
    api_version: str = DATED_API_VERSION
    priority: int = 0
    weight: float = 1.0
    models: Mapping[str, str] = field(default_factory=dict)
    default_deployment: str | None = None
    resource_id: str | None = None


_MEMBERS = tuple(one.name for one in fields(Resource))


def parse_resources(
    text: str,
    *,
    vault: bool,
    read_file: ReadFile,
    api_version: str = DATED_API_VERSION,
    key_secret: str = KEY_SECRET,
) -> tuple[Resource, ...]:
    """Return the resources from JSON, or from the JSON file at a path, which `read_file` reads or raises OSError.

    `vault` tells that there is a Key Vault; `api_version` and `key_secret` are for entries without their own.
    Raises ValueError, which names entry and member and never a value.
    """
    entries = json_text.decode(text if text.startswith(("[", "{")) else _content(text, read_file))
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_RESOURCES:
        raise ValueError(f"must be a list of 1 to {MAX_RESOURCES} resources")
    read = [JsonEntry(number, entry, _MEMBERS) for number, entry in enumerate(entries, start=1)]
    resources = tuple(_resource(entry, vault=vault, api_version=api_version, key_secret=key_secret) for entry in read)
    for number, (entry, resource) in enumerate(zip(read, resources, strict=True)):
        if resource.name.lower() in {other.name.lower() for other in resources[:number]}:
            raise entry.wrong("name", "is that of another entry; it is the first part of the endpoint when not given")
    return resources


def _content(path: str, read_file: ReadFile) -> bytes:
    try:
        return read_file(path)
    except (OSError, ValueError):
        raise ValueError("must be a JSON list, or the path of a file with one that can be read") from None


def _resource(read: JsonEntry, *, vault: bool, api_version: str, key_secret: str) -> Resource:
    kind = read.text("kind", _kind, ResourceKind.AZURE)
    azure = kind is ResourceKind.AZURE
    deployment = parse.deployment if azure else _openai_model
    endpoint = _endpoint(read, kind)
    return Resource(
        name=_name(read, endpoint),
        endpoint=endpoint,
        kind=kind,
        auth=_auth(read, kind, vault=vault),
        key_secret=read.text("key_secret", parse.secret_name, key_secret),
        api_key=read.text("api_key", parse.secret, None),
        api_version=read.text("api_version", parse.api_version, api_version if azure else "v1"),
        priority=read("priority", _priority, 0),
        weight=read("weight", partial(json_text.number, largest=MAX_WEIGHT), 1.0),
        models=read("models", partial(_models, deployment=deployment), {}),
        default_deployment=read.text("default_deployment", deployment, None),
        resource_id=read.text("resource_id", endpoints.resource_id, None),
    )


def _endpoint(read: JsonEntry, kind: ResourceKind) -> str:
    parse_endpoint = parse.endpoint if kind is ResourceKind.AZURE else endpoints.openai
    endpoint = read.text("endpoint", parse_endpoint, None)
    if endpoint is None:
        raise read.wrong("endpoint", "is missing")
    return endpoint


def name_in(endpoint: str) -> str | None:
    """Return the first part of an endpoint's host, None when it cannot be a resource's name."""
    name = (urlsplit(endpoint).hostname or "").partition(".")[0]
    return name if _NAME.fullmatch(name) else None


def _name(read: JsonEntry, endpoint: str) -> str:
    name = read.text("name", _plain_name, None) or name_in(endpoint)
    if name is None:
        raise read.wrong("name", "is missing, and the endpoint has none")
    return name


def _auth(read: JsonEntry, kind: ResourceKind, *, vault: bool) -> AuthMode:
    """Return where the resource's credential comes from, once nothing in the entry contradicts it."""
    openai, api_key, key_secret = kind is ResourceKind.OPENAI, read.has("api_key"), read.has("key_secret")
    without_vault = AuthMode.KEY if api_key or openai else AuthMode.MANAGED_IDENTITY
    mode = read.text("auth", parse.auth_mode, AuthMode.KEY_VAULT if vault else without_vault)
    contradictions = (
        ("api_key", api_key and vault, "is for local use: with KEY_VAULT_URL, put the key into the vault"),
        ("api_key", api_key and mode is not AuthMode.KEY, "goes only with auth key"),
        (
            "key_secret",
            key_secret and mode is not AuthMode.KEY_VAULT,
            "goes only with auth key-vault and KEY_VAULT_URL",
        ),
        ("api_key", mode is AuthMode.KEY and not api_key, "is missing"),
        ("auth", mode is AuthMode.KEY_VAULT and not vault, "is key-vault, but KEY_VAULT_URL is not set"),
        ("auth", openai and mode is AuthMode.MANAGED_IDENTITY, "must be key-vault or key for kind openai"),
        *((name, openai and read.has(name), "goes only with kind azure") for name in ("api_version", "resource_id")),
    )
    for name, is_so, problem in contradictions:
        if is_so:
            raise read.wrong(name, problem)
    return mode


def _kind(text: str) -> ResourceKind:
    try:
        return ResourceKind(text)
    except ValueError:
        raise ValueError("must be azure or openai") from None


def _plain_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("must be at most 64 letters, digits, '.', '_' and '-', a letter or digit first")
    return text


def _openai_model(text: str) -> str:
    if not _OPENAI_MODEL.fullmatch(text):
        raise ValueError("must be a model's name")
    return text


def _priority(value: object) -> int:
    number = json_text.number(value, MAX_PRIORITY)
    if not number.is_integer():
        raise ValueError("must be a whole number")
    return int(number)


def _models(value: object, deployment: Callable[[str], str]) -> Mapping[str, str]:
    models = json_text.members(value)
    if not all(map(is_model, models)):
        raise ValueError("must have nothing but names of models on the left")
    return {model: deployment(json_text.text(name)) for model, name in models.items()}
