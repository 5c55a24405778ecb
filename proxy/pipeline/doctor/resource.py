"""Checks one resource: the connection, the credential, the api-version, and its deployments."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec

from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.credentials import Header, bearer_header, key_header
from proxy.azure_services.identity import EntraToken
from proxy.azure_services.model_list import parse_models
from proxy.azure_services.probes import NO_HEADER, Probed
from proxy.azure_services.resource_manager import ResourceManager, token_scope
from proxy.config.addresses import port_of
from proxy.config.resources import Resource, ResourceKind
from proxy.diagnosis import resource as judge
from proxy.diagnosis.commands import host_and_port, of_resource
from proxy.diagnosis.seen import Seen
from proxy.errors import ConfigurationError
from proxy.pipeline.doctor.examination import Checked, Examination
from proxy.values import AuthMode, Deployed, Secret

# Deployments that are called or looked for; more than a resource usually has.
MOST_DEPLOYMENTS = 50
_ANY = "of any model"


async def check_resource(run: Examination, one: Resource) -> tuple[Checked, ...]:
    """Check the resource, and if it can be called, its deployments."""
    name, deployments = f"resource {one.name}", f"deployments of {one.name}"
    header, checked = await _check_access(run, one, name)
    if header is None:
        return checked, Checked(check=deployments, skipped=True, detail="the resource cannot be called")
    return checked, await _Deployments(run, one, header, deployments).check()


async def _check_access(run: Examination, one: Resource, name: str) -> tuple[Header | None, Checked]:
    """Return the credential with which the resource can be called, None if it cannot."""
    facts = of_resource(one)
    connected = await run.connect(one.endpoint)
    code = connected.failure or ("address_refused" if _is_refused(run, one, connected) else None)
    if code is not None:
        return None, run.checked(name, Seen(code=code, subject=host_and_port(one.endpoint)), facts=facts)
    reach = judge.reach_in_words(connected.addresses)
    detail = f"{one.endpoint} at {', '.join(connected.addresses) or 'an HTTP proxy'} ({reach})"
    if not run.has_own_credential:
        return None, Checked(check=name, detail=f"{detail}; clients bring the credential")
    header = await _credential(run, one)
    if header is None:
        return None, Checked(check=name, skipped=True, detail=f"{detail}; there is no credential to call it with")
    code, status = await _judge_list(run, one, header)
    if code is None:
        return header, Checked(check=name, detail=f"{detail}; the credential is accepted ({one.auth.value})")
    code = judge.code_for(one, code)
    facts |= {"reach": reach, "status": str(status), "mend_credential": _credential_command(run, one)}
    return None, run.checked(name, Seen(code=code, subject=one.name), facts=facts)


def _is_refused(run: Examination, one: Resource, connected: Probed) -> bool:
    """Tell whether a server that is not Azure's has an address that calls may not go to."""
    if one.kind is not ResourceKind.OPENAI:
        return False
    parts = urlsplit(one.endpoint)
    secure = parts.scheme == "https"
    rules = run.settings.address_rules
    return any(rules.address_problem(address, port_of(parts), secure=secure) for address in connected.addresses)


async def _credential(run: Examination, one: Resource) -> Header | None:
    encode = bearer_header if one.kind is ResourceKind.OPENAI else key_header
    match one.auth:
        case AuthMode.KEY:
            return encode(one.api_key) if one.api_key is not None else None
        case AuthMode.KEY_VAULT:
            key = run.secrets.get(one.key_secret)
            return encode(key) if key is not None else None
        case AuthMode.MANAGED_IDENTITY if run.has_identity:
            return bearer_header(Secret((await run.identity.get_token_info(run.settings.token_scope)).token))
        case AuthMode.NONE:
            return NO_HEADER
    return None


async def _judge_list(run: Examination, one: Resource, header: Header) -> tuple[str | None, int]:
    """Return the code for the answer to a list of the models, which spends no token, and its status."""
    surfaces = surfaces_at(one.endpoint, one.api_version, {}, is_openai=one.kind is ResourceKind.OPENAI)
    listed = await run.probes.call("GET", surfaces.models_url, header)
    code = _code(one, header, listed)
    if code == "upstream_not_azure" and not (surfaces.is_openai or surfaces.prefers_v1):
        again = await run.probes.call("GET", replace(surfaces, prefers_v1=True).models_url, header)
        code = "upstream_version" if _code(one, header, again) is None else code
    return code, listed.status


def _code(one: Resource, header: Header, listed: Probed) -> str | None:
    return listed.failure or judge.judge_list(
        one,
        Secret(header[1].removeprefix("Bearer ")),
        listed.status,
        listed.headers,
        listed.body,
        is_openai=one.kind is ResourceKind.OPENAI,
    )


def _credential_command(run: Examination, one: Resource) -> str:
    """Return how a credential that is refused is replaced."""
    facts, places = of_resource(one), run.places()
    match one.auth:
        case AuthMode.KEY_VAULT:
            value = facts["account_key"]
            return f'az keyvault secret set --vault-name {places["vault"]} --name {one.key_secret} --value "{value}"'
        case AuthMode.MANAGED_IDENTITY:
            return f"{places['set']} AZURE_OPENAI_TOKEN_SCOPE=https://cognitiveservices.azure.com/.default"
    if one.kind is ResourceKind.OPENAI:
        return f"{places['set']} AZURE_OPENAI_RESOURCES=LIST with another key for {one.name}"
    return f'{places["set"]} AZURE_OPENAI_API_KEY="{facts["account_key"]}", or api_key in AZURE_OPENAI_RESOURCES'


