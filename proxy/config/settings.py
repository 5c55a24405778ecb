"""The settings as one frozen object, read once from the environment and checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from proxy.config import table
from proxy.config.address_rules import AddressRules
from proxy.config.addresses import port_of, split_url
from proxy.config.client_keys import with_limits
from proxy.config.client_limits import LimitRules
from proxy.config.entra import EntraAccess, EntraSettings, access_of
from proxy.config.environment import Environment, SettingError
from proxy.config.http_proxy import HttpProxies, read_http_proxies
from proxy.config.object_owners import StoredObjectSettings, read_stored_objects
from proxy.config.policy import Policy
from proxy.config.price_table import PriceTable, parse_own_prices
from proxy.config.resources import ReadFile, Resource, ResourceKind, parse_resources, read_no_file, resource_name
from proxy.config.telemetry import TelemetrySettings, read_telemetry
from proxy.config.timeouts import Timeouts, read_function_timeout, read_timeouts
from proxy.values import NO_LIMITS, PASSTHROUGH, TOKENS, AuthMode, Budget, ClientAuth, ClientKey, KeepAlive

Environ = Mapping[str, str]
# Azure sets one of these where there is a managed identity.
MANAGED_IDENTITY_VARIABLES = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
# What describes a single resource. AZURE_OPENAI_API_VERSION and AZURE_OPENAI_KEY_SECRET are defaults for all.
SINGLE_RESOURCE = (
    table.AZURE_OPENAI_ENDPOINT,
    table.AZURE_OPENAI_MODEL_MAPPER,
    table.AZURE_OPENAI_DEFAULT_DEPLOYMENT,
    table.AZURE_OPENAI_DEFAULT_DEPLOYMENTS,
    table.AZURE_OPENAI_DEPLOYMENT_APIS,
    table.AZURE_OPENAI_DEPLOYMENT_MODELS,
    table.AZURE_OPENAI_AUTH,
    table.AZURE_OPENAI_API_KEY,
    table.AZURE_OPENAI_RESOURCE_ID,
)
TIMEOUTS = {
    "connect": table.UPSTREAM_CONNECT_TIMEOUT,
    "pool": table.UPSTREAM_POOL_TIMEOUT,
    "first_byte": table.UPSTREAM_FIRST_BYTE_TIMEOUT,
    "idle": table.UPSTREAM_IDLE_TIMEOUT,
    "reasoning_idle": table.UPSTREAM_REASONING_IDLE_TIMEOUT,
    "total": table.UPSTREAM_TOTAL_TIMEOUT,
    "head": table.STREAM_HEAD_TIMEOUT,
    "keep_alive": table.STREAM_KEEP_ALIVE_INTERVAL,
}
HTTP_PROXIES = {"https": table.HTTPS_PROXY, "http": table.HTTP_PROXY}
_UNNAMED_RESOURCE = "azure-openai"  # for an endpoint whose host is a numeric address


@dataclass(frozen=True, slots=True)
class VaultClientKeySettings:
    """What holds for the client keys of a vault: the rules of their limits, and their greatest age in seconds."""

    rules: LimitRules
    max_age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Whether calls are translated between the two APIs for conversations, and what becomes of the model's reasoning.

    `memory` is what is kept of it, in bytes; `with_details` gives it to clients, to be sent back.
    """

    is_on: bool
    memory: int
    with_details: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLimits:
    """What one instance takes at a time; None stands for a share of its memory."""

    max_in_flight: int
    upstream_connections: int
    max_json_body_bytes: int
    max_body_memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSettings:
    """Where usage is kept, for how many days, own prices before those of the project, and the budget of all clients."""

    store: str
    retention: int
    own_prices: PriceTable | None
    budget: Budget | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values of all settings; `proxy.config.table` describes the variable behind each.

    `resources` is empty where every client names its own; `api_version` is for clients' keys that name none;
    `fallbacks` are the models that may serve in place of a model; `operation_surfaces` maps the name of an operation to
    `v1` or `classic`; `client_resources` are the hosts that clients may name, or `*` alone; `entra` is None where no
    token is accepted, `telemetry` where it is off.
    """

    resources: tuple[Resource, ...]
    api_version: str
    fallbacks: Mapping[str, tuple[str, ...]]
    policy: Policy
    resource_manager_url: str
    key_vault_url: str | None
    azure_client_id: str | None
    token_scope: str
    has_managed_identity: bool
    timeouts: Timeouts
    stream_keep_alive: KeepAlive | None
    shutdown_grace: float
    instance: InstanceLimits
    client_keys: tuple[ClientKey, ...]
    admin_keys: tuple[ClientKey, ...]
    template_version: str | None
    vault_client_keys: VaultClientKeySettings
    limits_store: str
    usage: UsageSettings
    operation_surfaces: Mapping[str, str]
    forward_unknown_operations: bool
    stored_objects: StoredObjectSettings
    front_page: bool
    allowed_origins: frozenset[str]
    client_auth: ClientAuth
    entra: EntraSettings | None
    client_resources: frozenset[str]
    repair_parameters: bool
    translation: Translation
    keep_content_filter_results: bool
    telemetry: TelemetrySettings | None
    http_proxies: HttpProxies
    address_rules: AddressRules

    @classmethod
    def from_environ(cls, environ: Environ, host_json: bytes = b"{}", read_file: ReadFile = read_no_file) -> Self:
        """Read all settings; `read_file` returns a file or raises OSError. Raises `SettingError`, without any value."""
        environment, rules = Environment(environ), _read_address_rules(environ)
        client_auth, limit_rules = _read_client_auth(environment), _read_limit_rules(environment)
        return cls(
            resources=_read_resources(environment, client_auth, read_file, rules),
            api_version=environment.read(table.AZURE_OPENAI_API_VERSION),
            fallbacks=environment.read_optional(table.AZURE_OPENAI_FALLBACKS) or {},
            policy=environment.read_optional(table.AZURE_OPENAI_ROUTING) or Policy(),
            resource_manager_url=environment.read(table.AZURE_RESOURCE_MANAGER_URL),
            key_vault_url=environment.read_optional(table.KEY_VAULT_URL),
            azure_client_id=environment.read_optional(table.AZURE_CLIENT_ID),
            token_scope=environment.read(table.AZURE_OPENAI_TOKEN_SCOPE),
            has_managed_identity=any(environ.get(name) for name in MANAGED_IDENTITY_VARIABLES),
            timeouts=read_timeouts(environment, TIMEOUTS, read_function_timeout(environment, host_json)),
            stream_keep_alive=environment.read_optional(table.STREAM_KEEP_ALIVE),
            shutdown_grace=environment.read(table.SHUTDOWN_GRACE),
            instance=_read_instance_limits(environment),
            client_keys=_read_client_keys(environment, limit_rules),
            admin_keys=_read_admin_keys(environment),
            template_version=environment.read_optional(table.TEMPLATE_VERSION),
            vault_client_keys=VaultClientKeySettings(limit_rules, environment.read(table.CLIENT_KEYS_MAX_AGE)),
            limits_store=environment.read(table.LIMITS_STORE),
            usage=_read_usage(environment, read_file),
            operation_surfaces=environment.read(table.AZURE_OPENAI_OPERATION_SURFACES),
            forward_unknown_operations=environment.read(table.FORWARD_UNKNOWN_OPERATIONS),
            stored_objects=read_stored_objects(environment, client_auth),
            front_page=environment.read(table.FRONT_PAGE),
            allowed_origins=environment.read(table.ALLOWED_ORIGINS),
            client_auth=client_auth,
            entra=_read_entra(environment, client_auth, limit_rules),
            client_resources=environment.read_optional(table.CLIENT_RESOURCES) or frozenset(),
            repair_parameters=environment.read(table.REPAIR_PARAMETERS),
            translation=_read_translation(environment),
            keep_content_filter_results=environment.read(table.CONTENT_FILTER_RESULTS),
            telemetry=read_telemetry(environment, table.TELEMETRY, environ, host_json),
            http_proxies=read_http_proxies(environment, HTTP_PROXIES, table.ALL_PROXY, table.NO_PROXY),
            address_rules=rules,
        )


def _read_instance_limits(environment: Environment) -> InstanceLimits:
    """Return the limits of an instance; a request that was admitted must not wait for a connection."""
    max_in_flight = environment.read(table.MAX_IN_FLIGHT)
    return InstanceLimits(
        max_in_flight=max_in_flight,
        upstream_connections=max(max_in_flight, environment.read(table.UPSTREAM_CONNECTIONS)),
        max_json_body_bytes=environment.read(table.MAX_JSON_BODY_BYTES),
        max_body_memory_bytes=environment.read_optional(table.MAX_BODY_MEMORY_BYTES),
    )


def _read_limit_rules(environment: Environment) -> LimitRules:
    sets = environment.read(table.CLIENT_KEY_MODEL_SETS)
    try:
        defaults = LimitRules(model_sets=sets).read(environment.read(table.CLIENT_KEY_DEFAULTS))
    except ValueError as error:
        raise SettingError(table.CLIENT_KEY_DEFAULTS.name, str(error)) from None
    return LimitRules(defaults=defaults or NO_LIMITS, model_sets=sets)


def _read_client_keys(environment: Environment, rules: LimitRules) -> tuple[ClientKey, ...]:
    try:
        return with_limits(environment.read(table.CLIENT_KEYS), rules)
    except ValueError as error:
        raise SettingError(table.CLIENT_KEYS.name, str(error)) from None


def _read_admin_keys(environment: Environment) -> tuple[ClientKey, ...]:
    """Return the keys of operators; none of them may be a client's, because they call no model."""
    admins = environment.read(table.ADMIN_KEYS)
    clients = {one.key.digest for one in environment.read(table.CLIENT_KEYS)}
    if any(one.key.digest in clients for one in admins):
        raise SettingError(table.ADMIN_KEYS.name, "must have no key that is in CLIENT_KEYS too")
    return tuple(replace(one.key, is_admin=True) for one in admins)


