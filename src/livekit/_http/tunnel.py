"""Connections through the CONNECT tunnel of an HTTP proxy (RFC 9110 section 9.3.6).

aiohttp opens tunnels for TLS only, and sends other requests to the proxy as they are; for a WebSocket, RFC 6455 section
4.1 requires a tunnel in both cases.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import re
import ssl
from collections.abc import Awaitable, Sequence

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from yarl import URL

from livekit.errors import ProxyError

from .failures import classify_exception, proxy_unreachable
from .proxies import Proxy
from .refusals import Refusal, proxy_refusal
from .urls import host_and_port

__all__ = ["TunnelConnector"]

MAX_HEAD = 65_536
"""Bytes of the proxy's response before the tunnel starts."""


class TunnelConnector(aiohttp.BaseConnector):
    """Opens every connection through one proxy. Closing it aborts them."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(force_close=True)
        self._proxy = proxy
        self._transports: list[asyncio.Transport] = []

    def close(self, *, abort_ssl: bool = False) -> Awaitable[None]:
        for transport in self._transports:
            transport.abort()
        return super().close(abort_ssl=abort_ssl)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: Sequence[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        """Connect; aiohttp's hook for connectors."""
        loop = asyncio.get_running_loop()
        transport = await open_tunnel(self._proxy, req.url)
        protocol = ResponseHandler(loop)
        try:
            if req.is_ssl():
                context = req.ssl if isinstance(req.ssl, ssl.SSLContext) else _default_context()
                transport = await _start_tls(transport, protocol, context, req.url)
        except BaseException as error:
            transport.abort()
            if isinstance(error, OSError):
                raise classify_exception(error, req.url) from None
            raise
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self._transports = [one for one in self._transports if not one.is_closing()]
        self._transports.append(transport)
        return protocol


async def _start_tls(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext, url: URL
) -> asyncio.Transport:
    upgraded = await asyncio.get_running_loop().start_tls(transport, protocol, context, server_hostname=url.raw_host)
    if upgraded is None:
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    return upgraded


async def open_tunnel(proxy: Proxy, url: URL) -> asyncio.Transport:
    """Return a connection to the host of `url` through a proxy. Raises ProxyError."""
    loop = asyncio.get_running_loop()
    try:
        tls = _default_context() if proxy.url.scheme == "https" else None
        transport, head = await loop.create_connection(_HeadReader, proxy.url.host or "", proxy.url.port or 0, ssl=tls)
    except OSError as error:
        raise proxy_unreachable(error, proxy) from None
    try:
        target = host_and_port(url)
        lines = (f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(f"{k}: {v}" for k, v in proxy.headers.items()))
        transport.write("\r\n".join((*lines, "", "")).encode("latin-1"))
        answer = _parse_head(await head.received)
        if answer is None:
            raise ProxyError(f"the proxy {proxy} does not answer in HTTP. Check {proxy.variable}.", str(proxy.url))
        if not 200 <= answer.status < 300:
            raise proxy_refusal(answer, proxy, url)
    except ConnectionError:
        transport.abort()
        problem = f"closed the connection instead of connecting to {host_and_port(url)}"
        raise ProxyError(f"the proxy {proxy} {problem}. Check {proxy.variable}.", str(proxy.url)) from None
    except BaseException:
        transport.abort()
        raise
    return transport


class _HeadReader(asyncio.Protocol):
    """Receives the head of the proxy's response; then another protocol takes over the connection."""

    def __init__(self) -> None:
        self.received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        if (b"\r\n\r\n" in self._data or len(self._data) > MAX_HEAD) and not self.received.done():
            self.received.set_result(self._data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.received.done():
            return
        if self._data:
            self.received.set_result(self._data)
        else:
            self.received.set_exception(exc if isinstance(exc, ConnectionError) else ConnectionResetError())
            self.received.exception()  # retrieved, so that asyncio does not log it if the caller was cancelled


def _parse_head(head: bytes) -> Refusal | None:
    """Return status, reason and headers; None if it is not the head of an HTTP response."""
    first, *lines = head.decode("latin-1").split("\r\n")
    match = re.match(r"HTTP/1\.[01] ([0-9]{3})\b *(.*)", first)
    if match is None or b"\r\n\r\n" not in head:
        return None
    pairs = (line.partition(":") for line in lines)
    return Refusal(int(match[1]), match[2], {name.strip().title(): value.strip() for name, _, value in pairs})


@functools.lru_cache(maxsize=1)
def _default_context() -> ssl.SSLContext:
    return ssl.create_default_context()
