"""Noticing that this host has lost the address that a connection uses: nothing else would tell for seconds."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

from livekit.signaling import SocketName

__all__ = ["POLL_INTERVAL", "LocalAddressMonitor", "is_local"]

POLL_INTERVAL = 1.0
"""Seconds; looking costs some microseconds."""


class LocalAddressMonitor:
    """Calls `gone` once, when the address is none of this host's any more."""

    def __init__(self, name: SocketName, gone: Callable[[str], None]) -> None:
        self._name = name
        self._gone = gone
        self._timer = asyncio.get_running_loop().call_later(POLL_INTERVAL, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if is_local(self._name):
            self._timer = asyncio.get_running_loop().call_later(POLL_INTERVAL, self._look)
        else:
            self._gone(f"this host has lost its address {self._name[0]}")


def is_local(name: SocketName) -> bool:
    """Whether a socket can be bound to this address; True where there is no telling."""
    host, _, *scope = name
    probe = (host, 0, *scope)
    with contextlib.suppress(OSError), socket.socket(_family(host), socket.SOCK_DGRAM) as probing:
        try:
            probing.bind(probe)
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
