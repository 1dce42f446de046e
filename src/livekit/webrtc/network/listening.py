"""Binding of sockets to several addresses and one port."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import cast

__all__ = ["bind_all", "bind_tcp", "is_unavailable"]

ATTEMPTS = 10
"""Attempts to find a port that is free on all addresses."""
UNAVAILABLE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""Errors of an address that this host does not have, or of an address family that it does not support."""


def is_unavailable(error: OSError) -> bool:
    """Return whether an address cannot be used on this host at all, as opposed to a port that is taken."""
    return error.errno in UNAVAILABLE


def bind_tcp(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Return a TCP socket for each address of `hosts`, see `bind_all`; one of IPv6 does not accept IPv4."""
    return bind_all(hosts, port, _bind_tcp)


def bind_all(hosts: Sequence[str], port: int, bind: Callable[[str, int], socket.socket]) -> list[socket.socket]:
    """Return a socket bound to each address of `hosts` that this host has, all to one port; `port` 0 selects it.

    Raises:
        OSError: the port is taken on one of the addresses, or none of them is available.
    """
    attempts = ATTEMPTS if port == 0 else 1
    while True:
        attempts -= 1
        try:
            return _bind_each(hosts, port, bind)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not attempts:
                raise


def _bind_each(hosts: Sequence[str], port: int, bind: Callable[[str, int], socket.socket]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    unavailable: OSError | None = None
    try:
        for host in hosts:
            try:
                bound.append(bind(host, port))
            except OSError as error:
                if not is_unavailable(error):
                    raise
                unavailable = error
                continue
            port = cast(int, bound[0].getsockname()[1])
        if unavailable is not None and not bound:
            raise unavailable
    except BaseException:
        for one in bound:
            one.close()
        raise
    return bound


def _bind_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tcp_socket = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix" and sys.platform != "cygwin":
            tcp_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            tcp_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tcp_socket.setblocking(False)
        tcp_socket.bind((host, port))
    except BaseException:
        tcp_socket.close()
        raise
    return tcp_socket
