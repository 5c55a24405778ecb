"""Ways to break what clients bring: tokens of Microsoft Entra ID, and keys with budgets."""

import json
from datetime import date

from msgspec import structs

from proxy.config.price_table import PriceTable
from tests.fakes.entra import TENANT, FakeEntra
from tests.fakes.resource_manager import deployment
from tests.fakes.server import Fault
from tests.integration.azurite import running_azurite
from tests.integration.broken_setups import CANARY, PRICES, SET, Break, Broken, World, in_order, put_key, settings
from tests.processes import free_port

GOOD_KEY = f"sk-{CANARY}-carol-0123456789a"
OTHER_TENANT = "99999999-9999-9999-9999-999999999999"
SOFTER = "python -m tools.keys --vault 127 limit carol --budget soft"


def tokens(auth: str = "entra", **fault: object) -> Break:
    """Let clients bring tokens of a tenant that is well, but for members of the fake in `fault`."""

    async def spoil(world: World) -> None:
        entra = await world.extra.enter_async_context(FakeEntra())
        world.environ |= {**entra.environ(), "CLIENT_AUTH": auth}
        for name, value in fault.items():
            setattr(entra, name, value)

    return spoil


def budget(**tags: str) -> Break:
    return put_key("client-carol", GOOD_KEY, tags={"budget-usd": "25", **tags})


def _shared(world: World) -> None:
    """Let the app run on one's own machine, where one process has the budgets, with the login of the Azure CLI."""
    del world.environ["KEY_VAULT_URL"], world.environ["IDENTITY_ENDPOINT"], world.environ["IDENTITY_HEADER"]
    del world.environ["AZURE_OPENAI_RESOURCE_ID"], world.environ["WEBSITE_SITE_NAME"]
    keys = {"carol": {"key": GOOD_KEY, "budget-usd": "25"}}
    world.environ |= {
        "AZURE_OPENAI_AUTH": "key",
        "AZURE_OPENAI_API_KEY": f"{CANARY}AzureKey0123456789",
        "AZURE_OPENAI_DEPLOYMENT_MODELS": "gpt-4o=gpt-4.1/GlobalStandard",
        "CLIENT_KEYS": json.dumps(keys),
    }


def _priced(table: PriceTable) -> Break:
    return lambda world: setattr(world, "prices", table)


UNVERIFIED = structs.replace(PRICES, prices=[structs.replace(one, verified=False) for one in PRICES.prices])
OLD = structs.replace(PRICES, sources={"list": structs.replace(PRICES.sources["list"], date=date(2025, 1, 1))})


async def _with_tables(world: World) -> None:
    """Let a hard budget be kept, and the usage, in tables that all instances share."""
    store = await world.extra.enter_async_context(running_azurite())
    world.environ |= {"LIMITS_STORE": store, "USAGE_STORE": store}
    budget()(world)