def _read_usage(environment: Environment, read_file: ReadFile) -> UsageSettings:
    return UsageSettings(
        store=environment.read(table.USAGE_STORE),
        retention=environment.read(table.USAGE_RETENTION_DAYS),
        own_prices=_read_own_prices(environment, read_file),
        budget=environment.read_optional(table.PROXY_BUDGET),
    )


def _read_own_prices(environment: Environment, read_file: ReadFile) -> PriceTable | None:
    try:
        return parse_own_prices(environment.read(table.PRICES), read_file)
    except ValueError as error:
        raise SettingError(table.PRICES.name, str(error)) from None


def is_local_development(environ: Mapping[str, str]) -> bool:
    """Tell whether the app runs on a developer's machine; the Functions tools say so."""
    return environ.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"


def _read_address_rules(environ: Mapping[str, str]) -> AddressRules:
    return AddressRules(
        loopback=is_local_development(environ),
        private=Environment(environ).read(table.UPSTREAM_PRIVATE_ADDRESSES),
        tokens=tuple(_host_and_port(environ[name]) for name in MANAGED_IDENTITY_VARIABLES if environ.get(name)),
    )


def _host_and_port(address: str) -> tuple[str, int]:
    """Return where something listens; an address that cannot be read is nowhere."""
    try:
        url = split_url(address)
    except ValueError:
        return "", 0
    return url.hostname or "", port_of(url)


