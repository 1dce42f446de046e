"""Loopback hosts."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return whether `host`, without port, is a loopback name or address; an IPv6 address may be in brackets."""
    name = host.strip("[]").rstrip(".").lower()
    address = parse_address(name)
    return address.is_loopback if address is not None else name == "localhost" or name.endswith(".localhost")


def is_loopback_url(url: str) -> bool:
    """Return whether the host of `url` is a loopback name or address; False for anything that is not a URL."""
    try:
        return is_loopback(urlsplit(url.strip()).hostname or "")
    except ValueError:
        return False


def parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a numeric address, without its zone and as IPv4 if it is mapped to IPv6; None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
