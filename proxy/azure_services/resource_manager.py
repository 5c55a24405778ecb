"""Azure Resource Manager, which lists the deployments of a resource."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress

import aiohttp
from yarl import URL

from proxy.azure_services.deployments import DeploymentPage, parse_page
from proxy.azure_services.identity import EntraToken, copy_retry_after
from proxy.azure_services.small_documents import open_session, proxy_arguments, read_whole
from proxy.config.http_proxy import HttpProxies
from proxy.errors import ConfigurationError
from proxy.values import Deployed, Secret

FORBIDDEN = "discovery_forbidden"
MISSING = "discovery_resource_missing"
THROTTLED = "discovery_throttled"
UNREACHABLE = "discovery_unreachable"
UNUSABLE = "discovery_unusable"

API_VERSION = "2025-09-01"
CONNECT_SECONDS = 3.0
PAGE_SECONDS = 20.0
LIST_SECONDS = 60.0  # below the limit of `Cached`, whose message would be about a credential
LONGEST_PAGE = 4 * 1024 * 1024  # bytes; a deployment takes about 2 KB, and a resource has a few hundred at most
MAX_PAGES = 50
LONGEST_THROTTLE = 3600.0  # seconds; the quotas of Azure Resource Manager are refilled earlier

REASONS = {401: FORBIDDEN, 403: FORBIDDEN, 404: MISSING, 429: THROTTLED}
CURES = {
    FORBIDDEN: "Azure Resource Manager does not let the proxy list deployments. Give the proxy's identity the role "
    "Cognitive Services OpenAI User, or Reader, on the resource; a new role works after some minutes.",
    MISSING: "Azure Resource Manager knows no such resource. Correct AZURE_OPENAI_RESOURCE_ID, or the resource_id in "
    "AZURE_OPENAI_RESOURCES.",
    THROTTLED: "Azure Resource Manager has too many requests at the moment; the proxy tries again by itself.",
    UNREACHABLE: "Azure Resource Manager could not be asked. Check AZURE_RESOURCE_MANAGER_URL and what the proxy's "
    "network lets out; the proxy tries again by itself.",
    UNUSABLE: "The answer is not one of Azure Resource Manager. Check AZURE_RESOURCE_MANAGER_URL.",
}


def token_scope(url: str) -> str:
    """Return the scope of a token for the Azure Resource Manager at an address."""
    return f"{url}/.default"


class ResourceManager:
    """Azure Resource Manager over one session, which opens with the first call; failures say what to do.

    `url` is scheme and host. `token` is for its scope, and its owner closes it. `clock` is monotonic. `patience` is how
    many seconds a whole list may take.
    """

    def __init__(
        self,
        url: str,
        token: EntraToken,
        *,
        proxies: HttpProxies | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: float = LIST_SECONDS,
    ) -> None:
        self._url = url
        self._proxy = proxy_arguments(proxies or HttpProxies(), url)
        self._token = token
        self._clock = clock
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._throttled_until = float("-inf")

    async def deployments(self, resource_id: str) -> tuple[Deployed, ...]:
        """Return the deployments that serve models of OpenAI; raise `ConfigurationError` if they cannot be read."""
        wait = self._throttled_until - self._clock()
        if wait > 0:  # throttling is per identity, so it applies to every resource
            failure = _failure(THROTTLED)
            failure.headers = {"retry-after": str(math.ceil(wait))}
            raise failure
        try:
            async with asyncio.timeout(self._patience):
                return await self._list(resource_id)
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise _failure(UNREACHABLE) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _list(self, resource_id: str) -> tuple[Deployed, ...]:
        found: dict[str, Deployed] = {}  # by name, because an item may move to a later page between two calls
        url = URL(f"{self._url}{resource_id}/deployments?api-version={API_VERSION}", encoded=True)
        for _ in range(MAX_PAGES):
            page = await self._page(url)
            found |= {one.name: one for one in page.deployed}
            if page.next_link is None:
                return tuple(found.values())
            url = self._same_host(page.next_link)
        raise _failure(UNUSABLE)

    def _same_host(self, link: str) -> URL:
        """Return the address of the next page; the token must only be sent to Azure Resource Manager."""
        with suppress(ValueError):
            url = URL(link, encoded=True)  # its `$skiptoken` must not be changed
            if _place(url) == _place(URL(self._url)):
                return url
        raise _failure(UNUSABLE)

    async def _page(self, url: URL) -> DeploymentPage:
        token = await self._token.get()
        status, body = await self._get(url, token)
        if status == 401:
            status, body = await self._get(url, await self._token.renew(token))
        if status != 200:
            raise _failure(REASONS.get(status, UNREACHABLE))
        try:
            return parse_page(body)
        except (ValueError, RecursionError):
            raise _failure(UNUSABLE) from None

    async def _get(self, url: URL, token: Secret) -> tuple[int, bytes]:
        """Return the status of an answer, and its body if that is 200."""
        headers = {"authorization": f"Bearer {token.reveal()}", "accept": "application/json"}
        async with self._opened().get(url, headers=headers, allow_redirects=False, **self._proxy) as response:
            if response.status == 429:
                raise self._throttled(response)
            return response.status, await _whole(response.content) if response.status == 200 else b""

    def _throttled(self, response: aiohttp.ClientResponse) -> ConfigurationError:
        failure = _failure(THROTTLED)
        copy_retry_after(failure, response)
        asked = float(failure.headers.get("retry-after", "0"))
        self._throttled_until = self._clock() + min(asked, LONGEST_THROTTLE)
        return failure

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(connect=CONNECT_SECONDS, total=PAGE_SECONDS)
        return self._session


def _place(url: URL) -> tuple[str, str | None, str | None, int | None]:
    return url.scheme, url.user, url.host, url.port


async def _whole(content: aiohttp.StreamReader) -> bytes:
    page = await read_whole(content, LONGEST_PAGE)
    if page is None:
        raise _failure(UNUSABLE)
    return page


def _failure(reason: str) -> ConfigurationError:
    return ConfigurationError(CURES[reason], reason=reason)
