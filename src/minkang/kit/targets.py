"""Where this server may send requests of its own: to what an operator has named, and to nothing else.

Whoever may store a Subscription may choose an address, and the server's own network has much that must not be asked for
by strangers (https://owasp.org/www-community/attacks/Server_Side_Request_Forgery). So targets are prefixes of URLs, and
the addresses a name leads to are looked at when the connection is made, not before.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
LONGEST = 2_048

_PLAIN = re.compile(r"[\x21-\x7e]+")


class NotAllowed(ValueError):
    """This address must not be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """`path` with its query, as it stands in a request."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What a Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Raises NotAllowed for what is not a plain http(s) URL."""
    if len(url) > LONGEST or not _PLAIN.fullmatch(url) or "\\" in url:
        raise NotAllowed("The address is not a URL of plain characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed("The address is not a URL.") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise NotAllowed("The address is not an http or https URL.")
    if "@" in parts.netloc or parts.fragment:
        raise NotAllowed("The address must have no user, password or fragment.")
    path = parts.path or "/"
    if any(part.lower().replace("%2e", ".") in (".", "..") for part in path.split("/")):
        raise NotAllowed("The address has dots for a path segment.")
    return Target(
        parts.scheme,
        parts.hostname,
        PORTS[parts.scheme] if port is None else port,
        path + (f"?{parts.query}" if parts.query else ""),
    )


def allowed(url: str, prefixes: Sequence[str]) -> Target:
    """Raises NotAllowed when the URL is below none of the prefixes."""
    wanted = target(url)
    for prefix in prefixes:
        one = target(prefix)
        place = one.path.rstrip("/")
        same = (one.scheme, one.host, one.port) == (wanted.scheme, wanted.host, wanted.port)
        if same and (wanted.path == place or wanted.path.startswith((f"{place}/", f"{place}?"))):
            return wanted
    raise NotAllowed("The address is not among the targets that this server may send to.")


def reachable(one: Target, address: str) -> bool:
    """Whether an address that the target's name leads to may be connected to. A name must not lead to this machine
    unless it says so, nor to what is no host at all (among them the metadata services of clouds, 169.254.169.254)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return _is_here(one.host)
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
