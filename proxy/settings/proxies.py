"""The HTTP proxy on the way out, from the variables that curl and Python know.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; in lower case they go first.
https://everything.curl.dev/usingcurl/proxies/env.html
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from proxy.settings import hosts
from proxy.settings.reader import Reader
from proxy.values import Secret

_DEFAULT_PORTS = {"https": 443, "http": 80}
_EXPECTED = "must be the address of an HTTP proxy, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAddress:
    """Where a proxy listens, `http://host:port`, and the Proxy-Authorization that it wants."""

    url: str
    authorization: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """Which proxy leads to an address; `bypassed` are names that are reached without one."""

    by_scheme: Mapping[str, ProxyAddress] = field(default_factory=dict)
    bypassed: frozenset[str] = frozenset()

    def of(self, url: str) -> ProxyAddress | None:
        """Return the proxy on the way to a URL; None when the way is direct, as it always is within this machine."""
        if not self.by_scheme:
            return None
        parts = hosts.split(url)
        host, proxy = parts.hostname or "", self.by_scheme.get(parts.scheme)
        if proxy is None or hosts.LOOPBACK.fullmatch(host):
            return None
        return None if self._bypasses(host, parts.port or _DEFAULT_PORTS[parts.scheme]) else proxy

    def _bypasses(self, host: str, port: int) -> bool:
        names = {"*", *_with_parents(host)}
        return not self.bypassed.isdisjoint(names | {f"{name}:{port}" for name in names})


def read_proxies(read: Reader) -> Proxies:
    """Read the variables; the proxy of a scheme goes before the one for all."""
    found = {scheme: _first(read, f"{scheme}_proxy", "all_proxy") for scheme in _DEFAULT_PORTS}
    bypassed = read.optional("no_proxy", _bypassed) or read.optional("NO_PROXY", _bypassed) or frozenset()
    return Proxies(by_scheme={scheme: proxy for scheme, proxy in found.items() if proxy}, bypassed=bypassed)


def proxy_address(text: str) -> ProxyAddress:
    """Return a proxy's address and credentials; one without a scheme is http, as for curl."""
    url = hosts.split(text if "://" in text else f"http://{text}")
    login, _, authority = url.netloc.rpartition("@")
    if url.scheme != "http" or not hosts.AUTHORITY.fullmatch(authority) or url.path.strip("/"):
        raise ValueError(_EXPECTED)
    return ProxyAddress(url=f"http://{authority}", authorization=_basic(login) if "@" in url.netloc else None)


def _basic(login: str) -> Secret:
    """Return the credentials of an address as a header; each half is percent-encoded there."""
    user, _, password = login.partition(":")
    if not user or ":" in unquote(user):
        raise ValueError(_EXPECTED)
    return Secret("Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())


def _first(read: Reader, *names: str) -> ProxyAddress | None:
    spellings = (spelling for name in names for spelling in (name, name.upper()))
    return next((read.optional(name, proxy_address) for name in spellings if read.has(name)), None)


def _bypassed(text: str) -> frozenset[str]:
    """Return names in one form: `.azure.com`, `*.azure.com` and `azure.com` all mean the name and all below it."""
    entries = text.lower().replace(",", " ").replace("[", "").replace("]", "").split()
    return frozenset(entry if entry == "*" else entry.lstrip("*.") for entry in entries)


def _with_parents(host: str) -> Iterator[str]:
    while host:
        yield host
        host = host.partition(".")[2]
