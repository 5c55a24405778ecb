"""The composition root: environment → Application. The only file that knows every layer."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from proxy.auth.budgets import Budgets as BudgetLedger
from proxy.auth.budgets import MemoryBudgets
from proxy.auth.keys import KeyRing
from proxy.auth.ledger import Ledger, MemoryLedger
from proxy.auth.passthrough import azure_key, resource_key
from proxy.azure_api.headers import common_headers
from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.cached import Cached
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.credentials import (
    BearerToken,
    FixedKey,
    NoCredential,
    UpstreamCredential,
    VaultKey,
    bearer_header,
    key_header,
)
from proxy.azure_services.deployments import Discovery
from proxy.azure_services.identity import EntraToken, Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.late_ledger import LateLedger
from proxy.azure_services.model_list import list_models
from proxy.azure_services.signing_keys import REFRESH_SECONDS as SIGNING_KEYS_REFRESH
from proxy.azure_services.signing_keys import VaultSigningKeys
from proxy.azure_services.table_budgets import TableBudgets
from proxy.azure_services.upstream import Upstream
from proxy.azure_services.usage_table import UsageTable
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.config.addresses import IN_MEMORY
from proxy.config.environment import SettingError
from proxy.config.price_table import LONGEST_AGE, PriceTable, decode_price_table, is_old, merged
from proxy.config.resources import Resource as ResourceSetting
from proxy.config.resources import ResourceKind, is_at_openai
from proxy.config.settings import Settings
from proxy.errors import ConfigurationError
from proxy.openai_api.answers import to_response
from proxy.openai_api.object_ids import Tags
from proxy.openai_api.object_owners import SigningKey
from proxy.openai_api.operations import OPERATIONS, Surface
from proxy.openai_api.sse import KEEP_ALIVES
from proxy.pipeline.attempt import Attempts
from proxy.pipeline.authentication import (
    Authenticator,
    ClientKeyAuthenticator,
    PassthroughAuthenticator,
    RoutingByEndpoint,
)
from proxy.pipeline.budgets import Budgets
from proxy.pipeline.call import Calls
from proxy.pipeline.call_path import Knowledge
from proxy.pipeline.costs import Costs
from proxy.pipeline.failover import Failover
from proxy.pipeline.front_page import FrontPage
from proxy.pipeline.handler import Handler, parse_request
from proxy.pipeline.local import LocalOperations
from proxy.pipeline.owners import Owners
from proxy.pipeline.rates import Rates
from proxy.pipeline.recorder import Record
from proxy.pipeline.resources import Resource, Resources
from proxy.pipeline.translated_call import Translators
from proxy.pipeline.usage_answers import UsageAnswers
from proxy.pipeline.usage_log import UsageLog
from proxy.routing.affinity import Affinity
from proxy.routing.learned import Learned, learned_repairs
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels
from proxy.server import access_log
from proxy.server.concurrency import Concurrency, instance_memory
from proxy.server.deadline import Deadline
from proxy.server.response_writer import ResponseWriter
from proxy.server.shutdown import end_on_sigterm
from proxy.translation.reasoning_memory import ReasoningMemory
from proxy.values import PASSTHROUGH, AuthMode, ClientAuth, ModelKind, PassthroughKey, Receive, Scope, Secret, Send

if TYPE_CHECKING:
    from proxy.azure_services.resource_manager import ResourceManager
    from proxy.azure_services.table_ledger import TableLedger
    from proxy.pipeline.entra_authentication import EntraAuthenticator

logger = logging.getLogger("proxy")
PRICES = Path(__file__).parent / "prices" / "table.json"
# Seconds by which the lease of a client's slot is longer than any request.
LEASE_MARGIN = 60.0


class Application(Protocol):
    """What the entry point calls."""

    @property
    def handle(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers one HTTP request of ASGI."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an application holds at the moment; all but the tasks are 0 when nothing is in flight."""

    slots: int
    tasks: int
    connections: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The application: everything that answers requests, and how it starts and stops."""

    handler: Handler
    upstream: Upstream
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def handle(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers one HTTP request of ASGI."""
        return self.handler.handle

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        self.upstream.start()
        self.handler.authenticator.start()
        self.handler.calls.start()

    async def stop(self, grace: float) -> None:
        """Take in nothing more, let what goes on end within `grace` seconds, and close what was opened."""
        await self.handler.concurrency.shut_down(grace)
        await self.closing.aclose()

    def held(self) -> Held:
        """Return what is held at the moment."""
        resources: Resources | None = getattr(self.handler.authenticator, "resources", None)
        routing = resources.routing if resources is not None else None
        return Held(
            slots=len(self.handler.concurrency),
            tasks=len(asyncio.all_tasks()),
            connections=len(self.upstream),
            requests=routing.budget.requests if routing is not None else 0,
            retries=routing.budget.retries if routing is not None else 0,
        )


