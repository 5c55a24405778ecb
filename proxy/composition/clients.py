"""Who may call: the client keys, tokens of Microsoft Entra ID or keys of Azure OpenAI that the settings ask for."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from proxy.auth.keys import KeyRing
from proxy.auth.passthrough import azure_key, resource_key
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.credentials import (
    FixedKey,
)
from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.upstream import Upstream
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.composition.resources import chosen_surfaces, make_resource, make_resources
from proxy.config.settings import Settings
from proxy.pipeline.authentication import (
    Authenticator,
    ClientKeyAuthenticator,
    PassthroughAuthenticator,
    RoutingByEndpoint,
)
from proxy.pipeline.resources import Resources
from proxy.values import PASSTHROUGH, ClientAuth, PassthroughKey, Secret

if TYPE_CHECKING:
    from proxy.pipeline.entra_authentication import EntraAuthenticator


def make_authenticator(
    settings: Settings, upstream: Upstream, closing: AsyncExitStack
) -> tuple[Authenticator, ClientKeys[KeyRing]]:
    """Return what knows the clients, and the keys with those of operators among them; `closing` ends what it opens.

    Raises `SettingError`.
    """
    if settings.client_auth in PASSTHROUGH:
        return _passthrough(settings), ClientKeys(settings.admin_keys, None, _key_ring())
    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    closing.push_async_callback(identity.close)
    vault = KeyVault(settings.key_vault_url, identity) if settings.key_vault_url else None
    if vault is not None:
        closing.push_async_callback(vault.close)
    resources = make_resources(settings, identity, vault, upstream, closing)
    keys = _keys(settings, vault)
    closing.push_async_callback(keys.close)
    authenticator = _client_authenticator(settings, resources, keys)
    closing.push_async_callback(authenticator.close)
    return authenticator, keys


def _keys(settings: Settings, vault: KeyVault | None) -> ClientKeys[KeyRing]:
    """Return the keys of clients and of operators; where clients bring tokens, they are read when an operator comes."""
    of_vault = settings.vault_client_keys
    source = VaultClientKeys(vault, of_vault.rules).read if vault else None
    fixed = settings.client_keys + settings.admin_keys
    return ClientKeys(fixed, source, _key_ring(), longest_age=of_vault.max_age)


def _client_authenticator(
    settings: Settings, resources: Resources, keys: ClientKeys[KeyRing]
) -> "ClientKeyAuthenticator | EntraAuthenticator":
    """Return what knows clients by their keys, by tokens of Microsoft Entra ID, or by either."""
    if settings.client_auth is ClientAuth.ENTRA:
        return _entra_authenticator(settings, resources, None)
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
    configured = [make_resource(one, settings, FixedKey(Secret(""))) for one in settings.resources]
    return PassthroughAuthenticator(
        name=settings.client_auth.value,
        read=read,
        resource=replace(configured[0], auth=None) if configured else None,
        routing=RoutingByEndpoint(settings.policy),
        api_version=settings.api_version,
        chosen=chosen_surfaces(settings),
    )


def _key_ring() -> "partial[KeyRing]":
    return partial(KeyRing, pepper=secrets.token_bytes(32))