SOUND_CLIENTS: dict[str, Break] = {
    "tokens": tokens(),
    "tokens and no client key": in_order(tokens("keys-and-entra"), lambda world: world.vault.remove("client-alice")),
    "a soft budget without a store": budget(budget="soft"),
    "a hard budget on one's own machine": _shared,
    "a hard budget in a table, and the usage": _with_tables,
}
BROKEN_CLIENTS = (
    Broken(
        name="there is no such tenant",
        spoil=in_order(tokens(), settings(CLIENT_ENTRA_TENANT=OTHER_TENANT)),
        codes=("entra_keys_unusable",),
        cure=f'{SET} CLIENT_ENTRA_TENANT="$(az account show --query tenantId --output tsv)"',
    ),
    Broken(
        name="the tenant is of another cloud",
        spoil=tokens(issuer=f"https://login.microsoftonline.us/{TENANT}/v2.0"),
        codes=("entra_keys_unusable",),
        cure="correct CLIENT_ENTRA_AUTHORITY",
    ),
    Broken(
        name="the keys of the tenant are elsewhere",
        spoil=tokens(keys_at="https://keys.invalid/keys"),
        codes=("entra_keys_unusable",),
        cure="CLIENT_ENTRA_TENANT=",
    ),
    Broken(
        name="the tenant has no keys",
        spoil=tokens(signing=[]),
        codes=("entra_keys_unusable",),
        cure="CLIENT_ENTRA_TENANT=",
    ),
    Broken(
        name="Microsoft Entra ID fails",
        spoil=tokens(fault=Fault(status=503)),
        codes=("entra_keys_unreachable",),
        cure=f"/{TENANT}/v2.0/.well-known/openid-configuration",
    ),
    Broken(
        name="nobody listens where Microsoft Entra ID should be",
        spoil=in_order(tokens(), settings(CLIENT_ENTRA_AUTHORITY=f"http://127.0.0.1:{free_port()}")),
        codes=("connection_failed",),
        cure="correct CLIENT_ENTRA_AUTHORITY",
    ),
    Broken(
        name="the setting of roles and groups lets nobody in",
        spoil=in_order(tokens(), settings(CLIENT_ENTRA_LIMITS='{"roles": {}}')),
        codes=("entra_admits_nobody",),
        cure=f"""{SET} CLIENT_ENTRA_LIMITS='{{"roles": {{"Chat.User": {{}}}}}}'""",
    ),
    Broken(
        name="the tenant is no id",
        spoil=in_order(tokens(), settings(CLIENT_ENTRA_TENANT=CANARY)),
        codes=("setting_wrong",),
        cure=f"{SET} CLIENT_ENTRA_TENANT=VALUE",
    ),
    Broken(
        name="a key has a hard budget and instances share no store",
        spoil=budget(),
        codes=("budget_without_store",),
        cure=f'{SET} LIMITS_STORE="$(az storage account show --name st1 --query primaryEndpoints.table',
    ),
    Broken(
        name="the whole proxy has a hard budget and instances share no store",
        spoil=settings(PROXY_BUDGET="250"),
        codes=("budget_without_store",),
        cure=f"{SET} LIMITS_STORE=",
    ),
    Broken(
        name="a role has a hard budget and instances share no store",
        spoil=in_order(tokens(), settings(CLIENT_ENTRA_LIMITS='{"roles": {"Chat.User": {"budget-usd": 5}}}')),
        codes=("budget_without_store",),
        cure=f"{SET} LIMITS_STORE=",
    ),
    Broken(
        name="the table of prices does not know the model",
        spoil=in_order(_shared, settings(AZURE_OPENAI_DEPLOYMENT_MODELS="gpt-4o=own-model/GlobalStandard")),
        codes=("budget_price_missing",),
        cure="export PRICES=prices.json",
    ),
    Broken(
        name="the table of prices does not know the SKU of the model",
        spoil=in_order(_shared, settings(AZURE_OPENAI_DEPLOYMENT_MODELS="gpt-4o=gpt-4.1/Standard")),
        codes=("budget_price_missing",),
        cure="--file local.settings.json limit carol --budget soft",
    ),
    Broken(
        name="nobody says what the deployment is",
        spoil=in_order(_shared, lambda world: world.environ.pop("AZURE_OPENAI_DEPLOYMENT_MODELS")),
        codes=("budget_model_unknown",),
        cure="export AZURE_OPENAI_DEPLOYMENT_MODELS=gpt-4o=MODEL@VERSION/GlobalStandard",
    ),
    Broken(
        name="a price that a hard budget needs is not verified",
        spoil=in_order(_shared, _priced(UNVERIFIED)),
        codes=("budget_price_unverified",),
        cure="export PRICES=prices.json",
    ),
    Broken(
        name="Azure lists a model without a price, and there is no store either",
        spoil=in_order(
            budget(), lambda world: setattr(world.manager, "items", [deployment("gpt-4o", model="own-model")])
        ),
        codes=("budget_without_store", "budget_price_missing"),
        cure=SOFTER,
    ),
    Broken(
        name="the prices are older than 180 days",
        spoil=_priced(OLD),
        codes=("prices_old",),
        cure="python -m tools.prices update",
    ),
)
