"""Frozen values that pass between the layers."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

# What Azure allows in the name of a deployment; nothing else may become a part of a URL.
DEPLOYMENT_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")

# Messages of the ASGI server, both ways. https://asgi.readthedocs.io/en/latest/specs/www.html
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Secret:
    """A text that no repr, log line or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One holder of a client key.

    `not_before` and `expires` are seconds since 1970 UTC; None is no limit. The key itself is not here.
    """

    name: str
    not_before: float | None = None
    expires: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A client together with the key that proves it."""

    client: Client
    key: Secret


class AuthMode(Enum):
    """Where the credential for Azure OpenAI comes from."""

    KEY_VAULT = "key-vault"
    MANAGED_IDENTITY = "managed-identity"
    KEY = "key"


class ClientAuth(Enum):
    """What a client proves itself with: a client key, or a key of Azure OpenAI that it brings."""

    KEYS = "keys"
    AZURE_KEY = "azure-key"
    RESOURCE_KEY = "resource-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassthroughKey:
    """A key of Azure OpenAI that the client brought.

    `endpoint` is None for the resource of the settings; `models` maps a model to a deployment of it, `default` is the
    deployment for every other model; `api_version` is None for that of the settings.
    """

    key: Secret
    endpoint: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployment as Azure Resource Manager lists it; `capabilities` are the names of those it has."""

    name: str
    model: str
    version: str | None = None
    sku: str | None = None
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model as the list of models shows it; `capabilities` are Azure's names, empty when nobody knows them."""

    name: str
    owned_by: str
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt; `estimated` when Azure did not count them."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRecord:
    """One sending to Azure OpenAI, for telemetry and accounts: nothing of the bodies is in it.

    `resource` is its number in the settings; `status` is Azure's, None without an answer; `started` is in seconds since
    1970 UTC, `first_byte` and `duration` in seconds from then; `sent` and `received` are the bytes of the bodies.
    """

    client: str | None
    operation: str
    model: str | None
    resource: int
    deployment: str | None
    attempt: int
    status: int | None
    outcome: str
    started: float
    first_byte: float | None
    duration: float
    sent: int
    received: int
    usage: Usage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A parameter that a deployment refuses: it is left out, or goes by another name.

    `value` is the refused value as JSON, None when every value is.
    """

    parameter: str
    renamed_to: str | None = None
    value: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request of a client.

    `path` is decoded once, except for `%2F`, which stays as it is; `query` is the raw query without `?`;
    `headers` have lower-case names; `receive` gives the messages of its body, once.
    """

    id: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    receive: Receive


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP answer to a client: a whole body, or one that leaves as it comes and is closed by whoever sends it.

    `keep_alive` is for streams of events: the seconds of silence after which the client gets a comment.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncGenerator[bytes, None]
    keep_alive: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One HTTP request to Azure OpenAI, without the credential.

    `url` is encoded already: not one character of it is changed on the way. A body that comes piece by piece can be
    sent only once, and so must be what is not `repeatable`.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes]
    repeatable: bool = True
