"""A set-up on the fakes of Azure in which all is well, and ways to break it, each with what the doctor must say."""

import base64
import inspect
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import trustme
from aiohttp import web

from proxy.config.price_table import Price, PriceTable, Source, Tier
from proxy.version import VERSION
from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.resource_manager import RESOURCE_ID, FakeResourceManager, deployment
from tests.fakes.server import Fault, Server
from tests.processes import free_port
from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.errors import ERROR_SAMPLES

# What the deployment of the set-up costs, as of today, so that this table never gets old.
SOURCE = {"list": Source(title="list", url="https://example.com", date=datetime.now(UTC).date())}
TIERS: tuple[Tier, ...] = ("default", "priority")
PRICES = PriceTable(
    sources=SOURCE,
    prices=[
        Price(model="gpt-4.1", sku="GlobalStandard", tier=tier, source="list", input=2_000_000, output=8_000_000)
        for tier in TIERS
    ],
)
# In every secret of the set-up; it must be in nothing that is printed, sent or logged.
CANARY = "canary0sings"
AZURE_KEY = f"{CANARY}AzureKey0123456789"
CLIENT_KEY = f"sk-{CANARY}-client-0123456789"
ADMIN_KEY = f"sk-{CANARY}-admin-0123456789"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
CLIENT_ID = "44444444-4444-4444-4444-444444444444"
ACCOUNT = "--name contoso --resource-group rg-1 --subscription 22222222-2222-2222-2222-222222222222"
SET = "az functionapp config appsettings set --name app-1 --resource-group rg-app --settings"


def token_of(principal: str) -> str:
    """Return a token that says for whom it is, whose signature is the canary."""
    claims = base64.urlsafe_b64encode(json.dumps({"oid": principal, "aud": "https://vault"}).encode()).decode()
    return f"eyJhbGciOiJub25lIn0.{claims.rstrip('=')}.{CANARY}"


@dataclass(kw_only=True)
class World:
    """Azure as the doctor sees it, and the settings; a test changes both."""

    simulator: Simulator
    vault: FakeKeyVault
    identity: FakeIdentity
    manager: FakeResourceManager
    environ: dict[str, str]
    ca: trustme.CA
    calls: bool = False
    now: Callable[[], float] = time.time
    prices: PriceTable = PRICES
    extra: AsyncExitStack = field(default_factory=AsyncExitStack)


@asynccontextmanager
async def sound_world(ca: trustme.CA) -> AsyncIterator[World]:
    """Yield a set-up in which all is well."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(keys=[AZURE_KEY]).serving())
        vault = await stack.enter_async_context(FakeKeyVault(ca))
        identity = await stack.enter_async_context(FakeIdentity())
        manager = await stack.enter_async_context(FakeResourceManager())
        identity.fixed = token_of(PRINCIPAL)
        manager.items = [deployment("gpt-4o")]
        vault.put("azure-openai-key", AZURE_KEY, age=3600)
        vault.put("client-alice", CLIENT_KEY, age=3600)
        vault.put("admin-eve", ADMIN_KEY, age=3600)
        environ = {
            **vault.environ(),
            **identity.environ(),
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "WEBSITE_SITE_NAME": "app-1",
            "WEBSITE_RESOURCE_GROUP": "rg-app",
            "AzureWebJobsStorage__accountName": "st1",
            "AZURE_OPENAI_ENDPOINT": simulator.url,
            "AZURE_OPENAI_RESOURCE_ID": RESOURCE_ID,
            "AZURE_RESOURCE_MANAGER_URL": manager.url,
            "AZURE_OPENAI_MODEL_MAPPER": "chat=gpt-4o",
            "TEMPLATE_VERSION": f"v{VERSION}",
        }
        extra = await stack.enter_async_context(AsyncExitStack())
        yield World(
            simulator=simulator, vault=vault, identity=identity, manager=manager, environ=environ, ca=ca, extra=extra
        )


Break = Callable[[World], object]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A way to break the set-up: the codes that are found, each once, and what the command that mends it has."""

    name: str
    spoil: Break
    codes: tuple[str, ...]
    cure: str


