"""The composition root: the settings and the rooms become a gateway. The only file that knows both sides."""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from proxy.auth import KeyRing, azure_key, resource_key
from proxy.edge import request_log
from proxy.edge.client_keys import ClientKeys
from proxy.edge.credentials import BearerToken, FixedKey, UpstreamCredential, VaultKey
from proxy.edge.identity import EntraToken, Identity
from proxy.edge.key_vault import KeyVault
from proxy.edge.upstream import Upstream
from proxy.errors import ConfigurationError
from proxy.gateway import Gateway
from proxy.gateway.attempt import Caller
from proxy.gateway.forwarding import Forwarding
from proxy.gateway.here import Here
from proxy.gateway.resource import Resource
from proxy.gateway.visitors import KeyBringers, KeyHolders, Visitors
from proxy.messages import AuthMode, ClientAuth, Request, Response, Secret
from proxy.routing.deployments import Deployments
from proxy.routing.repairs import Repairs
from proxy.settings import Settings
from proxy.settings.reader import SettingError
from proxy.translation import errors, headers
from proxy.translation.operations import OPERATIONS, Surface
from proxy.translation.surfaces import surfaces_at

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
        answer = errors.to_response(self._error)
        return Response(status=answer.status, headers=headers.finish(answer.headers, request.id), body=answer.body)


def open_gateway(environ: Mapping[str, str], host_json: Path) -> Handler:
    """Read the settings and build the gateway; it begins to fetch its keys at once if a loop is running.

    A wrong setting stops a local start with its name. On Azure an exception while the app is loaded would leave
    nothing but empty 404s, so there the door opens and says what is wrong.
    """
    request_log.configure()
    try:
        gateway = build_gateway(Settings.from_environ(environ, host_json.read_bytes()))
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
    return gateway


def build_gateway(settings: Settings) -> Gateway:
    """Put the rooms together."""
    return Gateway(
        visitors=_visitors(settings),
        forwarding=_forwarding(settings),
        here=Here(created=int(time.time())),
        allowed_origins=settings.allowed_origins,
        forwards_unknown=settings.forwards_unknown,
        stores=settings.stores,
    )


def _forwarding(settings: Settings) -> Forwarding:
    upstream = Upstream(settings.timeouts, settings.connections, settings.proxies)
    return Forwarding(
        caller=Caller(upstream=upstream, keeps_filters=settings.keeps_filters, keep_alive=settings.timeouts.keep_alive),
        timeouts=settings.timeouts,
        max_json_body=settings.max_json_body,
        stores=settings.stores,
        repairs=Repairs() if settings.repairs else None,
        clock=time.monotonic,
    )


def _visitors(settings: Settings) -> Visitors:
    identity = Identity(client_id=settings.client_id, managed=settings.managed)
    vault = KeyVault(settings.key_vault_url, identity) if settings.key_vault_url else None
    if settings.client_auth is ClientAuth.KEYS:
        keys = ClientKeys(settings.client_keys, vault.list_client_keys if vault else None, _key_ring())
        return KeyHolders(
            keys=keys, resource=_resource(settings, _credential(settings, identity, vault)), now=time.time
        )
    read = azure_key
    if settings.client_auth is ClientAuth.RESOURCE_KEY:
        read = partial(resource_key, allowed=settings.client_resources)
    return KeyBringers(
        name=settings.client_auth.value,
        read=read,
        resource=_resource(settings, FixedKey(Secret(""))),
        api_version=settings.api_version,
    )


def _resource(settings: Settings, credential: UpstreamCredential) -> Resource:
    unknown = settings.operation_surfaces.keys() - {operation.name for operation in OPERATIONS}
    if unknown:
        raise SettingError("AZURE_OPENAI_OPERATION_SURFACES", "names an operation that does not exist")
    chosen = {
        name: Surface.V1 if surface == "v1" else Surface.CLASSIC
        for name, surface in settings.operation_surfaces.items()
    }
    return Resource(
        deployments=Deployments(models=settings.models, default=settings.default_deployment),
        surfaces=surfaces_at(settings.endpoint, settings.api_version, chosen),
        credential=credential,
        auth=settings.auth,
    )


def _key_ring() -> "partial[KeyRing]":
    return partial(KeyRing, pepper=secrets.token_bytes(32))


def _credential(settings: Settings, identity: Identity, vault: KeyVault | None) -> UpstreamCredential:
    if settings.auth is AuthMode.KEY_VAULT and vault is not None:
        return VaultKey(partial(vault.read, settings.key_secret, setting="AZURE_OPENAI_KEY_SECRET"))
    if settings.auth is AuthMode.KEY and settings.api_key is not None:
        return FixedKey(settings.api_key)
    return BearerToken(EntraToken(identity, settings.token_scope))
