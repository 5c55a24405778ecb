"""The HTTP proxy for requests to Azure, from the variables that curl and Python know.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; their lower-case spellings take precedence.
https://everything.curl.dev/usingcurl/proxies/env.html
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import unquote

from proxy.config.addresses import AUTHORITY, LOOPBACK, split_url
from proxy.config.environment import Environment, Setting
from proxy.values import Secret

T = TypeVar("T")

_DEFAULT_PORTS = {"https": 443, "http": 80}
_EXPECTED = "must be the address of an HTTP proxy, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProxy:
    """Where a proxy listens, `http://host:port`, and the Proxy-Authorization header that it expects."""

    url: str
    authorization: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProxies:
    """Which proxy to use for a URL; `bypassed` are the host names that are reached without one."""

    by_scheme: Mapping[str, HttpProxy] = field(default_factory=dict)
    bypassed: frozenset[str] = frozenset()

    def for_url(self, url: str) -> HttpProxy | None:
        """Return the proxy for a URL; None for a direct connection, which this machine always gets."""
        if not self.by_scheme:
            return None
        parts = split_url(url)
        host, proxy = parts.hostname or "", self.by_scheme.get(parts.scheme)
        if proxy is None or LOOPBACK.fullmatch(host):
            return None
        return None if self._bypasses(host, parts.port or _DEFAULT_PORTS[parts.scheme]) else proxy

    def _bypasses(self, host: str, port: int) -> bool:
        names = {"*", *_with_parents(host)}
        return not self.bypassed.isdisjoint(names | {f"{name}:{port}" for name in names})


def read_http_proxies(
    environment: Environment,
    by_scheme: Mapping[str, Setting[HttpProxy]],
    for_all: Setting[HttpProxy],
    no_proxy: Setting[frozenset[str]],
) -> HttpProxies:
    """Read the variables; the one for a scheme takes precedence over the one for all schemes."""
    found = {scheme: _first(environment, setting, for_all) for scheme, setting in by_scheme.items()}
    return HttpProxies(
        by_scheme={scheme: proxy for scheme, proxy in found.items() if proxy},
        bypassed=_first(environment, no_proxy) or frozenset(),
    )


def parse_http_proxy(text: str) -> HttpProxy:
    """Return a proxy's address and credentials; one without a scheme is http, as for curl."""
    url = split_url(text if "://" in text else f"http://{text}")
    login, _, authority = url.netloc.rpartition("@")
    if url.scheme != "http" or not AUTHORITY.fullmatch(authority) or url.path.strip("/"):
        raise ValueError(_EXPECTED)
    return HttpProxy(url=f"http://{authority}", authorization=_basic_credentials(login) if "@" in url.netloc else None)


def _basic_credentials(login: str) -> Secret:
    """Return the credentials of an address as a header; each half is percent-encoded in the address."""
    user, _, password = login.partition(":")
    if not user or ":" in unquote(user):
        raise ValueError(_EXPECTED)
    return Secret("Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())


def parse_no_proxy(text: str) -> frozenset[str]:
    """Return host names in one form: `.azure.com`, `*.azure.com` and `azure.com` mean the name and all below it."""
    entries = text.lower().replace(",", " ").replace("[", "").replace("]", "").split()
    return frozenset(entry if entry == "*" else entry.lstrip("*.") for entry in entries)


def _first(environment: Environment, *settings: Setting[T]) -> T | None:
    """Return the value of the first variable that has one."""
    spellings = (replace(setting, name=name) for setting in settings for name in (setting.name.lower(), setting.name))
    return next(filter(None, map(environment.read_optional, spellings)), None)


def _with_parents(host: str) -> Iterator[str]:
    while host:
        yield host
        host = host.partition(".")[2]
