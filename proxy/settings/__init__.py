"""Every setting: read once from the environment, checked, and named when it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from proxy.messages import AuthMode, ClientKey, Secret
from proxy.settings import parse
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
    `idle` is the silence within an answer; `total` bounds a whole request, upload and stream included.
    """

    connect: float
    first_byte: float
    idle: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The proxy's settings. The README describes the variable behind each.

    `endpoint` is scheme, host and port without a path; `models` maps a client's model name to a deployment;
    `max_json_body` is in bytes; `managed` tells that Azure provides a managed identity here; `operation_surfaces` maps
    the name of an operation to `v1` or `classic`.
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

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], host_json: bytes = b"{}") -> Self:
        """Read all settings; `host_json` is the content of the file beside function_app.py.

        Raises `SettingError`, which names the variable and what is expected, never the value.
        """
        read = Reader(environ)
        return cls(
            endpoint=read.required("AZURE_OPENAI_ENDPOINT", parse.endpoint),
            api_version=read("AZURE_OPENAI_API_VERSION", parse.api_version, DATED_API_VERSION),
            models=read("AZURE_OPENAI_MODEL_MAPPER", parse.model_mapper, {}),
            default_deployment=read.optional("AZURE_OPENAI_DEFAULT_DEPLOYMENT", parse.deployment),
            auth=_auth(read),
            key_vault_url=read.optional("KEY_VAULT_URL", parse.key_vault_url),
            key_secret=read("AZURE_OPENAI_KEY_SECRET", parse.secret_name, "azure-openai-key"),
            api_key=read.optional("AZURE_OPENAI_API_KEY", parse.secret),
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
        )


def _auth(read: Reader) -> AuthMode:
    vault, key = read.has("KEY_VAULT_URL"), read.has("AZURE_OPENAI_API_KEY")
    default = AuthMode.KEY_VAULT if vault else AuthMode.KEY if key else AuthMode.MANAGED_IDENTITY
    mode = read("AZURE_OPENAI_AUTH", parse.auth_mode, default)
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
    )
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
