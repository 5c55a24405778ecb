"""The resources of the settings: what each serves, what opens it, and what lists its deployments."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from proxy.azure_api.urls import surfaces_at
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
from proxy.azure_services.model_list import list_models
from proxy.azure_services.upstream import Upstream
from proxy.config.environment import SettingError
from proxy.config.resources import Resource as ResourceSetting
from proxy.config.resources import ResourceKind, is_at_openai
from proxy.config.settings import Settings
from proxy.openai_api.object_ids import Tags
from proxy.openai_api.operations import OPERATIONS, Surface
from proxy.pipeline.resources import Resource, Resources
from proxy.routing.affinity import Affinity
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels
from proxy.values import AuthMode

if TYPE_CHECKING:
    from proxy.azure_services.resource_manager import ResourceManager


def make_resources(
    settings: Settings, identity: Identity, vault: KeyVault | None, upstream: Upstream, closing: AsyncExitStack
) -> Resources:
    """Return the resources of the settings; `closing` ends what they open. Raises `SettingError`."""
    manager = _resource_manager(settings, identity, closing)
    credentials = [_credential(one, settings, identity, vault) for one in settings.resources]
    each = [make_resource(one, settings, credentials[at]) for at, one in enumerate(settings.resources)]
    return Resources(
        [_discovering(one, each[at], manager, upstream) for at, one in enumerate(settings.resources)],
        fallbacks=settings.fallbacks,
        routing=Routing(settings.policy, _affinity(settings)),
        tags=_tags(settings),
    )


def _tags(settings: Settings) -> Tags:
    try:
        return Tags(tuple(one.name for one in settings.resources))
    except ValueError as error:
        raise SettingError("AZURE_OPENAI_RESOURCES", f"is wrong: {error}") from None


def _affinity(settings: Settings) -> Affinity | None:
    return Affinity([one.name for one in settings.resources]) if settings.policy.prompt_affinity else None


def make_resource(one: ResourceSetting, settings: Settings, credential: UpstreamCredential) -> Resource:
    """Return one resource without what lists its deployments."""
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
        surfaces=surfaces_at(one.endpoint, one.api_version, chosen_surfaces(settings), is_openai=is_openai),
        credential=credential,
        auth=one.auth,
    )


def chosen_surfaces(settings: Settings) -> Mapping[str, Surface]:
    """Return the surfaces that the settings choose for operations; raise `SettingError`."""
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
