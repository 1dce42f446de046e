"""Why a connection to the server failed, in words that help."""

from __future__ import annotations

import http.client
import re
import socket
import ssl

import aiohttp
from yarl import URL

from livekit.errors import AuthenticationError, ConnectError, NotLiveKitError, ServerUnreachableError

__all__ = ["RouteMissingError", "classify_exception", "classify_status", "explain_refusal", "quote_text"]

MAX_SERVER_TEXT = 300
"""Characters of a server's answer that an error message repeats."""

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""Servers repeat the token that they refuse; error messages end up in logs, where it must not be."""

_REFUSAL_HINTS = (
    ("expired", "Make a new token, and check that the clocks of both machines agree."),
    ("not valid yet", "The token starts later: check that the clocks of both machines agree."),
    ("nbf", "The token starts later: check that the clocks of both machines agree."),
    ("signature", "The token was signed with another secret: check LIVEKIT_API_SECRET."),
    ("cryptographic", "The token was signed with another secret: check LIVEKIT_API_SECRET."),
    (
        "api key",
        "The key that signed the token is unknown to this server: check LIVEKIT_API_KEY and the server's keys.",
    ),
    ("permission", "The token lacks the grant: it needs roomJoin and this room's name."),
)
_DEFAULT_REFUSAL_HINT = (
    "Check that the token is signed with the server's key and secret and grants roomJoin for this room."
)
_NO_NAME = (aiohttp.ClientConnectorDNSError, socket.gaierror)


class RouteMissingError(NotLiveKitError):
    """The signalling route answers 404: an older LiveKit server, or none."""


def classify_exception(error: BaseException, url: URL) -> ConnectError:
    """The connect error for what aiohttp, http.client or a socket raised before an HTTP status came."""
    where = f"{url.host}:{url.port}"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        hint = "If the server speaks plain HTTP, use ws:// instead of wss://; else check its certificate."
        return ServerUnreachableError(f"TLS with {where} failed: {error}. {hint}")
    if isinstance(error, _NO_NAME) or isinstance(error.__cause__, socket.gaierror):
        return ServerUnreachableError(
            f"the name {url.host!r} does not resolve. Check the server's URL and the network."
        )
    if isinstance(error, (aiohttp.ClientConnectorError, ConnectionRefusedError)):
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        reason = cause.strerror or str(cause)
        return ServerUnreachableError(
            f"no connection to {where}: {reason}. Check that the server runs there and that no firewall is between."
        )
    if isinstance(error, (aiohttp.ServerDisconnectedError, http.client.RemoteDisconnected)):
        return NotLiveKitError(f"{where} closed the connection without an answer. {_NOT_LIVEKIT_HINT}")
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError, http.client.HTTPException)):
        said = str(getattr(error, "message", "") or type(error).__name__).split("\n", 1)[0][:80]
        return NotLiveKitError(f"{where} does not answer in HTTP ({said}). {_NOT_LIVEKIT_HINT} {_TLS_HINT}")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return ServerUnreachableError(
            f"the connection to {where} failed: {str(error) or type(error).__name__}. {_TLS_HINT}"
        )
    return ConnectError(f"connecting to {where} failed: {error!r}")


_NOT_LIVEKIT_HINT = "Check that the URL is that of a LiveKit server."
_TLS_HINT = "If the server speaks TLS, use wss://."


def classify_status(status: int, text: str, url: URL) -> ConnectError:
    """The connect error for an HTTP status; `text` is what the server says about it, if it does."""
    where = f"{url.host}:{url.port}"
    said = quote_text(text)
    if status in {401, 403}:
        return AuthenticationError(explain_refusal(status, text), status)
    if status == 404 and "room" in text.lower():
        return ConnectError(f"the server at {where} has no such room{said}. Create the room first.")
    if status == 404:
        return RouteMissingError(f"{where} has no LiveKit signalling (404 at {url.path}). {_NOT_LIVEKIT_HINT}")
    if status == 429:
        return ConnectError(f"the server at {where} is over a limit (429){said}. Try again later.")
    if status >= 500:
        return ServerUnreachableError(f"the server at {where} fails ({status}){said}. Try again, or see its log.")
    if status == 400:
        return ConnectError(f"the server at {where} refused the request (400){said}.")
    return NotLiveKitError(f"{where} answered {status} instead of opening a WebSocket{said}. {_NOT_LIVEKIT_HINT}")


def explain_refusal(status: int, text: str) -> str:
    """What a refused token means, judged by what the server said."""
    lower = text.lower()
    hint = next((hint for word, hint in _REFUSAL_HINTS if word in lower), _DEFAULT_REFUSAL_HINT)
    return f"the server refused the token ({status}){quote_text(text)}. {hint}"


def quote_text(text: str) -> str:
    """What a server says, to be put behind an error message: on one line, cut, and without a token."""
    line = _TOKEN.sub("…", " ".join(text.split()))
    if not line or line.startswith("<"):
        return ""
    return f": {line if len(line) <= MAX_SERVER_TEXT else line[:MAX_SERVER_TEXT] + '…'}"
