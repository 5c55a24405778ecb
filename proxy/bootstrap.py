"""The composition root: the settings and the rooms become a gateway. The only file that knows both sides."""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from proxy.auth import KeyRing
from proxy.edge import request_log
from proxy.edge.client_keys import ClientKeys
from proxy.edge.credentials import BearerToken, FixedKey, UpstreamCredential, VaultKey
from proxy.edge.identity import EntraToken, Identity
from proxy.edge.key_vault import KeyVault
from proxy.edge.upstream import Upstream
from proxy.errors import ConfigurationError
from proxy.gateway import Gateway
from proxy.gateway.here import Here
from proxy.messages import AuthMode, Request, Response
from proxy.routing.deployments import Deployments
from proxy.settings import DATED_API_VERSION, Settings
from proxy.settings.reader import SettingError
from proxy.translation import errors, headers
from proxy.translation.operations import OPERATIONS, Surface
from proxy.translation.surfaces import Surfaces

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
    identity = Identity(client_id=settings.client_id, managed=settings.managed)
    vault = KeyVault(settings.key_vault_url, identity) if settings.key_vault_url else None
    deployments = Deployments(models=settings.models, default=settings.default_deployment)
    return Gateway(
        deployments=deployments,
        here=Here(deployments=deployments, endpoint=settings.endpoint, created=int(time.time())),
        surfaces=_surfaces(settings),
        auth=settings.auth,
        keys=ClientKeys(settings.client_keys, vault.list_client_keys if vault else None, _key_ring()),
        credential=_credential(settings, identity, vault),
        upstream=Upstream(settings.timeouts, settings.connections),
        timeouts=settings.timeouts,
        max_json_body=settings.max_json_body,
        allowed_origins=settings.allowed_origins,
        forwards_unknown=settings.forwards_unknown,
        stores=settings.stores,
    )


def _surfaces(settings: Settings) -> Surfaces:
    on_v1 = settings.api_version == "v1"
    unknown = settings.operation_surfaces.keys() - {operation.name for operation in OPERATIONS}
    if unknown:
        raise SettingError("AZURE_OPENAI_OPERATION_SURFACES", "names an operation that does not exist")
    return Surfaces(
        endpoint=settings.endpoint,
        api_version=DATED_API_VERSION if on_v1 else settings.api_version,
        prefers_v1=on_v1,
        chosen={
            name: Surface.V1 if surface == "v1" else Surface.CLASSIC
            for name, surface in settings.operation_surfaces.items()
        },
    )


def _key_ring() -> "partial[KeyRing]":
    return partial(KeyRing, pepper=secrets.token_bytes(32))


def _credential(settings: Settings, identity: Identity, vault: KeyVault | None) -> UpstreamCredential:
    if settings.auth is AuthMode.KEY_VAULT and vault is not None:
        return VaultKey(partial(vault.read, settings.key_secret, setting="AZURE_OPENAI_KEY_SECRET"))
    if settings.auth is AuthMode.KEY and settings.api_key is not None:
        return FixedKey(settings.api_key)
    return BearerToken(EntraToken(identity, settings.token_scope))