class _Deployments:
    """The deployments of one resource that can be called with `header`."""

    def __init__(self, run: Examination, one: Resource, header: Header, check: str) -> None:
        self._run = run
        self._one = one
        self._header = header
        self._check = check
        self._details: list[str] = []
        self._listed: dict[str, Deployed] = {}

    async def check(self) -> Checked:
        """Look whether each deployment that the settings name is there, and call it if that was asked for."""
        configured = judge.configured_deployments(self._one)[:MOST_DEPLOYMENTS]
        listed, seen = await self._list()
        missing = await self._missing(configured, listed)
        seen += [Seen(code="deployment_missing", subject=name) for name in missing]
        seen = [replace(one, code=judge.code_for(self._one, one.code)) for one in seen]
        there = [name for name in (configured or listed or ()) if name not in missing][:MOST_DEPLOYMENTS]
        if self._run.calls:
            seen += [one for name in there if (one := await self._call(name)) is not None]
        self._note_deployed(there)
        self._details.insert(0, ", ".join(there) or "the settings name none")
        return self._run.checked(self._check, *seen, detail="; ".join(self._details), facts=of_resource(self._one))

    async def _list(self) -> tuple[tuple[str, ...] | None, list[Seen]]:
        """Return the deployments that Azure or the server lists, None where nobody is asked or answers."""
        if self._one.kind is ResourceKind.OPENAI:
            return await self._list_models(), []
        settings, resource_id = self._run.settings, self._one.resource_id
        if resource_id is None or not self._run.has_identity:
            return None, []
        token = EntraToken(self._run.identity, token_scope(settings.resource_manager_url))
        manager = ResourceManager(settings.resource_manager_url, token, proxies=settings.http_proxies)
        try:
            return self._named(await manager.deployments(resource_id)), []
        except ConfigurationError as error:
            return None, [Seen(code=error.reason, subject=self._one.name)]
        finally:
            await manager.close()
            await token.close()

    async def _list_models(self) -> tuple[str, ...] | None:
        """Return the models that a server of OpenAI's API lists."""
        probed = await self._run.probes.call("GET", f"{self._one.endpoint}/models", self._header)
        try:
            return self._named(parse_models(probed.body)) or None
        except ValueError:
            return None

    def _named(self, deployed: tuple[Deployed, ...]) -> tuple[str, ...]:
        self._listed = {one.name: one for one in deployed}
        return tuple(self._listed)

    def _note_deployed(self, there: Sequence[str]) -> None:
        """Remember what the deployments are, for their prices: the settings count before the list."""
        described = self._one.deployment_models
        self._run.deployed |= {name: described.get(name) or self._listed.get(name) for name in there}

    async def _missing(self, configured: tuple[str, ...], listed: tuple[str, ...] | None) -> tuple[str, ...]:
        if self._one.kind is ResourceKind.OPENAI:
            return () if listed is None else tuple(name for name in configured if not judge.lists(listed, name))
        if listed is not None:
            return tuple(name for name in configured if name not in listed) if listed else configured or (_ANY,)
        return tuple([name for name in configured if await self._is_missing(name)])

    async def _is_missing(self, name: str) -> bool:
        probed = await self._send(name, judge.EMPTY_CALL)
        return judge.is_missing(probed.status, probed.body)

    async def _call(self, name: str) -> Seen | None:
        """Make a call of one token."""
        for body in judge.ONE_TOKEN_CALLS:
            probed = await self._send(name, body)
            if not judge.refuses_limit(probed.status, probed.body):
                break
        if probed.failure is not None:
            code = judge.code_for(self._one, "deployment_failing")
            return Seen(code=code, subject=name, facts={"status": "none", "deployment": name})
        left = judge.quota_left(probed.headers)
        self._details.append(f"{name} answers with {probed.status}" + (f", {left}" if left else ""))
        seen = judge.judge_call(name, probed.status, probed.headers)
        if seen is None:
            return None
        return replace(seen, code=judge.code_for(self._one, seen.code), facts={**seen.facts, "deployment": name})

    async def _send(self, name: str, body: bytes) -> Probed:
        endpoint, version = self._one.endpoint, self._one.api_version
        if self._one.kind is ResourceKind.OPENAI:
            return await self._post(f"{endpoint}/chat/completions", _with_model(body, name))
        if version == "v1":
            return await self._post(f"{endpoint}/openai/v1/chat/completions", _with_model(body, name))
        path = f"/openai/deployments/{name}/chat/completions?api-version={version}"
        return await self._post(f"{endpoint}{path}", body)

    async def _post(self, url: str, body: bytes) -> Probed:
        return await self._run.probes.call("POST", url, self._header, body)


def _with_model(body: bytes, name: str) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(body, type=dict[str, object]), "model": name})
