"""Every setting: read once from the environment, checked, and named when it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from proxy.messages import AuthMode, ClientAuth, ClientKey, Secret
from proxy.settings import parse
from proxy.settings.proxies import Proxies, read_proxies
from proxy.settings.reader import Reader, SettingError

# The platform cuts a response that has sent nothing for 230 s, and kills the whole worker when a function passes
# functionTimeout before it returned: our own limits end first.
# https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
PLATFORM_SILENCE = 230.0
FUNCTION_TIMEOUT_MARGIN = 10.0
FIRST_BYTE_TIMEOUT = 215.0
UNBOUNDED_TOTAL_TIMEOUT = 3600.0

# The last dated version that Azure has made; what `v1` does not serve goes there.
DATED_API_VERSION = "2025-04-01-preview"
MANAGED_IDENTITY_MARKS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long Azure OpenAI may take, in seconds.

    `first_byte` is the wait for the headers of an answer, for an answer that is not streamed the wait for all of it;
    `idle` is the silence within an answer; `total` bounds a whole request, upload and stream included. A stream that
    has said nothing for `head` seconds gets its head all the same, and after each `keep_alive` seconds of silence a
    comment.
    """

    connect: float
    first_byte: float
    idle: float
    total: float
    head: float = 30.0
    keep_alive: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The proxy's settings. The README describes the variable behind each.

    `endpoint` is scheme, host and port without a path, empty where clients name the resource; `models` maps a client's
    model name to a deployment; `max_json_body` is in bytes; `managed` tells that Azure provides a managed identity
    here; `operation_surfaces` maps the name of an operation to `v1` or `classic`; `client_resources` are the hosts that
    clients may name, or `*` alone; `repairs` lets a parameter go that a deployment refuses; `keeps_filters` leaves the
    results of Azure's content filter in the answers.
    """

    endpoint: str
    api_version: str
    models: Mapping[str, str]
    default_deployment: str | None
    auth: AuthMode
    key_vault_url: str | None
    key_secret: str
    api_key: Secret | None
    client_id: str | None
    token_scope: str
    managed: bool
    timeouts: Timeouts
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
    def from_environ(cls, environ: Mapping[str, str], host_json: bytes = b"{}") -> Self:
        """Read all settings; `host_json` is the content of the file beside function_app.py.

        Raises `SettingError`, which names the variable and what is expected, never the value.
        """
        read = Reader(environ)
        client_auth = _client_auth(read)
        return cls(
            endpoint=_endpoint(read, client_auth),
            api_version=read("AZURE_OPENAI_API_VERSION", parse.api_version, DATED_API_VERSION),
            models=read("AZURE_OPENAI_MODEL_MAPPER", parse.model_mapper, {}),
            default_deployment=read.optional("AZURE_OPENAI_DEFAULT_DEPLOYMENT", parse.deployment),
            auth=_auth(read, client_auth),
            key_vault_url=read.optional("KEY_VAULT_URL", parse.key_vault_url),
            key_secret=read("AZURE_OPENAI_KEY_SECRET", parse.secret_name, "azure-openai-key"),
            api_key=_api_key(read, client_auth),
            client_id=read.optional("AZURE_CLIENT_ID", parse.client_id),
            token_scope=read(
                "AZURE_OPENAI_TOKEN_SCOPE", parse.token_scope, "https://cognitiveservices.azure.com/.default"
            ),
            managed=any(environ.get(name) for name in MANAGED_IDENTITY_MARKS),
            timeouts=_timeouts(read, parse.function_timeout(environ, host_json)),
            connections=read("UPSTREAM_CONNECTIONS", parse.count, 256),
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


def _endpoint(read: Reader, client_auth: ClientAuth) -> str:
    if client_auth is ClientAuth.RESOURCE_KEY:
        return read("AZURE_OPENAI_ENDPOINT", parse.endpoint, "")
    return read.required("AZURE_OPENAI_ENDPOINT", parse.endpoint)


def _api_key(read: Reader, client_auth: ClientAuth) -> Secret | None:
    key = read.optional("AZURE_OPENAI_API_KEY", parse.secret)
    # Where clients bring keys and choose hosts, ours must not be at hand at all.
    return key if client_auth is ClientAuth.KEYS else None


def _auth(read: Reader, client_auth: ClientAuth) -> AuthMode:
    vault, key = read.has("KEY_VAULT_URL"), read.has("AZURE_OPENAI_API_KEY")
    default = AuthMode.KEY_VAULT if vault else AuthMode.KEY if key else AuthMode.MANAGED_IDENTITY
    mode = read("AZURE_OPENAI_AUTH", parse.auth_mode, default)
    if client_auth is not ClientAuth.KEYS:
        return mode  # which nothing asks: the clients bring the credential
    if mode is AuthMode.KEY_VAULT and not vault:
        raise SettingError("KEY_VAULT_URL", "is not set, but AZURE_OPENAI_AUTH is key-vault")
    if mode is AuthMode.KEY and not key:
        raise SettingError("AZURE_OPENAI_API_KEY", "is not set, but AZURE_OPENAI_AUTH is key")
    return mode


def _timeouts(read: Reader, function_timeout: float | None) -> Timeouts:
    bounded = function_timeout is not None
    wall = function_timeout - FUNCTION_TIMEOUT_MARGIN if function_timeout is not None else UNBOUNDED_TOTAL_TIMEOUT
    if wall <= 0:
        raise SettingError("functionTimeout", "in host.json must be longer than 10 seconds")
    first_byte_wall = min(PLATFORM_SILENCE, wall)
    timeouts = Timeouts(
        connect=read("UPSTREAM_CONNECT_TIMEOUT", parse.seconds, 3.0),
        first_byte=read("UPSTREAM_FIRST_BYTE_TIMEOUT", parse.seconds, min(FIRST_BYTE_TIMEOUT, wall)),
        idle=read("UPSTREAM_IDLE_TIMEOUT", parse.seconds, 180.0),
        total=read("UPSTREAM_TOTAL_TIMEOUT", parse.seconds, wall),
        head=read("STREAM_HEAD_TIMEOUT", parse.seconds, min(30.0, first_byte_wall)),
        keep_alive=read("STREAM_KEEP_ALIVE_INTERVAL", parse.seconds, 15.0),
    )
    _check_silence(timeouts, first_byte_wall)
    if timeouts.idle > PLATFORM_SILENCE:
        raise SettingError(
            "UPSTREAM_IDLE_TIMEOUT",
            f"must not be above {PLATFORM_SILENCE:g} seconds: the platform ends a silent answer then",
        )
    if timeouts.first_byte > first_byte_wall:
        raise SettingError(
            "UPSTREAM_FIRST_BYTE_TIMEOUT",
            f"must not be above {first_byte_wall:g} seconds: the platform ends a silent request then",
        )
    if bounded and timeouts.total > wall:
        raise SettingError(
            "UPSTREAM_TOTAL_TIMEOUT", f"must not be above {wall:g} seconds: functionTimeout less a margin of 10 seconds"
        )
    return timeouts


def _check_silence(timeouts: Timeouts, wall: float) -> None:
    """Raise `SettingError` when the platform would end a stream before we break its silence."""
    for name, value in (("STREAM_HEAD_TIMEOUT", timeouts.head), ("STREAM_KEEP_ALIVE_INTERVAL", timeouts.keep_alive)):
        if value > wall:
            raise SettingError(name, f"must not be above {wall:g} seconds: the platform ends a silent stream then")
