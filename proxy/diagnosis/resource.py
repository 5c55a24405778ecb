"""Judges the answers of a resource, as those to calls are judged."""

from collections.abc import Collection, Mapping

import msgspec

from proxy.azure_api.errors import MISSING_CODES, AzureErrors, parse_texts
from proxy.config.address_rules import Reach, reach_of
from proxy.config.resources import Resource, ResourceKind
from proxy.diagnosis.seen import Seen
from proxy.values import AuthMode, Secret

# The part of a rate limit below which little is left of it.
LITTLE = 0.1
# A call that spends no token: a deployment that is there refuses it, one that is not is not found.
EMPTY_CALL = b"{}"
ONE_TOKEN: Mapping[str, object] = {"messages": [{"role": "user", "content": "."}]}
# The findings about servers of OpenAI's API, which no command of Azure's mends.
_OF_SERVERS: Mapping[str, str] = {
    "upstream_credential": "server_credential",
    "upstream_role": "server_refused",
    "upstream_network": "server_refused",
    "upstream_blocked": "server_refused",
    "upstream_refused": "server_refused",
    "upstream_failing": "server_failing",
    "upstream_not_azure": "server_not_openai",
    "deployment_missing": "model_missing",
    "deployment_failing": "model_failing",
    "quota_used_up": "server_throttled",
    "quota_low": "server_quota_low",
}
_LATEST = ":latest"
_LIMITS = ("max_completion_tokens", "max_tokens")
ONE_TOKEN_CALLS = tuple(msgspec.json.encode({**ONE_TOKEN, limit: 1}) for limit in _LIMITS)


def judge_list(
    one: Resource, secret: Secret, status: int, headers: Mapping[str, str], body: bytes, *, is_openai: bool
) -> str | None:
    """Return the code for the answer of a resource to a list of models, None for a success."""
    if status == 200:
        return None if body.lstrip()[:1] == b"{" else "upstream_not_azure"
    if status == 429:
        return None  # It has accepted the credential.
    if status >= 500:
        return "upstream_failing"
    if status in (401, 403):
        return refusal_of(one.auth, secret, status, headers, body, is_openai=is_openai)
    return "upstream_not_azure"


def refusal_of(
    auth: AuthMode, secret: Secret, status: int, headers: Mapping[str, str], body: bytes, *, is_openai: bool
) -> str:
    """Return the code for a 401 or 403 of a resource."""
    errors = AzureErrors(model=None, auth=auth, secret=secret.reveal(), is_openai=is_openai)
    return errors.answer(status, headers, body).reason or "upstream_credential"


def code_for(one: Resource, code: str) -> str:
    """Return the code that a finding about a resource has, which for a server that is not Azure's is another one."""
    return _OF_SERVERS.get(code, code) if one.kind is ResourceKind.OPENAI else code


def lists(models: Collection[str], name: str) -> bool:
    """Tell whether a model is in a server's list; Ollama lists a name without a version as the latest."""
    return name in models or f"{name}{_LATEST}" in models


def is_missing(status: int, body: bytes) -> bool:
    """Tell whether an answer says that there is no such deployment."""
    return status == 404 and parse_texts(body)[1].lower() in MISSING_CODES


def refuses_limit(status: int, body: bytes) -> bool:
    """Tell whether a deployment refuses the name under which the limit of one token was sent."""
    message, _, parameter = parse_texts(body)
    return status == 400 and (parameter == _LIMITS[0] or _LIMITS[0] in message)


def judge_call(subject: str, status: int, headers: Mapping[str, str]) -> Seen | None:
    """Return what is wrong by the answer to a call of one token; 400 is no fault: not every model chats."""
    if status == 429:
        return Seen(code="quota_used_up", subject=subject)
    if status >= 401:
        return Seen(code="deployment_failing", subject=subject, facts={"status": str(status)})
    low = [f"{left} of {limit} {kind}" for kind, left, limit in _quota(headers) if left < limit * LITTLE]
    return Seen(code="quota_low", subject=subject, facts={"left": " and ".join(low)}) if low else None


def quota_left(headers: Mapping[str, str]) -> str:
    """Return what is left of the rate limits of a deployment, empty where its answer does not say it."""
    return ", ".join(f"{left} of {limit} {kind} left" for kind, left, limit in _quota(headers))


def _quota(headers: Mapping[str, str]) -> list[tuple[str, int, int]]:
    found = []
    for kind in ("requests", "tokens"):
        left, limit = (headers.get(f"x-ratelimit-{name}-{kind}", "") for name in ("remaining", "limit"))
        if left.isdecimal() and limit.isdecimal():
            found.append((kind, int(left), int(limit)))
    return found


def reach_in_words(addresses: tuple[str, ...]) -> str:
    """Return whether addresses are private, as behind a private endpoint, or public."""
    reaches = {reach_of(one) for one in addresses}
    return "public" if Reach.PUBLIC in reaches else "private" if Reach.PRIVATE in reaches else "local"


def configured_deployments(one: Resource) -> tuple[str, ...]:
    """Return the deployments that the settings name, each once."""
    defaults = (one.default_deployment, *one.default_deployments.values())
    return tuple(dict.fromkeys(filter(None, (*one.models.values(), *defaults, *one.deployment_apis))))
