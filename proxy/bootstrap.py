"""The composition root: the settings and the rooms become a gateway. The only file that knows both sides."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from proxy.auth.keys import KeyRing
from proxy.auth.passthrough import azure_key, resource_key
from proxy.azure_api import headers
from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.credentials import (
    BearerToken,
    FixedKey,
    UpstreamCredential,
    VaultKey,
    bearer_header,
    key_header,
)
from proxy.azure_services.deployments import Discovery
from proxy.azure_services.identity import EntraToken, Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.config.environment import SettingError
from proxy.config.resources import Resource as ResourceSetting
from proxy.config.resources import ResourceKind
from proxy.config.settings import Settings
from proxy.edge import request_log
from proxy.edge.admission import Admission
from proxy.edge.shutdown import end_on_sigterm
from proxy.edge.upstream_later import UpstreamLater
from proxy.errors import ConfigurationError
from proxy.gateway import Gateway
from proxy.gateway.attempt import Caller
from proxy.gateway.fleet import Fleet, Resource
from proxy.gateway.forwarding import Forwarding
from proxy.gateway.here import Here
from proxy.gateway.ledger import Ledger, Note
from proxy.gateway.travel import Travel
from proxy.gateway.uploads import Uploads
from proxy.gateway.visitors import ClientKeyAuthenticator, PassthroughAuthenticator, Routers, Visitors
from proxy.openai_api import answers
from proxy.openai_api.object_ids import Tags
from proxy.openai_api.operations import OPERATIONS, Surface
from proxy.routing.learned_repairs import Repairs
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels
from proxy.values import AuthMode, ClientAuth, PassthroughKey, Request, Response, Secret

if TYPE_CHECKING:
    from proxy.azure_services.resource_manager import ResourceManager

logger = logging.getLogger("proxy")


class Handler(Protocol):
    """What the door talks to."""

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        ...


class Misconfigured:
    """Answers every request with what is wrong with the settings."""

    def __init__(self, error: ConfigurationError) -> None:
        self._error = error

    async def handle(self, request: Request) -> Response:
        """Answer 503 with the message of the setting."""
        answer = answers.to_response(self._error)
        return Response(status=answer.status, headers=headers.finish(answer.headers, request.id), body=answer.body)


def open_gateway(environ: Mapping[str, str], host_json: Path) -> Handler:
    """Read the settings and build the gateway; it begins to fetch its keys at once if a loop is running.

    A wrong setting stops a local start with its name. On Azure an exception while the app is loaded would leave
    nothing but empty 404s, so there the door opens and says what is wrong.
    """
    request_log.configure()
    try:
        settings = Settings.from_environ(environ, host_json.read_bytes(), partial(_read_beside, host_json))
        gateway = build_gateway(settings)
    except ConfigurationError as error:
        if environ.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development":
            raise
        logger.error(error.message)  # noqa: TRY400  the message is all there is to say
        return Misconfigured(error)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return gateway  # It starts with the first request.
    gateway.start()
    end_on_sigterm(partial(gateway.end, settings.shutdown_grace))
    return gateway


def _read_beside(host_json: Path, path: str) -> bytes:
    return host_json.parent.joinpath(path).read_bytes()


def build_gateway(settings: Settings, note: Note | None = None) -> Gateway:
    """Put the rooms together; `note` takes a record of every attempt."""
    return Gateway(
        admission=Admission(settings.max_in_flight),
        visitors=_visitors(settings),
        forwarding=_forwarding(settings, Ledger(note=note) if note is not None else None),
        here=Here(created=int(time.time())),
        allowed_origins=settings.allowed_origins,
        forwards_unknown=settings.forward_unknown_operations,
        stores=settings.store_objects,
    )


def _forwarding(settings: Settings, ledger: Ledger | None) -> Forwarding:
    upstream = UpstreamLater(settings.timeouts, settings.upstream_connections, settings.http_proxies)
    caller = Caller(upstream=upstream, timeouts=settings.timeouts, keeps_filters=settings.keep_content_filter_results)
    travel = Travel(ledger=ledger)
    return Forwarding(
        caller=caller,
        travel=travel,
        uploads=Uploads(caller=caller, travel=travel),
        timeouts=settings.timeouts,
        max_json_body=settings.max_json_body_bytes,
        stores=settings.store_objects,
        repairs=Repairs() if settings.repair_parameters else None,
        clock=time.monotonic,
    )


def _visitors(settings: Settings) -> Visitors:
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    vault = KeyVault(settings.key_vault_url, identity) if settings.key_vault_url else None
    if settings.client_auth is not ClientAuth.KEYS:
        return _key_bringers(settings)
    keys = ClientKeys(settings.client_keys, vault.list_client_keys if vault else None, _key_ring())
    manager = _resource_manager(settings, identity)
    resources = [
        replace(
            _resource(one, settings, _credential(one, settings, identity, vault)), discovery=_discovery(one, manager)
        )
        for one in settings.resources
    ]
    fleet = Fleet(resources, fallbacks=settings.fallbacks, router=Routing(settings.policy), tags=_tags(settings))
    return ClientKeyAuthenticator(keys=keys, fleet=fleet, now=time.time)


def _key_bringers(settings: Settings) -> PassthroughAuthenticator:
    read: Callable[[Mapping[str, str]], PassthroughKey] = azure_key
    if settings.client_auth is ClientAuth.RESOURCE_KEY:
        read = partial(resource_key, allowed=settings.client_resources)
    configured = [_resource(one, settings, FixedKey(Secret(""))) for one in settings.resources]
    return PassthroughAuthenticator(
        name=settings.client_auth.value,
        read=read,
        resource=replace(configured[0], auth=None) if configured else None,
        routers=Routers(settings.policy),
        api_version=settings.api_version,
        chosen=_chosen_surfaces(settings),
    )


def _tags(settings: Settings) -> Tags:
    try:
        return Tags(tuple(one.name for one in settings.resources))
    except ValueError as error:
        raise SettingError("AZURE_OPENAI_RESOURCES", f"is wrong: {error}") from None


def _resource(one: ResourceSetting, settings: Settings, credential: UpstreamCredential) -> Resource:
    is_openai = one.kind is ResourceKind.OPENAI
    return Resource(
        offer=ResourceModels(
            priority=one.priority,
            weight=one.weight,
            models=one.models,
            default=one.default_deployment,
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


def _resource_manager(settings: Settings, identity: Identity) -> "ResourceManager | None":
    if not any(one.resource_id for one in settings.resources):
        return None
    from proxy.azure_services.resource_manager import ResourceManager, token_scope  # noqa: PLC0415  aiohttp is slow to import

    url = settings.resource_manager_url
    return ResourceManager(url, EntraToken(identity, token_scope(url)), proxies=settings.http_proxies)


def _discovery(one: ResourceSetting, manager: "ResourceManager | None") -> Discovery | None:
    if one.resource_id is None or manager is None:
        return None
    return Discovery(one.name, partial(manager.deployments, one.resource_id))


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
    return BearerToken(EntraToken(identity, settings.token_scope))
