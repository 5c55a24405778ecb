"""Checks the identity of the process, the vault with the keys of resources in it, and the client keys."""

from urllib.parse import quote, urlsplit

from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.diagnosis import vault
from proxy.diagnosis.commands import host_and_port, of_resource, of_vault_host, read_holder
from proxy.diagnosis.keys import judge_keys
from proxy.diagnosis.seen import Seen
from proxy.errors import ConfigurationError
from proxy.pipeline.doctor.examination import Checked, Examination
from proxy.values import AuthMode, ClientAuth, Secret

IDENTITY, VAULT, KEYS = "identity", "vault", "client keys"
# What Entra says of an audience that it does not know.
_UNKNOWN_AUDIENCE = b"AADSTS500011"


async def check_identity(run: Examination) -> Checked:
    """Fetch a token; say whose it is and for which audience."""
    if not run.needs_identity():
        return Checked(check=IDENTITY, skipped=True, detail="nothing is called with an identity")
    scope = _scope(run)
    try:
        token = (await run.identity.get_token_info(scope)).token
    except ConfigurationError:
        return run.checked(IDENTITY, await _why_no_token(run, scope))
    run.has_identity, run.holder = True, read_holder(token)
    kind = "managed identity" if run.settings.has_managed_identity else "login of the Azure CLI"
    whose = f" {run.settings.azure_client_id}" if run.settings.azure_client_id else ""
    principal = f", principal {run.holder.principal}" if run.holder.principal else ""
    return Checked(check=IDENTITY, detail=f"{kind}{whose}{principal}, token for {scope.removesuffix('/.default')}")


def _scope(run: Examination) -> str:
    if any(one.auth is AuthMode.MANAGED_IDENTITY for one in run.settings.resources):
        return run.settings.token_scope
    return f"{run.settings.resource_manager_url}/.default"


async def _why_no_token(run: Examination, scope: str) -> Seen:
    """Ask the endpoint of the managed identity itself, whose answer says more than the SDK's exception."""
    audience, client_id = scope.removesuffix("/.default"), run.settings.azure_client_id
    endpoint, secret = run.environ.get("IDENTITY_ENDPOINT"), run.environ.get("IDENTITY_HEADER", "")
    if endpoint is None:
        return Seen(code="identity_unavailable", subject="identity")
    query = f"api-version=2019-08-01&resource={quote(audience, safe='')}"
    query += f"&client_id={client_id}" if client_id else ""
    probed = await run.probes.call("GET", f"{endpoint}?{query}", ("X-IDENTITY-HEADER", secret))
    if _UNKNOWN_AUDIENCE in probed.body:
        return Seen(code="identity_audience_unknown", subject=audience)
    if client_id is not None and probed.status in (400, 404):
        return Seen(code="identity_client_unknown", subject="AZURE_CLIENT_ID")
    return Seen(code="identity_unavailable", subject="identity")


async def check_vault(run: Examination) -> Checked:
    """Reach the vault, list its secrets, and read those that hold keys of resources."""
    url = run.settings.key_vault_url
    if url is None or not run.has_own_credential:
        return Checked(check=VAULT, skipped=True, detail="no vault is used")
    facts = of_vault_host(url)
    connected = await run.connect(url)
    if connected.failure is not None:
        return run.checked(VAULT, Seen(code=connected.failure, subject=host_and_port(url)), facts=facts)
    if not run.has_identity:
        return Checked(check=VAULT, skipped=True, detail=f"{url} can be reached; without an identity it is not read")
    return await _read(run, url, facts)


async def _read(run: Examination, url: str, facts: dict[str, str]) -> Checked:
    token, failed = await _token_for(run, url)
    if token is None:
        return run.checked(VAULT, failed, facts=facts)
    bearer = ("authorization", f"Bearer {token.reveal()}")
    listed = await run.probes.call("GET", _address(url, "/secrets", "&maxresults=25"), bearer)
    code = listed.failure or vault.judge_vault(listed.status, listed.body)
    if code is not None:
        return run.checked(VAULT, Seen(code=code, subject=host_and_port(url)), facts=facts)
    run.vault_is_readable = True
    seen = [one for name in run.key_secrets() if (one := await _read_secret(run, url, name, bearer)) is not None]
    names = ", ".join(run.key_secrets()) or "none"
    return run.checked(VAULT, *seen, detail=f"{url} can be read; secrets with keys of resources: {names}", facts=facts)


async def _token_for(run: Examination, url: str) -> tuple[Secret | None, Seen]:
    """Return a token for the audience that the vault itself names."""
    asked = await run.probes.call("GET", _address(url, "/secrets"))
    netloc = urlsplit(url).netloc
    audience = vault.audience_of(asked.headers.get("www-authenticate", ""), netloc)
    if audience is None:
        code = asked.failure or vault.judge_vault(asked.status, asked.body) or "key_vault_not_a_vault"
        code = "key_vault_not_a_vault" if asked.status == 401 else code
        return None, Seen(code=code, subject=host_and_port(url))
    try:
        return Secret((await run.identity.get_token_info(f"{audience}/.default")).token), Seen(code="", subject="")
    except ConfigurationError:
        return None, Seen(code="identity_audience_unknown", subject=audience)


async def _read_secret(run: Examination, url: str, name: str, bearer: tuple[str, str]) -> Seen | None:
    read = await run.probes.call("GET", _address(url, f"/secrets/{name}"), bearer)
    code = read.failure or vault.judge_secret(read.status, read.body, run.now())
    if code == "key_vault_forbidden":
        versions = await run.probes.call("GET", _address(url, f"/secrets/{name}/versions"), bearer)
        code = "key_vault_secret_disabled" if vault.is_disabled(versions.body) else code
    if code in (None, "key_vault_secret_expired"):
        run.secrets[name] = vault.key_in(read.body)
    if code is None:
        return None
    return Seen(code=code, subject=name, facts={**of_resource(run.key_secrets()[name]), "secret": name})


def _address(url: str, path: str, query: str = "") -> str:
    return f"{url}{path}?api-version={vault.API_VERSION}{query}"


async def check_client_keys(run: Examination) -> Checked:
    """Count the client keys, and look for those that open nothing, are weak, or end soon."""
    if not run.has_own_credential:
        return Checked(check=KEYS, skipped=True, detail="clients bring keys of Azure OpenAI")
    if run.settings.client_auth is ClientAuth.ENTRA:
        return Checked(check=KEYS, skipped=True, detail="clients bring tokens of Microsoft Entra ID")
    keys, url = run.settings.client_keys, run.settings.key_vault_url
    if url is not None:
        if not run.vault_is_readable:
            return Checked(check=KEYS, skipped=True, detail="the vault cannot be read")
        source = KeyVault(url, run.identity)
        try:
            keys += await VaultClientKeys(source, run.settings.vault_client_keys.rules, now=run.now).read()
        except ConfigurationError as error:
            return run.checked(KEYS, Seen(code=error.reason, subject=host_and_port(url)), facts=of_vault_host(url))
        finally:
            await source.close()
    run.keys = tuple(key for key in keys if not key.is_admin)
    count, is_needed = len(run.keys), run.settings.entra is None
    admins = len(keys) - count + len(run.settings.admin_keys)
    seen = judge_keys(keys, run.now(), is_needed=is_needed)
    return run.checked(KEYS, *seen, detail=f"of clients {count}, of operators {admins}")
