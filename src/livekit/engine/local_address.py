"""Detects that this host has lost the local address of a connection, which no socket reports for seconds."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

from livekit.signaling import SocketName

__all__ = ["POLL_INTERVAL", "LocalAddressMonitor", "is_local"]

POLL_INTERVAL = 1.0
"""Seconds; a check takes microseconds."""


class LocalAddressMonitor:
    """Polls a local address; calls `on_lost` once, with a message, when this host no longer has it."""

    def __init__(self, name: SocketName, on_lost: Callable[[str], None]) -> None:
        self._name = name
        self._on_lost = on_lost
        self._timer = asyncio.get_running_loop().call_later(POLL_INTERVAL, self._check)

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        if is_local(self._name):
            self._timer = asyncio.get_running_loop().call_later(POLL_INTERVAL, self._check)
        else:
            self._on_lost(f"this host has lost its address {self._name[0]}")


def is_local(name: SocketName) -> bool:
    """Return True if a socket can be bound to this address, or if that cannot be determined."""
    host, _, *scope = name
    address = (host, 0, *scope)
    with contextlib.suppress(OSError), socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