class Misconfigured:
    """Answers every request with what is wrong with the settings."""

    def __init__(self, error: ConfigurationError) -> None:
        self._error = error

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 with the message of the setting."""
        request = parse_request(scope, receive)
        writer = ResponseWriter(send, Deadline(), lambda: None, common=common_headers(request.id))
        await writer.write(to_response(self._error), with_body=request.method != "HEAD")


def open_application(environ: Mapping[str, str], host_json: Path) -> Application:
    """Read the settings and build the application; it begins to fetch its keys at once if a loop is running.

    A wrong setting raises nothing: an exception while the app is loaded would leave a host that answers with nothing
    but empty 404s. So every request is answered with what is wrong.
    """
    access_log.configure()
    try:
        settings = read_settings(environ, host_json)
        application = build_application(settings)
        _log_defaults(settings)
    except ConfigurationError as error:
        logger.error(error.message)  # noqa: TRY400  the message is all there is to say
        return Misconfigured(error)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return application  # It starts with the first request.
    application.start()
    end_on_sigterm(partial(application.stop, settings.shutdown_grace))
    return application


def _log_defaults(settings: Settings) -> None:
    """Say where a default deployment serves what it may not be able to."""
    for one in settings.resources:
        kinds = [kind.value for kind in ModelKind if kind not in one.default_deployments and kind is not ModelKind.CHAT]
        if one.default_deployment is not None and one.resource_id is None and kinds:
            logger.info(
                "The default deployment of %s serves %s too, because its deployments are not listed. "
                "Name others in AZURE_OPENAI_DEFAULT_DEPLOYMENTS, or set AZURE_OPENAI_RESOURCE_ID.",
                one.name,
                ", ".join(kinds),
            )


def read_settings(environ: Mapping[str, str], host_json: Path) -> Settings:
    """Read the settings of an app whose folder is that of `host_json`; raise `SettingError`."""
    return Settings.from_environ(environ, host_json.read_bytes(), partial(_read_beside, host_json))


def _read_beside(host_json: Path, path: str) -> bytes:
    return host_json.parent.joinpath(path).read_bytes()


def build_application(settings: Settings, record: Record | None = None) -> Proxy:
    """Put the layers together; `record` hears of every sending to Azure OpenAI."""
    closing = AsyncExitStack()
    upstream = Upstream(
        settings.timeouts, settings.instance.upstream_connections, settings.http_proxies, settings.address_rules
    )
    closing.push_async_callback(upstream.close)  # The last that was opened is the first to be closed.
    authenticator = _authenticator(settings, upstream, closing)
    prices = _prices(settings)
    # Clients with keys of Azure bring their own resources.
    resources: Resources | None = getattr(authenticator, "resources", None)
    usage, costs = _usage_log(settings, resources, closing), _costs(settings, resources, prices)
    budgets = None if resources is None else _budgets(settings, prices, closing)
    handler = Handler(
        concurrency=Concurrency(settings.instance.max_in_flight, _body_memory(settings)),
        authenticator=authenticator,
        calls=_calls(
            settings, upstream, _ledger(settings, closing), record, _owners(settings, closing), costs, budgets
        ),
        local=LocalOperations(created=int(time.time()), prices=prices, today=_today),
        usage=UsageAnswers(usage, time.time, budgets),
        count=usage.note,
        front_page=_front_page(settings),
        allowed_origins=settings.allowed_origins,
        forward_unknown=settings.forward_unknown_operations,
        store_objects=settings.stored_objects.are_on,
        keep_alive=KEEP_ALIVES.get(settings.stream_keep_alive),
    )
    return Proxy(handler=handler, upstream=upstream, closing=closing)


def _prices(settings: Settings) -> PriceTable:
    """Return the prices that count, and say so when they are old."""
    prices = merged(settings.own_prices, decode_price_table(PRICES.read_bytes()))
    if is_old(prices, _today()):
        logger.warning("Prices are more than %d days old. Install a newer version, or renew PRICES.", LONGEST_AGE.days)
    return prices


def _today() -> date:
    return datetime.now(UTC).date()


def _front_page(settings: Settings) -> FrontPage:
    audience = settings.entra.audiences[0] if settings.entra is not None else ""
    return FrontPage(client_auth=settings.client_auth, shown=settings.front_page, audience=audience)


def _body_memory(settings: Settings) -> int:
    """Return what the bodies of all requests may take, in bytes."""
    memory = settings.instance.max_body_memory_bytes or instance_memory() // 8
    return max(memory, settings.instance.max_json_body_bytes)


def _ledger(settings: Settings, closing: AsyncExitStack) -> Ledger:
    """Return who keeps the rates of client keys; a call may take as long as a request, and a margin."""
    lease = settings.timeouts.total + LEASE_MARGIN
    if settings.limits_store == IN_MEMORY:
        return MemoryLedger(time.monotonic, lease)
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    ledger = LateLedger(partial(_table_ledger, settings.limits_store, identity, lease))
    closing.push_async_callback(identity.close)
    closing.push_async_callback(ledger.close)
    return ledger


def _table_ledger(endpoint: str, identity: Identity, lease: float) -> "TableLedger":
    from proxy.azure_services.table_ledger import TableLedger  # noqa: PLC0415  only keys with limits need it

    return TableLedger(endpoint, identity, lease)


def _budgets(settings: Settings, prices: PriceTable, closing: AsyncExitStack) -> Budgets:
    """Return who keeps the budgets of clients and of the whole proxy; raise `SettingError`."""
    in_memory = settings.limits_store == IN_MEMORY
    is_shared = not (in_memory and settings.has_managed_identity)
    if settings.budget is not None and settings.budget.is_hard and not is_shared:
        raise SettingError("PROXY_BUDGET", "needs LIMITS_STORE on Azure, for all instances, unless it is soft")
    ledger: BudgetLedger = MemoryBudgets(time.time)
    if not in_memory:
        identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
        ledger = table = TableBudgets(settings.limits_store, identity)
        closing.push_async_callback(identity.close)
        closing.push_async_callback(table.close)
    return Budgets(
        ledger=ledger, prices=prices, whole=settings.budget, today=_today, now=time.time, is_shared=is_shared
    )


def _usage_log(settings: Settings, resources: Resources | None, closing: AsyncExitStack) -> UsageLog:
    """Return what counts the usage of clients, in a table if the settings name one."""
    if settings.usage_store == IN_MEMORY:
        return UsageLog("", None, resources)
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    log = UsageLog(
        secrets.token_hex(6), UsageTable(settings.usage_store, identity, settings.usage_retention), resources
    )
    closing.push_async_callback(identity.close)
    closing.push_async_callback(log.close)
    return log


def _costs(settings: Settings, resources: Resources | None, prices: PriceTable) -> Costs | None:
    """Return what knows the cost of calls, None where nothing says what the deployments are."""
    known = any(one.resource_id or one.deployment_models for one in settings.resources)
    return Costs(prices=prices, resources=resources, today=_today) if known and resources is not None else None


def _calls(
    settings: Settings,
    upstream: Upstream,
    ledger: Ledger,
    record: Record | None,
    owners: Owners | None,
    costs: Costs | None,
    budgets: Budgets | None,
) -> Calls:
    asks_usage = costs is not None or settings.usage_store != IN_MEMORY
    return Calls(
        asks_usage=asks_usage,
        budgets=budgets,
        is_budgeted=settings.budget is not None,
        failover=Failover(
            attempts=Attempts(
                upstream=upstream,
                timeouts=settings.timeouts,
                keep_filter_results=settings.keep_content_filter_results,
                record=record,
                costs=costs,
            )
        ),
        rates=Rates(ledger=ledger),
        timeouts=settings.timeouts,
        max_json_body=settings.instance.max_json_body_bytes,
        store_objects=settings.stored_objects.are_on,
        knows=Knowledge(
            repairs=learned_repairs() if settings.repair_parameters else None,
            paths=Learned(),
            translators=_translators(settings, record is not None or asks_usage)
            if settings.translation.is_on
            else None,
            clock=time.monotonic,
        ),
        owners=owners,
    )


def _owners(settings: Settings, closing: AsyncExitStack) -> Owners | None:
    owners = settings.stored_objects.owners
    if owners is None:
        return None
    fixed = tuple(SigningKey(key.reveal()) for key in owners.signing_keys)
    if fixed or settings.key_vault_url is None:
        return Owners(keys=fixed, cached=None, strict=owners.strict)
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    vault = KeyVault(settings.key_vault_url, identity)
    cached = Cached(VaultSigningKeys(vault).read, lambda _: SIGNING_KEYS_REFRESH)
    for close in (identity.close, vault.close, cached.close):
        closing.push_async_callback(close)
    return Owners(keys=(), cached=cached, strict=owners.strict)


def _translators(settings: Settings, needs_usage: bool) -> Translators:
    memory = settings.translation.memory
    return Translators(
        memory=ReasoningMemory(memory) if memory else None,
        keep_filter_results=settings.keep_content_filter_results,
        with_details=settings.translation.with_details,
        needs_usage=needs_usage,
        clock=time.monotonic,
        now=time.time,
    )


def _authenticator(settings: Settings, upstream: Upstream, closing: AsyncExitStack) -> Authenticator:
    if settings.client_auth in PASSTHROUGH:
        return _passthrough(settings)
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    closing.push_async_callback(identity.close)
    vault = KeyVault(settings.key_vault_url, identity) if settings.key_vault_url else None
    if vault is not None:
        closing.push_async_callback(vault.close)
    manager = _resource_manager(settings, identity, closing)
    resources = Resources(
        [
            _discovering(one, _resource(one, settings, _credential(one, settings, identity, vault)), manager, upstream)
            for one in settings.resources
        ],
        fallbacks=settings.fallbacks,
        routing=Routing(settings.policy, _affinity(settings)),
        tags=_tags(settings),
    )
    authenticator = _client_authenticator(settings, resources, vault)
    closing.push_async_callback(authenticator.close)
    return authenticator


def _client_authenticator(
    settings: Settings, resources: Resources, vault: KeyVault | None
) -> "ClientKeyAuthenticator | EntraAuthenticator":
    """Return what knows clients by their keys, by tokens of Microsoft Entra ID, or by either."""
    if settings.client_auth is ClientAuth.ENTRA:
        return _entra_authenticator(settings, resources, None)
    of_vault = settings.vault_client_keys
    source = VaultClientKeys(vault, of_vault.rules).read if vault else None
    keys = ClientKeys(settings.client_keys, source, _key_ring(), longest_age=of_vault.max_age)
    by_key = ClientKeyAuthenticator(keys=keys, resources=resources, now=time.time)
    return by_key if settings.entra is None else _entra_authenticator(settings, resources, by_key)


def _entra_authenticator(
    settings: Settings, resources: Resources, keys: ClientKeyAuthenticator | None
) -> "EntraAuthenticator":
    from proxy.azure_services.entra_clients import EntraClients  # noqa: PLC0415  few set-ups need it
    from proxy.azure_services.tenant_keys import TenantKeys  # noqa: PLC0415
    from proxy.pipeline.entra_authentication import EntraAuthenticator  # noqa: PLC0415

    assert settings.entra is not None  # noqa: S101  CLIENT_AUTH says so
    clients = EntraClients(settings.entra, TenantKeys(settings.entra, proxies=settings.http_proxies))
    return EntraAuthenticator(clients=clients, resources=resources, keys=keys)


def _passthrough(settings: Settings) -> PassthroughAuthenticator:
    read: Callable[[Mapping[str, str]], PassthroughKey] = azure_key
    if settings.client_auth is ClientAuth.RESOURCE_KEY:
        read = partial(resource_key, allowed=settings.client_resources)
    configured = [_resource(one, settings, FixedKey(Secret(""))) for one in settings.resources]
    return PassthroughAuthenticator(
        name=settings.client_auth.value,
        read=read,
        resource=replace(configured[0], auth=None) if configured else None,
        routing=RoutingByEndpoint(settings.policy),
        api_version=settings.api_version,
        chosen=_chosen_surfaces(settings),
    )


def _tags(settings: Settings) -> Tags:
    try:
        return Tags(tuple(one.name for one in settings.resources))
    except ValueError as error:
        raise SettingError("AZURE_OPENAI_RESOURCES", f"is wrong: {error}") from None


def _affinity(settings: Settings) -> Affinity | None:
    return Affinity([one.name for one in settings.resources]) if settings.policy.prompt_affinity else None


def _resource(one: ResourceSetting, settings: Settings, credential: UpstreamCredential) -> Resource:
    is_openai = one.kind is ResourceKind.OPENAI
    return Resource(
        models=ResourceModels(
            priority=one.priority,
            weight=one.weight,
            models=one.models,
            default=one.default_deployment,
            defaults=one.default_deployments,
            apis=one.deployment_apis,
            described=one.deployment_models,
            any_name=is_openai,
        ),
        surfaces=surfaces_at(one.endpoint, one.api_version, _chosen_surfaces(settings), is_openai=is_openai),
        credential=credential,
        auth=one.auth,
    )


def _chosen_surfaces(settings: Settings) -> Mapping[str, Surface]:
    unknown = settings.operation_surfaces.keys() - {operation.name for operation in OPERATIONS}
    if unknown:
        raise SettingError("AZURE_OPENAI_OPERATION_SURFACES", "names an operation that does not exist")
    return {
        name: Surface.V1 if surface == "v1" else Surface.CLASSIC
        for name, surface in settings.operation_surfaces.items()
    }


def _resource_manager(settings: Settings, identity: Identity, closing: AsyncExitStack) -> "ResourceManager | None":
    if not any(one.resource_id for one in settings.resources):
        return None
    from proxy.azure_services.resource_manager import (  # noqa: PLC0415  aiohttp is slow to import
        ResourceManager,
        token_scope,
    )

    url = settings.resource_manager_url
    token = EntraToken(identity, token_scope(url))
    manager = ResourceManager(url, token, proxies=settings.http_proxies)
    closing.push_async_callback(token.close)
    closing.push_async_callback(manager.close)
    return manager


def _discovering(
    one: ResourceSetting, resource: Resource, manager: "ResourceManager | None", upstream: Upstream
) -> Resource:
    """Return a resource with what lists its models: of Azure with its id, of other servers where none are named."""
    if one.resource_id is not None and manager is not None:
        return replace(resource, discovery=Discovery(one.name, partial(manager.deployments, one.resource_id)))
    if one.kind is ResourceKind.OPENAI and not one.models and not is_at_openai(one.endpoint):
        read = partial(list_models, upstream, one.endpoint, resource.credential)
        return replace(resource, discovery=Discovery(one.name, read))
    return resource


def _key_ring() -> "partial[KeyRing]":
    return partial(KeyRing, pepper=secrets.token_bytes(32))


def _credential(
    one: ResourceSetting, settings: Settings, identity: Identity, vault: KeyVault | None
) -> UpstreamCredential:
    header = bearer_header if one.kind is ResourceKind.OPENAI else key_header
    if one.auth is AuthMode.KEY_VAULT and vault is not None:
        several = len(settings.resources) > 1
        setting = f"key_secret of {one.name} in AZURE_OPENAI_RESOURCES" if several else "AZURE_OPENAI_KEY_SECRET"
        return VaultKey(partial(vault.read, one.key_secret, setting=setting), header)
    if one.auth is AuthMode.KEY and one.api_key is not None:
        return FixedKey(one.api_key, header)
    if one.auth is AuthMode.NONE:
        return NoCredential()
    return BearerToken(EntraToken(identity, settings.token_scope))
