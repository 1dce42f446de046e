"""The IP addresses of this host, for host candidates (RFC 8445 section 5.1.1.1)."""

from __future__ import annotations

import ipaddress

import ifaddr

__all__ = ["host_addresses"]

MAX_HOST_ADDRESSES = 16


def host_addresses() -> list[str]:
    """Return IPv4 addresses, then global IPv6 addresses; loopback only if there are no others."""
    addresses: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not (address.is_loopback or address.is_link_local or address.is_multicast):
                addresses.append(str(address))
    addresses.sort(key=lambda address: ":" in address)
    return addresses[:MAX_HOST_ADDRESSES] or ["127.0.0.1"]
