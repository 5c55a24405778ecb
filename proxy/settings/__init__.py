"""Every setting: read once from the environment, checked, and named when it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from proxy.settings import endpoints, parse
from proxy.settings.fallbacks import parse_fallbacks
from proxy.settings.function_timeout import function_timeout
from proxy.settings.proxies import Proxies, read_proxies
from proxy.settings.reader import Reader, SettingError
from proxy.settings.resource_settings import no_file, read_resources
from proxy.settings.resources import DATED_API_VERSION, ReadFile, Resource
from proxy.settings.routing import parse_routing
from proxy.settings.timeouts import Timeouts, read_timeouts
from proxy.values import ClientAuth, ClientKey

__all__ = ["DATED_API_VERSION", "Settings", "Timeouts"]

MANAGED_IDENTITY_MARKS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"  # noqa: S105  no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The proxy's settings. The README describes the variable behind each.

    `resources` is empty where every client names its own; `api_version` is for keys of clients that name none;
    `fallbacks` are the models that may serve in place of a model, `routing` the numbers of failover that differ from
    the defaults; `max_in_flight` is how many requests one instance works on at a time, `connections` how many it opens
    to one resource, never fewer; `shutdown_grace` is how many seconds streams may go on after the process was asked to
    end; `max_json_body` is in bytes; `managed` tells that Azure provides a managed identity here; `operation_surfaces`
    maps the name of an operation to `v1` or `classic`; `client_resources` are the hosts that clients may name, or `*`
    alone; `repairs` lets a parameter go that a deployment refuses; `keeps_filters` leaves the results of Azure's
    content filter in the answers.
    """

    resources: tuple[Resource, ...]
    api_version: str
    fallbacks: Mapping[str, tuple[str, ...]]
    routing: Mapping[str, float | bool]
    resource_manager_url: str
    key_vault_url: str | None
    client_id: str | None
    token_scope: str
    managed: bool
    timeouts: Timeouts
    shutdown_grace: float
    max_in_flight: int
    connections: int
    max_json_body: int
    client_keys: tuple[ClientKey, ...]
    operation_surfaces: Mapping[str, str]
    forwards_unknown: bool
    stores: bool
    allowed_origins: frozenset[str]
    client_auth: ClientAuth
    client_resources: frozenset[str]
    repairs: bool
    keeps_filters: bool
    proxies: Proxies

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], host_json: bytes = b"{}", read_file: ReadFile = no_file) -> Self:
        """Read all settings; `host_json` is the content of the file beside function_app.py.

        `read_file` returns the content of the file at a path that a variable holds, or raises OSError.
        Raises `SettingError`, which names the variable and what is expected, never the value.
        """
        read = Reader(environ)
        client_auth = _client_auth(read)
        api_version = read("AZURE_OPENAI_API_VERSION", parse.api_version, DATED_API_VERSION)
        max_in_flight = read("MAX_IN_FLIGHT", parse.count, 256)
        return cls(
            resources=read_resources(read, client_auth, api_version=api_version, read_file=read_file),
            api_version=api_version,
            fallbacks=read("AZURE_OPENAI_FALLBACKS", parse_fallbacks, {}),
            routing=read("AZURE_OPENAI_ROUTING", parse_routing, {}),
            resource_manager_url=read(
                "AZURE_RESOURCE_MANAGER_URL", endpoints.resource_manager, endpoints.RESOURCE_MANAGER
            ),
            key_vault_url=read.optional("KEY_VAULT_URL", parse.key_vault_url),
            client_id=read.optional("AZURE_CLIENT_ID", parse.client_id),
            token_scope=read("AZURE_OPENAI_TOKEN_SCOPE", parse.token_scope, TOKEN_SCOPE),
            managed=any(environ.get(name) for name in MANAGED_IDENTITY_MARKS),
            timeouts=read_timeouts(read, function_timeout(read, host_json)),
            shutdown_grace=read("SHUTDOWN_GRACE", parse.seconds, 5.0),
            max_in_flight=max_in_flight,
            # A request that is let in shall not wait for a connection.
            connections=max(max_in_flight, read("UPSTREAM_CONNECTIONS", parse.count, 256)),
            max_json_body=read("MAX_JSON_BODY_BYTES", parse.count, 32 * 1024 * 1024),
            client_keys=read("CLIENT_KEYS", parse.client_keys, ()),
            operation_surfaces=read("AZURE_OPENAI_OPERATION_SURFACES", parse.operation_surfaces, {}),
            forwards_unknown=read("FORWARD_UNKNOWN_OPERATIONS", parse.flag, default=False),
            stores=read("STORED_OBJECTS", parse.stored_objects, default=True),
            allowed_origins=read("ALLOWED_ORIGINS", parse.origins, frozenset("*")),
            client_auth=client_auth,
            client_resources=read("CLIENT_RESOURCES", parse.client_resources, frozenset()),
            repairs=read("REPAIR_PARAMETERS", parse.flag, default=True),
            keeps_filters=read("CONTENT_FILTER_RESULTS", parse.filter_results, default=False),
            proxies=read_proxies(read),
        )


def _client_auth(read: Reader) -> ClientAuth:
    mode = read("CLIENT_AUTH", parse.client_auth, ClientAuth.KEYS)
    if mode is not ClientAuth.KEYS and read.has("CLIENT_KEYS"):
        raise SettingError(
            "CLIENT_KEYS", f"must not be set while CLIENT_AUTH is {mode.value}: no client key opens then"
        )
    if mode is ClientAuth.RESOURCE_KEY and not read.has("CLIENT_RESOURCES"):
        raise SettingError(
            "CLIENT_RESOURCES", "is not set, but CLIENT_AUTH is resource-key: list the resources, or say *"
        )
    return mode
