"""Sessions of requests to one server, through the proxy that the environment names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from .proxies import Proxy, find_proxy
from .tunnel import TunnelConnector

__all__ = ["Route", "open_session"]


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a server."""

    session: aiohttp.ClientSession
    """Makes the requests. Its owner must close it."""
    proxy: Proxy | None = None
    """The proxy that requests are sent to; None for a direct connection or a tunnel."""


def open_session(url: URL, *, connector: aiohttp.BaseConnector | None = None, **options: Any) -> Route:
    """Open a session for requests to the host of `url`.

    Args:
        url: a URL of the server, with the scheme of the requests.
        connector: makes direct connections; None for aiohttp's default.
        options: of aiohttp.ClientSession.

    Raises:
        ProxyError: HTTP_PROXY or HTTPS_PROXY does not name an HTTP proxy.
    """
    proxy = find_proxy(url)
    if proxy is None:
        return Route(aiohttp.ClientSession(connector=connector, **options))
    if url.scheme == "http":
        # Proxies forward plain requests, and often refuse tunnels to other ports than those of TLS.
        session = aiohttp.ClientSession(connector=connector, proxy=proxy.url, headers=proxy.headers, **options)
        return Route(session, proxy)
    return Route(aiohttp.ClientSession(connector=TunnelConnector(proxy), **options))
