"""The POST that carries a Twirp request."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import socket
from typing import TYPE_CHECKING, Any

from livekit._util.aio import within

from .twirp import MAX_RESPONSE_SIZE, TwirpRequest, TwirpResponse

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from livekit._http.proxies import Proxy


def load_http_client() -> None:
    """Import the HTTP client, which takes a few hundred milliseconds and otherwise happens in the first request."""
    for module in ("aiohttp", "livekit._http.session", "livekit._http.refusals"):
        importlib.import_module(module)


async def post(request: TwirpRequest, timeout: float, session: ClientSession | None = None) -> TwirpResponse:
    """Send a request and return the response, with at most `MAX_RESPONSE_SIZE` bytes of its body.

    Args:
        request: the request.
        timeout: seconds for the whole exchange: name resolution, connection, request and response.
        session: makes the request, by its own settings; None to open one connection, through the proxy that the
            environment names, and close it afterwards.

    Raises:
        TimeoutError: the exchange did not end within `timeout`.
        ConnectError: the server could not be reached, or does not speak HTTP.
    """
    import aiohttp
    from yarl import URL

    from livekit._http.failures import classify_exception
    from livekit._http.proxies import find_proxy

    try:
        return await within(timeout, _exchange(request, session))
    except asyncio.TimeoutError:
        raise TimeoutError("the server did not respond in time") from None
    except (aiohttp.ClientError, OSError, MemoryError, ValueError) as error:
        url = URL(request.url)
        raise classify_exception(error, url, find_proxy(url) if session is None else None) from None


async def _exchange(request: TwirpRequest, session: ClientSession | None) -> TwirpResponse:
    from aiohttp import TCPConnector
    from yarl import URL

    from livekit._http.session import open_session

    if session is not None:
        return await _send(request, session, None)
    with _OpenSockets() as sockets:
        connector = TCPConnector(force_close=True, socket_factory=sockets.open)
        route = open_session(URL(request.url), connector=connector)
        async with route.session:
            return await _send(request, route.session, route.proxy)


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


async def _send(request: TwirpRequest, session: ClientSession, proxy: Proxy | None) -> TwirpResponse:
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
        return TwirpResponse(response.status, bytes(received[:MAX_RESPONSE_SIZE]), response.headers, proxy)
