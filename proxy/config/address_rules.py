"""Which addresses a server of OpenAI's API may have that is not Azure's, so that no setting leads to a service inside.

The endpoint is checked when the settings are read, and every address that its name leads to when a connection is made:
a name may lead elsewhere by then. Resources of Azure are not checked: behind Private Link they have private addresses.

https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult

_PORTS = {"https": 443, "http": 80}
# A host whose last part is a number is an address to the resolver, also one that only it can read: 127.1, 0x7f000001.
_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE | re.ASCII)
_THIS_MACHINE = re.compile(r"(?:.+\.)?localhost\.?", re.IGNORECASE | re.ASCII)

_PRIVATE_4 = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
_PRIVATE_6 = IPv6Network("fc00::/7")
_GLOBAL_6 = IPv6Network("2000::/3")
# These lead to an address of IPv4, which is in the last four bytes: https://www.rfc-editor.org/rfc/rfc6052
_WITH_IPV4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
# Services for the machines of a cloud, the metadata with their tokens among them, that have no link-local address.
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_SERVICES = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254")))
_PROTOCOLS_4 = IPv4Network("192.0.0.0/24")

_NEVER = "must not be the address of a link, of the platform or of nobody"
_LOOPBACK = "must not be this machine: that is for local development"
_PRIVATE = "must not be a private address: set UPSTREAM_PRIVATE_ADDRESSES to allow those"
_PLAIN = "must be an https address; http is for this machine and for private addresses"


class Reach(Enum):
    """From where an address can be reached."""

    PUBLIC = "everywhere"
    PRIVATE = "a private network"
    LOOPBACK = "this machine"
    NEVER = "a link, the platform, many or nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRules:
    """What may be connected to.

    `loopback` allows this machine, `private` private networks. `tokens` are host and port of what gives tokens of the
    managed identity to whoever asks.
    """

    loopback: bool = False
    private: bool = False
    tokens: tuple[tuple[str, int], ...] = ()

    def endpoint_problem(self, url: SplitResult) -> str | None:
        """Return what is wrong with an endpoint, None if nothing is; a name may still lead to a wrong address."""
        host, port = (url.hostname or "").rstrip("."), url.port or _PORTS[url.scheme]
        secure = url.scheme == "https"
        if any(port == other and host == name for name, other in self.tokens):
            return _NEVER
        if _THIS_MACHINE.fullmatch(host):
            return self.address_problem("127.0.0.1", port, secure=secure)
        if ":" in host or _NUMBER.fullmatch(host):
            return self.address_problem(host, port, secure=secure)
        return None if secure or self.private else _PLAIN

    def address_problem(self, address: str, port: int, *, secure: bool) -> str | None:
        """Return why an address may not be connected to, None if it may; a connection that is `secure` has TLS."""
        reach = reach_of(address)
        if reach is Reach.NEVER or (reach is not Reach.PUBLIC and self._gives_tokens(address, port)):
            return _NEVER
        problems = {
            Reach.LOOPBACK: None if self.loopback else _LOOPBACK,
            Reach.PRIVATE: None if self.private else _PRIVATE,
            Reach.PUBLIC: None if secure else _PLAIN,
        }
        return problems[reach]

    def _gives_tokens(self, address: str, port: int) -> bool:
        """Tell whether tokens may be given at an address: what is behind a name of its own, nobody knows here."""
        return any(
            port == other and (_parse(name) is None or _parse(name) == _parse(address)) for name, other in self.tokens
        )


def reach_of(address: str) -> Reach:
    """Return from where an address can be reached; `NEVER` for what is no address."""
    parsed = _parse(address)
    if parsed is None or parsed in _SERVICES:
        return Reach.NEVER
    if parsed.is_loopback:
        return Reach.LOOPBACK
    if isinstance(parsed, IPv4Address):
        is_private = any(parsed in network for network in _PRIVATE_4)
        is_public = parsed.is_global and not parsed.is_multicast and parsed not in _PROTOCOLS_4
    else:
        is_private = parsed in _PRIVATE_6
        is_public = parsed.is_global and parsed in _GLOBAL_6
    return Reach.PRIVATE if is_private else Reach.PUBLIC if is_public else Reach.NEVER


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address; that of IPv4 which an address of IPv6 leads to in its place. None for what is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if any(address in network for network in _WITH_IPV4) else address
