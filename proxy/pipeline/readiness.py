"""Whether requests can be served now: the keys are there, and a resource accepts the proxy's credential.

Azure is asked for a list, which spends no token. The answer is kept, and there is one look at a time, so that nobody
who asks often causes more calls.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context

from proxy.azure_api.errors import AzureErrors
from proxy.azure_services.cached import PENDING
from proxy.azure_services.credentials import Header
from proxy.azure_services.sending import Sending
from proxy.azure_services.upstream import Upstream
from proxy.errors import ConfigurationError, ProxyError
from proxy.pipeline.authentication import Authenticator, ClientKeyAuthenticator
from proxy.pipeline.resources import Resource, Resources
from proxy.values import UpstreamRequest

# Seconds for which an answer is kept.
KEPT_READY, KEPT_UNREADY = 10.0, 5.0
# Seconds; what asks for readiness rarely waits for longer.
PATIENCE = 8.0
ASK_SECONDS = 5.0
LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; as for the list of a server's models
UNREACHABLE, NONE_USABLE = "upstream_unreachable", "deployments_unusable"

Reasons = tuple[str, ...]


class Kept:
    """The reasons of the last look; `clock` is monotonic."""

    def __init__(self, look: Callable[[], Awaitable[Reasons]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._until = float("-inf")
        self._reasons: Reasons = ()
        self._looking: asyncio.Task[None] | None = None

    async def reasons(self) -> Reasons:
        """Return why nobody can be served, none when all is well; all who ask at once wait for one look."""
        if self._clock() >= self._until:
            if self._looking is None or self._looking.done():
                # In an empty context, because the look goes on for the others when who began it has disconnected.
                self._looking = asyncio.get_running_loop().create_task(self._take(), context=Context())
            await asyncio.shield(self._looking)
        return self._reasons

    async def close(self) -> None:
        """End a look that goes on."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _take(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                self._reasons = await self._look()
        except TimeoutError:
            self._reasons = (PENDING,)
        self._until = self._clock() + (KEPT_UNREADY if self._reasons else KEPT_READY)


async def look(authenticator: Authenticator, upstream: Upstream) -> Reasons:
    """Return why nobody can be served: what is missing of the keys, or why no resource can be called.

    It waits for what is read for the first time, as a request does.
    """
    resources = authenticator.resources
    if resources is None:
        return ()  # Who brings a key of Azure brings what there is to be ready.
    if isinstance(authenticator, ClientKeyAuthenticator):
        authenticator.start()
        await authenticator.keys.current()
    missing = set(await authenticator.problems())
    missing -= {*resources.problems()}  # They are awaited, each with its resource.
    if missing:
        return tuple(sorted(missing))
    asked = [_ask(upstream, one, number, resources) for number, one in enumerate(resources.each)]
    tasks = [asyncio.ensure_future(one) for one in asked]
    reasons: list[str] = []
    try:
        for task in asyncio.as_completed(tasks):
            reason = await task
            if reason is None:
                return ()
            reasons.append(reason)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return tuple(sorted(set(reasons)))


async def _ask(upstream: Upstream, one: Resource, number: int, resources: Resources) -> str | None:
    """Return why a resource serves nobody, None if it can be called and has a deployment that may be."""
    if not _has_deployment(one, number, resources):
        return NONE_USABLE
    try:
        header = await one.credential.header()
        async with asyncio.timeout(ASK_SECONDS):
            answer = await upstream.send(_list_request(one), header, lambda: Sending(lambda _: None))
            try:
                status, body = answer.status, await answer.read_beginning(LONGEST_ANSWER)
            finally:
                answer.close()
    except ConfigurationError as error:
        return error.reason
    except (ProxyError, TimeoutError):
        return UNREACHABLE
    return _reason(one, header, status, answer.headers, body)


def _list_request(one: Resource) -> UpstreamRequest:
    surfaces = one.surfaces
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    return UpstreamRequest(method="GET", url=surfaces.models_url, headers=headers, body=b"", guarded=surfaces.is_openai)


def _reason(one: Resource, header: Header, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    if status in (200, 429):  # 429 comes behind the credential
        return None
    if status in (401, 403) and one.auth is not None:
        secret = header[1].removeprefix("Bearer ")
        errors = AzureErrors(model=None, auth=one.auth, secret=secret, is_openai=one.surfaces.is_openai)
        return errors.answer(status, headers, body).reason or "upstream_credential"
    return UNREACHABLE if status >= 500 else "upstream_operation"


def _has_deployment(one: Resource, number: int, resources: Resources) -> bool:
    """Tell whether a deployment of a resource may be called: one whose breaker is closed, or one not known by name."""
    if one.deployments() == () and not one.models.models and one.models.default is None:
        return False
    catalogue, health = resources.catalogue(), resources.routing.health
    targets = [
        target for name in catalogue.names() for target in catalogue.targets(name.name) if target.resource == number
    ]
    return not targets or any(not health.is_open(target) for target in targets)