def settings(**values: str) -> Break:
    return lambda world: world.environ.update(values)


def _vault(fault: Fault) -> Break:
    def spoil(world: World) -> None:
        world.vault.fault = fault

    return spoil


def _refused(code: str) -> Fault:
    return Fault(status=403, body=json.dumps({"error": {"code": "Forbidden", "innererror": {"code": code}}}))


def _with_identity(world: World) -> None:
    """Call Azure OpenAI with the identity, whose token is accepted."""
    world.environ["AZURE_OPENAI_AUTH"] = "managed-identity"
    world.simulator.credentials.tokens = {token_of(PRINCIPAL)}


class OneAnswer(Server):
    """Answers everything with the same."""

    def __init__(self, status: int, body: bytes, *, date: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._status, self._body, self._date = status, body, date

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {"date": self._date} if self._date else {}
        return web.Response(status=self._status, body=self._body, content_type="application/json", headers=headers)


def _sample(name: str) -> Break:
    """Let all of Azure OpenAI answer with one error."""
    return _upstream(ERROR_SAMPLES[name].status, ERROR_SAMPLES[name].body)


def _upstream(status: int, body: bytes) -> Break:
    async def spoil(world: World) -> None:
        server = await world.extra.enter_async_context(OneAnswer(status, body))
        world.environ["AZURE_OPENAI_ENDPOINT"] = f"http://127.0.0.1:{server.port}"

    return spoil


def _table(status: int, setting: str = "LIMITS_STORE") -> Break:
    async def spoil(world: World) -> None:
        server = await world.extra.enter_async_context(OneAnswer(status, b"{}"))
        world.environ[setting] = f"http://127.0.0.1:{server.port}/devstoreaccount1"

    return spoil


async def _untrusted_vault(world: World) -> None:
    other = await world.extra.enter_async_context(FakeKeyVault(trustme.CA()))
    world.environ["KEY_VAULT_URL"] = other.url


async def _untrusted_resource(world: World) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    server = await world.extra.enter_async_context(OneAnswer(200, b"{}", tls=tls))
    world.environ["AZURE_OPENAI_ENDPOINT"] = f"https://127.0.0.1:{server.port}"


async def _no_vault(world: World) -> None:
    """Let something answer over TLS in the place of the vault that knows no secrets."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world.ca.issue_cert("127.0.0.1").configure_cert(tls)
    server = await world.extra.enter_async_context(OneAnswer(404, b"{}", tls=tls))
    world.environ["KEY_VAULT_URL"] = f"https://127.0.0.1:{server.port}"


async def _elsewhere_an_old_clock(world: World) -> None:
    hour_ahead = time.time() + 3600
    world.now = lambda: hour_ahead


def _with_manager(world: World, fault: Fault) -> None:
    world.manager.fault = fault


def _other_makers_key(world: World) -> None:
    world.simulator.credentials.keys = {"another-key"}


def _without_discovery(world: World) -> None:
    del world.environ["AZURE_OPENAI_RESOURCE_ID"]


def in_order(*breaks: Break) -> Break:
    async def spoil(world: World) -> None:
        for one in breaks:
            done = one(world)
            if inspect.isawaitable(done):
                await done

    return spoil


def _called(world: World) -> None:
    world.calls = True


def _deployed_as(name: str) -> Break:
    """Let the deployment of the settings be another one of the simulator."""

    def spoil(world: World) -> None:
        world.manager.items = [deployment(name)]
        world.environ["AZURE_OPENAI_MODEL_MAPPER"] = f"chat={name}"
        world.calls = True

    return spoil


def put_key(name: str, key: str, *, exp: float | None = None, tags: dict[str, str] | None = None) -> Break:
    def spoil(world: World) -> None:
        end = None if exp is None else int(time.time() + exp)
        world.vault.put(name, key, exp=end, tags=tags, age=3600)

    return spoil


GOOD_KEY = f"sk-{CANARY}-bob-0123456789abc"
BAD_TEXT = f"{CANARY} {CANARY}"

BROKEN = (
    Broken(
        name="a setting is wrong, by a key in the wrong place",
        spoil=settings(AZURE_OPENAI_ENDPOINT=AZURE_KEY),
        codes=("setting_wrong",),
        cure=f"{SET} AZURE_OPENAI_ENDPOINT=VALUE",
    ),
    Broken(
        name="three settings are wrong, and each is named",
        spoil=settings(MAX_IN_FLIGHT=BAD_TEXT, CLIENT_KEYS=BAD_TEXT, AZURE_OPENAI_AUTH=BAD_TEXT),
        codes=("setting_wrong", "setting_wrong", "setting_wrong"),
        cure=f"{SET} MAX_IN_FLIGHT=VALUE",
    ),
    Broken(
        name="two settings contradict each other",
        spoil=settings(AZURE_OPENAI_RESOURCES="[]"),
        codes=("setting_wrong",),
        cure=f"{SET} AZURE_OPENAI_RESOURCES=VALUE",
    ),
    Broken(
        name="a setting is misspelt",
        spoil=settings(AZURE_OPENAI_MODELMAPPER=BAD_TEXT),
        codes=("setting_unknown",),
        cure="--setting-names AZURE_OPENAI_MODELMAPPER",
    ),
    Broken(
        name="the template is older than the app",
        spoil=settings(TEMPLATE_VERSION="v0.0.1"),
        codes=("template_differs",),
        cure="az deployment group create --resource-group rg-app",
    ),
    Broken(
        name="the endpoint of the identity is down",
        spoil=lambda world: world.identity.down(),
        codes=("identity_unavailable",),
        cure="az functionapp identity assign --name app-1 --resource-group rg-app",
    ),
    Broken(
        name="there is no identity on a machine of one's own",
        spoil=lambda world: (world.environ.pop("IDENTITY_ENDPOINT"), world.environ.pop("WEBSITE_SITE_NAME")),
        codes=("identity_unavailable",),
        cure="az login",
    ),
    Broken(
        name="the client id is of no identity of the app",
        spoil=settings(AZURE_CLIENT_ID=CLIENT_ID),
        codes=("identity_client_unknown",),
        cure=f"{SET} AZURE_CLIENT_ID=VALUE",
    ),
    Broken(
        name="the audience does not exist",
        spoil=in_order(
            _with_identity,
            settings(AZURE_OPENAI_TOKEN_SCOPE="https://nothing.example/.default"),
            lambda world: setattr(
                world.identity, "fault", Fault(status=400, body='{"message":"AADSTS500011: not found"}')
            ),
        ),
        codes=("identity_audience_unknown",),
        cure=f"{SET} AZURE_OPENAI_TOKEN_SCOPE=https://cognitiveservices.azure.com/.default",
    ),
    Broken(
        name="the name of the vault leads nowhere",
        spoil=settings(KEY_VAULT_URL="https://kv-1.vault.invalid"),
        codes=("dns_unresolved",),
        cure="privatelink.vaultcore.azure.net",
    ),
    Broken(
        name="nobody listens where the vault should be",
        spoil=settings(KEY_VAULT_URL=f"https://127.0.0.1:{free_port()}"),
        codes=("connection_failed",),
        cure="correct KEY_VAULT_URL",
    ),
    Broken(
        name="the certificate of the vault is not trusted",
        spoil=_untrusted_vault,
        codes=("tls_untrusted",),
        cure="openssl s_client -connect 127.0.0.1:",
    ),
    Broken(
        name="what answers is no vault",
        spoil=_no_vault,
        codes=("key_vault_not_a_vault",),
        cure=f"{SET} KEY_VAULT_URL=",
    ),
    Broken(
        name="the identity has no role on the vault",
        spoil=_vault(_refused("ForbiddenByRbac")),
        codes=("key_vault_forbidden",),
        cure=f'az role assignment create --role "Key Vault Secrets User" --assignee-object-id {PRINCIPAL}',
    ),
    Broken(
        name="the firewall of the vault refuses the app",
        spoil=_vault(_refused("ForbiddenByFirewall")),
        codes=("key_vault_network",),
        cure="az keyvault network-rule add --name ",
    ),
    Broken(
        name="the vault throttles",
        spoil=_vault(Fault(status=429, retry_after="1")),
        codes=("key_vault_throttled",),
        cure="az monitor metrics list",
    ),
    Broken(
        name="the vault fails",
        spoil=_vault(Fault(status=500)),
        codes=("key_vault_unreachable",),
        cure="Microsoft.ResourceHealth",
    ),
    Broken(
        name="the secret with the key is missing",
        spoil=lambda world: world.vault.remove("azure-openai-key"),
        codes=("key_vault_secret_missing",),
        cure=f'--name azure-openai-key --value "$(az cognitiveservices account keys list {ACCOUNT}',
    ),
    Broken(
        name="the secret with the key is disabled",
        spoil=lambda world: world.vault.enable("azure-openai-key", enabled=False),
        codes=("key_vault_secret_disabled",),
        cure="--name azure-openai-key --enabled true",
    ),
    Broken(
        name="the secret with the key has expired",
        spoil=put_key("azure-openai-key", AZURE_KEY, exp=-60),
        codes=("key_vault_secret_expired",),
        cure="az keyvault secret set --vault-name ",
    ),
    Broken(
        name="the secret with the key is no key",
        spoil=put_key("azure-openai-key", f"{AZURE_KEY}\n{AZURE_KEY}"),
        codes=("key_vault_secret_unusable",),
        cure="az keyvault secret set --vault-name ",
    ),
    Broken(
        name="the key in the vault is not current",
        spoil=_other_makers_key,
        codes=("upstream_credential",),
        cure=f'--name azure-openai-key --value "$(az cognitiveservices account keys list {ACCOUNT}',
    ),
    Broken(
        name="the identity has no role on the account",
        spoil=in_order(_with_identity, _sample("error-401-role")),
        codes=("upstream_role",),
        cure=f"--assignee-object-id {PRINCIPAL} --assignee-principal-type ServicePrincipal --scope {RESOURCE_ID}",
    ),
    Broken(
        name="the token is for another audience",
        spoil=in_order(_with_identity, lambda world: setattr(world.simulator.credentials, "tokens", set())),
        codes=("upstream_credential",),
        cure=f"{SET} AZURE_OPENAI_TOKEN_SCOPE=",
    ),
    Broken(
        name="the account has no public access",
        spoil=_sample("error-403-network"),
        codes=("upstream_network",),
        cure=f"az cognitiveservices account network-rule add {ACCOUNT}",
    ),
    Broken(
        name="the account is suspended",
        spoil=_sample("error-403-suspended"),
        codes=("upstream_blocked",),
        cure=f"az cognitiveservices account show {ACCOUNT}",
    ),
    Broken(
        name="the account answers with errors",
        spoil=_sample("error-500"),
        codes=("upstream_failing",),
        cure="Microsoft.ResourceHealth",
    ),
    Broken(
        name="the endpoint is something else",
        spoil=_upstream(404, b"not here"),
        codes=("upstream_not_azure",),
        cure=f"{SET} AZURE_OPENAI_ENDPOINT=",
    ),
    Broken(
        name="the api-version is unknown",
        spoil=lambda world: world.simulator.absent.add("models"),
        codes=("upstream_version",),
        cure=f"{SET} AZURE_OPENAI_API_VERSION=2025-04-01-preview",
    ),
    Broken(
        name="the name of the account leads nowhere",
        spoil=settings(AZURE_OPENAI_ENDPOINT="https://contoso.invalid"),
        codes=("dns_unresolved",),
        cure="privatelink.openai.azure.com",
    ),
    Broken(
        name="nobody listens at the endpoint",
        spoil=settings(AZURE_OPENAI_ENDPOINT=f"http://127.0.0.1:{free_port()}"),
        codes=("connection_failed",),
        cure="correct AZURE_OPENAI_ENDPOINT",
    ),
    Broken(
        name="the certificate of the endpoint is not trusted",
        spoil=_untrusted_resource,
        codes=("tls_untrusted",),
        cure="openssl s_client",
    ),
    Broken(
        name="the identity may not list the deployments",
        spoil=lambda world: _with_manager(world, Fault(status=403)),
        codes=("discovery_forbidden",),
        cure=f'az role assignment create --role "Cognitive Services OpenAI User" --assignee-object-id {PRINCIPAL}',
    ),
    Broken(
        name="the resource id is of no account",
        spoil=lambda world: _with_manager(world, Fault(status=404)),
        codes=("discovery_resource_missing",),
        cure=f"{SET} AZURE_OPENAI_RESOURCE_ID=",
    ),
    Broken(
        name="the deployment of the settings is not in Azure's list",
        spoil=settings(AZURE_OPENAI_MODEL_MAPPER="chat=gpt-4o,other=nothing-here"),
        codes=("deployment_missing",),
        cure=f"az cognitiveservices account deployment list {ACCOUNT}",
    ),
    Broken(
        name="the deployment of the settings is not found by a call either",
        spoil=in_order(_without_discovery, settings(AZURE_OPENAI_MODEL_MAPPER="chat=gpt-4o,other=nothing-here")),
        codes=("deployment_missing",),
        cure="az cognitiveservices account deployment list",
    ),
    Broken(
        name="the deployment is over its rate limit",
        spoil=_deployed_as("error-429-2026"),
        codes=("quota_used_up",),
        cure="--deployment-name error-429-2026",
    ),
    Broken(
        name="the deployment fails",
        spoil=_deployed_as("error-500-backend"),
        codes=("deployment_failing",),
        cure="--deployment-name error-500-backend",
    ),
    Broken(
        name="nobody listens where the table of the limits should be",
        spoil=settings(LIMITS_STORE=f"http://127.0.0.1:{free_port()}/devstoreaccount1"),
        codes=("connection_failed",),
        cure="correct LIMITS_STORE",
    ),
    Broken(
        name="the identity has no role on the table of the limits",
        spoil=_table(403),
        codes=("ledger_forbidden",),
        cure=f'--role "Storage Table Data Contributor" --assignee-object-id {PRINCIPAL}',
    ),
    Broken(
        name="the table of the limits answers with errors",
        spoil=_table(400),
        codes=("ledger_unreachable",),
        cure="az storage account show --name 127",
    ),
    Broken(
        name="the identity has no role on the table of the usage",
        spoil=_table(403, "USAGE_STORE"),
        codes=("usage_forbidden",),
        cure=f'--role "Storage Table Data Contributor" --assignee-object-id {PRINCIPAL}',
    ),
    Broken(
        name="the table of the usage answers with errors",
        spoil=_table(400, "USAGE_STORE"),
        codes=("usage_unreachable",),
        cure="az storage account show --name 127",
    ),
    Broken(
        name="nobody listens where the table of the usage should be",
        spoil=settings(USAGE_STORE=f"http://127.0.0.1:{free_port()}/devstoreaccount1"),
        codes=("connection_failed",),
        cure="correct USAGE_STORE",
    ),
    Broken(
        name="there is no client key",
        spoil=lambda world: world.vault.remove("client-alice"),
        codes=("no_client_keys",),
        cure="python -m tools.keys --vault 127 new NAME",
    ),
    Broken(
        name="a client key is weak",
        spoil=put_key("client-bob", f"{CANARY}-short"),
        codes=("client_key_weak",),
        cure="rotate bob",
    ),
    Broken(
        name="a client key is locked",
        spoil=put_key("client-bob", GOOD_KEY, tags={"rmp": "60"}),
        codes=("client_key_locked",),
        cure="limit bob",
    ),
    Broken(
        name="a client key has expired",
        spoil=put_key("client-bob", GOOD_KEY, exp=-60),
        codes=("client_key_expired",),
        cure="rotate bob --expires",
    ),
    Broken(
        name="a client key expires soon",
        spoil=put_key("client-bob", GOOD_KEY, exp=3 * 86_400),
        codes=("client_key_expiring",),
        cure="limit bob --expires",
    ),
    Broken(
        name="the clock is wrong",
        spoil=_elsewhere_an_old_clock,
        codes=("clock_skewed",),
        cure="timedatectl",
    ),
)
