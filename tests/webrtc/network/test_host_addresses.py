from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pytest

from livekit.webrtc.network.host_addresses import MAX_HOST_ADDRESSES, host_addresses
from tests.webrtc.network.inbox import LOOPBACK


@dataclass
class Ip:
    """As `ifaddr.IP`; an IPv6 address comes with flow information and scope."""

    ip: str | tuple[str, int, int]


@dataclass
class Adapter:
    ips: list[Ip]


def use_addresses(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    ips = [Ip((address, 0, 0) if ":" in address else address) for address in addresses]
    monkeypatch.setattr("ifaddr.get_adapters", lambda: [Adapter(ips)])


def test_addresses_of_this_host() -> None:
    found = [ipaddress.ip_address(address) for address in host_addresses()]
    assert found
    assert not any(address.is_link_local for address in found)
    assert len(found) == 1 or not any(address.is_loopback for address in found)


def test_ipv4_precedes_ipv6_and_local_ones_are_omitted(monkeypatch: pytest.MonkeyPatch) -> None:
    use_addresses(monkeypatch, "2001:db8::1", "fe80::1", "127.0.0.1", "10.0.0.1", "::1", "169.254.0.1", "192.0.2.7")
    assert host_addresses() == ["10.0.0.1", "192.0.2.7", "2001:db8::1"]


def test_number_of_addresses_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    use_addresses(monkeypatch, *(f"10.0.0.{index}" for index in range(1, 100)))
    assert len(host_addresses()) == MAX_HOST_ADDRESSES


def test_loopback_is_used_only_without_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    use_addresses(monkeypatch, "127.0.0.1", "::1")
    assert host_addresses() == [LOOPBACK]