def _read_translation(environment: Environment) -> Translation:
    return Translation(
        is_on=environment.read(table.TRANSLATE_APIS),
        memory=environment.read(table.TRANSLATE_REASONING_MEMORY),
        with_details=environment.read(table.TRANSLATE_REASONING_DETAILS),
    )


def _read_client_auth(environment: Environment) -> ClientAuth:
    mode = environment.read(table.CLIENT_AUTH)
    if mode not in (ClientAuth.KEYS, ClientAuth.KEYS_AND_ENTRA) and environment.is_set(table.CLIENT_KEYS):
        raise SettingError(
            "CLIENT_KEYS", f"must not be set while CLIENT_AUTH is {mode.value}: no client key opens then"
        )
    if mode is ClientAuth.RESOURCE_KEY and not environment.is_set(table.CLIENT_RESOURCES):
        raise SettingError(
            "CLIENT_RESOURCES", "is not set, but CLIENT_AUTH is resource-key: list the resources, or say *"
        )
    return mode


def _read_entra(environment: Environment, client_auth: ClientAuth, rules: LimitRules) -> EntraSettings | None:
    """Return what tokens are accepted, None where none are; a wrong value is an error all the same."""
    authority, access = environment.read(table.CLIENT_ENTRA_AUTHORITY), _read_access(environment, rules)
    read = environment.read if client_auth in TOKENS else environment.read_optional
    tenant, audiences = read(table.CLIENT_ENTRA_TENANT), read(table.CLIENT_ENTRA_AUDIENCES)
    if client_auth not in TOKENS or tenant is None or audiences is None:
        return None
    return EntraSettings(authority=authority, tenant=tenant.lower(), audiences=audiences, access=access)


