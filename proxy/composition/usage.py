"""What counts usage and knows costs, as the settings say."""

import secrets
from contextlib import AsyncExitStack

from proxy.azure_services.identity import Identity
from proxy.composition.calls import today
from proxy.config.addresses import IN_MEMORY
from proxy.config.price_table import PriceTable
from proxy.config.settings import Settings
from proxy.pipeline.authentication import Authenticator
from proxy.pipeline.costs import Costs
from proxy.pipeline.resources import Resources
from proxy.pipeline.usage_log import UsageLog


def resources_of(authenticator: Authenticator) -> Resources | None:
    """Return the resources of the settings, None where clients bring their own with keys of Azure."""
    return getattr(authenticator, "resources", None)


def make_usage_log(settings: Settings, resources: Resources | None, closing: AsyncExitStack) -> UsageLog:
    """Return what counts the usage of clients, in a table if the settings name one; `closing` ends what it opens."""
    if settings.usage.store == IN_MEMORY:
        return UsageLog("", None, resources)
    from proxy.azure_services.usage_table import UsageTable  # noqa: PLC0415  it delays a cold start

    identity = Identity(client_id=settings.azure_client_id, managed=settings.has_managed_identity)
    table = UsageTable(settings.usage.store, identity, settings.usage.retention)
    log = UsageLog(secrets.token_hex(6), table, resources)
    closing.push_async_callback(identity.close)
    closing.push_async_callback(log.close)
    return log


def make_costs(settings: Settings, resources: Resources | None, prices: PriceTable) -> Costs | None:
    """Return what knows the cost of calls, None where nothing says what the deployments are."""
    known = any(one.resource_id or one.deployment_models for one in settings.resources)
    return Costs(prices=prices, resources=resources, today=today) if known and resources is not None else None
