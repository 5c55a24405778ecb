"""The table of findings: for each code what is wrong, why it matters and the command that mends it.

`{places}` are filled with the ids of the set-up; docs/doctor.md is made from the table: `python -m tools.doctor_page`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """A fault keeps clients from being served, now or by one of the resources; a warning does not yet."""

    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Row:
    """The texts of one code."""

    severity: Severity
    what: str
    why: str
    cure: str


def _fault(what: str, why: str, cure: str) -> Row:
    return Row(Severity.FAULT, what, why, cure)


def _warning(what: str, why: str, cure: str) -> Row:
    return Row(Severity.WARNING, what, why, cure)


_ROLE = 'az role assignment create --role "{role}" --assignee-object-id {principal} --assignee-principal-type {type}'
_ON_ACCOUNT = _ROLE.format(role="Cognitive Services OpenAI User", principal="{principal}", type="{principal_type}")
_ON_VAULT = _ROLE.format(role="Key Vault Secrets User", principal="{principal}", type="{principal_type}")
_NEW_KEY = 'az keyvault secret set --vault-name {vault} --name {secret} --value "{account_key}"'
_ATTRIBUTES = "az keyvault secret set-attributes --vault-name {vault} --name {secret}"
_NOBODY = "Without it the proxy cannot read its keys, and answers every request with 503."
_NO_CALL = "No request can be served by this resource."
_SERVER = 'curl -i {base}/models -H "Authorization: Bearer $KEY"'
_UNBOUNDED = "What clients with a hard budget ({holders}) ask of it is refused with 403 unbounded_cost."
_OR_SOFT = ", or {soften}"

FINDINGS: Mapping[str, Row] = {
    "setting_wrong": _fault(
        "{subject} {problem}.",
        "With a wrong setting every request is answered with 503.",
        "{set} {subject}=VALUE",
    ),
    "setting_unknown": _warning(
        "There is no setting {subject}.",
        "It does nothing, so what it was meant to change is as by default. It may be a misspelling.",
        "az functionapp config appsettings delete --name {app} --resource-group {group} --setting-names {subject}",
    ),
    "identity_unavailable": _fault(
        "The process has no identity in Azure.",
        "The proxy needs it for Key Vault, and for Azure OpenAI where no key is used.",
        "{mend_identity}",
    ),
    "identity_client_unknown": _fault(
        "AZURE_CLIENT_ID is the client id of no identity of this app.",
        "The proxy gets no token, neither for Key Vault nor for Azure OpenAI.",
        "az functionapp identity show --name {app} --resource-group {group} "
        '--query "userAssignedIdentities.*.clientId" && ' + "{set} AZURE_CLIENT_ID=VALUE",
    ),
    "identity_audience_unknown": _fault(
        "Entra gives the identity no token for {subject}.",
        "The proxy cannot authenticate to Azure OpenAI.",
        "{set} AZURE_OPENAI_TOKEN_SCOPE=https://cognitiveservices.azure.com/.default",
    ),
    "dns_unresolved": _fault(
        "The name {subject} leads to no address.",
        "The proxy cannot reach it. The name is wrong, or its private DNS zone is not linked to the app's network.",
        "az network private-dns link vnet list --zone-name {private_zone} --resource-group NETWORK_GROUP; "
        "if there is no private network, correct {setting}",
    ),
    "connection_failed": _fault(
        "{subject} takes no connection.",
        "The proxy cannot reach it: the address or the port is wrong, or a firewall or a network rule is in the way.",
        "az functionapp vnet-integration list --name {app} --resource-group {group}; correct {setting} if it is wrong",
    ),
    "tls_untrusted": _fault(
        "There is no trusted TLS connection to {subject}.",
        "The proxy sends no key over it. Something else answers under this name, or a gateway on the way opens TLS.",
        "openssl s_client -connect {subject} -servername {host} </dev/null | openssl x509 -noout -issuer -subject",
    ),
    "http_proxy_failed": _fault(
        "The HTTP proxy on the way to {subject} could not be reached, or refused the connection.",
        "Nothing can be called through it.",
        "{set} NO_PROXY={host}, or correct HTTPS_PROXY or ALL_PROXY",
    ),
    "address_refused": _fault(
        "The name {subject} leads to an address that the proxy may not connect to.",
        "A server that is not Azure's may only have a public address, so that no setting leads to a service inside.",
        "{set} UPSTREAM_PRIVATE_ADDRESSES=true, if the address is right",
    ),
    "key_vault_not_a_vault": _fault(
        "What answers at {subject} is no Key Vault.",
        _NOBODY,
        "{set} KEY_VAULT_URL=https://NAME.vault.azure.net",
    ),
    "key_vault_forbidden": _fault(
        "The identity may not read the secrets of {subject}.",
        _NOBODY,
        _ON_VAULT + " --scope {vault_id}",
    ),
    "key_vault_network": _fault(
        "The network rules of {subject} refuse the app.",
        _NOBODY,
        "az keyvault network-rule add --name {vault} --subnet SUBNET_ID_OF_THE_APP",
    ),
    "key_vault_throttled": _warning(
        "{subject} has too many requests at the moment.",
        "The proxy tries again by itself and works with what it has read; a new instance has to wait.",
        "az monitor metrics list --resource {vault_id} --metric ServiceApiHit --interval PT1M",
    ),
    "key_vault_unreachable": _fault(
        "{subject} answers with errors.",
        _NOBODY,
        "az rest --method get --url {vault_id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
        "?api-version=2020-05-01",
    ),
    "key_vault_secret_missing": _fault(
        "There is no secret {subject} in the vault {vault}.",
        "It holds the key of a resource, which cannot be called without it.",
        _NEW_KEY,
    ),
    "key_vault_secret_disabled": _fault(
        "The secret {subject} is disabled.",
        "It holds the key of a resource, which cannot be read so.",
        _ATTRIBUTES + " --enabled true",
    ),
    "key_vault_secret_expired": _warning(
        "The secret {subject} is past its date of expiry.",
        "Key Vault still gives it out, but policies and alerts of the subscription may end that.",
        _NEW_KEY,
    ),
    "key_vault_secret_unusable": _fault(
        "The secret {subject} is no key: it is empty, too long, or has line breaks or characters outside ASCII.",
        "No header can carry it, so the resource cannot be called.",
        _NEW_KEY,
    ),
    "upstream_credential": _fault(
        "{subject} refuses the credential of the proxy ({auth}).",
        _NO_CALL + " The key was replaced at the account, belongs to another one, or keys are switched off there.",
        "{mend_credential}",
    ),
    "upstream_role": _fault(
        "The identity may not call models of {subject}.",
        _NO_CALL + " A new role takes up to ten minutes.",
        _ON_ACCOUNT + " --scope {account_id}",
    ),
    "upstream_network": _fault(
        "The network rules of {subject} refuse the app, which reaches it at a {reach} address.",
        _NO_CALL,
        "az cognitiveservices account network-rule add {account_options} --subnet SUBNET_ID_OF_THE_APP",
    ),
    "upstream_blocked": _fault(
        "Azure has blocked or suspended {subject} or its subscription, or its quota is used up.",
        _NO_CALL,
        "az cognitiveservices account show {account_options} --query properties.provisioningState",
    ),
    "upstream_refused": _fault(
        "{subject} refuses the proxy and does not say why.",
        _NO_CALL,
        "az cognitiveservices account show {account_options}",
    ),
    "upstream_failing": _fault(
        "{subject} answers with errors (status {status}).",
        _NO_CALL,
        "az rest --method get --url {account_id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
        "?api-version=2020-05-01",
    ),
    "upstream_not_azure": _fault(
        "What answers at {subject} is not Azure OpenAI.",
        _NO_CALL,
        "{set} AZURE_OPENAI_ENDPOINT=$(az cognitiveservices account show {account_options} "
        "--query properties.endpoint --output tsv)",
    ),
    "upstream_version": _fault(
        "{subject} does not know the api-version {version}.",
        "Calls of deployments need it; they are answered with 404.",
        "{set} AZURE_OPENAI_API_VERSION=2025-04-01-preview, or api_version in AZURE_OPENAI_RESOURCES",
    ),
    "discovery_forbidden": _fault(
        "The identity may not list the deployments of {subject}.",
        "Without the list, names are tried as they come, and models of other makers are not found.",
        _ON_ACCOUNT + " --scope {account_id}",
    ),
    "discovery_resource_missing": _fault(
        "There is no account with the resource id of {subject}.",
        "Without the list of deployments, names are tried as they come.",
        "{set} AZURE_OPENAI_RESOURCE_ID=$(az cognitiveservices account list "
        "--query \"[?contains(properties.endpoint, '{host}')].id\" --output tsv)",
    ),
    "discovery_throttled": _warning(
        "Azure Resource Manager has too many requests of this identity.",
        "The proxy tries again by itself and works with the last list.",
        "az rest --method get --url {account_id}/deployments?api-version=2025-09-01",
    ),
    "discovery_unreachable": _fault(
        "Azure Resource Manager could not list the deployments of {subject}.",
        "Without the list, names are tried as they come.",
        "az rest --method get --url {account_id}/deployments?api-version=2025-09-01",
    ),
    "discovery_unusable": _fault(
        "What answers for Azure Resource Manager is something else.",
        "Without the list of deployments, names are tried as they come.",
        "{set} AZURE_RESOURCE_MANAGER_URL=https://management.azure.com",
    ),
    "deployment_missing": _fault(
        "There is no deployment {subject} that is ready.",
        "Requests for the models that it is to serve are answered with 404.",
        "az cognitiveservices account deployment list {account_options} --query '[].name'; then correct the setting "
        "that names it, or create it",
    ),
    "deployment_failing": _fault(
        "The deployment {subject} answers a call with the status {status}.",
        "Requests for the models that it serves fail.",
        "az cognitiveservices account deployment show {account_options} --deployment-name {deployment}",
    ),
    "quota_used_up": _warning(
        "The deployment {subject} is over its rate limit.",
        "Clients are answered with 429 until the minute is over, unless another deployment serves the model.",
        "az cognitiveservices account deployment create {account_options} --deployment-name {deployment} "
        "--sku-capacity MORE (and the model as it is), or add another resource",
    ),
    "quota_low": _warning(
        "The deployment {subject} has {left} left of its rate limit.",
        "With a few more requests clients are answered with 429.",
        "az cognitiveservices account deployment create {account_options} --deployment-name {deployment} "
        "--sku-capacity MORE (and the model as it is), or add another resource",
    ),
    "server_credential": _fault(
        "The server {subject} refuses the key of the proxy ({auth}).",
        _NO_CALL + " The key was revoked, or belongs to another server.",
        "{mend_credential}",
    ),
    "server_refused": _fault(
        "The server {subject} refuses the proxy, for another reason than its key.",
        _NO_CALL,
        _SERVER,
    ),
    "server_failing": _fault(
        "The server {subject} answers with errors (status {status}).",
        _NO_CALL,
        _SERVER,
    ),
    "server_not_openai": _fault(
        "What answers at {base}/models is no list of models.",
        _NO_CALL + " The endpoint is what comes before the paths of OpenAI's API, so mostly it ends with /v1.",
        _SERVER + ", then correct endpoint of {subject} in AZURE_OPENAI_RESOURCES",
    ),
    "server_throttled": _warning(
        "The model {subject} is over its rate limit at the server {resource}.",
        "Clients are answered with 429 until that is over, unless another resource serves the model.",
        "{set} AZURE_OPENAI_RESOURCES=LIST with another resource for the model",
    ),
    "server_quota_low": _warning(
        "The model {subject} has {left} left of its rate limit at the server {resource}.",
        "With a few more requests clients are answered with 429.",
        "{set} AZURE_OPENAI_RESOURCES=LIST with another resource for the model",
    ),
    "model_missing": _warning(
        "The server {resource} does not list the model {subject}.",
        "Unless it serves models that it does not list, requests for it are answered with 404.",
        _SERVER + ", then correct models of {resource} in AZURE_OPENAI_RESOURCES",
    ),
    "model_failing": _fault(
        "The model {subject} of the server {resource} answers a call with the status {status}.",
        "Requests for it fail.",
        _SERVER,
    ),
    "entra_keys_unreachable": _fault(
        "Microsoft Entra ID could not be asked for the keys of the tenant {subject}.",
        "Requests with tokens are answered with 503.",
        "curl -i https://{host}/{subject}/v2.0/.well-known/openid-configuration; if that answers, "
        "az functionapp vnet-integration list --name {app} --resource-group {group}",
    ),
    "entra_keys_unusable": _fault(
        "{host} has no tenant {subject}, or what answers there is not Microsoft Entra ID.",
        "Requests with tokens are answered with 503.",
        '{set} CLIENT_ENTRA_TENANT="$(az account show --query tenantId --output tsv)"; '
        "if that is right, correct CLIENT_ENTRA_AUTHORITY",
    ),
    "entra_admits_nobody": _fault(
        "{subject} has no role, no group and no others.",
        "Every request with a token is refused.",
        '{set} {subject}=\'{{"roles": {{"Chat.User": {{}}}}}}\' with the role of your application',
    ),
    "budget_without_store": _fault(
        "There is a hard budget ({subject}) and no LIMITS_STORE.",
        "Instances would each spend the budget, so what it pays for is refused with 503.",
        '{set} LIMITS_STORE="$(az storage account show --name {storage} --query primaryEndpoints.table --output tsv)"',
    ),
    "budget_model_unknown": _warning(
        "Nobody says which model the deployment {subject} is of.",
        _UNBOUNDED,
        "{set} AZURE_OPENAI_DEPLOYMENT_MODELS={deployment}=MODEL@VERSION/GlobalStandard, or AZURE_OPENAI_RESOURCE_ID"
        + _OR_SOFT,
    ),
    "budget_price_missing": _warning(
        "The table of prices has none for the deployment {subject}, which is {model} at {sku} ({doubt}).",
        _UNBOUNDED,
        "{set} PRICES=prices.json with the price of your contract" + _OR_SOFT,
    ),
    "budget_price_unverified": _warning(
        "A price of the deployment {subject}, which is {model} at {sku}, is not verified.",
        _UNBOUNDED + ' For some models "service_tier": "default" in a request is enough.',
        "{set} PRICES=prices.json with the price of your contract" + _OR_SOFT,
    ),
    "prices_old": _warning(
        "A price is {days} days old.",
        "Costs and budgets count by it, and Azure changes prices every few months.",
        "python -m tools.prices update, then deploy the app again; own prices of PRICES need a newer date",
    ),
    "ledger_forbidden": _fault(
        "The identity may not use the table of {subject}.",
        "The limits of client keys cannot be counted for all instances together.",
        _ROLE.format(role="Storage Table Data Contributor", principal="{principal}", type="{principal_type}")
        + ' --scope "$(az storage account show --name {account} --query id --output tsv)"',
    ),
    "ledger_unreachable": _fault(
        "The table of {subject} answers with errors.",
        "The limits of client keys cannot be counted for all instances together.",
        "az storage account show --name {account} --query '{{network:networkRuleSet,status:statusOfPrimary}}'",
    ),
    "usage_forbidden": _warning(
        "The identity may not use the table of {subject}.",
        "The usage of clients is not kept: each instance holds it in memory until it ends.",
        _ROLE.format(role="Storage Table Data Contributor", principal="{principal}", type="{principal_type}")
        + ' --scope "$(az storage account show --name {account} --query id --output tsv)"',
    ),
    "usage_unreachable": _warning(
        "The table of {subject} answers with errors.",
        "The usage of clients is not kept: each instance holds it in memory until it ends.",
        "az storage account show --name {account} --query '{{network:networkRuleSet,status:statusOfPrimary}}'",
    ),
    "no_client_keys": _fault(
        "There is no client key.",
        "Every request is answered with 401.",
        "python -m tools.keys {keys} new NAME",
    ),
    "client_key_locked": _fault(
        "The limits of the client key {subject} cannot be read.",
        "The key opens nothing, so that a misspelt limit does not open everything.",
        "python -m tools.keys {keys} limit {subject} --rpm 60, with the limits that are meant",
    ),
    "client_key_weak": _warning(
        "The client key {subject} has fewer than 24 characters.",
        "It can be guessed.",
        "python -m tools.keys {keys} rotate {subject}{overlap}",
    ),
    "client_key_expired": _warning(
        "The client key {subject} has expired.",
        "Its client is answered with 401.",
        "python -m tools.keys {keys} rotate {subject} --expires DATE",
    ),
    "client_key_expiring": _warning(
        "The client key {subject} expires within {days} days.",
        "Its client is answered with 401 then.",
        "python -m tools.keys {keys} limit {subject} --expires DATE",
    ),
    "clock_skewed": _fault(
        "The clock of this machine is {seconds} s away from that of {subject}.",
        "Tokens and the dates of keys are valid at other times than they should be.",
        "timedatectl set-ntp true, on your own machine; az functionapp restart --name {app} --resource-group {group}",
    ),
    "template_differs": _warning(
        "The template that deployed the app is {template}, the app is {version}.",
        "Settings and roles that this version needs may be missing.",
        "Press the button Deploy to Azure of this version, or: az deployment group create --resource-group {group} "
        "--template-file infra/azuredeploy.json --parameters @YOUR_PARAMETERS",
    ),
    "check_failed": _fault(
        "The check {subject} ended with an unexpected error, {error}.",
        "What it looks at may be wrong.",
        "Run python -m tools.doctor on your own machine, and report the error if it is there too",
    ),
}
