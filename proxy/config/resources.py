"""Azure OpenAI resources, and other servers of OpenAI's API: what is known of each, and the list of several as JSON.

docs/resources.md describes each member of the list.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from proxy.config.address_rules import AddressRules
from proxy.config.addresses import parse_endpoint, parse_openai_endpoint, parse_resource_id
from proxy.config.deployment_models import json_deployment_models
from proxy.config.environment import (
    decode_json,
    is_model_name,
    json_default_deployments,
    json_deployment_apis,
    json_number,
    json_object,
    json_text,
    matching,
    one_of,
    parse_api_version,
    parse_deployment,
    parse_secret,
    parse_secret_name,
    printable_member,
)
from proxy.values import Api, AuthMode, Deployed, ModelKind, Secret

T = TypeVar("T")
ReadFile = Callable[[str], bytes]

# The last dated version that Azure has made; what `v1` does not serve goes there.
DATED_API_VERSION = "2025-04-01-preview"
KEY_SECRET = "azure-openai-key"  # noqa: S105  a secret's name
MAX_RESOURCES = 32
MAX_PRIORITY = 1000
MAX_WEIGHT = 1_000_000.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ResourceKind(Enum):
    """Whose API a resource has: Azure's, or OpenAI's and that of servers like it."""

    AZURE = "azure"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where requests may go. Among equal `priority`, 0 first, `weight` says how large a resource's share is.

    `endpoint` is scheme, host and port, for OpenAI with the path before that of an operation; `models` maps a client's
    model name to a deployment, of OpenAI to a model; `default_deployments` are for models that are not listed;
    `deployment_apis` has the only API to call of single deployments, `deployment_models` what they are; `api_version`
    is `v1` for OpenAI; `resource_id` is the resource's in Azure Resource Manager.
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
    default_deployments: Mapping[ModelKind, str] = field(default_factory=dict)
    deployment_apis: Mapping[str, Api] = field(default_factory=dict)
    deployment_models: Mapping[str, Deployed] = field(default_factory=dict)
    resource_id: str | None = None


_PUBLIC = AddressRules()
_MEMBERS = tuple(one.name for one in fields(Resource))
_parse_name = matching(_NAME, "must be at most 64 letters, digits, '.', '_' and '-', a letter or digit first")
_parse_auth = one_of({mode.value: mode for mode in AuthMode})
_parse_kind = one_of({kind.value: kind for kind in ResourceKind})
# `:` occurs in the names of fine-tuned models, and Ollama's; `/`, `@` and `+` in those of others, which may be a path.
_parse_openai_model = matching(r"[A-Za-z0-9/][A-Za-z0-9._:/@+-]{0,255}", "must be a model's name")


# Not a msgspec.Struct: its messages quote an unknown member's name and a wrong choice, either of which may be a key in
# the wrong place, and of two equal names it takes the last without a word.
class JsonEntry:
    """One object of a list, read member by member.

    Every failure is a ValueError that names the entry and the member, never a value.
    """

    def __init__(self, number: int, entry: object, known: Collection[str]) -> None:
        self._number = number
        try:
            self._members = json_object(entry)
        except ValueError as error:
            raise ValueError(f"is wrong in entry {number}: it {error}") from None
        for name in self._members:
            if name not in known:
                raise self.error(printable_member(name), "is not known")

    def has(self, name: str) -> bool:
        """Tell whether the member is there."""
        return name in self._members

    def read(self, name: str, parse: Callable[[object], T], default: T) -> T:
        """Return a member's value, or the default when it is not there.

        `parse` raises ValueError with what is expected.
        """
        if name not in self._members:
            return default
        try:
            return parse(self._members[name])
        except ValueError as error:
            raise self.error(name, str(error)) from None

    def read_text(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Return the value of a member that must be a text."""
        return self.read(name, lambda value: parse(json_text(value)), default)

    def error(self, name: str, problem: str) -> ValueError:
        """Return what to raise about a member."""
        return ValueError(f"is wrong in entry {self._number}: {name} {problem}")


def read_no_file(path: str) -> bytes:
    """Refuse to read any file."""
    raise FileNotFoundError(path)


def resource_name(endpoint: str) -> str | None:
    """Return the first part of an endpoint's host, None when it cannot be a resource's name."""
    name = (urlsplit(endpoint).hostname or "").partition(".")[0]
    return name if _NAME.fullmatch(name) else None


def is_at_openai(endpoint: str) -> bool:
    """Tell whether an API is OpenAI's own, which needs a key and lists more models than anyone wants to see."""
    host = urlsplit(endpoint).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")


