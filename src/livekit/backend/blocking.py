"""A POST without asyncio: one connection, one deadline, nothing left behind. It works in every thread, and beside a
running event loop (which it blocks)."""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import time
from typing import cast
from urllib.parse import urlsplit

from .twirp import MAX_ANSWER, Request


def post(request: Request, timeout: float) -> tuple[int, bytes]:
    """Send a request and wait for at most `timeout` seconds; the resolver of names may take longer.

    Returns:
        HTTP status and body.

    Raises:
        TimeoutError: no answer in time.
        OSError, http.client.HTTPException: no answer.
    """
    url = urlsplit(request.url)
    assert url.hostname is not None
    port = url.port or (443 if url.scheme == "https" else 80)
    connection = http.client.HTTPConnection(url.hostname, port)
    deadline = time.monotonic() + timeout
    with _connect(url.hostname, port, deadline, secure=url.scheme == "https") as open_socket:
        # http.client frames; the deadline is kept by what it reads and writes with.
        connection.sock = cast("socket.socket", _DeadlineSocket(open_socket, deadline))
        connection.request("POST", url.path, request.body, {**request.headers, "Connection": "close"})
        with connection.getresponse() as response:
            body = response.read(MAX_ANSWER)
            if response.length and len(body) < MAX_ANSWER:
                raise http.client.IncompleteRead(body, response.length)
            return response.status, body


def _connect(host: str, port: int, deadline: float, *, secure: bool) -> socket.socket:
    failure = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(_left(deadline))
            opened.connect(address)
            return _tls().wrap_socket(opened, server_hostname=host) if secure else opened
        except BaseException as error:
            opened.close()
            if not isinstance(error, OSError) or isinstance(error, (TimeoutError, ssl.SSLError)):
                raise
            failure = error
    raise failure


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


class _DeadlineSocket:
    """What `http.client` needs of a socket, until a point in time rather than with a timeout for each operation."""

    def __init__(self, opened: socket.socket, deadline: float) -> None:
        self._socket = opened
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._socket, self._deadline))

    def close(self) -> None:
        """The socket belongs to who opened it."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, opened: socket.socket, deadline: float) -> None:
        super().__init__()
        self._socket = opened
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)
