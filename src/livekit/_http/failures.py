"""Classifies requests that failed before an HTTP status: error class, cause and remedy."""

from __future__ import annotations

import os
import re
import socket
import ssl

import aiohttp
from yarl import URL

from livekit._util.exhaustion import exhausted_errno, exhausted_resource
from livekit.errors import ConnectError, NotLiveKitError, ProxyError, ResourceExhaustedError, ServerUnreachableError

from .proxies import Proxy
from .urls import host_and_port

__all__ = ["NOT_LIVEKIT_HINT", "classify_exception", "place", "proxy_unreachable"]

NOT_LIVEKIT_HINT = "Check that the URL is that of a LiveKit server."
_TLS_HINT = "If the server uses TLS, use wss://."
_NO_TLS_HINT = "If the server does not use TLS, use ws:// instead of wss://; otherwise check its certificate."
_NO_SERVER_HINT = "Check that the server is running and that no firewall blocks it."
_ERRNO = re.compile(r"\[Errno (\d+)\]")


def place(url: URL, proxy: Proxy | None = None) -> str:
    """Return host and port of a server for error messages, with the proxy in between."""
    return host_and_port(url) + (f" through the proxy {proxy}" if proxy is not None else "")


def classify_exception(error: BaseException, url: URL, proxy: Proxy | None = None) -> ConnectError:
    """Return the ConnectError for an exception of aiohttp or a socket, raised before any HTTP status."""
    if isinstance(error, ConnectError):
        return error
    where = place(url, proxy)
    resource = exhausted_resource(error)
    if resource is not None:
        return ResourceExhaustedError(f"no connection to {where}: {resource}.", exhausted_errno(error))
    return _proxy_error(error, url, proxy) or _server_error(error, url, where)


def _proxy_error(error: BaseException, url: URL, proxy: Proxy | None) -> ConnectError | None:
    """Return the error of the proxy that aiohttp uses, from the environment or a session of the user; else None."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ProxyError(
            f"the session's proxy refused to connect to {place(url)} ({error.status} {error.message})",
            status=error.status,
        )
    if isinstance(error, aiohttp.ClientConnectorError) and (error.host, error.port) != (url.host, url.port):
        return proxy_unreachable(error, proxy, f"{error.host}:{error.port}")
    return None


def _server_error(error: BaseException, url: URL, where: str) -> ConnectError:
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return ServerUnreachableError(f"TLS with {where} failed: {_tls_problem(error)}. {_NO_TLS_HINT}")
    if _is_name_error(error):
        return ServerUnreachableError(
            f"the name {url.host!r} does not resolve. Check the server's URL and the network."
        )
    if isinstance(error, (aiohttp.ClientConnectorError, ConnectionRefusedError)):
        return ServerUnreachableError(f"no connection to {where}: {_os_problem(error)}. {_NO_SERVER_HINT}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return NotLiveKitError(f"{where} closed the connection without a response. {NOT_LIVEKIT_HINT}")
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError)):
        detail = str(getattr(error, "message", "") or type(error).__name__).split("\n", 1)[0][:80]
        return NotLiveKitError(f"{where} does not answer in HTTP ({detail}). {NOT_LIVEKIT_HINT} {_TLS_HINT}")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return ServerUnreachableError(f"the connection to {where} failed: {_os_problem(error)}. {_TLS_HINT}")
    return ConnectError(f"connecting to {where} failed: {error!r}")


def proxy_unreachable(error: Exception, proxy: Proxy | None, address: str = "") -> ConnectError:
    """Return the error for a failed connection to a proxy; `address` names one that is not from the environment."""
    resource = exhausted_resource(error)
    name = address if proxy is None else str(proxy)
    if resource is not None:
        return ResourceExhaustedError(f"no connection to the proxy {name}: {resource}.", exhausted_errno(error))
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        problem = f"TLS failed: {_tls_problem(error)}"
    elif _is_name_error(error):
        problem = "its name does not resolve"
    else:
        problem = _os_problem(error)
    check = "Check the session's proxy." if proxy is None else f"Check {proxy.variable}, or list the host in NO_PROXY."
    return ProxyError(
        f"no connection to the proxy {name}: {problem}. {check}", name if proxy is None else str(proxy.url)
    )


def _is_name_error(error: BaseException) -> bool:
    return isinstance(error, (aiohttp.ClientConnectorDNSError, socket.gaierror)) or isinstance(
        error.__cause__, socket.gaierror
    )


def _tls_problem(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    reason = getattr(error, "reason", "")  # missing in an SSLError that Python code created
    return str(reason or str(error) or type(error).__name__).replace("_", " ").lower()


def _os_problem(error: BaseException) -> str:
    """Return the reason of a failed connection in the system's words: asyncio puts the call and the address there."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    numbers = [number] if number else [int(found) for found in _ERRNO.findall(str(cause))]
    reasons = dict.fromkeys(os.strerror(one).lower() for one in numbers)
    return ", ".join(reasons) or str(cause) or type(cause).__name__