def _read_access(environment: Environment, rules: LimitRules) -> EntraAccess:
    try:
        return access_of(environment.read(table.CLIENT_ENTRA_LIMITS), rules)
    except ValueError as error:
        raise SettingError(table.CLIENT_ENTRA_LIMITS.name, str(error)) from None


def _read_resources(
    environment: Environment, client_auth: ClientAuth, read_file: ReadFile, rules: AddressRules
) -> tuple[Resource, ...]:
    """Return the resources: several from JSON or one from its variables; none where every client names its own."""
    defaults = {
        "api_version": environment.read(table.AZURE_OPENAI_API_VERSION),
        "key_secret": environment.read(table.AZURE_OPENAI_KEY_SECRET),
    }
    if environment.is_set(table.AZURE_OPENAI_RESOURCES):
        resources = _read_several(environment, read_file, rules, **defaults)
    elif client_auth is ClientAuth.RESOURCE_KEY and not environment.is_set(table.AZURE_OPENAI_ENDPOINT):
        resources = ()
    else:
        resources = (_read_single(environment, client_auth, **defaults),)
    if client_auth not in PASSTHROUGH:
        return resources
    if client_auth is ClientAuth.AZURE_KEY and [one.kind for one in resources] != [ResourceKind.AZURE]:
        raise SettingError(
            "AZURE_OPENAI_RESOURCES",
            "must have one entry, of kind azure, while CLIENT_AUTH is azure-key: a key is for one resource",
        )
    # Where clients bring keys and choose hosts, our own key must not be in memory at all.
    return tuple(replace(one, api_key=None) for one in resources)


def _read_several(
    environment: Environment, read_file: ReadFile, rules: AddressRules, *, api_version: str, key_secret: str
) -> tuple[Resource, ...]:
    variable = table.AZURE_OPENAI_RESOURCES
    for setting in SINGLE_RESOURCE:
        if environment.is_set(setting):
            raise SettingError(
                variable.name, f"and {setting.name} must not both be set: each entry says this for itself"
            )
    try:
        return parse_resources(
            environment.read(variable),
            vault=environment.is_set(table.KEY_VAULT_URL),
            read_file=read_file,
            api_version=api_version,
            key_secret=key_secret,
            rules=rules,
        )
    except ValueError as error:
        raise SettingError(variable.name, str(error)) from None


def _read_single(environment: Environment, client_auth: ClientAuth, *, api_version: str, key_secret: str) -> Resource:
    endpoint = environment.read(table.AZURE_OPENAI_ENDPOINT)
    auth, key = _read_auth(environment, client_auth), environment.read_optional(table.AZURE_OPENAI_API_KEY)
    return Resource(
        name=resource_name(endpoint) or _UNNAMED_RESOURCE,
        endpoint=endpoint,
        auth=auth,
        key_secret=key_secret,
        api_key=key if auth is AuthMode.KEY else None,
        api_version=api_version,
        models=environment.read(table.AZURE_OPENAI_MODEL_MAPPER),
        default_deployment=environment.read_optional(table.AZURE_OPENAI_DEFAULT_DEPLOYMENT),
        default_deployments=environment.read(table.AZURE_OPENAI_DEFAULT_DEPLOYMENTS),
        deployment_apis=environment.read(table.AZURE_OPENAI_DEPLOYMENT_APIS),
        deployment_models=environment.read(table.AZURE_OPENAI_DEPLOYMENT_MODELS),
        resource_id=environment.read_optional(table.AZURE_OPENAI_RESOURCE_ID),
    )


def _read_auth(environment: Environment, client_auth: ClientAuth) -> AuthMode:
    vault, key = environment.is_set(table.KEY_VAULT_URL), environment.is_set(table.AZURE_OPENAI_API_KEY)
    default = AuthMode.KEY_VAULT if vault else AuthMode.KEY if key else AuthMode.MANAGED_IDENTITY
    mode = environment.read_optional(table.AZURE_OPENAI_AUTH) or default
    if client_auth in PASSTHROUGH:
        return mode  # nothing asks for it: the clients bring the credential
    if mode is AuthMode.KEY_VAULT and not vault:
        raise SettingError("KEY_VAULT_URL", "is not set, but AZURE_OPENAI_AUTH is key-vault")
    if mode is AuthMode.KEY and not key:
        raise SettingError("AZURE_OPENAI_API_KEY", "is not set, but AZURE_OPENAI_AUTH is key")
    return mode