def parse_resources(
    text: str,
    *,
    vault: bool,
    read_file: ReadFile,
    api_version: str = DATED_API_VERSION,
    key_secret: str = KEY_SECRET,
    rules: AddressRules = _PUBLIC,
) -> tuple[Resource, ...]:
    """Return the resources from JSON, or from the JSON file at a path, which `read_file` reads or raises OSError.

    `vault` tells that there is a Key Vault; `api_version` and `key_secret` are for entries without their own; `rules`
    are for the addresses of kind `openai`.
    Raises ValueError, which names entry and member and never a value.
    """
    found = decode_json(text if text.startswith(("[", "{")) else _content(text, read_file))
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_RESOURCES:
        raise ValueError(f"must be a list of 1 to {MAX_RESOURCES} resources")
    entries = [JsonEntry(number, entry, _MEMBERS) for number, entry in enumerate(found, start=1)]
    resources = tuple(_resource(entry, vault, api_version, key_secret, rules) for entry in entries)
    for number, (entry, resource) in enumerate(zip(entries, resources, strict=True)):
        if resource.name.lower() in {other.name.lower() for other in resources[:number]}:
            raise entry.error("name", "is that of another entry; it is the first part of the endpoint when not given")
    return resources


def _content(path: str, read_file: ReadFile) -> bytes:
    try:
        return read_file(path)
    except (OSError, ValueError):
        raise ValueError("must be a JSON list, or the path of a file with one that can be read") from None


def _resource(entry: JsonEntry, vault: bool, api_version: str, key_secret: str, rules: AddressRules) -> Resource:
    kind = entry.read_text("kind", _parse_kind, ResourceKind.AZURE)
    is_azure = kind is ResourceKind.AZURE
    deployment = parse_deployment if is_azure else _parse_openai_model
    endpoint = _endpoint(entry, kind, rules)
    return Resource(
        name=_name(entry, endpoint),
        endpoint=endpoint,
        kind=kind,
        auth=_auth(entry, kind, vault, endpoint),
        key_secret=entry.read_text("key_secret", parse_secret_name, key_secret),
        api_key=entry.read_text("api_key", parse_secret, None),
        api_version=entry.read_text("api_version", parse_api_version, api_version if is_azure else "v1"),
        priority=entry.read("priority", _parse_priority, 0),
        weight=entry.read("weight", partial(json_number, largest=MAX_WEIGHT), 1.0),
        models=entry.read("models", partial(_parse_models, parse_deployment=deployment), {}),
        default_deployment=entry.read_text("default_deployment", deployment, None),
        default_deployments=entry.read("default_deployments", partial(json_default_deployments, parse=deployment), {}),
        deployment_apis=entry.read("deployment_apis", partial(json_deployment_apis, parse=deployment), {}),
        deployment_models=entry.read("deployment_models", partial(json_deployment_models, parse=deployment), {}),
        resource_id=entry.read_text("resource_id", parse_resource_id, None),
    )


def _endpoint(entry: JsonEntry, kind: ResourceKind, rules: AddressRules) -> str:
    parse = parse_endpoint if kind is ResourceKind.AZURE else partial(parse_openai_endpoint, rules=rules)
    endpoint = entry.read_text("endpoint", parse, None)
    if endpoint is None:
        raise entry.error("endpoint", "is missing")
    return endpoint


def _name(entry: JsonEntry, endpoint: str) -> str:
    name = entry.read_text("name", _parse_name, None) or resource_name(endpoint)
    if name is None:
        raise entry.error("name", "is missing, and the endpoint has none")
    return name


def _auth(entry: JsonEntry, kind: ResourceKind, vault: bool, endpoint: str) -> AuthMode:
    """Return where the resource's credential comes from, once nothing in the entry contradicts it."""
    is_openai, api_key, key_secret = kind is ResourceKind.OPENAI, entry.has("api_key"), entry.has("key_secret")
    without_vault = AuthMode.KEY if api_key else AuthMode.NONE if is_openai else AuthMode.MANAGED_IDENTITY
    mode = entry.read_text("auth", _parse_auth, AuthMode.KEY_VAULT if vault else without_vault)
    needs_key = mode is AuthMode.KEY or (mode is AuthMode.NONE and is_at_openai(endpoint))
    contradictions = (
        ("api_key", api_key and vault, "is for local use: with KEY_VAULT_URL, put the key into the vault"),
        ("api_key", api_key and mode is not AuthMode.KEY, "goes only with auth key"),
        (
            "key_secret",
            key_secret and mode is not AuthMode.KEY_VAULT,
            "goes only with auth key-vault and KEY_VAULT_URL",
        ),
        ("auth", not is_openai and mode is AuthMode.NONE, "is none only for kind openai"),
        ("api_key", needs_key and not api_key, "is missing"),
        ("auth", mode is AuthMode.KEY_VAULT and not vault, "is key-vault, but KEY_VAULT_URL is not set"),
        ("auth", is_openai and mode is AuthMode.MANAGED_IDENTITY, "must be key-vault, key or none for kind openai"),
        *(
            (name, is_openai and entry.has(name), "goes only with kind azure")
            for name in ("api_version", "resource_id")
        ),
    )
    for name, is_so, problem in contradictions:
        if is_so:
            raise entry.error(name, problem)
    return mode


def _parse_priority(value: object) -> int:
    number = json_number(value, MAX_PRIORITY)
    if not number.is_integer():
        raise ValueError("must be a whole number")
    return int(number)


def _parse_models(value: object, parse_deployment: Callable[[str], str]) -> Mapping[str, str]:
    models = json_object(value)
    if not all(map(is_model_name, models)):
        raise ValueError("must have nothing but names of models on the left")
    return {model: parse_deployment(json_text(name)) for model, name in models.items()}
