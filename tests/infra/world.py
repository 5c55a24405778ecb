"""What the tests of the templates share: the files, an Azure with accounts in it, and the ways to deploy."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra import arm, snapshot
from tests.infra.deployment import Deployment, Place, Resource, Step
from tests.infra.language_server import compiled
from tests.infra.snapshot import Known

ROOT = Path(__file__).parent.parent.parent
INFRA = ROOT / "infra"
ACCOUNTS = "Microsoft.CognitiveServices/accounts"
# A key of Azure OpenAI or a client key looks like nothing else in a deployment.
CLIENT_KEY = "sk-the-first-client-key"

ONE = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-ai/providers/" + ACCOUNTS + "/team-openai"
TWO = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/Other/providers/" + ACCOUNTS + "/foundry"
REGIONAL = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/Old/providers/" + ACCOUNTS + "/old"

_OPENAI_ADDRESS = "OpenAI Language Model Instance API"
EXISTING: Mapping[str, Mapping[str, object]] = {
    ONE: {
        "endpoint": "https://team-openai.openai.azure.com/",
        "endpoints": {_OPENAI_ADDRESS: "https://team-openai.openai.azure.com/"},
    },
    TWO: {
        "endpoint": "https://foundry.cognitiveservices.azure.com/",
        "endpoints": {_OPENAI_ADDRESS: "https://foundry.openai.azure.com/"},
    },
    REGIONAL: {"endpoint": "https://westeurope.api.cognitive.microsoft.com/", "endpoints": {}},
}

# Each is a way to answer the form, or to write a file of parameters.
WAYS: dict[str, dict[str, Any]] = {
    "new account": {},
    "new account with keys": {"openAiAuth": "key-vault"},
    "one existing account": {"openAiResourceId": ONE},
    "one existing account with keys": {"openAiResourceId": ONE, "openAiAuth": "key-vault"},
    "one account with settings": {"openAiResources": [{"id": ONE, "settings": {"models": {"gpt-4o": "mine"}}}]},
    "several accounts": {"openAiResources": [{"id": ONE, "settings": {"weight": 2}}, {"id": TWO}]},
    "several accounts with keys": {
        "openAiResourceId": ONE,
        "openAiResources": [{"id": TWO}],
        "openAiAuth": "key-vault",
    },
    "an account of a region": {"openAiResourceId": REGIONAL},
    "no role on the account": {"openAiResourceId": ONE, "assignOpenAiRole": False},
    "no code": {"packageUri": ""},
    "no client key, nobody to read it": {"clientName": "", "deployerObjectId": ""},
    "brought back": {"recoverVault": True, "restoreOpenAi": True, "vaultPurgeProtection": True},
    "guarded": {
        "azureBudget": 100,
        "azureBudgetEmails": ["team@example.com"],
        "alertEmails": ["team@example.com", "night@example.com"],
        "proxyBudgetUsd": 200,
        "diagnosticSettings": True,
        "allowedIpRanges": ["203.0.113.0/24", "198.51.100.7/32"],
    },
    "guarded, existing accounts": {
        "openAiResourceId": ONE,
        "openAiResources": [{"id": TWO}],
        "azureBudget": 100,
        "azureBudgetEmails": ["team@example.com"],
        "diagnosticSettings": True,
    },
    "tokens of Entra ID": {"clientEntraAudiences": "33333333-3333-3333-3333-333333333333"},
    "alerts without a budget": {"alertEmails": ["team@example.com"]},
    "always ready": {"alwaysReadyInstances": 2, "instanceMemoryMB": 512},
}
PRIVATE = {f"{name}, private": {**way, "privateNetwork": True} for name, way in WAYS.items()}
EVERY_WAY = {**WAYS, **PRIVATE}
AZD = {"environmentName": "dev", "location": "swedencentral"}


@cache
def template() -> dict[str, Any]:
    """Return the committed template."""
    return dict(json.loads((INFRA / "azuredeploy.json").read_text("utf-8")))


@cache
def azd_template() -> dict[str, Any]:
    """Return the template of azd, which is nowhere committed."""
    return dict(json.loads(compiled(INFRA / "main.bicep")["contents"]))


def known_later(resource: Resource) -> Mapping[str, object]:
    """Return what Azure adds to a resource."""
    name = resource.name
    known: dict[str, dict[str, object]] = {
        ACCOUNTS: {"endpoint": f"https://{name}.openai.azure.com/", "endpoints": {}},
        "Microsoft.Insights/components": {"ConnectionString": f"InstrumentationKey={_guid(name)}"},
        "Microsoft.KeyVault/vaults": {"vaultUri": f"https://{name}.vault.azure.net/"},
        "Microsoft.ManagedIdentity/userAssignedIdentities": {
            "clientId": _guid("client", name),
            "principalId": _guid("principal", name),
        },
        "Microsoft.Storage/storageAccounts": {
            "primaryEndpoints": {
                service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "table")
            }
        },
        "Microsoft.Web/sites": {"defaultHostName": f"{name}.azurewebsites.net"},
    }
    return known.get(resource.type, {})


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(parts)))


def _later(resources: Sequence[Resource]) -> Known:
    """Return what Azure shows of the resources that a snapshot lists, and of those that were there before."""
    made = {one.id: known_later(one) for one in resources if not arm.is_expression(one.id)}
    accounts = [one.id for one in resources if one.type == ACCOUNTS] or [REGIONAL]
    return Known(references={**EXISTING, **made}, parameters={"accountId": accounts[0]})


def deployed(given: Mapping[str, object] | None = None, place: Place | None = None) -> Deployment:
    """Deploy the committed template."""
    return snapshot.deploy(template(), {"clientKey": CLIENT_KEY, **(given or {})}, place or Place(), _later)


def deployed_by_azd(given: Mapping[str, object] | None = None) -> Deployment:
    """Deploy the template of azd into a subscription."""
    return snapshot.deploy(azd_template(), {**AZD, **(given or {})}, Place(group=None), _later)


def steps(given: Mapping[str, object] | None = None, place: Place | None = None) -> list[Step]:
    """Return the resources and nested deployments of the committed template."""
    return snapshot.steps(template(), given or {}, place or Place())


def flat(deployment: Deployment) -> str:
    """Return what was deployed as a template without modules and expressions, for tools that read such only."""
    resources = [_without_nulls(one.body) for one in deployment.resources]
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", "resources": resources}, indent=2)


def _without_nulls(node: Any) -> Any:
    """Return a value as Azure takes it: a null is as good as nothing."""
    if isinstance(node, list):
        return [_without_nulls(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_nulls(value) for key, value in node.items() if value is not None}


def types(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the type of every resource that a template can make, those of its modules included."""
    for one in every_template(dict(template)):
        yield from (resource["type"] for resource in snapshot.listed(one))


def variables(template: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield the variables of a name in a template and its modules."""
    for one in every_template(dict(template)):
        if name in one.get("variables", {}):
            yield one["variables"][name]


def every_template(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a template and those of its modules."""
    yield template
    for one in snapshot.listed(template):
        if "template" in one.get("properties", {}):
            yield from every_template(one["properties"]["template"])


def strings(node: Any) -> Iterator[str]:
    """Yield every text in a JSON value, but not the names of members."""
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def settings(deployment: Deployment) -> dict[str, str]:
    """Return the settings of the deployed app."""
    site = deployment.only("Microsoft.Web/sites")
    listed = site.body["properties"]["siteConfig"]["appSettings"]
    assert len({one["name"] for one in listed}) == len(listed)
    return {one["name"]: one["value"] for one in listed}
