"""The ids of a set-up, as the places of the commands that mend it."""

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from proxy.config.addresses import port_of
from proxy.config.resources import Resource, ResourceKind
from proxy.config.settings import Settings

_DOMAINS = {
    "vault": "privatelink.vaultcore.azure.net",
    "openai": "privatelink.openai.azure.com",
}


class _Claims(msgspec.Struct):
    """What a token of Entra says of whom it is for. It is not verified: it only fills in commands."""

    oid: str | None = None
    aud: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a token is for: the object id of its principal and its audience, None where the token does not say."""

    principal: str | None = None
    audience: str | None = None


def read_holder(token: str) -> Holder:
    """Return whom a token is for; one that cannot be read says nothing."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except ValueError:
        return Holder()
    principal = claims.oid if claims.oid is not None and _is_plain(claims.oid) else None
    return Holder(principal=principal, audience=claims.aud)


def _is_plain(text: str) -> bool:
    return text.replace("-", "").isalnum() and text.isascii()


def of_app(environ: Mapping[str, str], settings: Settings | None, holder: Holder) -> dict[str, str]:
    """Return the places of commands about the app, its identity and its vault.

    Azure says the name of the app and of its group in the environment.
    https://learn.microsoft.com/azure/app-service/reference-app-settings
    """
    on_azure = bool(environ.get("WEBSITE_SITE_NAME"))
    app = shlex.quote(environ.get("WEBSITE_SITE_NAME") or "APP")
    group = shlex.quote(environ.get("WEBSITE_RESOURCE_GROUP") or "GROUP")
    setting = f"az functionapp config appsettings set --name {app} --resource-group {group} --settings"
    client_id = settings.azure_client_id if settings is not None else None
    return {
        "app": app,
        "group": group,
        "set": setting if on_azure else "export",
        "mend_identity": (
            f"az functionapp identity assign --name {app} --resource-group {group}" if on_azure else "az login"
        ),
        "principal": _principal(holder, client_id, app, group, on_azure=on_azure),
        "principal_type": "ServicePrincipal" if on_azure or client_id else "User",
        "storage": shlex.quote(environ.get("AzureWebJobsStorage__accountName") or "STORAGE_ACCOUNT"),
        **_of_vault(settings.key_vault_url if settings is not None else None, on_azure=on_azure),
    }


def _principal(holder: Holder, client_id: str | None, app: str, group: str, *, on_azure: bool) -> str:
    if holder.principal is not None:
        return holder.principal
    if client_id is not None:
        return f'"$(az ad sp show --id {client_id} --query id --output tsv)"'
    if on_azure:
        shown = f"az functionapp identity show --name {app} --resource-group {group}"
        return f'"$({shown} --query principalId --output tsv)"'
    return '"$(az ad signed-in-user show --query id --output tsv)"'


def _of_vault(url: str | None, *, on_azure: bool) -> dict[str, str]:
    name = _first_label(url) if url else "VAULT"
    shown = f'"$(az keyvault show --name {name} --query id --output tsv)"'
    in_vault = bool(url) or on_azure
    # A file has one key for each name.
    keys, overlap = (f"--vault {name}", " --overlap 24h") if in_vault else ("--file local.settings.json", "")
    return {"vault": name, "vault_id": shown, "keys": keys, "overlap": overlap}


def of_vault_host(url: str) -> dict[str, str]:
    """Return the places of commands about the connection to the vault."""
    return _of_host(url) | {"setting": "KEY_VAULT_URL", "private_zone": _DOMAINS["vault"]}


def of_authority(url: str) -> dict[str, str]:
    """Return the places of commands about the authority of Microsoft Entra ID, which has no private zone."""
    return _of_host(url) | {"setting": "CLIENT_ENTRA_AUTHORITY", "private_zone": "PRIVATE_ZONE"}


def of_table(url: str, setting: str) -> dict[str, str]:
    """Return the places of commands about a table that a setting names."""
    zone = "privatelink.table.core.windows.net"
    return _of_host(url) | {"setting": setting, "private_zone": zone, "account": _first_label(url)}


def of_resource(one: Resource) -> dict[str, str]:
    """Return the places of commands about a resource; its id is looked up where the settings do not say it."""
    host = urlsplit(one.endpoint).hostname or ""
    found = f"az cognitiveservices account list --query \"[?contains(properties.endpoint, '{host}')].id\" --output tsv"
    options = f"--name {_first_label(one.endpoint)} --resource-group ACCOUNT_GROUP"
    if one.resource_id is not None:
        parts = one.resource_id.split("/")
        options = f"--name {parts[8]} --resource-group {shlex.quote(parts[4])} --subscription {parts[2]}"
    is_openai = one.kind is ResourceKind.OPENAI
    key = f"$(az cognitiveservices account keys list {options} --query key1 --output tsv)"
    return _of_host(one.endpoint) | {
        "setting": f"endpoint of {one.name} in AZURE_OPENAI_RESOURCES"
        if is_openai
        else "AZURE_OPENAI_ENDPOINT, or endpoint in AZURE_OPENAI_RESOURCES",
        "base": one.endpoint,
        "resource": one.name,
        "account_key": "$KEY" if is_openai else key,
        "private_zone": _DOMAINS["openai"],
        "account_id": shlex.quote(one.resource_id) if one.resource_id is not None else f'"$({found})"',
        "account_options": options,
        "auth": one.auth.value,
        "secret": one.key_secret,
        "version": one.api_version,
    }


def _of_host(url: str) -> dict[str, str]:
    return {"host": urlsplit(url).hostname or ""}


def host_and_port(url: str) -> str:
    """Return where something listens, as host and port."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{port_of(parts)}"


def _first_label(url: str) -> str:
    return (urlsplit(url).hostname or "").partition(".")[0]
