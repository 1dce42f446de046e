"""The POST that carries a Twirp request."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import socket
from typing import TYPE_CHECKING, Any

from livekit._util.aio import within

from .twirp import MAX_RESPONSE_SIZE, TwirpRequest

if TYPE_CHECKING:
    from aiohttp import ClientSession


def load_http_client() -> None:
    """Import the HTTP client, which takes a few hundred milliseconds and otherwise happens in the first request."""
    for module in ("aiohttp", "livekit.signaling.failures"):
        importlib.import_module(module)


async def post(request: TwirpRequest, timeout: float, session: ClientSession | None = None) -> tuple[int, bytes]:
    """Send a request and return the HTTP status and at most `MAX_RESPONSE_SIZE` bytes of the body.

    Args:
        request: the request.
        timeout: seconds for the whole exchange: name resolution, connection, request and response.
        session: makes the request; None to open one connection and close it afterwards.

    Raises:
        TimeoutError: the exchange did not end within `timeout`.
        ConnectError: the server could not be reached, or does not speak HTTP.
    """
    import aiohttp
    from yarl import URL

    from livekit.signaling.failures import classify_exception

    try:
        return await within(timeout, _exchange(request, session))
    except asyncio.TimeoutError:
        raise TimeoutError("the server did not respond in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise classify_exception(error, URL(request.url)) from error


async def _exchange(request: TwirpRequest, session: ClientSession | None) -> tuple[int, bytes]:
    from aiohttp import ClientSession, TCPConnector

    if session is not None:
        return await _send(request, session)
    with _OpenSockets() as sockets:
        connector = TCPConnector(force_close=True, socket_factory=sockets.open)
        async with ClientSession(connector=connector) as own_session:
            return await _send(request, own_session)


class _OpenSockets:
    """The sockets of an exchange, shut down at its end.

    aiohttp only closes their transports, which keep a socket open until the server has read all buffered data.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> _OpenSockets:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._sockets:
            with contextlib.suppress(OSError):  # not connected, or closed
                opened.shutdown(socket.SHUT_RDWR)

    def open(self, address: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        opened = socket.socket(*address[:3])
        self._sockets.append(opened)
        return opened


async def _send(request: TwirpRequest, session: ClientSession) -> tuple[int, bytes]:
    from aiohttp import ClientTimeout

    body = io.BytesIO(request.body)  # sent in chunks; bytes would be written, and buffered, at once
    async with session.post(
        request.url, data=body, headers=request.headers, allow_redirects=False, timeout=ClientTimeout()
    ) as response:
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) >= MAX_RESPONSE_SIZE:
                break
        return response.status, bytes(received[:MAX_RESPONSE_SIZE])
